// A copy of all keys with a prefix, kept by a list and a watch. It is listed again whenever the watch is lost, and
// every few seconds all the same: etcd 3.4 has lost events of watches (its change log: 3.4.31, 3.4.36).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "cluster/context.h"

namespace yizhan::cluster {

class Mirror {
 public:
  // `on_change` runs after each change that was taken in (and after each listing).
  Mirror(Context* context, std::string_view prefix, std::function<void()> on_change);

  void Start();

  // Nullptr when it is not there.
  const KeyValue* Find(const std::string& key) const;
  const std::map<std::string, KeyValue>& all() const { return keys_; }
  // Whether it has been listed once.
  bool listed() const { return listed_; }
  // The store as of this revision, at least.
  int64_t revision() const { return revision_; }
  // Takes a newer value that was learned otherwise.
  void Learn(KeyValue kv);

 private:
  void List();
  void Listed(absl::StatusOr<RangeResult> result);
  void Take(std::vector<Event> events, int64_t revision);
  void Watch(int64_t from_revision);
  void LookAgain();

  Context* const context_;
  const std::string prefix_;
  const std::function<void()> on_change_;
  std::map<std::string, KeyValue> keys_;
  bool listed_ = false;
  int64_t revision_ = 0;
  std::unique_ptr<cluster::Watch> watch_;
};

}  // namespace yizhan::cluster
