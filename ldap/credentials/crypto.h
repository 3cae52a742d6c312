// The few primitives under credentials, each one call, over libsodium and OpenSSL. All thread-safe.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace yizhan::directory {

// libsodium's start; cheap and safe to call again. The process ends when the system gives no randomness.
void StartCrypto();

// `count` bytes of the system's randomness.
std::string RandomBytes(size_t count);

// 32 bytes.
std::string Sha256(std::string_view data);

// HMAC-SHA-256 over the parts, each preceded by its length (8 bytes, big-endian), so that no two different lists of
// parts give the same input. 32 bytes.
std::string KeyedDigest(std::string_view key, std::initializer_list<std::string_view> parts);

// Equal, in a time that depends on the lengths only.
bool SameBytes(std::string_view a, std::string_view b);

// RFC 4648 base64 with padding, and its URL-safe alphabet without.
std::string Base64(std::string_view data);
std::string Base64Url(std::string_view data);

// Strict inverse of Base64(); false for anything that Base64() does not write.
bool DecodeBase64(std::string_view text, std::string* out);

// Strict inverse of Base64Url().
bool DecodeBase64Url(std::string_view text, std::string* out);

}  // namespace yizhan::directory
