// In which order a client's stanzas are handled (XEP-0198): a stanza counts when it and all before it are done, a message when its
// record is durable. Requests for the count are answered when what came before them is done.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/container/inlined_vector.h"

namespace yizhan::edge::xmpp {

// Not thread-safe; holds no memory of its own beyond 16 stanzas in flight.
class HandledQueue {
 public:
  // What became countable: so many stanzas, and then whether the count is to be told.
  struct Progress {
    uint32_t stanzas = 0;
    bool answer = false;
  };

  // A stanza came in; its ticket, never 0.
  uint64_t Add() {
    steps_.push_back(kWaiting);
    return first_ + steps_.size() - 1;
  }
  // <r/> came in: behind the stanzas so far.
  Progress AddRequest() {
    steps_.push_back(kRequest);
    return Advance();
  }
  // The stanza of a ticket is done. A ticket that is not in the queue changes nothing.
  Progress Done(uint64_t ticket) {
    const uint64_t at = ticket - first_;
    if (at >= steps_.size() || steps_[at] != kWaiting) return {};
    steps_[at] = kDone;
    return Advance();
  }
  bool empty() const { return head_ == steps_.size(); }

 private:
  enum Step : uint8_t { kWaiting, kDone, kRequest };

  Progress Advance() {
    Progress progress;
    for (; head_ < steps_.size() && steps_[head_] != kWaiting; ++head_) {
      if (steps_[head_] == kDone) {
        ++progress.stanzas;
      } else {
        progress.answer = true;
      }
    }
    if (head_ == steps_.size()) {
      first_ += head_;
      head_ = 0;
      steps_.clear();
      if (steps_.capacity() > 1024) steps_.shrink_to_fit();
    } else if (head_ > 256 && head_ * 2 > steps_.size()) {
      first_ += head_;
      steps_.erase(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
    return progress;
  }

  absl::InlinedVector<uint8_t, 16> steps_;
  size_t head_ = 0;     // steps before it have been counted
  uint64_t first_ = 1;  // the ticket of steps_[0]
};

}  // namespace yizhan::edge::xmpp
