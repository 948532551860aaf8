#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops.h"
#include "sys.h"

int dir_of(const struct actor *a, uint16_t slot, int *fd) {
    *fd = slot == NO_SLOT ? AT_FDCWD : slot_get(&a->slots, slot);
    return *fd == -1 ? EBADF : 0;
}

int open_path(const struct actor *a, uint16_t dir, const char *path, uint64_t flags, uint32_t resolve, int *fd) {
    int at;
    int error = dir_of(a, dir, &at);
    if (error != 0) return error;
    if (resolve == RESOLVE_INSIDE) *fd = sys_open_inside(at, path, flags | O_CLOEXEC, 0);
    else *fd = openat(at, path, (int)flags | O_CLOEXEC, 0);
    return *fd < 0 ? errno : 0;
}

/* Splits `space` at its last slash: the parent ("" when there is none) stays in front, the name is returned. */
static char *split(char *space) {
    size_t length = strlen(space);
    while (length > 1 && space[length - 1] == '/') space[--length] = 0;
    char *slash = strrchr(space, '/');
    if (slash == NULL) return space;
    *slash = 0;
    return slash + 1;
}

static bool is_name(const char *name) { return name[0] != 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0; }

int find_place(const struct actor *a, uint16_t dir, const char *path, bool inside, char space[4096], struct place *out) {
    *out = (struct place){.name = path};
    int error = dir_of(a, dir, &out->dir);
    if (error != 0 || !inside) return error;
    if (strlen(path) >= PATH_MAX) return ENAMETOOLONG;
    strcpy(space, path);
    out->name = split(space);
    if (!is_name(out->name)) return EINVAL;
    if (out->name == space) return 0;
    int parent = sys_open_inside(out->dir, space[0] == 0 ? "." : space, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (parent < 0) return errno;
    out->dir = parent;
    out->owned = true;
    return 0;
}

void leave_place(const struct place *place) {
    if (place->owned) close(place->dir);
}

static int make_last(int dir, const char *name, bool file, uint32_t mode) {
    int error = file ? CHECK(mknodat(dir, name, S_IFREG | 0644, 0)) : CHECK(mkdirat(dir, name, mode));
    return error == EEXIST ? 0 : error;
}

static int right_kind(int fd, bool file) {
    struct stat s;
    if (fstat(fd, &s) < 0) return errno;
    if (S_ISDIR(s.st_mode) != file) return 0;
    return file ? EISDIR : ENOTDIR;
}

/* `name`, at the end of the path's first part, is a link to nothing, as images have them (/etc/resolv.conf). Puts what it
 * says into the path: what it points to is made instead, inside like everything. */
static int follow(int parent, char space[PATH_MAX], const char *name, const char *rest) {
    char path[PATH_MAX], target[PATH_MAX];
    ssize_t n = readlinkat(parent, name, target, sizeof target - 1);
    if (n < 0) return ENOENT; /* not a link: somebody has removed what was there */
    target[n] = 0;
    int before = target[0] == '/' ? 0 : (int)(name - space);
    int length = snprintf(path, sizeof path, "%.*s%s/%s", before, space, target, rest);
    if (length >= PATH_MAX) return ENAMETOOLONG;
    strcpy(space, path);
    return 0;
}

/* One name at a time from the top. Each is looked up anew from `dir` with what is already there, so that a link that
 * someone puts in between is still resolved inside. EAGAIN: `space` says another path now. */
static int make_names(int dir, char space[PATH_MAX], bool file, uint32_t mode, int *made) {
    int parent = sys_open_inside(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (parent < 0) return errno;
    for (char *name = space; *name != 0;) {
        char *end = name + strcspn(name, "/");
        char after = *end;
        char *next = end + strspn(end, "/");
        bool last = *next == 0;
        *end = 0;
        int error = is_name(name) ? make_last(parent, name, last && file, last ? mode : 0755) : 0;
        int fd = error != 0 ? -1 : sys_open_inside(dir, space[0] == 0 ? "." : space, O_PATH | O_CLOEXEC, 0);
        if (fd < 0 && error == 0) error = errno;
        if (error == ENOENT && is_name(name)) {
            error = follow(parent, space, name, next);
            if (error == 0) error = EAGAIN;
        }
        close(parent);
        if (error != 0) return error;
        parent = fd;
        *end = after;
        name = next;
    }
    *made = parent;
    return 0;
}

int make_inside(int dir, const char *path, bool file, uint32_t mode) {
    char space[PATH_MAX];
    int fd = sys_open_inside(dir, path, O_PATH | O_CLOEXEC, 0);
    if (fd < 0 && errno != ENOENT) return errno;
    if (fd < 0) {
        if (strlen(path) >= sizeof space) return ENAMETOOLONG;
        strcpy(space, path);
        int error = EAGAIN;
        for (int links = 0; error == EAGAIN && links < 16; links++) error = make_names(dir, space, file, mode, &fd);
        if (error != 0) return error == EAGAIN ? ELOOP : error;
    }
    int error = right_kind(fd, file);
    close(fd);
    return error;
}

void decimal(char *out, uint64_t value) {
    char digits[20];
    int n = 0;
    do digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    while (n > 0) *out++ = digits[--n];
    *out = 0;
}

struct fd_path fd_path(int fd) {
    struct fd_path path = {"self/fd/"};
    decimal(path.text + strlen(path.text), (uint64_t)fd);
    return path;
}

int proc_of(const struct actor *a, int *fd) {
    *fd = slot_get(&a->slots, PROC_SLOT);
    return *fd < 0 ? EBADF : 0;
}

int write_all(int fd, const void *data, size_t length) {
    ssize_t n;
    do n = write(fd, data, length);
    while (n < 0 && errno == EINTR);
    if (n < 0) return errno;
    return (size_t)n == length ? 0 : EIO;
}

int write_proc(const struct actor *a, const char *path, const void *data, size_t length) {
    int proc;
    int error = proc_of(a, &proc);
    if (error != 0) return error;
    int fd = openat(proc, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    error = write_all(fd, data, length);
    close(fd);
    return error;
}
