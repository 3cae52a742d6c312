// Random names and bytes, from OpenSSL's generator.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace yizhan {

// `bytes` bytes from the system's generator, fit for keys and tokens. Ends the process when there is no randomness to
// be had.
std::string RandomBytes(size_t bytes);

// `length` characters of [0-9a-z], evenly spread: 5.17 bits each. Quick: a thread draws in bulk.
std::string RandomName(size_t length);

// An id for life: the kind's letter and 12 characters of [0-9a-z], such as "p0k3v9q2m7xwz".
std::string RandomId(char kind);

// Names one request in logs: 16 characters of [0-9a-z].
std::string RandomRequestId();

// Whether a request id from outside may be taken over: 1 to 64 characters of [A-Za-z0-9._-].
bool IsRequestId(std::string_view text);

}  // namespace yizhan
