/* Mounts. Targets are opened first and mounted on by descriptor: a container can't race a path that was already walked. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ops.h"
#include "sys.h"

static const char *or_null(struct text text) { return text.length == 0 ? NULL : text.data; }

/* mount(2) on a descriptor, by its link in procfs. The working directory must stay as it is where `data` or `source` are
 * relative to it (overlay's layers are), so the actor's own /proc serves as long as it is the host's; behind a pivot_root
 * the private procfs is stepped into. */
static int mount_on(struct actor *a, int target, const struct op_mount *o) {
    char host[40] = "/proc/";
    struct fd_path path = fd_path(target);
    if (!a->pivoted) {
        strcat(host, path.text);
        return CHECK(sys_mount(or_null(o->source), host, or_null(o->type), o->flags, or_null(o->data)));
    }
    int proc;
    int error = proc_of(a, &proc);
    if (error != 0) return error;
    int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (here < 0) return errno;
    error = CHECK(fchdir(proc));
    if (error == 0) {
        error = CHECK(sys_mount(or_null(o->source), path.text, or_null(o->type), o->flags, or_null(o->data)));
        if (fchdir(here) < 0 && error == 0) error = errno;
    }
    close(here);
    return error;
}

int op_mount(struct actor *a, const struct op_mount *o) {
    if (o->dir == NO_SLOT) {
        return CHECK(sys_mount(or_null(o->source), o->target.data, or_null(o->type), o->flags, or_null(o->data)));
    }
    int target;
    const char *path = o->target.length == 0 ? "." : o->target.data;
    int error = open_path(a, o->dir, path, O_PATH, RESOLVE_INSIDE, &target);
    if (error != 0) return error;
    error = mount_on(a, target, o);
    close(target);
    return error;
}

static int configure(int fs, const char *option) {
    char key[256];
    const char *equals = strchr(option, '=');
    if (equals == NULL) return CHECK(sys_fsconfig_flag(fs, option));
    size_t length = (size_t)(equals - option);
    if (length >= sizeof key) return EINVAL;
    memcpy(key, option, length);
    key[length] = 0;
    return CHECK(sys_fsconfig_string(fs, key, equals + 1));
}

static int make_mount(const char *type, const struct strs *options, uint64_t attributes, int *mount) {
    int fs = sys_fsopen(type);
    if (fs < 0) return errno;
    int error = 0;
    struct cursor c = strs_start(options);
    for (const char *option; error == 0 && (option = strs_next(&c)) != NULL;) error = configure(fs, option);
    if (error == 0) error = CHECK(sys_fsconfig_create(fs));
    if (error == 0) {
        *mount = sys_fsmount(fs, attributes);
        if (*mount < 0) error = errno;
    }
    close(fs);
    return error;
}

int op_fsmount(struct actor *a, const struct op_fsmount *o) {
    int mount;
    int error = make_mount(o->type.data, &o->options, o->attributes, &mount);
    return error != 0 ? error : slot_put(&a->slots, o->out, mount);
}

int op_open_tree(struct actor *a, const struct op_open_tree *o) {
    int dir, tree;
    bool inside = o->resolve == RESOLVE_INSIDE && o->path.length > 0;
    int error = inside ? open_path(a, o->dir, o->path.data, O_PATH, o->resolve, &dir) : dir_of(a, o->dir, &dir);
    if (error != 0) return error;
    tree = sys_clone_tree(dir, inside ? "" : o->path.data, o->recursive != 0);
    error = tree < 0 ? errno : 0;
    if (inside) close(dir);
    return error != 0 ? error : slot_put(&a->slots, o->out, tree);
}

int op_move_mount(struct actor *a, const struct op_move_mount *o) {
    int to;
    int from = slot_get(&a->slots, o->from);
    if (from < 0) return EBADF;
    if (o->path.length == 0) {
        int error = dir_of(a, o->dir, &to);
        return error != 0 ? error : to == AT_FDCWD ? EINVAL : CHECK(sys_move_mount(from, to));
    }
    int error = open_path(a, o->dir, o->path.data, O_PATH, o->resolve, &to);
    if (error != 0) return error;
    error = CHECK(sys_move_mount(from, to));
    close(to);
    return error;
}

int op_mount_setattr(struct actor *a, const struct op_mount_setattr *o) {
    int dir;
    struct mount_change change = {
        .set = o->set,
        .clear = o->clear,
        .propagation = o->propagation,
        .userns = slot_get(&a->slots, o->userns),
        .recursive = o->recursive != 0,
    };
    if (o->userns != NO_SLOT && change.userns < 0) return EBADF;
    int error = dir_of(a, o->dir, &dir);
    return error != 0 ? error : CHECK(sys_mount_setattr(dir, o->path.data, &change));
}

/* pivot_root(".", ".") puts the old root on top of the new one, at the same place: one unmount takes it away
 * (pivot_root(2), "pivot_root(".", ".")"). */
int op_pivot_root(struct actor *a, const struct op_pivot_root *o) {
    int root = slot_get(&a->slots, o->root);
    if (root < 0) return EBADF;
    int error = CHECK(fchdir(root));
    if (error == 0) error = CHECK(sys_pivot_root(".", "."));
    if (error == 0) error = CHECK(sys_umount(".", 2 /* MNT_DETACH; its header fights with linux/mount.h */));
    if (error == 0) error = CHECK(chdir("/"));
    if (error == 0) a->pivoted = true;
    return error;
}

int op_umount(struct actor *a, const struct op_umount *o) {
    (void)a;
    return CHECK(sys_umount(o->path.data, o->flags));
}

/* A copy of the mount, or of the file or folder, at `from` put over `target`. */
static int put_copy(int from, int target) {
    int copy = sys_clone_tree(from, "", false);
    if (copy < 0) return errno;
    int error = CHECK(sys_move_mount(copy, target));
    close(copy);
    return error;
}

/* The one null device that is on no disk and that the container did not make: of the /dev that the plan has mounted. */
static int find_null(struct actor *a, int dir) {
    struct stat s;
    if (a->null > 0 && a->null_dir == dir) return 0;
    if (a->null > 0) close(a->null);
    a->null = 0;
    int fd = sys_open_inside(dir, "dev/null", O_PATH | O_CLOEXEC, 0);
    if (fd < 0) return errno;
    int error = CHECK(fstat(fd, &s));
    if (error == 0 && !(S_ISCHR(s.st_mode) && s.st_rdev == makedev(1, 3))) error = ENXIO;
    if (error != 0) {
        close(fd);
        return error;
    }
    a->null = fd;
    a->null_dir = dir;
    return 0;
}

/* The first masked folder gets a tmpfs, the others copies of it. A copy needs the actor still to be in the mount namespace
 * of the first; where it is not, a new one is made. */
static int mask_folder(struct actor *a, int target) {
    if (a->empty > 0 && put_copy(a->empty, target) == 0) return 0;
    static const uint8_t mode[] = "\x08\0\0\0mode=555";
    struct strs options = {mode, mode + sizeof mode, 1};
    int mount = -1;
    int error = make_mount("tmpfs", &options, 0, &mount);
    if (error != 0) return error;
    error = CHECK(sys_mount_readonly(mount, false));
    if (error == 0) error = CHECK(sys_move_mount(mount, target));
    if (error != 0) {
        close(mount);
        return error;
    }
    if (a->empty > 0) close(a->empty);
    a->empty = mount;
    return 0;
}

int op_mask(struct actor *a, const struct op_mask *o) {
    struct stat s;
    int dir, target;
    int error = dir_of(a, o->dir, &dir);
    if (error == 0) error = open_path(a, o->dir, o->path.data, O_PATH, RESOLVE_INSIDE, &target);
    if (error != 0) return error == ENOENT ? 0 : error;
    error = CHECK(fstat(target, &s));
    if (error == 0 && S_ISDIR(s.st_mode)) error = mask_folder(a, target);
    else if (error == 0 && (error = find_null(a, dir)) == 0) error = put_copy(a->null, target);
    close(target);
    return error;
}

int op_readonly(struct actor *a, const struct op_readonly *o) {
    int target;
    int error = open_path(a, o->dir, o->path.data, O_PATH, RESOLVE_INSIDE, &target);
    if (error != 0) return error == ENOENT ? 0 : error;
    int copy = sys_clone_tree(target, "", true);
    error = copy < 0 ? errno : CHECK(sys_mount_readonly(copy, true));
    if (error == 0) error = CHECK(sys_move_mount(copy, target));
    if (copy >= 0) close(copy);
    close(target);
    return error;
}
