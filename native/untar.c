#include "untar.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Does `make` again when something has had the name. */
#define MAKE(u, result, make)                                                                    \
    do {                                                                                         \
        (result) = (make);                                                                       \
        if ((result) < 0 && errno == EEXIST) {                                                   \
            if (!remove_existing(u, (u)->name)) return false;                                    \
            (result) = (make);                                                                   \
        }                                                                                        \
    } while (0)

static bool unpack_file(struct untar *u) {
    int fd;
    MAKE(u, fd, openat(u->at.fd, u->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, u->entry->mode & 0777));
    if (fd < 0) return untar_failed(u, "openat", errno);
    bool good = write_content(u, fd) && set_metadata(u, fd, S_IFREG, true);
    if (close(fd) < 0 && good) return untar_failed(u, "close", errno);
    return good;
}

static bool unpack_symlink(struct untar *u) {
    const struct span *target = &u->entry->link;
    int r;
    if (target->length == 0) return untar_refuse(u, "damaged", "link", 0);
    if (target->length >= PATH_MAX) return untar_refuse(u, "unsupported", "link", ENAMETOOLONG);
    MAKE(u, r, symlinkat(target->data, u->at.fd, u->name));
    if (r < 0) return untar_failed(u, "symlinkat", errno);
    return set_metadata(u, -1, S_IFLNK, true);
}

static bool unpack_node(struct untar *u, mode_t type) {
    const struct tar_entry *e = u->entry;
    int r;
    MAKE(u, r, mknodat(u->at.fd, u->name, type | (e->mode & 0777), makedev(e->major, e->minor)));
    if (r < 0) return untar_failed(u, "mknodat", errno);
    return set_metadata(u, -1, type, true);
}

/* What has the name is removed before the target is looked up: a link to itself, or into the folder that it replaces, has no
 * target then, as elsewhere. */
static bool unpack_link(struct untar *u) {
    char target[PATH_MAX], folder[PATH_MAX];
    int r;
    if (!clean_path(u, &u->entry->link, target)) return false;
    const char *name = split_path(target, folder);
    if (*name == 0) return untar_refuse(u, "conflict", "linkat", EISDIR);
    int fd = folder_find(u, folder);
    if (fd < 0 && errno == ENOENT) return untar_refuse(u, "conflict", "linkat", ENOENT);
    if (fd < 0) return untar_failed(u, "openat2", errno);
    r = linkat(fd, name, u->at.fd, u->name, 0);
    if (r < 0 && errno == EEXIST && remove_existing(u, u->name)) r = linkat(fd, name, u->at.fd, u->name, 0);
    int error = r < 0 ? errno : 0;
    close(fd);
    if (error == ENOENT || error == EPERM) return untar_refuse(u, "conflict", "linkat", error);
    if (error != 0) return untar_failed(u, "linkat", error);
    return set_link_metadata(u);
}

/* Onto a folder only the metadata is new; over a whiteout it hides what is below. */
static bool make_folder(struct untar *u, bool *fresh, bool *opaque) {
    struct stat s;
    *fresh = true;
    *opaque = false;
    if (mkdirat(u->at.fd, u->name, u->entry->mode & 01777) == 0) return true;
    if (errno != EEXIST) return untar_failed(u, "mkdirat", errno);
    if (fstatat(u->at.fd, u->name, &s, AT_SYMLINK_NOFOLLOW) < 0) return untar_failed(u, "fstatat", errno);
    *fresh = !S_ISDIR(s.st_mode);
    if (!*fresh) return true;
    if (u->plain) return untar_refuse(u, "conflict", "mkdirat", ENOTDIR);
    *opaque = is_whiteout(&s);
    if (!remove_existing(u, u->name)) return false;
    return mkdirat(u->at.fd, u->name, u->entry->mode & 01777) == 0 || untar_failed(u, "mkdirat", errno);
}

/* It is where the next entries go, mostly. */
static bool unpack_folder(struct untar *u) {
    char path[PATH_MAX];
    bool fresh, opaque;
    if (!join_path(u, u->at.path, u->name, path) || !make_folder(u, &fresh, &opaque)) return false;
    int fd = openat(u->at.fd, u->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return untar_failed(u, "openat", errno);
    int error = opaque ? folder_make_opaque(fd) : 0;
    if (error != 0) untar_failed(u, "fsetxattr", error);
    if (error == 0 && set_metadata(u, fd, S_IFDIR, fresh)) return folder_adopt(u, fd, path);
    close(fd);
    return false;
}

static bool unpack_root(struct untar *u) {
    if (u->entry->kind != TAR_FOLDER) return untar_refuse(u, "conflict", "root", EISDIR);
    if (!folder_leave(u)) return false; /* if it is the root, it gets its old time before its new one */
    int fd = openat(u->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return untar_failed(u, "openat", errno);
    if (set_metadata(u, fd, S_IFDIR, false)) return folder_adopt(u, fd, "");
    close(fd);
    return false;
}

static bool unpack_kind(struct untar *u) {
    switch (u->entry->kind) {
    case TAR_FILE: return unpack_file(u);
    case TAR_LINK: return unpack_link(u);
    case TAR_SYMLINK: return unpack_symlink(u);
    case TAR_CHAR: return unpack_node(u, S_IFCHR);
    case TAR_BLOCK: return unpack_node(u, S_IFBLK);
    case TAR_FIFO: return unpack_node(u, S_IFIFO);
    case TAR_FOLDER: return unpack_folder(u);
    }
    return false;
}

static uint64_t room(const struct untar *u) {
    uint64_t used = u->content + u->skeleton.raw_bytes;
    return used < u->limit ? u->limit - used : 0;
}

static bool unpack_entry(struct untar *u) {
    char folder[PATH_MAX];
    if (!clean_path(u, &u->entry->path, u->path)) return false;
    u->name = split_path(u->path, folder);
    if (u->tar.content > room(u) || (u->entry->sparse && u->entry->size > u->limit)) {
        return untar_refuse(u, "limit", "content", 0);
    }
    if (!u->plain && is_aufs_own(u->path)) return true;
    if (!u->plain && is_whiteout_name(u->name)) return unpack_whiteout(u);
    if (u->path[0] == 0) return unpack_root(u);
    if (folder_enter(u, folder, true) != ENTERED) return false;
    u->at.touched = true;
    return unpack_kind(u);
}

/* Of an entry that is no good the name may be known. */
static bool bad_tar(struct untar *u, enum tar_status status, const struct tar_entry *entry) {
    if (status == TAR_FAILED) return untar_failed(u, "read", u->in.error);
    const char *reason = status == TAR_DAMAGED ? "damaged" : "unsupported";
    return outcome_fail(&u->outcome, reason, u->tar.what, 0, entry->path.data);
}

static bool unpack_entries(struct untar *u) {
    for (;;) {
        struct tar_entry entry = {0};
        enum tar_status status = tar_next(&u->tar, &entry);
        if (u->skeleton.error != 0) return untar_failed(u, "write-skeleton", u->skeleton.error);
        if (room(u) == 0) return untar_refuse(u, "limit", "archive", 0);
        if (status == TAR_END) return true;
        if (status != TAR_ENTRY) return bad_tar(u, status, &entry);
        u->entry = &entry;
        if (!unpack_entry(u)) return false;
        u->outcome.files++;
    }
}

/* What stands behind the end belongs to the archive's digest. */
static bool read_rest(struct untar *u) {
    u->path[0] = 0;
    while (input_need(&u->in, 1)) {
        input_take_raw(&u->in, input_held(&u->in));
        if (room(u) == 0) return untar_refuse(u, "limit", "archive", 0);
        if (u->skeleton.error != 0) break;
    }
    return u->in.error == 0 || untar_failed(u, "read", u->in.error);
}

static ssize_t read_source(void *from, void *data, size_t length) { return read(*(const int *)from, data, length); }

static void take_raw(void *to, const uint8_t *data, size_t length) { skeleton_raw(to, data, length); }

static void start(struct untar *u, int root, int in, int out, uint64_t limit) {
    memset(u, 0, offsetof(struct untar, buffer));
    u->root = root;
    u->source = in;
    u->limit = limit;
    u->uid = geteuid();
    u->gid = getegid();
    u->acls = fgetxattr(root, "system.posix_acl_default", NULL, 0) >= 0;
    u->at.fd = -1;
    u->in = (struct input){.read = read_source, .from = &u->source, .raw = take_raw, .to = &u->skeleton};
    u->in.data = u->buffer;
    u->in.size = sizeof u->buffer;
    skeleton_start(&u->skeleton, out);
    tar_init(&u->tar, &u->in);
}

static bool run(struct untar *u) {
    bool good = unpack_entries(u) && folder_leave(u) && read_rest(u);
    if (good && skeleton_end(&u->skeleton) != 0) good = untar_failed(u, "write-skeleton", u->skeleton.error);
    if (u->at.fd >= 0) close(u->at.fd);
    u->at.fd = -1;
    tar_free(&u->tar);
    return good;
}

bool untar(struct untar *u, int root, int in, int out, uint64_t limit) {
    start(u, root, in, out, limit);
    return run(u);
}

bool untar_plain(struct untar *u, int root, int in, int out, uint64_t limit) {
    start(u, root, in, out, limit);
    u->plain = true;
    return run(u);
}
