// A value that must not reach a log, an error message or a core dump by accident.
#pragma once

#include <string.h>

#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

namespace yizhan {

// Holds a T; prints as `***` wherever it is streamed; gives the value only through Reveal(), which is easy to find in
// a review. A std::string inside is overwritten before its memory is given back. Copies are allowed (a configuration
// is copied) and each wipes itself.
template <typename T>
class Secret {
 public:
  Secret() = default;
  explicit Secret(T value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.Wipe(); }
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      Wipe();
      value_ = other.value_;
    }
    return *this;
  }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      Wipe();
      value_ = std::move(other.value_);
      other.Wipe();
    }
    return *this;
  }
  ~Secret() { Wipe(); }

  // The value itself: for the call that needs it, never for a message.
  const T& Reveal() const { return value_; }

  // True for a std::string without a character (or whatever T calls empty).
  bool empty() const { return value_.empty(); }

  friend std::ostream& operator<<(std::ostream& out, const Secret&) { return out << "***"; }

 private:
  void Wipe() {
    if constexpr (std::is_same_v<T, std::string>) {
      // The capacity, not the size: a short string may have been a longer one before.
      value_.resize(value_.capacity());
      explicit_bzero(value_.data(), value_.size());
      value_.clear();
    }
  }

  T value_{};
};

}  // namespace yizhan
