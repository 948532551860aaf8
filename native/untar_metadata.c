/* In this order: chown takes setuid, setgid and file capabilities away, an ACL changes the mode, and times come last. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "untar.h"

static bool set_owner(struct untar *u, int fd) {
    const struct tar_entry *e = u->entry;
    int r = fd >= 0 ? fchown(fd, e->uid, e->gid) : fchownat(u->at.fd, u->name, e->uid, e->gid, AT_SYMLINK_NOFOLLOW);
    return r == 0 || untar_failed(u, "fchown", errno);
}

/* By name only what we have just made or looked at, and it is no link: nobody else is here to put one. */
static bool set_mode(struct untar *u, int fd) {
    int r = fd >= 0 ? fchmod(fd, u->entry->mode) : fchmodat(u->at.fd, u->name, u->entry->mode, 0);
    return r == 0 || untar_failed(u, "fchmod", errno);
}

static bool set_times(struct untar *u, int fd) {
    const struct tar_entry *e = u->entry;
    struct timespec times[2] = {
        {.tv_sec = (time_t)e->atime.seconds, .tv_nsec = (long)e->atime.nanoseconds},
        {.tv_sec = (time_t)e->mtime.seconds, .tv_nsec = (long)e->mtime.nanoseconds},
    };
    int r = fd >= 0 ? futimens(fd, times) : utimensat(u->at.fd, u->name, times, AT_SYMLINK_NOFOLLOW);
    return r == 0 || untar_failed(u, "utimensat", errno);
}

/* Overlay's own attributes would forge a layer; labels and signatures of another machine mean nothing on this one. */
static bool wanted(const char *name) {
    static const char *const dropped[] = {"trusted.", "user.overlay.", "security.selinux", "security.evm"};
    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++) {
        if (strncmp(name, dropped[i], strlen(dropped[i])) == 0) return false;
    }
    return true;
}

/* There is no lsetxattrat before Linux 6.13: by name it goes through the working directory. */
static int set_xattr(struct untar *u, int fd, const struct tar_xattr *x) {
    if (fd >= 0) return fsetxattr(fd, x->name, x->value.data, x->value.length, 0);
    if (!u->at.working && fchdir(u->at.fd) < 0) return -1;
    u->at.working = true;
    return lsetxattr(u->name, x->name, x->value.data, x->value.length, 0);
}

static bool set_xattrs(struct untar *u, int fd) {
    for (size_t i = 0; i < u->entry->xattr_count; i++) {
        const struct tar_xattr *x = &u->entry->xattrs[i];
        if (!wanted(x->name)) continue;
        if (strcmp(x->name, "system.posix_acl_default") == 0) u->acls = true;
        if (set_xattr(u, fd, x) < 0 && errno != ENOTSUP) return untar_failed(u, "setxattr", errno);
    }
    return true;
}

bool set_metadata(struct untar *u, int fd, mode_t type, bool fresh) {
    const struct tar_entry *e = u->entry;
    bool own = fresh && e->uid == u->uid && e->gid == u->gid && !u->at.setgid;
    bool exact = fresh && (e->mode & 07000) == 0 && !u->acls && !(type == S_IFDIR && u->at.setgid);
    if (!own && !set_owner(u, fd)) return false;
    if (type != S_IFLNK && !exact && !set_mode(u, fd)) return false;
    return (e->xattr_count == 0 || set_xattrs(u, fd)) && set_times(u, fd);
}

/* chown would take capabilities from a file that has come with them under its other name. */
bool set_link_metadata(struct untar *u) {
    const struct tar_entry *e = u->entry;
    struct stat s;
    if (fstatat(u->at.fd, u->name, &s, AT_SYMLINK_NOFOLLOW) < 0) return untar_failed(u, "fstatat", errno);
    bool own = s.st_uid == e->uid && s.st_gid == e->gid;
    if (!own && !set_owner(u, -1)) return false;
    bool exact = own && (s.st_mode & 07777) == e->mode;
    if (!S_ISLNK(s.st_mode) && !exact && !set_mode(u, -1)) return false;
    if (e->xattr_count > 0 && !set_xattrs(u, -1)) return false;
    if (s.st_mtim.tv_sec == e->mtime.seconds && s.st_mtim.tv_nsec == e->mtime.nanoseconds) return true;
    return set_times(u, -1);
}
