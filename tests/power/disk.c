/*
 * A disk whose power can be cut. Preloaded into the real server by the tests; nothing of it is in Deskbell.
 *
 * Every write and truncation of a file below DISK_ROOT goes to the real file and is also noted in DISK_LOG, as is every
 * fsync. From the note a test makes the disk as it would be after a power loss at any moment: what was synced is there,
 * of the rest a random part.
 *
 * While the file DISK_FAULT exists, its words say what fails: "write" and "sync" with EIO, "full" (writes that grow a
 * file) with ENOSPC.
 *
 * A note: u32 kind (1 write, 2 truncate, 3 sync, 4 remove, 5 rename, 6 failed sync), u32 length of the path, u64 offset,
 * u64 length of the data, path, data. One write(2) with O_APPEND each, so that notes of threads do not mix.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

enum { WRITE = 1, TRUNCATE, SYNC, REMOVE, RENAME, FAILED_SYNC };

static int log_fd = -1;
static char root[PATH_MAX];

__attribute__((constructor)) static void begin(void) {
    const char *log = getenv("DISK_LOG");
    const char *where = getenv("DISK_ROOT");
    if (!log || !where || !realpath(where, root)) return;
    log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* The path below the root that a descriptor has, or 0. Shared memory is not on disk. */
static int name_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    size_t above = strlen(root);
    if (!above || strncmp(path, root, above) || path[above] != '/') return 0;
    memmove(path, path + above + 1, (size_t)length - above);
    return !strstr(path, "-shm") && !strstr(path, "deskbell.lock");
}

static void note(uint32_t kind, const char *path, uint64_t offset, const void *data, uint64_t length) {
    if (log_fd < 0) return;
    uint32_t name = (uint32_t)strlen(path);
    unsigned char head[24];
    memcpy(head, &kind, 4);
    memcpy(head + 4, &name, 4);
    memcpy(head + 8, &offset, 8);
    memcpy(head + 16, &length, 8);
    struct iovec parts[3] = {{head, 24}, {(void *)path, name}, {(void *)data, length}};
    if (REAL(writev)(log_fd, parts, data ? 3 : 2) < 0) abort();
}

/* Whether this kind of call fails now. */
static int fails(const char *word) {
    const char *fault = getenv("DISK_FAULT");
    if (!fault) return 0;
    int fd = REAL(open)(fault, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    char words[256];
    ssize_t length = REAL(read)(fd, words, sizeof words - 1);
    REAL(close)(fd);
    words[length > 0 ? length : 0] = 0;
    return strstr(words, word) != 0;
}

static int write_fails(int fd, uint64_t end) {
    if (fails("write")) return EIO;
    struct stat now;
    if (fails("full") && !fstat(fd, &now) && end > (uint64_t)now.st_size) return ENOSPC;
    return 0;
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    char path[PATH_MAX];
    int mine = name_of(fd, path);
    int error = mine ? write_fails(fd, (uint64_t)offset + length) : 0;
    if (error) { errno = error; return -1; }
    ssize_t written = REAL(pwrite64)(fd, data, length, offset);
    if (mine && written > 0) note(WRITE, path, (uint64_t)offset, data, (uint64_t)written);
    return written;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    return pwrite64(fd, data, length, offset);
}

ssize_t write(int fd, const void *data, size_t length) {
    char path[PATH_MAX];
    int mine = name_of(fd, path);
    off64_t offset = mine ? lseek64(fd, 0, SEEK_CUR) : 0;
    if (mine && (fcntl(fd, F_GETFL) & O_APPEND)) offset = lseek64(fd, 0, SEEK_END);
    int error = mine ? write_fails(fd, (uint64_t)offset + length) : 0;
    if (error) { errno = error; return -1; }
    ssize_t written = REAL(write)(fd, data, length);
    if (mine && written > 0) note(WRITE, path, (uint64_t)offset, data, (uint64_t)written);
    return written;
}

int ftruncate64(int fd, off64_t length) {
    char path[PATH_MAX];
    int mine = name_of(fd, path);
    int done = REAL(ftruncate64)(fd, length);
    if (mine && !done) note(TRUNCATE, path, (uint64_t)length, 0, 0);
    return done;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int synced(int fd, int (*real)(int)) {
    char path[PATH_MAX];
    int mine = name_of(fd, path);
    if (mine && fails("sync")) {
        note(FAILED_SYNC, path, 0, 0, 0);
        errno = EIO;
        return -1;
    }
    int done = real(fd);
    if (mine && !done) note(SYNC, path, 0, 0, 0);
    return done;
}

int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

static int below(const char *name, char *path) {
    char whole[PATH_MAX];
    size_t above = strlen(root);
    if (!above || name[0] != '/') return 0;
    snprintf(whole, sizeof whole, "%s", name);
    if (strncmp(whole, root, above) || whole[above] != '/') return 0;
    snprintf(path, PATH_MAX, "%s", whole + above + 1);
    return !strstr(path, "-shm") && !strstr(path, "deskbell.lock");
}

int unlink(const char *name) {
    char path[PATH_MAX];
    int done = REAL(unlink)(name);
    if (!done && below(name, path)) note(REMOVE, path, 0, 0, 0);
    return done;
}

int rename(const char *from, const char *to) {
    char path[PATH_MAX], other[PATH_MAX];
    int done = REAL(rename)(from, to);
    if (!done && below(from, path) && below(to, other)) note(RENAME, path, 0, other, strlen(other));
    return done;
}
