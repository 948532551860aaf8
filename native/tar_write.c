/* Others write to the tree meanwhile, and may want us astray: names are opened one by one and never followed, and what was opened
 * is looked at again. A file that shrinks is filled up with zeros, for its length is told already. */
#include "tar_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sys.h"

enum { FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, FILE_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };

static bool failed(struct tar_writer *w, const char *operation, int error) {
    return outcome_system(&w->outcome, operation, error, w->path);
}

/* Goes on: true. The thing itself can't be left out. */
static bool skip(struct tar_writer *w, const char *operation, int error) {
    static struct outcome line;
    if (strcmp(w->path, ".") == 0) return failed(w, operation, error);
    line.reason = NULL;
    outcome_fail(&line, "skipped", operation, error, w->path);
    outcome_tell(&line, w->report);
    return true;
}

/* From what procfs and sysfs have, which is of length 0 until it is read. */
static int read_some(struct tar_writer *w, int fd, size_t *length) {
    for (*length = 0; *length < sizeof w->buffer;) {
        ssize_t n = read(fd, w->buffer + *length, sizeof w->buffer - *length);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        if (n == 0) return 0;
        *length += (size_t)n;
    }
    return 0;
}

static bool write_content(struct tar_writer *w, int fd, const struct stat *s, size_t held) {
    uint64_t size = s->st_size > 0 ? (uint64_t)s->st_size : held;
    int error = tar_write_header(w, s, size, "");
    for (uint64_t left = size; error == 0 && left > 0;) {
        size_t want = left < sizeof w->buffer ? (size_t)left : sizeof w->buffer;
        ssize_t n = held > 0 ? (ssize_t)held : read(fd, w->buffer, want);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed(w, "read", errno);
        if (n == 0) {
            memset(w->buffer, 0, want);
            n = (ssize_t)want;
        }
        error = tar_write_bytes(w, w->buffer, (size_t)n);
        left -= (uint64_t)n;
    }
    if (error == 0) error = tar_write_padding(w, size);
    if (error != 0) return failed(w, "write", error);
    w->outcome.files++;
    w->outcome.bytes += size;
    return true;
}

/* Takes `fd`, -1 with its errno among them. */
static bool write_file(struct tar_writer *w, int fd) {
    struct stat s;
    size_t held = 0;
    if (fd < 0) return skip(w, "openat", errno);
    int error = fstat(fd, &s) < 0 ? errno : S_ISREG(s.st_mode) ? 0 : ESTALE;
    if (error == 0 && s.st_size == 0) error = read_some(w, fd, &held);
    bool good = error == 0 ? write_content(w, fd, &s, held) : skip(w, "read", error);
    close(fd);
    return good;
}

static bool write_link(struct tar_writer *w, int folder, const char *name, const struct stat *s) {
    char target[PATH_MAX];
    ssize_t n = readlinkat(folder, name, target, sizeof target);
    if (n < 0) return skip(w, "readlinkat", errno);
    if (n == sizeof target) return skip(w, "readlinkat", ENAMETOOLONG);
    target[n] = 0;
    int error = tar_write_header(w, s, 0, target);
    if (error != 0) return failed(w, "write", error);
    w->outcome.files++;
    return true;
}

static bool write_folder(struct tar_writer *w, int fd, int depth);

static bool write_name(struct tar_writer *w, int folder, const char *name, int depth) {
    struct stat s;
    if (fstatat(folder, name, &s, AT_SYMLINK_NOFOLLOW) < 0) return errno == ENOENT || skip(w, "fstatat", errno);
    if (S_ISREG(s.st_mode)) return write_file(w, openat(folder, name, FILE_FLAGS | O_NOFOLLOW));
    if (S_ISLNK(s.st_mode)) return write_link(w, folder, name, &s);
    if (!S_ISDIR(s.st_mode)) return skip(w, "type", 0);
    if (depth == TAR_WRITE_DEPTH) return skip(w, "depth", ELOOP);
    return write_folder(w, openat(folder, name, FOLDER), depth);
}

/* Takes `fd`, -1 with its errno among them. */
static bool write_folder(struct tar_writer *w, int fd, int depth) {
    uint64_t space[512];
    struct stat s;
    size_t length = strlen(w->path);
    bool good = true;
    long n;
    if (fd < 0) return skip(w, "openat", errno);
    int error = fstat(fd, &s) < 0 ? errno : tar_write_header(w, &s, 0, "");
    if (error != 0) good = failed(w, "write", error);
    w->outcome.files++;
    while (good && (n = sys_getdents(fd, space, sizeof space)) != 0) {
        const char *name;
        if (n < 0) {
            good = skip(w, "getdents64", errno);
            break;
        }
        for (size_t at = 0; good && (name = sys_dirent(space, (size_t)n, &at)) != NULL; w->path[length] = 0) {
            if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
            if (length + 1 + strlen(name) >= sizeof w->path) good = skip(w, "name", ENAMETOOLONG);
            else if (snprintf(w->path + length, sizeof w->path - length, "/%s", name) > 0) good = write_name(w, fd, name, depth + 1);
        }
    }
    close(fd);
    return good;
}

static bool write_tree(struct tar_writer *w, int root, const char *path, uint32_t flags) {
    struct stat s;
    int place = sys_open_inside(root, path, O_PATH | O_CLOEXEC, 0);
    int error = place < 0 || fstat(place, &s) < 0 ? errno : 0;
    if (place >= 0) close(place);
    if (error != 0) return failed(w, "openat2", error);
    if ((flags & TAR_WRITE_ENTRY_ONLY) != 0) {
        w->outcome.files++;
        error = tar_write_header(w, &s, 0, "");
        return error == 0 || failed(w, "write", error);
    }
    if (S_ISDIR(s.st_mode)) return write_folder(w, sys_open_inside(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0), 0);
    if (S_ISREG(s.st_mode)) return write_file(w, sys_open_inside(root, path, FILE_FLAGS, 0));
    return outcome_fail(&w->outcome, "unsupported", "type", 0, path);
}

bool tar_write(struct tar_writer *w, int root, const char *path, uint32_t flags) {
    static const uint8_t end[1024];
    memset(&w->outcome, 0, sizeof w->outcome);
    strcpy(w->path, ".");
    if (!write_tree(w, root, path, flags)) return false;
    int error = tar_write_bytes(w, end, sizeof end);
    return error == 0 || failed(w, "write", error);
}
