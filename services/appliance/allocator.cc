// jemalloc is the process's allocator: a message is allocated on one thread and freed on another, which costs glibc's more
// (docs/performance.md). What is freed goes back to the system on a thread of its own.
extern "C" {
const char* malloc_conf = "background_thread:true";
}
