#include "ledger/requests.h"

#include <algorithm>
#include <bit>

#include "ledger/tables.h"

namespace yizhan::ledger {
namespace {
constexpr uint64_t kSlack = 8 * kRequestBlock;

uint64_t LoadLittle(const char* at, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value |= static_cast<uint64_t>(static_cast<unsigned char>(at[i])) << (8 * i);
  return value;
}

class Sip {
 public:
  explicit Sip(const std::array<uint64_t, 2>& key)
      : v0_(key[0] ^ 0x736f6d6570736575ull),
        v1_(key[1] ^ 0x646f72616e646f6dull),
        v2_(key[0] ^ 0x6c7967656e657261ull),
        v3_(key[1] ^ 0x7465646279746573ull) {}
  void Word(uint64_t m) {
    v3_ ^= m;
    Round();
    Round();
    v0_ ^= m;
  }
  uint64_t Finish() {
    v2_ ^= 0xff;
    for (int i = 0; i < 4; ++i) Round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  void Round() {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }
  uint64_t v0_, v1_, v2_, v3_;
};
}  // namespace

uint64_t SipHash(const std::array<uint64_t, 2>& key, std::string_view bytes) {
  Sip sip(key);
  const size_t whole = bytes.size() & ~size_t{7};
  for (size_t i = 0; i < whole; i += 8) sip.Word(LoadLittle(bytes.data() + i, 8));
  sip.Word(static_cast<uint64_t>(bytes.size()) << 56 | LoadLittle(bytes.data() + whole, bytes.size() - whole));
  return sip.Finish();
}

uint64_t RequestFingerprint(const std::array<uint64_t, 2>& key, std::string_view actor, std::string_view request_id) {
  std::string both;
  both.reserve(actor.size() + 1 + request_id.size());
  both.append(actor).push_back('\0');
  both.append(request_id);
  const uint64_t hash = SipHash(key, both);
  return hash == 0 ? 1 : hash;
}

void Requests::Add(uint64_t seq, uint64_t fingerprint) {
  if (ring_.empty()) first_ = seq;
  ring_.push_back(fingerprint);
  if (fingerprint != 0) {
    auto [it, fresh] = last_.try_emplace(fingerprint, seq);
    if (!fresh) {
      // The records of one command stand side by side and the last of them is the one to find.
      if (it->second + 1 != seq) earlier_.emplace_back(fingerprint, it->second);
      it->second = seq;
    }
  }
  while (ring_.size() > window_ + kSlack) {
    Forget(first_, ring_.front());
    ring_.pop_front();
    ++first_;
  }
}

void Requests::Forget(uint64_t seq, uint64_t fingerprint) {
  if (fingerprint == 0) return;
  auto it = last_.find(fingerprint);
  if (it != last_.end() && it->second == seq) last_.erase(it);
  if (!earlier_.empty()) std::erase(earlier_, std::pair(fingerprint, seq));
}

void Requests::Truncate(uint64_t last_seq) {
  while (!ring_.empty() && first_ + ring_.size() - 1 > last_seq) {
    const uint64_t seq = first_ + ring_.size() - 1;
    const uint64_t fingerprint = ring_.back();
    ring_.pop_back();
    Forget(seq, fingerprint);
    // What it had pushed aside is the latest again.
    auto back = std::find_if(earlier_.rbegin(), earlier_.rend(), [&](const auto& e) { return e.first == fingerprint; });
    if (back != earlier_.rend() && !last_.contains(fingerprint)) {
      last_[fingerprint] = back->second;
      earlier_.erase(std::next(back).base());
    }
  }
}

absl::InlinedVector<uint64_t, 2> Requests::Find(uint64_t fingerprint) const {
  absl::InlinedVector<uint64_t, 2> seqs;
  if (auto it = last_.find(fingerprint); it != last_.end()) seqs.push_back(it->second);
  for (const auto& [other, seq] : earlier_) {
    if (other == fingerprint) seqs.push_back(seq);
  }
  return seqs;
}

std::string Requests::EncodeBlock(uint64_t seq) const {
  std::string out;
  out.reserve(kRequestBlock * 8);
  for (uint64_t s = seq - kRequestBlock + 1; s <= seq; ++s) AppendU64(out, s < first_ ? 0 : ring_[s - first_]);
  return out;
}

absl::Status Requests::AddBlock(uint64_t block, std::string_view bytes) {
  if (bytes.size() != kRequestBlock * 8)
    return absl::DataLossError("a block of the table 'requests' has not 8192 bytes");
  for (uint64_t i = 0; i < kRequestBlock; ++i) Add(block * kRequestBlock + 1 + i, ReadU64(bytes.substr(i * 8)));
  return absl::OkStatus();
}

}  // namespace yizhan::ledger
