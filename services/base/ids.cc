#include "base/ids.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace yizhan {
namespace {

void Fill(unsigned char* out, size_t bytes) {
  // Without randomness every token could be guessed: there is nothing to go on with.
  if (RAND_bytes(out, static_cast<int>(bytes)) != 1) std::abort();
}

// Random bytes for names (never for keys), drawn 1 KiB at a time.
struct Pool {
  std::array<unsigned char, 1024> bytes;
  size_t next = sizeof(bytes);
  unsigned char Take() {
    if (next == bytes.size()) {
      Fill(bytes.data(), bytes.size());
      next = 0;
    }
    return bytes[next++];
  }
};

}  // namespace

std::string RandomBytes(size_t bytes) {
  std::string out(bytes, '\0');
  Fill(reinterpret_cast<unsigned char*>(out.data()), bytes);
  return out;
}

std::string RandomName(size_t length) {
  static constexpr char kAlphabet[] = "0123456789abcdefghijklmnopqrstuvwxyz";
  thread_local Pool pool;
  std::string out;
  out.reserve(length);
  while (out.size() < length) {
    unsigned char byte = pool.Take();
    if (byte < 252) out.push_back(kAlphabet[byte % 36]);  // 252 = 7 * 36: no character is likelier than another
  }
  return out;
}

std::string RandomId(char kind) { return kind + RandomName(12); }

std::string RandomRequestId() { return RandomName(16); }

bool IsRequestId(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' ||
           c == '-';
  });
}

}  // namespace yizhan
