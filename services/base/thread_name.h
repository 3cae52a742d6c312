// Names of threads, as top -H, gdb and perf show them.
#pragma once

#include <pthread.h>

namespace yizhan {

// Names the calling thread; of at most 15 bytes, Linux's bound (a longer name is not taken).
inline void NameThread(const char* name) { pthread_setname_np(pthread_self(), name); }

}  // namespace yizhan
