#include "sys.h"

#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Far more often than anybody was seen to need, so that it ends in any case. */
enum { OPEN_TRIES = 10000 };

/* openat2(2): EAGAIN says that something was renamed or mounted, anywhere on the machine, while a ".." was looked at; it is to
 * be tried again. */
static int open_how(int dir, const char *path, struct open_how how) {
    int fd = -1;
    for (int tries = 0; tries < OPEN_TRIES; tries++) {
        fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
        if (fd >= 0 || errno != EAGAIN) break;
    }
    return fd;
}

int sys_open_inside(int dir, const char *path, uint64_t flags, uint32_t mode) {
    return open_how(dir, path, (struct open_how){.flags = flags, .mode = mode, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS});
}

int sys_open_beneath(int dir, const char *path, uint64_t flags) {
    return open_how(dir, path, (struct open_how){.flags = flags, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS});
}

int sys_open_name(int dir, const char *name, uint64_t flags) {
    return open_how(dir, name, (struct open_how){.flags = flags, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV});
}

/* struct linux_dirent64, which no header for user space has. */
struct dirent64 {
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[];
};

long sys_getdents(int fd, void *space, size_t size) { return syscall(SYS_getdents64, fd, space, size); }

const char *sys_dirent(const void *space, size_t length, size_t *at) {
    if (*at >= length) return NULL;
    const struct dirent64 *d = (const struct dirent64 *)((const char *)space + *at);
    *at += d->length;
    return d->name;
}

pid_t sys_clone(const struct clone_request *request) {
    struct clone_args args = {
        .flags = request->flags | CLONE_PARENT_SETTID,
        .parent_tid = (uint64_t)(uintptr_t)request->pid,
        .exit_signal = SIGCHLD,
    };
    if (request->pidfd != NULL) {
        args.flags |= CLONE_PIDFD;
        args.pidfd = (uint64_t)(uintptr_t)request->pidfd;
    }
    if (request->same_parent) {
        args.flags |= CLONE_PARENT;
        args.exit_signal = 0; /* the caller's own exit signal is taken; any other value is EINVAL */
    }
    if (request->cgroup >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)request->cgroup;
    }
    return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

int sys_mount(const char *source, const char *target, const char *type, uint64_t flags, const char *data) {
    return (int)syscall(SYS_mount, source, target, type, (unsigned long)flags, data);
}

int sys_umount(const char *path, uint32_t flags) { return (int)syscall(SYS_umount2, path, flags); }

int sys_pivot_root(const char *new_root, const char *put_old) {
    return (int)syscall(SYS_pivot_root, new_root, put_old);
}

int sys_fsopen(const char *type) { return (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC); }

int sys_fsconfig_flag(int fs, const char *key) {
    return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, key, NULL, 0);
}

int sys_fsconfig_string(int fs, const char *key, const char *value) {
    return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0);
}

int sys_fsconfig_create(int fs) { return (int)syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0); }

int sys_fsmount(int fs, uint64_t attributes) {
    return (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, (unsigned int)attributes);
}

int sys_clone_tree(int dir, const char *path, bool recursive) {
    unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
    if (recursive) flags |= AT_RECURSIVE;
    if (path[0] == 0) flags |= AT_EMPTY_PATH;
    return (int)syscall(SYS_open_tree, dir, path, flags);
}

int sys_move_mount(int from, int to) {
    return (int)syscall(SYS_move_mount, from, "", to, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int sys_mount_setattr(int dir, const char *path, const struct mount_change *change) {
    struct mount_attr attr = {
        .attr_set = change->set,
        .attr_clr = change->clear,
        .propagation = change->propagation,
        .userns_fd = change->userns >= 0 ? (uint64_t)change->userns : 0,
    };
    unsigned int flags = change->recursive ? AT_RECURSIVE : 0;
    if (path[0] == 0) flags |= AT_EMPTY_PATH;
    return (int)syscall(SYS_mount_setattr, dir, path, flags, &attr, sizeof attr);
}

int sys_mount_readonly(int mount, bool recursive) {
    struct mount_change change = {.set = MOUNT_ATTR_RDONLY, .userns = -1, .recursive = recursive};
    return sys_mount_setattr(mount, "", &change);
}

int sys_close_range(unsigned int first, unsigned int last) { return (int)syscall(SYS_close_range, first, last, 0); }

int sys_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int sys_pidfd_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

int sys_seccomp(uint32_t flags, const void *filter, uint16_t count) {
    /* The kernel copies the filter; its type merely lacks the const. */
    struct sock_fprog program = {.len = count, .filter = (struct sock_filter *)(uintptr_t)filter};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) < 0 ? -1 : 0;
}

int sys_capget(struct capabilities *out) {
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    if (syscall(SYS_capget, &head, data) < 0) return -1;
    out->effective = data[0].effective | (uint64_t)data[1].effective << 32;
    out->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    out->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
    return 0;
}

int sys_capset(const struct capabilities *set) {
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)set->effective, (uint32_t)set->permitted, (uint32_t)set->inheritable},
        {(uint32_t)(set->effective >> 32), (uint32_t)(set->permitted >> 32), (uint32_t)(set->inheritable >> 32)},
    };
    return (int)syscall(SYS_capset, &head, data);
}

int sys_attach_device_filter(int cgroup, const void *program, uint32_t instructions) {
    union bpf_attr load = {
        .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
        .insns = (uint64_t)(uintptr_t)program,
        .insn_cnt = instructions,
        .license = (uint64_t)(uintptr_t) "Apache",
    };
    int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
    if (fd < 0) return -1;
    union bpf_attr attach = {
        .target_fd = (uint32_t)cgroup,
        .attach_bpf_fd = (uint32_t)fd,
        .attach_type = BPF_CGROUP_DEVICE,
        .attach_flags = BPF_F_ALLOW_MULTI,
    };
    int r = (int)syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach);
    close(fd); /* the cgroup keeps the program */
    return r;
}

static uint64_t clock_ns(clockid_t id) {
    struct timespec t;
    if (clock_gettime(id, &t) < 0) return 0; /* a seccomp filter may forbid it where there is no vDSO */
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t clock_monotonic(void) { return clock_ns(CLOCK_MONOTONIC); }
uint64_t clock_realtime(void) { return clock_ns(CLOCK_REALTIME); }
