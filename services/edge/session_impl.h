// A session as its shard sees it. Only for shard*.cc.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "edge/shard.h"

namespace yizhan::edge {

class Shard::SessionImpl final : public Session {
 public:
  SessionImpl(std::shared_ptr<Shard> shard, uint64_t session_id, SessionOptions o, SessionListener* l)
      : shard_(std::move(shard)), id_(session_id), options(std::move(o)), listener(l) {}
  ~SessionImpl() override { shard_->Remove(this); }

  void Call(std::string_view method, std::string request, absl::AnyInvocable<void(absl::StatusOr<std::string>)> done,
            absl::Duration timeout, std::string request_id) override {
    shard_->Call(this, method, std::move(request), std::move(done), timeout, std::move(request_id));
  }
  const rpc::Principal& principal() const override { return options.principal; }
  uint64_t id() const override { return id_; }
  bool ready() const override { return is_ready; }
  bool Hears(std::string_view topic) const override {
    for (const auto& owner : owners) {
      for (const Topic* heard : owner.topics) {
        if (*heard->name == topic) return true;
      }
    }
    return false;
  }

 private:
  std::shared_ptr<Shard> shard_;
  const uint64_t id_;

 public:
  struct OwnerState {
    bool needed = false, opened = false;
    uint64_t asked = 0;  // the generation on which it was asked to be opened
    std::vector<Topic*> topics;
  };
  SessionOptions options;
  SessionListener* listener;  // null once it was told the end
  std::array<OwnerState, kOwners> owners;
  bool is_ready = false, was_ready = false, is_touched = false, checking = false;
  uint32_t calls = 0;
  std::chrono::steady_clock::time_point next_check;
};

}  // namespace yizhan::edge
