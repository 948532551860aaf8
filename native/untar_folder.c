/* Folders of an archive's paths. The usual path has no links in it, and one openat2 that refuses links opens it. Another one is
 * walked by hand: a link is read and its words are put in front of what is left, as the kernel would in a root of its own. So
 * images whose paths go through their own links (lib -> usr/lib, then lib/x) come out as elsewhere, and none leads out. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "sys.h"
#include "untar.h"

enum { FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, LINKS_LIMIT = 40 };

struct walk {
    int fd; /* the folder that `path` names */
    char path[PATH_MAX];
    char rest[2 * PATH_MAX];
    int links;
    bool make;
    bool through;
    bool whiteout; /* one was in the way */
};

static int open_folder(const struct untar *u, const char *path) {
    return sys_open_beneath(u->root, path[0] == 0 ? "." : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int folder_make_opaque(int fd) { return fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0) < 0 ? errno : 0; }

bool folder_leave(struct untar *u) {
    struct folder *at = &u->at;
    if (at->fd < 0) return true;
    int error = at->touched && futimens(at->fd, at->times) < 0 ? errno : 0;
    if (u->plain && error == EPERM) error = 0; /* a folder of somebody else's, such as /tmp */
    close(at->fd);
    at->fd = -1;
    return error == 0 || untar_failed(u, "utimensat", error);
}

bool folder_adopt(struct untar *u, int fd, const char *path) {
    struct folder *at = &u->at;
    struct stat s;
    char kept[PATH_MAX]; /* `path` may be at->path's own */
    strcpy(kept, path);
    if (!folder_leave(u)) {
        close(fd);
        return false;
    }
    if (fstat(fd, &s) < 0) {
        int error = errno;
        close(fd);
        return untar_failed(u, "fstat", error);
    }
    at->fd = fd;
    strcpy(at->path, kept);
    at->aliased = at->touched = at->working = false;
    at->setgid = (s.st_mode & S_ISGID) != 0;
    at->times[0] = (struct timespec){.tv_nsec = UTIME_OMIT};
    at->times[1] = s.st_mtim;
    return true;
}

static int step_into(struct walk *w, int fd, const char *name, size_t length) {
    size_t before = strlen(w->path);
    if (before + 1 + length >= sizeof w->path) {
        close(fd);
        return ENAMETOOLONG;
    }
    if (before > 0) w->path[before++] = '/';
    memcpy(w->path + before, name, length);
    w->path[before + length] = 0;
    close(w->fd);
    w->fd = fd;
    return 0;
}

/* Back by `..`, or to the root by a link that begins with a slash: opened anew, for nobody asks the kernel to go up. */
static int step_to(const struct untar *u, struct walk *w, bool root) {
    char *slash = root ? NULL : strrchr(w->path, '/');
    *(slash == NULL ? w->path : slash) = 0;
    int fd = open_folder(u, w->path);
    if (fd < 0) return errno;
    close(w->fd);
    w->fd = fd;
    return 0;
}

/* The folder around it keeps its time. */
static int make_folder(int parent, const char *name, bool opaque, int *fd) {
    struct stat s;
    if (fstat(parent, &s) < 0) return errno;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, s.st_mtim};
    if (opaque && unlinkat(parent, name, 0) < 0) return errno;
    if (mkdirat(parent, name, 0755) < 0) return errno;
    *fd = openat(parent, name, FOLDER);
    if (*fd < 0) return errno;
    int error = opaque ? folder_make_opaque(*fd) : 0;
    if (error == 0 && futimens(parent, times) < 0) error = errno;
    if (error != 0) close(*fd);
    return error;
}

static int follow(const struct untar *u, struct walk *w, const char *name, const char *rest) {
    char target[PATH_MAX], space[2 * PATH_MAX];
    ssize_t n = readlinkat(w->fd, name, target, sizeof target);
    if (n < 0) return errno;
    size_t length = strlen(rest);
    if (++w->links > LINKS_LIMIT) return ELOOP;
    if (n == sizeof target || (size_t)n + 1 + length >= sizeof space) return ENAMETOOLONG;
    memcpy(space, target, (size_t)n);
    space[n] = '/';
    memcpy(space + n + 1, rest, length + 1);
    memcpy(w->rest, space, (size_t)n + 1 + length + 1);
    return target[0] == '/' ? step_to(u, w, true) : 0;
}

/* What is no folder: a link, a whiteout, nothing, or in the way. */
static int step_special(const struct untar *u, struct walk *w, const char *name, const char *rest) {
    struct stat s;
    int fd;
    if (fstatat(w->fd, name, &s, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno != ENOENT || !w->make) return errno;
        int error = make_folder(w->fd, name, false, &fd);
        return error != 0 ? error : step_into(w, fd, name, strlen(name));
    }
    if (S_ISLNK(s.st_mode)) return follow(u, w, name, rest);
    if (!is_whiteout(&s)) return ENOTDIR;
    w->whiteout = !w->through;
    if (!w->make || !w->through) return ENOTDIR;
    int error = make_folder(w->fd, name, true, &fd);
    return error != 0 ? error : step_into(w, fd, name, strlen(name));
}

static int walk_folder(const struct untar *u, struct walk *w, const char *path) {
    char name[NAME_MAX + 1];
    int error = 0;
    strcpy(w->rest, path);
    w->fd = open_folder(u, "");
    if (w->fd < 0) return errno;
    for (char *rest = w->rest; error == 0 && *rest != 0;) {
        size_t n = strcspn(rest, "/");
        if (n > NAME_MAX) error = ENAMETOOLONG;
        if (error != 0) break;
        memcpy(name, rest, n);
        name[n] = 0;
        rest += n;
        rest += strspn(rest, "/");
        if (n == 0 || strcmp(name, ".") == 0) continue;
        if (strcmp(name, "..") == 0) {
            error = step_to(u, w, false);
            continue;
        }
        int links = w->links, fd = openat(w->fd, name, FOLDER);
        if (fd >= 0) error = step_into(w, fd, name, n);
        else if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) error = step_special(u, w, name, rest);
        else error = errno;
        if (w->links != links) rest = w->rest;
    }
    if (error != 0) close(w->fd);
    return error;
}

enum entered folder_enter(struct untar *u, const char *path, bool through) {
    struct folder *at = &u->at;
    if (at->fd >= 0 && (strcmp(at->path, path) == 0 || (at->aliased && strcmp(at->asked, path) == 0))) return ENTERED;
    if (!folder_leave(u)) return ENTER_FAILED; /* before anything is made: a folder that is on the way keeps its time */
    int fd = open_folder(u, path);
    if (fd >= 0) return folder_adopt(u, fd, path) ? ENTERED : ENTER_FAILED;
    struct walk w = {.make = true, .through = through};
    int error = errno;
    if (error == ENOENT || error == ENOTDIR || error == ELOOP) error = walk_folder(u, &w, path);
    if (w.whiteout) return ENTER_WHITEOUT;
    if (error != 0) {
        untar_failed(u, "openat2", error);
        return ENTER_FAILED;
    }
    if (!folder_adopt(u, w.fd, w.path)) return ENTER_FAILED;
    at->aliased = true;
    strcpy(at->asked, path);
    return ENTERED;
}

int folder_find(struct untar *u, const char *path) {
    struct walk w = {.make = false};
    if (u->at.fd >= 0 && strcmp(u->at.path, path) == 0) return fcntl(u->at.fd, F_DUPFD_CLOEXEC, 3);
    int fd = open_folder(u, path);
    if (fd >= 0 || (errno != ENOTDIR && errno != ELOOP)) return fd;
    int error = walk_folder(u, &w, path);
    if (error == 0) return w.fd;
    errno = error;
    return -1;
}
