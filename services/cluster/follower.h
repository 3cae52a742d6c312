// Brings this machine's replica up to what the others commit: from the cluster's log as it grows, and from another
// machine where the log no longer holds what is missing. Trusts no watch: every run is checked to follow the one before
// it, and what does not is fetched.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cluster/context.h"
#include "cluster/roster.h"

namespace yizhan::cluster {

class Follower {
 public:
  // `owned` tells whether this machine decides for a partition: then its records come from here, and the log's are
  // passed over.
  Follower(Context* context, const Roster* roster, std::function<bool(const std::string&)> owned);

  void Start();

  // Brings one partition up to `seq` (and whatever else is found on the way). `done` once it is there; it tries until
  // it is (Problem() says what is in the way).
  void CatchUp(const std::string& partition, uint64_t seq, absl::AnyInvocable<void(absl::Status)> done);

  // Goes on with a partition that was owned until now.
  void Resume(const std::string& partition);

  // Committed as far as this machine has heard; for what it shows and for knowing when it is up to date.
  uint64_t Known(const std::string& partition) const;
  // Whether the log is watched, and everything that was committed at some moment after `since` is here.
  bool caught_up(absl::Time since) const;
  // Looks now how far the others are, and not only in its turn.
  void Check();
  // The store's revision that the watch has come to.
  int64_t revision() const { return revision_; }
  // Why a partition does not get on; ok when it does.
  absl::Status Problem(const std::string& partition) const;

 private:
  struct Waiter {
    uint64_t seq;
    absl::AnyInvocable<void(absl::Status)> done;
  };
  struct State {
    uint64_t next = 1;   // the first seq that has not been handed to the replica
    uint64_t known = 0;  // committed, as far as is known
    bool fetching = false;
    absl::Status problem;
    std::vector<Waiter> waiters;
  };

  void List();
  void Listed(absl::StatusOr<RangeResult> heads);
  void Watch();
  void LookAgain();
  void TakeHeads(const RangeResult& heads);
  void Take(std::vector<Event> events, int64_t revision);
  // Hands a run to the replica when it is the next one; fetches what lies between when it is not.
  void Offer(State& state, Run run, std::vector<Run>& batch);
  void Ingest(std::vector<Run> batch);
  void Ingested(const std::vector<std::string>& partitions, const absl::Status& status);
  void Fetch(const std::string& partition);
  void Fetched(const std::string& partition, absl::StatusOr<RangeResult> result);
  void FetchFromPeer(const std::string& partition);
  void FetchLater(const std::string& partition, const absl::Status& why);
  void Answer(const std::string& partition, State& state);

  Context* const context_;
  const Roster* const roster_;
  const std::function<bool(const std::string&)> owned_;
  std::map<std::string, State> states_;
  std::unique_ptr<cluster::Watch> watch_;
  bool watching_ = false;
  absl::Time checked_ = absl::InfinitePast();  // when the heads that were read last were asked for
  int64_t revision_ = 0;
  size_t ingesting_bytes_ = 0;
  size_t peer_turn_ = 0;
};

}  // namespace yizhan::cluster
