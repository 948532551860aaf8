/* System calls that a libc may lack, with the kernel's own types. Only this module includes <linux/...> headers that fight
 * with a libc's. Each returns -1 and sets errno on failure, as a libc's wrapper would. */
#ifndef PODRUN_SYS_H
#define PODRUN_SYS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Resolve inside `dir` as if it were the root, no magic links (design, 2: paths in a container's root are hostile). */
int sys_open_inside(int dir, const char *path, uint64_t flags, uint32_t mode);

/* No link on the way, nothing that leads out of `dir`. */
int sys_open_beneath(int dir, const char *path, uint64_t flags);

/* One name of a folder: no link, nothing that is mounted there (EXDEV). */
int sys_open_name(int dir, const char *name, uint64_t flags);

/* getdents64 into `space`, which is aligned for it: bytes, 0 at the end. Then each name; `at` begins with 0; NULL: no more. */
long sys_getdents(int fd, void *space, size_t size);
const char *sys_dirent(const void *space, size_t length, size_t *at);

struct clone_request {
    uint64_t flags; /* CLONE_NEW* */
    bool same_parent; /* CLONE_PARENT: the caller's parent becomes the new process's */
    int cgroup; /* CLONE_INTO_CGROUP, or -1 */
    int *pidfd; /* CLONE_PIDFD, or NULL */
    uint32_t *pid; /* stored by the kernel before the new process runs */
};

/* fork, through clone3: 0 in the new process, the pid in the caller, -1 with errno. */
pid_t sys_clone(const struct clone_request *request);

int sys_mount(const char *source, const char *target, const char *type, uint64_t flags, const char *data);
int sys_umount(const char *path, uint32_t flags);
int sys_pivot_root(const char *new_root, const char *put_old);
int sys_fsopen(const char *type);
int sys_fsconfig_flag(int fs, const char *key);
int sys_fsconfig_string(int fs, const char *key, const char *value);
int sys_fsconfig_create(int fs);
int sys_fsmount(int fs, uint64_t attributes);
/* An empty path: `dir` itself. */
int sys_clone_tree(int dir, const char *path, bool recursive);
int sys_move_mount(int from, int to);

struct mount_change {
    uint64_t set;
    uint64_t clear;
    uint64_t propagation;
    int userns; /* with MOUNT_ATTR_IDMAP in `set`, else -1 */
    bool recursive;
};
int sys_mount_setattr(int dir, const char *path, const struct mount_change *change);
int sys_mount_readonly(int mount, bool recursive);

int sys_close_range(unsigned int first, unsigned int last);
int sys_pidfd_open(pid_t pid);
int sys_pidfd_signal(int pidfd, int signal);
int sys_seccomp(uint32_t flags, const void *filter, uint16_t count);

/* Sets of capabilities of the caller, one bit each. */
struct capabilities {
    uint64_t effective;
    uint64_t permitted;
    uint64_t inheritable;
};
int sys_capget(struct capabilities *out);
int sys_capset(const struct capabilities *set);

/* Loads a BPF_PROG_TYPE_CGROUP_DEVICE program and attaches it (BPF_F_ALLOW_MULTI). */
int sys_attach_device_filter(int cgroup, const void *program, uint32_t instructions);

/* Nanoseconds. */
uint64_t clock_monotonic(void);
uint64_t clock_realtime(void);

#endif
