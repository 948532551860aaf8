/* SELinux labels: of the process, at its execve, and of files. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "ops.h"
#include "sys.h"

/* attr/exec is the calling thread's own; fork hands it on, execve empties it. */
int op_selinux(struct actor *a, const struct op_selinux *o) {
    return write_proc(a, "self/attr/exec", o->label.data, o->label.length);
}

static const char ATTRIBUTE[] = "security.selinux";

enum { DEEPEST = 256 }; /* one descriptor a level */

/* What the attribute holds, with the NUL that libselinux writes, too. */
struct label {
    const char *text;
    size_t size;
};

static bool is_same(const struct label *label, const char *now, ssize_t n) {
    return (n == (ssize_t)label->size || n == (ssize_t)label->size - 1) && memcmp(now, label->text, label->size - 1) == 0;
}

static bool has_label(int fd, const struct label *label) {
    char now[512];
    return is_same(label, now, fgetxattr(fd, ATTRIBUTE, now, sizeof now));
}

/* Nothing is written where it is right already: the file's change time stays. */
static int label_file(int fd, const struct label *label) {
    if (has_label(fd, label)) return 0;
    return CHECK(fsetxattr(fd, ATTRIBUTE, label->text, label->size, 0));
}

/* A name of the working directory, for what can't be opened: links, devices, sockets. Who has removed it meanwhile is right. */
static int label_name(const char *name, const struct label *label) {
    char now[512];
    if (is_same(label, now, lgetxattr(name, ATTRIBUTE, now, sizeof now))) return 0;
    int error = CHECK(lsetxattr(name, ATTRIBUTE, label->text, label->size, 0));
    return error == ENOENT ? 0 : error;
}

static int label_below(int fd, const struct label *label, int depth);

/* The folder first: what is made in it meanwhile has its label then. */
static int label_entry(int fd, const char *name, const struct label *label, int depth) {
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return 0;
    int folder = sys_open_name(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0 && errno == EXDEV) return 0; /* another mount */
    if (folder < 0) return errno == ENOENT ? 0 : errno == ENOTDIR || errno == ELOOP ? label_name(name, label) : errno;
    int error = label_file(folder, label);
    if (error == 0) error = label_below(folder, label, depth + 1);
    close(folder);
    if (error == 0 && fchdir(fd) < 0) error = errno;
    return error;
}

static int label_below(int fd, const struct label *label, int depth) {
    uint64_t space[256];
    long n;
    if (depth > DEEPEST) return ELOOP;
    if (fchdir(fd) < 0) return errno;
    while ((n = sys_getdents(fd, space, sizeof space)) > 0) {
        const char *name;
        for (size_t at = 0; (name = sys_dirent(space, (size_t)n, &at)) != NULL;) {
            int error = label_entry(fd, name, label, depth);
            if (error != 0) return error;
        }
    }
    return n < 0 ? errno : 0;
}

/* There is no lsetxattrat before Linux 6.13: names are labelled in the working directory, which is given back. */
static int label_tree(int fd, const struct label *label) {
    int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (back < 0) return errno;
    int error = label_below(fd, label, 0);
    if (fchdir(back) < 0 && error == 0) error = errno;
    close(back);
    return error;
}

enum { ALONE, ALL, ONCE };

/* Once: what is at the top is labelled last, and says that all below it is. */
static int label_found(int fd, const struct label *label, uint32_t mode) {
    struct stat s;
    if (fstat(fd, &s) < 0) return errno;
    bool tree = mode != ALONE && S_ISDIR(s.st_mode);
    if (mode == ONCE && has_label(fd, label)) return 0;
    int error = mode == ONCE ? 0 : label_file(fd, label);
    if (error == 0 && tree) error = label_tree(fd, label);
    return error == 0 ? label_file(fd, label) : error;
}

int op_relabel(struct actor *a, const struct op_relabel *o) {
    const struct label label = {o->label.data, o->label.length + 1};
    int fd;
    const char *path = o->path.length == 0 ? "." : o->path.data;
    int error = open_path(a, o->dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &fd);
    if (error != 0) return error;
    error = label_found(fd, &label, o->recursive);
    close(fd);
    return error == ENOTSUP ? 0 : error;
}
