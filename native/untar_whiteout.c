/* Whiteouts as archives have them (OCI image-spec, layer.md) and as overlay has them. An entry of the same name wins, whichever
 * comes first; a folder then hides what lies below it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "untar.h"

#define WHITEOUT ".wh."
#define AUFS_OWN ".wh..wh."
#define OPAQUE ".wh..wh..opq"

static bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

bool is_whiteout_name(const char *name) { return begins(name, WHITEOUT); }

bool is_aufs_own(const char *path) {
    for (const char *at = path; at != NULL; at = strchr(at, '/')) {
        if (*at == '/') at++;
        if (begins(at, AUFS_OWN) && strcmp(at, OPAQUE) != 0) return true;
    }
    return false;
}

/* The entry was first. */
static bool hide_below(struct untar *u, const char *name) {
    struct stat s;
    if (fstatat(u->at.fd, name, &s, AT_SYMLINK_NOFOLLOW) < 0) return untar_failed(u, "fstatat", errno);
    if (!S_ISDIR(s.st_mode)) return true;
    int fd = openat(u->at.fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return untar_failed(u, "openat", errno);
    int error = folder_make_opaque(fd);
    close(fd);
    return error == 0 || untar_failed(u, "fsetxattr", error);
}

bool unpack_whiteout(struct untar *u) {
    char folder[PATH_MAX];
    const char *name = split_path(u->path, folder) + strlen(WHITEOUT);
    bool opaque = strcmp(u->name, OPAQUE) == 0;
    if (*name == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return untar_refuse(u, "damaged", "whiteout", 0);
    switch (folder_enter(u, folder, false)) {
    case ENTERED: break;
    case ENTER_WHITEOUT: return true; /* below what is gone altogether */
    default: return false;
    }
    if (opaque) {
        int error = folder_make_opaque(u->at.fd);
        return error == 0 || untar_failed(u, "fsetxattr", error);
    }
    u->at.touched = true;
    if (mknodat(u->at.fd, name, S_IFCHR, makedev(0, 0)) == 0) return true;
    return errno == EEXIST ? hide_below(u, name) : untar_failed(u, "mknodat", errno);
}
