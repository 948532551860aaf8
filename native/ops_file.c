/* Files: what a plan makes, opens and changes by name. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ops.h"

int op_open(struct actor *a, const struct op_open *o) {
    int fd;
    int error = open_path(a, o->dir, o->path.data, o->flags, o->resolve, &fd);
    return error != 0 ? error : slot_put(&a->slots, o->out, fd);
}

int op_close(struct actor *a, const struct op_close *o) {
    for (uint32_t i = 0; i < o->slots.count; i++) slot_close(&a->slots, slots_at(&o->slots, i));
    return 0;
}

/* EEXIST is only fine for a folder. */
static int existing_folder(int dir, const char *path) {
    struct stat s;
    if (fstatat(dir, path, &s, 0) < 0) return errno;
    return S_ISDIR(s.st_mode) ? 0 : ENOTDIR;
}

/* The common cases, all there or only the last missing, are one call. */
static int make_folders(int dir, const char *path, uint32_t mode) {
    char space[PATH_MAX];
    int error = CHECK(mkdirat(dir, path, mode));
    if (error == EEXIST) return existing_folder(dir, path);
    if (error != ENOENT) return error;
    if (strlen(path) >= sizeof space) return ENAMETOOLONG;
    strcpy(space, path);
    for (char *at = space + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = 0;
        error = CHECK(mkdirat(dir, space, mode));
        if (error != 0 && error != EEXIST) return error;
        *at = '/';
    }
    error = CHECK(mkdirat(dir, path, mode));
    return error == EEXIST ? existing_folder(dir, path) : error;
}

int op_mkdir(struct actor *a, const struct op_mkdir *o) {
    char space[PATH_MAX];
    struct place place;
    bool inside = o->resolve == RESOLVE_INSIDE;
    if (o->parents != 0) {
        int dir;
        int error = dir_of(a, o->dir, &dir);
        if (error != 0) return error;
        return inside ? make_inside(dir, o->path.data, false, o->mode) : make_folders(dir, o->path.data, o->mode);
    }
    int error = find_place(a, o->dir, o->path.data, inside, space, &place);
    if (error != 0) return error;
    error = CHECK(mkdirat(place.dir, place.name, o->mode));
    leave_place(&place);
    return error;
}

int op_mknod(struct actor *a, const struct op_mknod *o) {
    char space[PATH_MAX];
    struct place place;
    int error = find_place(a, o->dir, o->path.data, o->dir != NO_SLOT, space, &place);
    if (error != 0) return error;
    error = CHECK(mknodat(place.dir, place.name, o->mode, makedev(o->major, o->minor)));
    leave_place(&place);
    return error;
}

int op_symlink(struct actor *a, const struct op_symlink *o) {
    char space[PATH_MAX];
    struct place place;
    int error = find_place(a, o->dir, o->path.data, o->dir != NO_SLOT, space, &place);
    if (error != 0) return error;
    error = CHECK(symlinkat(o->target.data, place.dir, place.name));
    leave_place(&place);
    return error;
}

int op_write_file(struct actor *a, const struct op_write_file *o) {
    int dir;
    int error = dir_of(a, o->dir, &dir);
    if (error != 0) return error;
    int flags = (int)(o->flags & (O_CREAT | O_TRUNC | O_APPEND | O_EXCL | O_NOFOLLOW));
    int fd = openat(dir, o->path.data, O_WRONLY | O_CLOEXEC | O_NOCTTY | flags, o->mode);
    if (fd < 0) return errno;
    error = write_all(fd, o->data.data, o->data.length);
    /* A full file system may say so only now. */
    if (close(fd) < 0 && error == 0) error = errno;
    return error;
}

int op_mountpoint(struct actor *a, const struct op_mountpoint *o) {
    int dir;
    int error = dir_of(a, o->dir, &dir);
    return error != 0 ? error : make_inside(dir, o->path.data, o->file != 0, 0755);
}

int op_chown(struct actor *a, const struct op_chown *o) {
    int dir;
    if (o->resolve == RESOLVE_INSIDE) {
        int error = open_path(a, o->dir, o->path.data, O_PATH | O_NOFOLLOW, o->resolve, &dir);
        if (error != 0) return error;
        error = CHECK(fchownat(dir, "", o->uid, o->gid, AT_EMPTY_PATH));
        close(dir);
        return error;
    }
    int error = dir_of(a, o->dir, &dir);
    if (error != 0) return error;
    int flags = o->path.length == 0 ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
    return CHECK(fchownat(dir, o->path.data, o->uid, o->gid, flags));
}

/* fchmod takes no O_PATH descriptor, and opening a device or a FIFO for real does things: so by its link in procfs. */
int op_chmod(struct actor *a, const struct op_chmod *o) {
    int fd, proc;
    if (o->resolve != RESOLVE_INSIDE) {
        int error = dir_of(a, o->dir, &fd);
        return error != 0 ? error : CHECK(fchmodat(fd, o->path.data, o->mode, 0));
    }
    int error = proc_of(a, &proc);
    if (error == 0) error = open_path(a, o->dir, o->path.data, O_PATH, o->resolve, &fd);
    if (error != 0) return error;
    struct fd_path path = fd_path(fd);
    error = CHECK(fchmodat(proc, path.text, o->mode, 0));
    close(fd);
    return error;
}

int op_rmdir(struct actor *a, const struct op_rmdir *o) {
    char space[PATH_MAX];
    struct place place;
    int error = find_place(a, o->dir, o->path.data, o->dir != NO_SLOT, space, &place);
    if (error != 0) return error;
    error = CHECK(unlinkat(place.dir, place.name, AT_REMOVEDIR));
    leave_place(&place);
    return error;
}

int op_chdir(struct actor *a, const struct op_chdir *o) {
    int fd;
    if (o->path.length == 0) {
        int error = dir_of(a, o->dir, &fd);
        return error != 0 ? error : fd == AT_FDCWD ? EINVAL : CHECK(fchdir(fd));
    }
    if (o->dir == NO_SLOT && o->resolve != RESOLVE_INSIDE) return CHECK(chdir(o->path.data));
    int error = open_path(a, o->dir, o->path.data, O_PATH | O_DIRECTORY, o->resolve, &fd);
    if (error != 0) return error;
    error = CHECK(fchdir(fd));
    close(fd);
    return error;
}
