// yizhan: the appliance in one process, and what people do with its data folder and its configuration.
#include <signal.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "appliance/appliance.h"
#include "appliance/backup_commands.h"
#include "appliance/cluster_commands.h"
#include "appliance/machines.h"
#include "appliance/processes/prepare.h"
#include "appliance/processes/process.h"
#include "appliance/processes/supervisor.h"
#include "base/logging.h"
#include "base/service_manager.h"
#include "ledger/keyring.h"
#include "ledger/ledger_commands.h"

namespace {

using yizhan::appliance::Appliance;
using yizhan::appliance::RunOptions;

// Exit codes: 0 as asked; 1 it could not be done, and why is on standard error; 2 the command line or the configuration
// is wrong.
int Fail(const absl::Status& status) {
  std::cerr << "yizhan: " << status.message() << "\n";
  return absl::IsInvalidArgument(status) ? 2 : 1;
}

// Where configuration comes from: --config FILE and the flags that stand for keys.
struct Sources {
  std::string file;
  std::vector<std::pair<const yizhan::appliance::KeyFlag*, std::string>> flags;
};

void AddSources(CLI::App* command, Sources* sources) {
  command->add_option("--config", sources->file, "YAML file with these and more settings; flags win over it")
      ->type_name("FILE");
  RunOptions defaults;
  const auto keys = yizhan::appliance::OptionsSchema(&defaults).Keys();
  for (const auto& flag : yizhan::appliance::kKeyFlags) {
    const auto key =
        std::find_if(keys.begin(), keys.end(), [&flag](const auto& each) { return each.name == flag.key; });
    if (flag.value == nullptr) {
      command->add_flag_callback(
          flag.flag, [sources, &flag] { sources->flags.emplace_back(&flag, "false"); },
          absl::StrCat(flag.key, ": false. ", key->help));
      continue;
    }
    command
        ->add_option_function<std::string>(
            flag.flag, [sources, &flag](const std::string& value) { sources->flags.emplace_back(&flag, value); },
            key->shown_default == "\"\"" ? key->help : absl::StrCat(key->help, " (", key->shown_default, ")"))
        ->type_name(flag.value);
  }
}

// The file first, then the flags.
absl::Status ReadSources(const Sources& sources, yizhan::config::Schema* schema) {
  if (!sources.file.empty()) {
    if (absl::Status status = schema->ReadFile(sources.file); !status.ok()) return status;
  }
  for (const auto& [flag, value] : sources.flags) {
    if (absl::Status status = schema->Set(flag->key, value, flag->flag); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// True when there is a service manager that was told. One that does not listen is a line in the log, and no reason to
// stop.
bool Notify(const std::string& state) {
  auto told = yizhan::NotifyServiceManager(state);
  if (told.ok()) return *told;
  yizhan::log::Warning("appliance", "the service manager was not told").With("why", told.status());
  return false;
}

// What the services' processes are started with: what this one was, but for the ports, which it chooses.
std::vector<std::string> Arguments(const Sources& sources, const RunOptions& options) {
  std::vector<std::string> words;
  if (!sources.file.empty()) words.insert(words.end(), {"--config", sources.file});
  for (const auto& [flag, value] : sources.flags) {
    if (std::string_view(flag->key).ends_with("port_base")) continue;
    words.push_back(flag->flag);
    if (flag->value != nullptr) words.push_back(value);
  }
  if (options.plain_xmpp_port >= 0) words.insert(words.end(), {"--plain-xmpp", absl::StrCat(options.plain_xmpp_port)});
  if (options.bench_people > 0) words.insert(words.end(), {"--bench-people", absl::StrCat(options.bench_people)});
  return words;
}

// How the product runs: all of it in this process, one service of it, or all of them as processes of their own.
struct Shape {
  std::string service;
  bool processes = false;
};

absl::StatusOr<std::unique_ptr<Appliance>> StartAs(const Shape& shape, const Sources& sources, const RunOptions& options) {
  if (!shape.service.empty()) return yizhan::appliance::StartProcess(options, shape.service);
  if (!shape.processes) return Appliance::Start(options);
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return absl::UnavailableError(absl::StrCat("the program cannot find itself: /proc/self/exe: ", error.message()));
  return yizhan::appliance::Supervise(options, program.string(), Arguments(sources, options));
}

int Run(const Sources& sources, RunOptions options, const Shape& shape) {
  yizhan::config::Schema schema = yizhan::appliance::OptionsSchema(&options, shape.service);
  if (absl::Status status = ReadSources(sources, &schema); !status.ok()) {
    Fail(status);
    return 2;
  }
  options.domain_given = schema.Given("domain");
  if (auto level = yizhan::log::ParseLevel(options.log_level); level.ok()) yizhan::log::SetLevel(*level);
  // Signals wait for us from before the first thread.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  umask(0077);

  auto appliance = StartAs(shape, sources, options);
  if (!appliance.ok()) return Fail(appliance.status());
  if (!options.info_file.empty()) {
    // Whole or not at all: others wait for this file.
    const std::string partial = options.info_file + ".partial";
    std::ofstream(partial) << yizhan::appliance::InfoJson(options, (*appliance)->addresses(),
                                                          (*appliance)->demonstration());
    if (std::rename(partial.c_str(), options.info_file.c_str()) != 0) {
      return Fail(absl::UnavailableError("cannot write " + options.info_file));
    }
  }
  const std::string where = (*appliance)->addresses().web_url;
  const bool managed = Notify(absl::StrCat("READY=1\nSTATUS=Serves ", where.empty() ? shape.service : where));
  // A service's output is kept in a journal, where no password belongs.
  if (shape.service.empty()) std::cout << yizhan::appliance::InfoText(options, (*appliance)->addresses(),
                                           managed ? yizhan::appliance::Demonstration() : (*appliance)->demonstration())
            << std::flush;
  int signal = 0;
  sigwait(&signals, &signal);
  Notify("STOPPING=1");
  if (shape.service.empty()) std::cout << "\nStopping…" << std::endl;
  appliance->reset();
  return 0;
}

// 0: in order; 1: it has mistakes, and all of them are told; 2: there is no such file.
int CheckConfig(const std::string& file) {
  RunOptions options;
  const absl::Status status = yizhan::appliance::OptionsSchema(&options).ReadFile(file);
  if (status.ok()) {
    std::cout << file << ": in order\n";
    return 0;
  }
  std::cerr << status.message() << "\n";
  return absl::IsNotFound(status) ? 2 : 1;
}

int PrintConfig(const Sources& sources) {
  RunOptions options;
  yizhan::config::Schema schema = yizhan::appliance::OptionsSchema(&options);
  if (absl::Status status = ReadSources(sources, &schema); !status.ok()) {
    Fail(status);
    return 2;
  }
  std::cout << schema.Print();
  return 0;
}

// Reads the configuration for a command that asks a machine which runs; 2 where it is wrong.
int WithConfig(const Sources& sources, const std::function<absl::Status(const RunOptions&)>& command) {
  RunOptions options;
  yizhan::config::Schema schema = yizhan::appliance::OptionsSchema(&options);
  if (absl::Status status = ReadSources(sources, &schema); !status.ok()) {
    Fail(status);
    return 2;
  }
  const absl::Status status = command(options);
  return status.ok() ? 0 : Fail(status);
}

// Replaying needs what each service makes of its records.
int Ledger(const std::vector<std::string>& arguments) {
  if (arguments.size() == 1 && (arguments[0] == "--help" || arguments[0] == "-h")) {
    std::cout << yizhan::ledger::kLedgerUsage;
    return 0;
  }
  yizhan::appliance::Machines services;
  std::vector<yizhan::ledger::StateMachine*> machines = services.services();
  machines.push_back(yizhan::ledger::KeyringMachine());
  return yizhan::ledger::LedgerMain(arguments, machines, std::cout, std::cerr);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Yizhan: messaging, customer service and a provable archive of both, on your own machines."};
  app.require_subcommand(1);
  app.set_version_flag("--version", YIZHAN_VERSION);

  RunOptions options;
  Sources sources;
  CLI::App* run = app.add_subcommand("run", "Run the whole appliance in this process, on one data folder.");
  AddSources(run, &sources);
  Shape shape;
  run->add_flag("--processes", shape.processes, "Each service as a process of its own, started and watched by this one");
  CLI::App* serve = app.add_subcommand("serve", "Run one service as a process of its own: directory, im, desk, audit, admin, edge.");
  serve->add_option("SERVICE", shape.service, "Which")->required();
  AddSources(serve, &sources);
  for (CLI::App* command : {run, serve}) {
    command->add_option("--info", options.info_file, "Write addresses and accounts to this file as JSON")->type_name("FILE");
    command->add_option("--plain-xmpp", options.plain_xmpp_port,
                        "XMPP without TLS on this port, for measuring, on loopback only; 0: any free port")
        ->type_name("PORT");
    command->add_option("--bench-people", options.bench_people,
                        "Add N people u0… with the password benchpw, for measuring; needs --domain")
        ->type_name("N");
  }
  Sources preparing;
  bool renew = false;
  CLI::App* prepare = app.add_subcommand("prepare", "Make what the services' processes need: folders, certificates, keys.");
  AddSources(prepare, &preparing);
  prepare->add_flag("--renew", renew, "Issue all certificates again; processes that run take them within seconds");

  CLI::App* config = app.add_subcommand("config", "Look at a configuration: check, print.");
  config->require_subcommand(1);
  std::string file;
  CLI::App* check = config->add_subcommand("check", "Tell every mistake of a configuration file: 0 none, 1 some.");
  check->add_option("FILE", file, "The configuration file")->required();
  Sources printed;
  CLI::App* print = config->add_subcommand("print", "Print every setting's value and where it comes from.");
  AddSources(print, &printed);

  CLI::App* cluster = app.add_subcommand("cluster", "Several machines as one: authority, certificate, add, remove, status, drain, resume.");
  cluster->require_subcommand(1);
  std::string authority_dir, node, certificate_dir = ".";
  std::vector<std::string> hosts;
  bool json = false;
  Sources asked;
  CLI::App* authority = cluster->add_subcommand("authority", "Make the authority of the machines' certificates.");
  authority->add_option("DIR", authority_dir, "Its folder")->required();
  CLI::App* certificate = cluster->add_subcommand("certificate", "Issue a machine's certificate, and print its part of the configuration.");
  certificate->add_option("NODE", node, "The machine's name")->required();
  certificate->add_option("--authority", authority_dir, "The authority's folder")->type_name("DIR")->required();
  certificate->add_option("--host", hosts, "A name or IP address by which the others reach it; once or more")->type_name("HOST")->required();
  certificate->add_option("--out", certificate_dir, "Where NODE.pem and NODE.key go (.)")->type_name("DIR");
  const auto ask = [&](const char* name, const char* help) {
    CLI::App* command = cluster->add_subcommand(name, help);
    command->add_option("--config", asked.file, "The machine's configuration file")->type_name("FILE")->required();
    return command;
  };
  yizhan::appliance::NewMachine added;
  CLI::App* add = ask("add", "Put what a further machine needs into a folder: certificate, configuration, keys.");
  add->add_option("NODE", added.node, "The new machine's name")->required();
  add->add_option("--address", added.address, "Where the others will reach it")->type_name("HOST:PORT")->required();
  add->add_option("--authority", added.authority, "The authority's folder")->type_name("DIR")->required();
  add->add_option("--out", added.out, "The folder to make")->type_name("DIR")->required();
  CLI::App* remove = ask("remove", "Give a machine's partitions to the others, wait for it, and stop the machine.");
  CLI::App* status = ask("status", "Show who is in the cluster and who owns what.");
  status->add_flag("--json", json, "As JSON");
  CLI::App* drain = ask("drain", "Give a machine's partitions to the others, and wait for it.");
  CLI::App* resume = ask("resume", "Let a machine that was drained take its share again.");

  CLI::App* backup = app.add_subcommand("backup", "Backups: a key for them, list, check, verify, restore.");
  backup->require_subcommand(1);
  Sources backed_up;
  std::string key_file, place, keys_place, scratch, target;
  uint64_t number = 0;
  yizhan::appliance::RestoreRequest request;
  CLI::App* backup_key = backup->add_subcommand("key", "Make the key pair that opens backups, and print its part of the configuration.");
  backup_key->add_option("--out", key_file, "The file to make")->type_name("FILE")->required();
  const auto on_backup = [&](const char* name, const char* help) {
    CLI::App* command = backup->add_subcommand(name, help);
    command->add_option("--config", backed_up.file, "The configuration file")->type_name("FILE");
    command->add_option("--from", place, "Where the backup lies, instead of backup.to")->type_name("PLACE");
    command->add_option("--keys-from", keys_place, "Where its keys lie, instead of backup.keys_to")->type_name("PLACE");
    return command;
  };
  const auto with_number = [&](CLI::App* command) {
    command->add_option("--number", number, "Which backup, as `list` shows them; the newest without")->type_name("N");
  };
  CLI::App* backup_list = on_backup("list", "Show the backups that can be restored.");
  backup_list->add_flag("--json", json, "As JSON: a manifest a line");
  CLI::App* backup_check = on_backup("check", "Read all of a backup, and compare it with what was written. Needs no identity.");
  with_number(backup_check);
  CLI::App* backup_verify = on_backup("verify", "Restore a backup into a folder of its own, compare all of it with the archive's log, and remove it.");
  with_number(backup_verify);
  backup_verify->add_option("--identity", request.choice.identity, "The file with the key that opens it")->type_name("FILE")->required();
  backup_verify->add_option("--scratch", scratch, "Where it is restored (the system's temporary folder)")->type_name("DIR");
  CLI::App* restore = on_backup("restore", "Make a data folder from a backup.");
  with_number(restore);
  restore->add_option("--identity", request.choice.identity, "The file with the key that opens it")->type_name("FILE")->required();
  restore->add_option("--data", target, "The data folder to make, instead of the configuration's")->type_name("DIR");
  restore->add_option("--until", request.until, "Up to a record (im/3@4711) or a time (2026-11-30T18:00:00+08:00), and no further")->type_name("POINT");
  restore->add_option("--beside", request.beside, "The data folder of before: says which of its records the backup lacks")->type_name("DIR");

  CLI::App* ledger =
      app.add_subcommand("ledger", "Look into a data folder that no process uses: dump, verify, replay.");
  ledger->prefix_command();
  ledger->set_help_flag();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  if (ledger->parsed()) return Ledger(ledger->remaining());
  if (check->parsed()) return CheckConfig(file);
  if (print->parsed()) return PrintConfig(printed);
  if (backup->parsed()) {
    using namespace yizhan::appliance;  // NOLINT: its commands
    if (backup_key->parsed()) {
      const absl::Status status = MakeBackupKey(key_file, std::cout);
      return status.ok() ? 0 : Fail(status);
    }
    return WithConfig(backed_up, [&](RunOptions each) {
      if (!place.empty()) {
        each.backup.to.place = place;
        each.backup.keys_to.clear();
      }
      if (!keys_place.empty()) each.backup.keys_to = keys_place;
      if (!target.empty()) each.data_dir = target;
      request.choice.number = number;
      if (backup_list->parsed()) return ListBackups(each, json, std::cout);
      if (backup_check->parsed()) return CheckBackup(each, number, std::cout);
      if (backup_verify->parsed()) return VerifyBackup(each, request.choice, scratch, std::cout);
      return RestoreBackup(each, request, std::cout);
    });
  }
  if (cluster->parsed()) {
    using namespace yizhan::appliance;  // NOLINT: its commands
    const auto done = [](const absl::Status& how) { return how.ok() ? 0 : Fail(how); };
    if (authority->parsed()) return done(MakeClusterAuthority(authority_dir, std::cout));
    if (certificate->parsed()) return done(IssueNodeCertificate(authority_dir, node, hosts, certificate_dir, std::cout));
    if (add->parsed()) {
      added.config_file = asked.file;
      return WithConfig(asked, [&](const RunOptions& each) { return PrepareMachine(each, added, std::cout); });
    }
    if (remove->parsed()) return WithConfig(asked, [&](const RunOptions& each) { return RemoveNode(each, std::cout); });
    if (status->parsed()) return WithConfig(asked, [&](const RunOptions& each) { return ShowCluster(each, json, std::cout); });
    if (drain->parsed()) return WithConfig(asked, [&](const RunOptions& each) { return DrainNode(each, true, std::cout); });
    if (resume->parsed()) return WithConfig(asked, [&](const RunOptions& each) { return DrainNode(each, false, std::cout); });
  }
  if (prepare->parsed())
    return WithConfig(preparing, [&](const RunOptions& each) { return yizhan::appliance::Prepare(each, renew, std::cout); });
  return Run(sources, std::move(options), shape);
}
