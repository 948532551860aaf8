/* Room for an entry whose name is taken. A file whose content the skeleton tells of is lost with it, and the skeleton has to say so. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "sys.h"
#include "untar.h"

bool is_whiteout(const struct stat *s) { return S_ISCHR(s->st_mode) && s->st_rdev == makedev(0, 0); }

static bool remove_file(struct untar *u, int folder, const char *name, const struct stat *s) {
    if (unlinkat(folder, name, 0) < 0) return untar_failed(u, "unlinkat", errno);
    if (!S_ISREG(s->st_mode) || s->st_size == 0) return true;
    skeleton_lost(&u->skeleton, u->path);
    if (s->st_nlink > 1) return true;
    uint64_t size = (uint64_t)s->st_size;
    u->outcome.bytes -= size < u->outcome.bytes ? size : u->outcome.bytes;
    return true;
}

/* Removes what it can of a folder's names. `deeper` is a folder that is not empty, if one was met: then this is not all. */
static bool sweep(struct untar *u, int fd, char deeper[NAME_MAX + 1]) {
    uint64_t space[512];
    long n;
    deeper[0] = 0;
    if (lseek(fd, 0, SEEK_SET) < 0) return untar_failed(u, "lseek", errno);
    while ((n = sys_getdents(fd, space, sizeof space)) > 0) {
        struct stat s;
        const char *name;
        for (size_t at = 0; (name = sys_dirent(space, (size_t)n, &at)) != NULL;) {
            if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
            if (fstatat(fd, name, &s, AT_SYMLINK_NOFOLLOW) < 0) return untar_failed(u, "fstatat", errno);
            if (!S_ISDIR(s.st_mode)) {
                if (!remove_file(u, fd, name, &s)) return false;
            } else if (unlinkat(fd, name, AT_REMOVEDIR) < 0) {
                if (errno != ENOTEMPTY && errno != EEXIST) return untar_failed(u, "unlinkat", errno);
                strcpy(deeper, name);
                return true;
            }
        }
    }
    return n == 0 || untar_failed(u, "getdents64", errno);
}

/* Down into the first folder that is not empty, up again when it is; one descriptor, whatever the depth. */
static bool remove_content(struct untar *u, int parent, const char *name) {
    char deeper[NAME_MAX + 1];
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return untar_failed(u, "openat", errno);
    for (long depth = 0; depth >= 0;) {
        if (!sweep(u, fd, deeper)) break;
        bool down = deeper[0] != 0;
        if (!down && depth == 0) {
            close(fd);
            return true;
        }
        int next = openat(fd, down ? deeper : "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0) {
            untar_failed(u, "openat", errno);
            break;
        }
        close(fd);
        fd = next;
        depth += down ? 1 : -1;
    }
    close(fd);
    return false;
}

bool remove_existing(struct untar *u, const char *name) {
    struct stat s;
    int fd = u->at.fd;
    u->at.touched = true;
    u->at.aliased = false; /* the name may be a link by which this folder was found */
    if (fstatat(fd, name, &s, AT_SYMLINK_NOFOLLOW) < 0) return untar_failed(u, "fstatat", errno);
    if (!S_ISDIR(s.st_mode)) return remove_file(u, fd, name, &s);
    if (u->plain) return untar_refuse(u, "conflict", "unlinkat", EISDIR);
    if (!remove_content(u, fd, name)) return false;
    return unlinkat(fd, name, AT_REMOVEDIR) == 0 || untar_failed(u, "unlinkat", errno);
}
