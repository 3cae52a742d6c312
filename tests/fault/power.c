// Preloaded into a process whose death is to be a power cut: what it has written into the files below POWER_DIR and not synced dies with it. A
// file that is opened for writing only is held in memory here from its first write on, and reaches the kernel by fsync, fdatasync or close: RocksDB
// reads no file of its own before that. Files opened otherwise are left alone, and so is everything elsewhere.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kFiles = 4096 };

// What was written to a descriptor since its last sync: its end alone grows, so one buffer does.
static struct {
  char* bytes;
  size_t size, room;
  int held;
} files[kFiles];
static pthread_mutex_t locks[64];
static char dir[PATH_MAX];
static size_t dir_size;

__attribute__((constructor)) static void begin(void) {
  for (int i = 0; i < 64; ++i) pthread_mutex_init(&locks[i], NULL);
  const char* wanted = getenv("POWER_DIR");
  if (wanted == NULL || realpath(wanted, dir) == NULL) return;
  dir_size = strlen(dir);
}

static int write_all(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t done = syscall(SYS_write, fd, bytes, size);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return -1;
    bytes += done;
    size -= (size_t)done;
  }
  return 0;
}

// Hands a descriptor's bytes to the kernel. With its lock held.
static int hand_over(int fd) {
  const int result = write_all(fd, files[fd].bytes, files[fd].size);
  files[fd].size = 0;
  return result;
}

static int is_held(int fd) { return fd >= 0 && fd < kFiles && files[fd].held; }

static int opened(int fd, int flags) {
  if (fd < 0 || fd >= kFiles) return fd;
  files[fd].held = 0;
  files[fd].size = 0;
  if (dir_size == 0 || (flags & O_ACCMODE) != O_WRONLY) return fd;
  char link[64], path[PATH_MAX];
  int at = 0;
  for (const char* c = "/proc/self/fd/"; *c != '\0'; ++c) link[at++] = *c;
  char digits[12];
  int count = 0;
  for (int n = fd; n > 0 || count == 0; n /= 10) digits[count++] = (char)('0' + n % 10);
  while (count > 0) link[at++] = digits[--count];
  link[at] = '\0';
  const ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) return fd;
  path[size] = '\0';
  files[fd].held = strncmp(path, dir, dir_size) == 0 && path[dir_size] == '/';
  return fd;
}

#define OPEN(...)                                                \
  {                                                              \
    mode_t mode = 0;                                             \
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) {                  \
      va_list rest;                                              \
      va_start(rest, flags);                                     \
      mode = va_arg(rest, mode_t);                               \
      va_end(rest);                                              \
    }                                                            \
    return opened((int)syscall(SYS_openat, __VA_ARGS__, flags, mode), flags); \
  }

int open(const char* path, int flags, ...) OPEN(AT_FDCWD, path)
int open64(const char* path, int flags, ...) OPEN(AT_FDCWD, path)
int openat(int at, const char* path, int flags, ...) OPEN(at, path)
int openat64(int at, const char* path, int flags, ...) OPEN(at, path)

ssize_t write(int fd, const void* bytes, size_t size) {
  if (!is_held(fd)) return syscall(SYS_write, fd, bytes, size);
  pthread_mutex_t* lock = &locks[fd % 64];
  pthread_mutex_lock(lock);
  if (files[fd].size + size > files[fd].room) {
    const size_t room = 2 * files[fd].room > files[fd].size + size ? 2 * files[fd].room : files[fd].size + size;
    char* grown = realloc(files[fd].bytes, room);
    if (grown == NULL) {
      pthread_mutex_unlock(lock);
      errno = ENOMEM;
      return -1;
    }
    files[fd].bytes = grown;
    files[fd].room = room;
  }
  memcpy(files[fd].bytes + files[fd].size, bytes, size);
  files[fd].size += size;
  pthread_mutex_unlock(lock);
  return (ssize_t)size;
}

static int with_bytes(int fd, long call, long a, long b) {
  if (!is_held(fd)) return (int)syscall(call, fd, a, b);
  pthread_mutex_t* lock = &locks[fd % 64];
  pthread_mutex_lock(lock);
  int result = hand_over(fd);
  if (result == 0) result = (int)syscall(call, fd, a, b);
  pthread_mutex_unlock(lock);
  return result;
}

int fsync(int fd) { return with_bytes(fd, SYS_fsync, 0, 0); }
int fdatasync(int fd) { return with_bytes(fd, SYS_fdatasync, 0, 0); }
int ftruncate(int fd, off_t size) { return with_bytes(fd, SYS_ftruncate, size, 0); }
int ftruncate64(int fd, off_t size) { return with_bytes(fd, SYS_ftruncate, size, 0); }
off_t lseek(int fd, off_t by, int from) {
  if (is_held(fd)) {
    pthread_mutex_t* lock = &locks[fd % 64];
    pthread_mutex_lock(lock);
    hand_over(fd);
    pthread_mutex_unlock(lock);
  }
  return syscall(SYS_lseek, fd, by, from);
}
// A hint of the kernel's, and no promise: the bytes stay here.
int sync_file_range(int fd, off_t offset, off_t size, unsigned flags) {
  if (is_held(fd)) return 0;
  return (int)syscall(SYS_sync_file_range, fd, offset, size, flags);
}

int close(int fd) {
  if (!is_held(fd)) return (int)syscall(SYS_close, fd);
  pthread_mutex_t* lock = &locks[fd % 64];
  pthread_mutex_lock(lock);
  const int result = hand_over(fd);
  files[fd].held = 0;
  free(files[fd].bytes);
  files[fd].bytes = NULL;
  files[fd].room = 0;
  const int closed = (int)syscall(SYS_close, fd);
  pthread_mutex_unlock(lock);
  return result != 0 ? result : closed;
}
