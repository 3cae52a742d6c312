// A partition's state in memory, for replaying records without a ledger.
#pragma once

#include <openssl/sha.h>

#include <map>
#include <optional>
#include <string>

#include "absl/strings/escaping.h"
#include "ledger/state.h"

namespace yizhan::im {

class MapState final : public ledger::StateWriter {
 public:
  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const override {
    auto found = rows_.find(key);
    return found == rows_.end() ? std::nullopt : std::optional<std::string>(found->second);
  }
  absl::Status Scan(std::string_view prefix, std::string_view from,
                    absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const override {
    for (auto it = rows_.lower_bound(std::max(prefix, from)); it != rows_.end() && it->first.starts_with(prefix); ++it) {
      if (!visit(it->first, it->second)) break;
    }
    return absl::OkStatus();
  }
  absl::Status ScanBack(std::string_view prefix, std::string_view below,
                        absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const override {
    for (auto it = rows_.rbegin(); it != rows_.rend(); ++it) {
      if (!below.empty() && it->first >= below) continue;
      if (!it->first.starts_with(prefix)) {
        if (it->first < prefix) break;
        continue;
      }
      if (!visit(it->first, it->second)) break;
    }
    return absl::OkStatus();
  }
  void Put(std::string_view key, std::string_view value) override {
    rows_.insert_or_assign(std::string(key), std::string(value));
  }
  void Delete(std::string_view key) override {
    if (auto found = rows_.find(key); found != rows_.end()) rows_.erase(found);
  }

  // As Ledger::StateDigest: SHA-256 over lengths (u32, big-endian), key and value, in key order.
  std::string Digest() const {
    std::string all;
    auto length = [&](size_t n) {
      for (int shift = 24; shift >= 0; shift -= 8) all.push_back(static_cast<char>(n >> shift));
    };
    for (const auto& [key, value] : rows_) {
      length(key.size());
      length(value.size());
      all += key;
      all += value;
    }
    std::string bytes(SHA256_DIGEST_LENGTH, '\0');
    SHA256(reinterpret_cast<const unsigned char*>(all.data()), all.size(), reinterpret_cast<unsigned char*>(bytes.data()));
    return absl::BytesToHexString(bytes);
  }
  const std::map<std::string, std::string, std::less<>>& rows() const { return rows_; }

 private:
  std::map<std::string, std::string, std::less<>> rows_;
};

}  // namespace yizhan::im
