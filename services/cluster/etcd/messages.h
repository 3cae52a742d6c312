// cluster/kv.h's words in etcd's, and back; keys with the prefix in front there and without it here.
#pragma once

#include <string>

#include "cluster/etcd/etcd.pb.h"
#include "cluster/kv.h"

namespace yizhan::cluster::etcd {

class KeySpace {
 public:
  explicit KeySpace(std::string prefix);

  std::string Key(const std::string& key) const;
  // Of a range; empty stays empty. "\0" (all that follow) ends with the prefix.
  std::string End(const std::string& end) const;
  // False when the key is none of ours.
  bool Strip(std::string& key) const;

 private:
  const std::string prefix_;
  const std::string prefix_end_;
};

etcdserverpb::TxnRequest ToRequest(const KeySpace& keys, Txn txn);
TxnResult FromResponse(const KeySpace& keys, etcdserverpb::TxnResponse response);
// It changes nothing, whichever branch is taken.
bool OnlyReads(const Txn& txn);

etcdserverpb::RangeRequest ToRequest(const KeySpace& keys, const Range& range);
RangeResult FromResponse(const KeySpace& keys, etcdserverpb::RangeResponse response);

Event FromEvent(const KeySpace& keys, etcdserverpb::Event event);

}  // namespace yizhan::cluster::etcd
