// Time-outs of many connections without a timer each: every one has a deadline, and its thread looks through them four
// times a second.
#pragma once

#include <chrono>
#include <vector>

namespace yizhan::http {

class Sweep {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Something with a deadline; in the list of one thread as long as it lives.
  class Entry {
   public:
    explicit Entry(Sweep* sweep) : sweep_(sweep) {
      next_ = sweep->head_.next_;
      prev_ = &sweep->head_;
      next_->prev_ = prev_->next_ = this;
    }
    virtual ~Entry() { Unlink(); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    TimePoint deadline = TimePoint::max();

   protected:
    // The deadline has passed; it was set to max before. May destroy any entry.
    virtual void OnDeadline() = 0;

   private:
    friend class Sweep;
    Entry() = default;
    void Unlink() {
      if (next_ != nullptr) {
        next_->prev_ = prev_;
        prev_->next_ = next_;
        if (sweep_->cursor_ == this) sweep_->cursor_ = next_;
      }
      next_ = prev_ = nullptr;
    }
    Sweep* sweep_ = nullptr;
    Entry* next_ = nullptr;
    Entry* prev_ = nullptr;
  };

  Sweep() { head_.next_ = head_.prev_ = &head_; }
  ~Sweep() {
    while (head_.next_ != &head_) head_.next_->Unlink();
    head_.next_ = head_.prev_ = nullptr;
  }

  void Run(TimePoint now) {
    for (cursor_ = head_.next_; cursor_ != &head_;) {
      Entry* entry = cursor_;
      cursor_ = entry->next_;
      if (entry->deadline <= now) {
        entry->deadline = TimePoint::max();
        entry->OnDeadline();
      }
    }
    cursor_ = nullptr;
  }

 private:
  struct Head : Entry {
    void OnDeadline() override {}
  };
  Head head_;
  Entry* cursor_ = nullptr;
};

}  // namespace yizhan::http
