#include "cluster/testing/simulation.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cluster/keys.h"
#include "cluster/node.h"
#include "cluster/placement.h"
#include "cluster/testing/sim_kv.h"
#include "cluster/testing/sim_replica.h"
#include "cluster/testing/sim_world.h"

namespace yizhan::cluster::testing {
namespace {

class Simulation {
 public:
  explicit Simulation(const SimulationOptions& options) : options_(options), world_(options.seed), store_(&world_) {
    for (int i = 0; i < options_.partitions; ++i) partitions_.push_back(absl::StrCat("im/", i));
    store_.unfenced = options_.unfenced;
    store_.on_put = [this](const std::string& key, const std::string& value) { CheckPut(key, value); };
    for (int i = 0; i < options_.nodes; ++i) {
      Machine& machine = machines_.emplace_back();
      machine.name = absl::StrCat("n", i + 1);
      machine.link = std::make_shared<SimLink>();
      if (i == 0) machine.disk.cluster_id = NewClusterId([this] { return world_.Bits(); });  // it founds
      for (const std::string& partition : partitions_) machine.disk.partitions[partition];
    }
  }

  SimulationReport Run() {
    for (Machine& machine : machines_) Boot(machine);
    const absl::Time begin = world_.now(), heal = begin + options_.troubled;
    Workload(heal + options_.quiet - absl::Seconds(5));
    Trouble(heal);
    Watch(heal + options_.quiet);
    world_.Run(heal);
    Heal();
    world_.Run(heal + options_.quiet);
    CheckEnd();
    report_.steps = world_.steps();
    return report_;
  }

  SettleReport Settle() {
    SettleReport report;
    for (Machine& machine : machines_) Boot(machine);
    report.founded = UntilPlaced();
    Kill(machines_.back(), false);
    report.died = UntilPlaced();
    Boot(machines_.back());
    report.came_back = UntilPlaced();
    return report;
  }

 private:
  struct Process {
    std::shared_ptr<SimProcess> life = std::make_shared<SimProcess>();
    std::unique_ptr<SimLoop> loop;
    std::unique_ptr<SimKv> kv;
    std::unique_ptr<SimReplica> replica;
    std::unique_ptr<Peers> peers;
    std::unique_ptr<Node> node;
    bool joined = false;
    std::set<std::string> owned;
  };
  struct Machine {
    std::string name;
    std::shared_ptr<SimLink> link;
    SimDisk disk;
    Process* process = nullptr;  // null while it is down
    bool draining = false;
  };
  // Other machines' replicas, read over the network between them.
  class SimPeers : public Peers {
   public:
    SimPeers(Simulation* simulation, Process* process) : simulation_(simulation), process_(process) {}
    void Fetch(const std::string& address, const std::string& partition, uint64_t from_seq,
               absl::AnyInvocable<void(absl::StatusOr<std::vector<std::string>>)> done) override {
      process_->loop->After(simulation_->world_.Between(absl::Microseconds(200), absl::Milliseconds(5)),
                            [=, this, done = std::move(done)]() mutable {
                              Machine* machine = simulation_->Find(address);
                              if (machine == nullptr || machine->process == nullptr ||
                                  machine->process->life->stopped_until > simulation_->world_.now())
                                return done(absl::UnavailableError("simulated: the machine does not answer"));
                              const auto& records = machine->disk.partitions[partition].records;
                              std::vector<std::string> found;
                              for (uint64_t seq = from_seq; seq <= records.size() && found.size() < 20; ++seq)
                                found.push_back(records[seq - 1]);
                              done(std::move(found));
                            });
    }

   private:
    Simulation* const simulation_;
    Process* const process_;
  };

  Machine* Find(const std::string& name) {
    for (Machine& machine : machines_) {
      if (machine.name == name) return &machine;
    }
    return nullptr;
  }

  void Violation(const std::string& what) {
    if (report_.violations.size() < 20)
      report_.violations.push_back(
          absl::StrCat("at ", absl::FormatDuration(world_.now() - (absl::UnixEpoch() + absl::Hours(1))), ": ", what));
  }
  void Say(const std::string& what) {
    if (options_.print)
      std::printf("%10.3f %s\n", absl::ToDoubleSeconds(world_.now() - (absl::UnixEpoch() + absl::Hours(1))),
                  what.c_str());
  }

  void Boot(Machine& machine) {
    auto process = std::make_unique<Process>();
    Process* p = process.get();
    processes_.push_back(std::move(process));
    machine.process = p;
    p->loop =
        std::make_unique<SimLoop>(&world_, p->life, 0.995 + 0.01 * static_cast<double>(world_.Below(1000)) / 1000);
    p->kv = std::make_unique<SimKv>(&world_, &store_, machine.link);
    p->peers = std::make_unique<SimPeers>(this, p);
    SimReplica::Hooks hooks;
    hooks.on_record = [this](const std::string& partition, uint64_t seq, const std::string& record) {
      CheckRecord(partition, seq, record);
    };
    hooks.on_own = [this, p, name = machine.name](const std::string& partition, bool owned) {
      Owned(name, p, partition, owned);
    };
    hooks.commit = [p](std::vector<CommitEntry> entries, CommitLog::Done done) {
      // The answer comes to the writer's thread, a moment later.
      p->node->Commit(std::move(entries), [p, done = std::move(done)](CommitOutcome outcome) mutable {
        p->loop->Post([done = std::move(done), outcome = std::move(outcome)]() mutable { done(std::move(outcome)); });
      });
    };
    p->replica = std::make_unique<SimReplica>(&world_, p->loop.get(), &machine.disk, std::move(hooks));
    NodeOptions options;
    options.node = machine.name;
    options.address = machine.name;
    options.found = machine.name == "n1";
    options.settle = absl::Seconds(1);
    options.window_bytes = 4'000;
    options.min_replicas = options_.nodes > 1 ? 2 : 1;
    options.max_ingest_bytes = 500;
    p->node = std::make_unique<Node>(options, Node::Dependencies{p->loop.get(), p->kv.get(), p->replica.get(),
                                                                 p->peers.get(), [this] { return world_.Bits(); }});
    p->loop->Post([this, p, &machine] {
      p->node->Start(machine.disk.cluster_id, [this, p, &machine](absl::StatusOr<std::string> id) {
        if (!id.ok()) return Violation(absl::StrCat(machine.name, " may not join: ", id.status().ToString()));
        machine.disk.cluster_id = *id;
        p->joined = true;
        if (machine.draining) p->node->Drain(true);
      });
    });
  }

  void Kill(Machine& machine, bool power) {
    if (machine.process == nullptr) return;
    machine.process->life->dead = true;
    machine.process = nullptr;
    if (!power) return;
    for (auto& [name, partition] : machine.disk.partitions)
      partition.records.resize(std::min<uint64_t>(partition.records.size(), partition.synced + world_.Below(3)));
  }

  // What is put into the log is the truth: nothing may be put twice, differently.
  void CheckPut(const std::string& key, const std::string& value) {
    if (auto position = keys::ParseLog(key)) {
      yizhan::cluster::v1::LogEntry entry;
      if (!entry.ParseFromString(value)) return Violation("unreadable log entry");
      auto& truth = truth_[position->partition];
      if (entry.first_seq() != truth.size() + 1)
        Violation(absl::StrCat(key, " begins at ", entry.first_seq(), " and the log ends at ", truth.size()));
      for (int i = 0; i < entry.records_size(); ++i) {
        const uint64_t seq = entry.first_seq() + static_cast<uint64_t>(i);
        if (seq == truth.size() + 1) {
          truth.push_back(entry.records(i));
          if (!ids_.insert(entry.records(i)).second)
            Violation(absl::StrCat("request ", entry.records(i), " was committed twice"));
        } else if (seq > truth.size() || truth[seq - 1] != entry.records(i)) {
          Violation(absl::StrCat(position->partition, " ", seq, " was committed twice, differently"));
        }
      }
    }
    if (key.starts_with(keys::kOwners)) {
      ++report_.owner_changes;
      changed_.insert(key);
    }
  }

  void CheckRecord(const std::string& partition, uint64_t seq, const std::string& record) {
    const auto& truth = truth_[partition];
    if (seq > truth.size() || truth[seq - 1] != record)
      Violation(absl::StrCat("a replica has at ", partition, " ", seq, " what was never committed there"));
  }

  // Two machines may both think that they own a partition (one is stopped, say); but of these one at most may answer
  // readers.
  void Owned(const std::string& name, Process* process, const std::string& partition, bool owned) {
    Say(absl::StrCat(name, owned ? " owns " : " leaves ", partition));
    if (owned) {
      process->owned.insert(partition);
    } else {
      process->owned.erase(partition);
    }
    CheckOwners();
  }

  void CheckOwners() {
    std::map<std::string, std::string> owners;
    for (const Machine& machine : machines_) {
      // One that is stopped answers nobody; when it goes on, its own clock tells it what it has missed.
      if (machine.process == nullptr || machine.process->life->stopped_until > world_.now() ||
          !machine.process->node->ready())
        continue;
      for (const std::string& partition : machine.process->owned) {
        auto [it, first] = owners.emplace(partition, machine.name);
        if (!first)
          Violation(absl::StrCat(it->second, " and ", machine.name, " both own ", partition, " and answer readers"));
      }
    }
  }

  void Watch(absl::Time until) {
    CheckOwners();
    if (world_.now() < until) world_.In(absl::Milliseconds(20), [this, until] { Watch(until); });
  }

  void Workload(absl::Time until) {
    if (world_.now() >= until) return;
    world_.In(world_.Between(absl::Milliseconds(2), absl::Milliseconds(60)), [this, until] { Workload(until); });
    const std::string& partition = partitions_[world_.Below(partitions_.size())];
    Ask(partition, absl::StrCat("r", next_request_++), 12);
  }

  void Ask(const std::string& partition, const std::string& record, int tries) {
    Machine& machine = machines_[world_.Below(machines_.size())];
    auto again = [this, partition, record, tries] {
      ++report_.refused;
      if (tries > 0)
        world_.In(world_.Between(absl::Milliseconds(50), absl::Milliseconds(900)),
                  [=, this] { Ask(partition, record, tries - 1); });
    };
    if (machine.process == nullptr || !machine.process->joined) return again();
    auto view = machine.process->node->view();
    auto at = view->partitions.find(partition);
    Machine* owner = at == view->partitions.end() ? nullptr : Find(at->second.owner);
    if (owner == nullptr || owner->process == nullptr || !owner->process->joined) return again();
    Process* process = owner->process;
    process->loop->Post([this, process, partition, record, again] {
      process->replica->Submit(partition, record, [this, partition, record, again](bool ok) {
        if (!ok) return again();
        Acknowledge(partition, record);
      });
    });
  }

  void Acknowledge(const std::string& partition, const std::string& record) {
    ++report_.acknowledged;
    acknowledged_[partition].insert(record);
    auto [it, first] = last_ack_.try_emplace(partition, world_.now());
    report_.longest_gap = std::max(report_.longest_gap, world_.now() - it->second);
    it->second = world_.now();
  }

  void Trouble(absl::Time until) {
    const absl::Duration pause = world_.Between(absl::Milliseconds(200), absl::Seconds(5));
    if (world_.now() + pause >= until) return;
    world_.In(pause, [this, until] {
      Fault();
      Trouble(until);
    });
  }

  void Fault() {
    ++report_.faults;
    Machine& machine = machines_[world_.Below(machines_.size())];
    const absl::Duration time = world_.Between(absl::Milliseconds(100), absl::Seconds(8));
    switch (world_.Below(10)) {
      case 0:
      case 1: {
        const bool power = world_.Chance(0.5);
        Say(absl::StrCat(machine.name, power ? " loses power" : " is killed"));
        Kill(machine, power);
        world_.In(time, [this, &machine] {
          if (machine.process == nullptr) Boot(machine);
        });
        break;
      }
      case 2:
        if (machine.process == nullptr) break;
        Say(absl::StrCat(machine.name, " is stopped"));
        machine.process->life->stopped_until = world_.now() + time;
        break;
      case 3:
        Say(absl::StrCat(machine.name, " is cut off"));
        machine.link->up = false;
        world_.In(time, [&machine] { machine.link->up = true; });
        break;
      case 4:
        Say("the quorum is gone");
        store_.up = false;
        world_.In(time / 2, [this] { store_.up = true; });
        break;
      case 5:
        Say(absl::StrCat(machine.name, " has a bad link"));
        machine.link->lose = 0.2;
        machine.link->late = 0.1;
        machine.link->lose_event = 0.1;
        machine.link->longest = absl::Milliseconds(300);
        world_.In(time, [&machine] { Mend(*machine.link); });
        break;
      case 6:
        store_.Compact(store_.revision() - static_cast<int64_t>(world_.Below(20)));
        break;
      case 7:
        machine.draining = !machine.draining;
        Say(absl::StrCat(machine.name, machine.draining ? " is drained" : " takes part again"));
        if (machine.process != nullptr && machine.process->joined) {
          machine.process->loop->Post([p = machine.process, draining = machine.draining] { p->node->Drain(draining); });
        }
        break;
      case 8:  // all at once
        Say("all lose power");
        for (Machine& each : machines_) {
          Kill(each, true);
          world_.In(world_.Between(absl::Milliseconds(100), absl::Seconds(3)), [this, &each] {
            if (each.process == nullptr) Boot(each);
          });
        }
        break;
      case 9:
        if (machine.process == nullptr || !machine.process->joined) break;
        Say(absl::StrCat(machine.name, " leaves"));
        machine.process->loop->Post([this, &machine, p = machine.process] {
          p->node->Leave([this, &machine, p] {
            if (machine.process != p) return;
            Kill(machine, false);
            world_.In(absl::Milliseconds(300), [this, &machine] {
              if (machine.process == nullptr) Boot(machine);
            });
          });
        });
        break;
    }
  }

  // Until every partition is decided for by the machine on which the hash places it.
  SettleReport::Change UntilPlaced() {
    const absl::Time begin = world_.now();
    changed_.clear();
    std::vector<std::string> living;
    for (const Machine& machine : machines_) {
      if (machine.process != nullptr) living.push_back(machine.name);
    }
    std::map<std::string, Machine*> wanted;
    for (const std::string& partition : partitions_) wanted[partition] = Find(Place(partition, living));
    const auto placed = [&] {
      return std::all_of(wanted.begin(), wanted.end(),
                         [](const auto& each) { return each.second->process->owned.contains(each.first); });
    };
    while (!placed() && world_.now() < begin + absl::Minutes(10)) world_.Run(world_.now() + absl::Milliseconds(20));
    return {world_.now() - begin, changed_.size()};
  }

  static void Mend(SimLink& link) { link = SimLink{link.up, 0, 0, 0, absl::Milliseconds(3)}; }

  void Heal() {
    Say("healed");
    store_.up = true;
    for (Machine& machine : machines_) {
      Mend(*machine.link);
      machine.link->up = true;
      if (machine.process == nullptr) Boot(machine);
      machine.process->life->stopped_until = absl::InfinitePast();
      if (machine.draining) {
        machine.draining = false;
        if (machine.process->joined) machine.process->loop->Post([p = machine.process] { p->node->Drain(false); });
      }
    }
    last_ack_.clear();  // it has to be acknowledged again
  }

  void CheckEnd() {
    for (const std::string& partition : partitions_) {
      const auto& truth = truth_[partition];
      for (const std::string& record : acknowledged_[partition]) {
        if (!ids_.contains(record))
          Violation(absl::StrCat(partition, ": ", record, " was acknowledged and is nowhere"));
      }
      int owners = 0;
      for (Machine& machine : machines_) {
        if (machine.disk.partitions[partition].records != truth)
          Violation(absl::StrCat(partition, " has ", machine.disk.partitions[partition].records.size(), " records at ",
                                 machine.name, " and ", truth.size(), " were committed"));
        owners += machine.process->owned.contains(partition);
      }
      if (owners != 1) Violation(absl::StrCat(partition, " is owned by ", owners, " machines in the end"));
      if (!last_ack_.contains(partition))
        Violation(absl::StrCat(partition, " acknowledged nothing once all was well again"));
    }
    for (Machine& machine : machines_) {
      if (!machine.process->node->ready()) Violation(absl::StrCat(machine.name, " is not ready in the end"));
    }
  }

  const SimulationOptions options_;
  SimWorld world_;
  SimStore store_;
  std::vector<std::string> partitions_;
  std::deque<Machine> machines_;
  std::vector<std::unique_ptr<Process>> processes_;  // the dead, too: events still name them
  std::map<std::string, std::vector<std::string>> truth_;
  std::set<std::string> ids_;
  std::set<std::string> changed_;  // owners, since the last look
  std::map<std::string, std::set<std::string>> acknowledged_;
  std::map<std::string, absl::Time> last_ack_;
  uint64_t next_request_ = 1;
  SimulationReport report_;
};

}  // namespace

SimulationReport Simulate(const SimulationOptions& options) { return std::make_unique<Simulation>(options)->Run(); }

SettleReport Settle(const SimulationOptions& options) { return std::make_unique<Simulation>(options)->Settle(); }

}  // namespace yizhan::cluster::testing
