// How a Stream is made. Only for listener.cc and tests.
#pragma once

#include <memory>
#include <string>

#include "base/http/io_pool.h"
#include "base/http/stream.h"

namespace yizhan::http {

// Takes over a connected socket of the thread's context. `alive` lives as long as the stream.
std::shared_ptr<Stream> MakeStream(IoPool* pool, size_t thread, int socket, bool ipv6, std::string remote_address,
                                   std::shared_ptr<void> alive);

}  // namespace yizhan::http
