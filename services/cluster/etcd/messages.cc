#include "cluster/etcd/messages.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"

namespace yizhan::cluster::etcd {
namespace {

KeyValue FromKeyValue(const KeySpace& keys, etcdserverpb::KeyValue& from) {
  KeyValue kv;
  kv.key = std::move(*from.mutable_key());
  keys.Strip(kv.key);
  kv.value = std::move(*from.mutable_value());
  kv.create_revision = from.create_revision();
  kv.mod_revision = from.mod_revision();
  kv.lease = from.lease();
  return kv;
}

std::vector<KeyValue> FromKeyValues(const KeySpace& keys, etcdserverpb::RangeResponse& response) {
  std::vector<KeyValue> kvs;
  kvs.reserve(response.kvs_size());
  for (etcdserverpb::KeyValue& kv : *response.mutable_kvs()) kvs.push_back(FromKeyValue(keys, kv));
  return kvs;
}

void Fill(const KeySpace& keys, Compare& from, etcdserverpb::Compare& to) {
  to.set_key(keys.Key(from.key));
  switch (from.kind) {
    case Compare::Kind::kModRevision:
      to.set_target(etcdserverpb::Compare::MOD);
      to.set_result(etcdserverpb::Compare::EQUAL);
      to.set_mod_revision(from.mod_revision);  // of a key that is not there etcd finds 0
      break;
    case Compare::Kind::kExists:
      to.set_target(etcdserverpb::Compare::CREATE);
      to.set_result(etcdserverpb::Compare::GREATER);
      to.set_create_revision(0);
      break;
  }
}

void Fill(const KeySpace& keys, Op& from, etcdserverpb::RequestOp& to) {
  switch (from.kind) {
    case Op::Kind::kPut: {
      etcdserverpb::PutRequest& put = *to.mutable_request_put();
      put.set_key(keys.Key(from.key));
      put.set_value(std::move(from.value));
      put.set_lease(from.lease);
      break;
    }
    case Op::Kind::kDelete: {
      etcdserverpb::DeleteRangeRequest& deleted = *to.mutable_request_delete_range();
      deleted.set_key(keys.Key(from.key));
      deleted.set_range_end(keys.End(from.end));
      break;
    }
    case Op::Kind::kGet: {
      etcdserverpb::RangeRequest& range = *to.mutable_request_range();
      range.set_key(keys.Key(from.key));
      range.set_range_end(keys.End(from.end));
      break;
    }
  }
}

}  // namespace

KeySpace::KeySpace(std::string prefix) : prefix_(std::move(prefix)), prefix_end_(PrefixEnd(prefix_)) {}

std::string KeySpace::Key(const std::string& key) const {
  // Without a prefix the empty key has to be etcd's smallest one.
  return prefix_.empty() && key.empty() ? std::string(1, '\0') : prefix_ + key;
}

std::string KeySpace::End(const std::string& end) const {
  if (end.empty()) return end;
  return end == std::string(1, '\0') ? prefix_end_ : prefix_ + end;
}

bool KeySpace::Strip(std::string& key) const {
  if (!absl::StartsWith(key, prefix_)) return false;
  key.erase(0, prefix_.size());
  return true;
}

etcdserverpb::TxnRequest ToRequest(const KeySpace& keys, Txn txn) {
  etcdserverpb::TxnRequest request;
  for (Compare& compare : txn.compares) Fill(keys, compare, *request.add_compare());
  for (Op& op : txn.then) Fill(keys, op, *request.add_success());
  for (Op& op : txn.otherwise) Fill(keys, op, *request.add_failure());
  return request;
}

TxnResult FromResponse(const KeySpace& keys, etcdserverpb::TxnResponse response) {
  TxnResult result;
  result.succeeded = response.succeeded();
  result.revision = response.header().revision();
  for (etcdserverpb::ResponseOp& op : *response.mutable_responses()) {
    if (op.has_response_range()) result.gets.push_back(FromKeyValues(keys, *op.mutable_response_range()));
  }
  return result;
}

bool OnlyReads(const Txn& txn) {
  const auto reads = [](const Op& op) { return op.kind == Op::Kind::kGet; };
  return std::all_of(txn.then.begin(), txn.then.end(), reads) &&
         std::all_of(txn.otherwise.begin(), txn.otherwise.end(), reads);
}

etcdserverpb::RangeRequest ToRequest(const KeySpace& keys, const Range& range) {
  etcdserverpb::RangeRequest request;
  request.set_key(keys.Key(range.key));
  request.set_range_end(keys.End(range.end));
  request.set_limit(range.limit);
  return request;
}

RangeResult FromResponse(const KeySpace& keys, etcdserverpb::RangeResponse response) {
  RangeResult result;
  result.kvs = FromKeyValues(keys, response);
  result.revision = response.header().revision();
  result.more = response.more();
  return result;
}

Event FromEvent(const KeySpace& keys, etcdserverpb::Event event) {
  Event result;
  result.kind = event.type() == etcdserverpb::Event::DELETE ? Event::Kind::kDelete : Event::Kind::kPut;
  result.kv = FromKeyValue(keys, *event.mutable_kv());
  return result;
}

}  // namespace yizhan::cluster::etcd
