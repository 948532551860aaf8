/* Unpacking an archive into a folder, in overlay's form. Nothing else writes there meanwhile. No symbolic link is followed by
 * the kernel: a link in an archive's path is read, and looked up again from the folder (untar_folder.c). */
#ifndef PODRUN_UNTAR_H
#define PODRUN_UNTAR_H

#include <limits.h>
#include <sys/stat.h>

#include "outcome.h"
#include "skeleton.h"
#include "tar.h"

enum { UNTAR_BUFFER = 1 << 20 };

/* The folder that entries are being put in. When it is left it gets back the time that it had: so a folder's time is what
 * its entry said, whenever its content comes, and nothing need be remembered until the end. */
struct folder {
    int fd; /* -1: none */
    char path[PATH_MAX]; /* no links, no slash in front; empty: the root */
    char asked[PATH_MAX]; /* the path by which it was looked up, when it holds links */
    bool aliased; /* `asked` counts */
    bool setgid; /* what is made here takes the folder's group */
    bool touched;
    bool working; /* it is the working directory */
    struct timespec times[2];
};

struct untar {
    int root;
    int source; /* the archive */
    uint64_t limit, content; /* bytes of files that may be written; that have been */
    uint32_t uid, gid; /* whom a new file belongs to */
    bool plain; /* into a tree that is in use: no whiteouts, and a folder is never made way for, nor made way */
    bool acls; /* a folder may have a default ACL: the mode of what is made in it is not the one asked for */
    struct folder at;
    struct input in;
    struct skeleton skeleton;
    struct tar tar;
    struct outcome outcome;
    const struct tar_entry *entry;
    char path[PATH_MAX]; /* the entry's, cleaned; empty: the root */
    const char *name; /* its last part */
    uint8_t buffer[UNTAR_BUFFER];
};

/* Unpacks the archive from `in` below the folder `root`, the skeleton to `out`. The umask is to be 0. The outcome is in
 * u->outcome; true: done. */
bool untar(struct untar *u, int root, int in, int out, uint64_t limit);

/* As above, `plain`. */
bool untar_plain(struct untar *u, int root, int in, int out, uint64_t limit);

/* What follows is for the parts of it. False: u->outcome says why. */

static inline bool untar_failed(struct untar *u, const char *operation, int error) {
    return outcome_system(&u->outcome, operation, error, u->path);
}
static inline bool untar_refuse(struct untar *u, const char *reason, const char *what, int error) {
    return outcome_fail(&u->outcome, reason, what, error, u->path);
}

/* untar_path.c: without `.`, double slashes, those at the ends; `..` takes back a name, and may not lead out. */
bool clean_path(struct untar *u, const struct span *path, char out[PATH_MAX]);
/* Ends the folder's part of a cleaned path at its last slash and returns the name; `folder` is empty when there is none. */
const char *split_path(const char *path, char folder[PATH_MAX]);
bool join_path(struct untar *u, const char *folder, const char *name, char out[PATH_MAX]);

/* untar_folder.c */
enum entered { ENTERED, ENTER_FAILED, ENTER_WHITEOUT };
/* u->at becomes this folder; what is missing is made, 0755. In the way of anything but a whiteout (`through` false:
 * ENTER_WHITEOUT) a whiteout becomes an opaque folder. */
enum entered folder_enter(struct untar *u, const char *path, bool through);
/* Without making anything: a descriptor, or -1. */
int folder_find(struct untar *u, const char *path);
/* A folder that has just been made or changed becomes u->at. Takes `fd`. */
bool folder_adopt(struct untar *u, int fd, const char *path);
bool folder_leave(struct untar *u);
int folder_make_opaque(int fd); /* errno */

/* untar_remove.c */
bool is_whiteout(const struct stat *s);
/* Removes what has the name in u->at, a folder with all that is in it. */
bool remove_existing(struct untar *u, const char *name);

/* untar_whiteout.c. Whether a path is aufs's own bookkeeping; whether it is a whiteout; does what one asks for. */
bool is_aufs_own(const char *path);
bool is_whiteout_name(const char *name);
bool unpack_whiteout(struct untar *u);

/* untar_metadata.c: owner, mode, extended attributes, times; by descriptor, or (-1) by the entry's name in u->at. */
bool set_metadata(struct untar *u, int fd, mode_t type, bool fresh);
/* Of a hard link: the same, as far as it is not so already. */
bool set_link_metadata(struct untar *u);

/* untar_content.c: the file's content, and what the skeleton has to know of it. */
bool write_content(struct untar *u, int fd);

#endif
