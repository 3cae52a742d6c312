#include "audit/tlog/hash.h"

#include <openssl/evp.h>

#include <cstdlib>
#include <cstring>

#include "audit/tlog/text.h"

namespace yizhan::audit {
namespace {

// Fetched once: looking an algorithm up by name costs more than hashing two nodes.
const EVP_MD* Sha256Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  // An OpenSSL without SHA-256 is no OpenSSL on which an archive may run.
  if (algorithm == nullptr) std::abort();
  return algorithm;
}

EVP_MD_CTX* NewContext() {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  if (context == nullptr || EVP_DigestInit_ex2(context, Sha256Algorithm(), nullptr) != 1) std::abort();
  return context;
}

Hash FinishAndRestart(EVP_MD_CTX* context) {
  Hash hash;
  unsigned int length = 0;
  if (EVP_DigestFinal_ex(context, hash.bytes.data(), &length) != 1 || length != kHashBytes) std::abort();
  if (EVP_DigestInit_ex2(context, nullptr, nullptr) != 1) std::abort();
  return hash;
}

Sha256Stream& ThreadStream() {
  thread_local Sha256Stream stream;
  return stream;
}

constexpr char kBase64Alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int8_t, 256> MakeBase64Values() {
  std::array<int8_t, 256> values{};
  for (auto& value : values) value = -1;
  for (int i = 0; i < 64; ++i) values[static_cast<unsigned char>(kBase64Alphabet[i])] = static_cast<int8_t>(i);
  return values;
}
constexpr std::array<int8_t, 256> kBase64Values = MakeBase64Values();

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Sha256Stream::Sha256Stream() : context_(NewContext()) {}
Sha256Stream::~Sha256Stream() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }

void Sha256Stream::Update(std::string_view bytes) {
  if (EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size()) != 1) std::abort();
}

Hash Sha256Stream::Finish() { return FinishAndRestart(static_cast<EVP_MD_CTX*>(context_)); }

Hash Sha256(std::string_view bytes) {
  Sha256Stream& stream = ThreadStream();
  stream.Update(bytes);
  return stream.Finish();
}

Hash Sha256Of(uint8_t prefix, std::string_view a, std::string_view b) {
  Sha256Stream& stream = ThreadStream();
  const char first = static_cast<char>(prefix);
  stream.Update({&first, 1});
  stream.Update(a);
  stream.Update(b);
  return stream.Finish();
}

Hash EmptyRoot() { return Sha256({}); }

Hash LeafHash(std::string_view entry) { return Sha256Of(0x00, entry, {}); }

Hash NodeHash(const Hash& left, const Hash& right) {
  char joined[1 + 2 * kHashBytes];
  joined[0] = 0x01;
  std::memcpy(joined + 1, left.bytes.data(), kHashBytes);
  std::memcpy(joined + 1 + kHashBytes, right.bytes.data(), kHashBytes);
  return Sha256({joined, sizeof joined});
}

absl::StatusOr<Hash> HashFromBytes(std::string_view bytes) {
  if (bytes.size() != kHashBytes) {
    return absl::InvalidArgumentError(Cat("a hash has 32 bytes, not ", bytes.size()));
  }
  Hash hash;
  std::memcpy(hash.bytes.data(), bytes.data(), kHashBytes);
  return hash;
}

std::string ToHex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (char c : bytes) {
    const auto b = static_cast<unsigned char>(c);
    out.push_back(kDigits[b >> 4]);
    out.push_back(kDigits[b & 15]);
  }
  return out;
}

absl::StatusOr<std::string> FromHex(std::string_view text) {
  if (text.size() % 2 != 0) return absl::InvalidArgumentError("hexadecimal of odd length");
  std::string out;
  out.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = HexValue(text[i]), low = HexValue(text[i + 1]);
    if (high < 0 || low < 0) return absl::InvalidArgumentError(Cat("not hexadecimal: ", Quoted(text)));
    out.push_back(static_cast<char>(high << 4 | low));
  }
  return out;
}

std::string ToBase64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  size_t i = 0;
  const auto byte = [&](size_t at) { return static_cast<uint32_t>(static_cast<unsigned char>(bytes[at])); };
  for (; i + 3 <= bytes.size(); i += 3) {
    const uint32_t v = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    for (int shift = 18; shift >= 0; shift -= 6) out.push_back(kBase64Alphabet[v >> shift & 63]);
  }
  const size_t left = bytes.size() - i;
  if (left == 1) {
    const uint32_t v = byte(i) << 16;
    out.append({kBase64Alphabet[v >> 18 & 63], kBase64Alphabet[v >> 12 & 63], '=', '='});
  } else if (left == 2) {
    const uint32_t v = byte(i) << 16 | byte(i + 1) << 8;
    out.append({kBase64Alphabet[v >> 18 & 63], kBase64Alphabet[v >> 12 & 63], kBase64Alphabet[v >> 6 & 63], '='});
  }
  return out;
}

absl::StatusOr<std::string> FromBase64(std::string_view text) {
  const auto malformed = [&] { return absl::InvalidArgumentError(Cat("not canonical base64: ", Quoted(text))); };
  if (text.size() % 4 != 0) return malformed();
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  uint32_t value = 0;
  for (size_t i = 0; i < text.size() - padding; ++i) {
    const int digit = kBase64Values[static_cast<unsigned char>(text[i])];
    if (digit < 0) return malformed();
    value = value << 6 | static_cast<uint32_t>(digit);
    if (i % 4 == 3) {
      out.push_back(static_cast<char>(value >> 16 & 255));
      out.push_back(static_cast<char>(value >> 8 & 255));
      out.push_back(static_cast<char>(value & 255));
      value = 0;
    }
  }
  if (padding == 2) {
    if ((value & 0x0F) != 0) return malformed();
    out.push_back(static_cast<char>(value >> 4 & 255));
  } else if (padding == 1) {
    if ((value & 0x03) != 0) return malformed();
    out.push_back(static_cast<char>(value >> 10 & 255));
    out.push_back(static_cast<char>(value >> 2 & 255));
  }
  return out;
}

absl::StatusOr<Hash> HashFromBase64(std::string_view text) {
  auto bytes = FromBase64(text);
  if (!bytes.ok()) return bytes.status();
  return HashFromBytes(*bytes);
}

}  // namespace yizhan::audit
