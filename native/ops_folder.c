/* A folder whose content is made anew beside the old and swapped in by one rename: volumes of configuration. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops.h"
#include "sys.h"

int op_rename(struct actor *a, const struct op_rename *o) {
    int dir;
    int error = dir_of(a, o->dir, &dir);
    return error != 0 ? error : CHECK(renameat(dir, o->from.data, dir, o->to.data));
}

static bool is_kept(const struct strs *keep, const char *name) {
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return true;
    if (keep == NULL) return false;
    struct cursor c = strs_start(keep);
    for (const char *kept; (kept = strs_next(&c)) != NULL;)
        if (strcmp(kept, name) == 0) return true;
    return false;
}

/* Removes what it can of a folder's names, all but those to keep. `deeper` is a folder that is not empty, if one was met;
 * then this is not all. `*removed` says that names have gone, after which the kernel may have passed over others. */
static int sweep(int fd, const struct strs *keep, char deeper[NAME_MAX + 1], bool *removed) {
    uint64_t space[512];
    long n;
    deeper[0] = 0;
    *removed = false;
    if (lseek(fd, 0, SEEK_SET) < 0) return errno;
    while ((n = sys_getdents(fd, space, sizeof space)) > 0) {
        const char *name;
        for (size_t at = 0; (name = sys_dirent(space, (size_t)n, &at)) != NULL;) {
            if (is_kept(keep, name)) continue;
            int error = CHECK(unlinkat(fd, name, 0));
            if (error == EISDIR) error = CHECK(unlinkat(fd, name, AT_REMOVEDIR));
            if (error == ENOTEMPTY || error == EEXIST) {
                strcpy(deeper, name);
                return 0;
            }
            if (error != 0 && error != ENOENT) return error;
            *removed = true;
        }
    }
    return n < 0 ? errno : 0;
}

/* Down into the first folder that is not empty, up again when it is; one descriptor, whatever the depth. Takes `fd`. */
static int remove_all_but(int fd, const struct strs *keep) {
    char deeper[NAME_MAX + 1];
    bool removed;
    for (long depth = 0;;) {
        int error = sweep(fd, depth == 0 ? keep : NULL, deeper, &removed);
        bool down = deeper[0] != 0;
        if (error == 0 && !down && removed) continue;
        if (error != 0 || (!down && depth == 0)) {
            close(fd);
            return error;
        }
        int next = openat(fd, down ? deeper : "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        error = next < 0 ? errno : 0;
        close(fd);
        if (error != 0) return error;
        fd = next;
        depth += down ? 1 : -1;
    }
}

int op_keep_only(struct actor *a, const struct op_keep_only *o) {
    int dir;
    int error = dir_of(a, o->dir, &dir);
    if (error != 0) return error;
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? errno : remove_all_but(fd, &o->keep);
}

int op_mountpoint_like(struct actor *a, const struct op_mountpoint_like *o) {
    int dir;
    struct stat s;
    int like = slot_get(&a->slots, o->like);
    if (like < 0) return EBADF;
    if (fstat(like, &s) < 0) return errno;
    int error = dir_of(a, o->dir, &dir);
    return error != 0 ? error : make_inside(dir, o->path.data, !S_ISDIR(s.st_mode), 0755);
}
