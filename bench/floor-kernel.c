// Mounts, cgroups and identity for floor; see floor.h.
#define _GNU_SOURCE
#include "floor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

const char *text(const char *format, ...)
{
    static char buffers[64][256];
    static unsigned turn;
    char *buffer = buffers[turn++ % 64];
    va_list list;
    va_start(list, format);
    vsnprintf(buffer, sizeof *buffers, format, list);
    va_end(list);
    return buffer;
}

void write_file(const char *path, const char *data, int flags)
{
    int fd = MUST(open(path, O_WRONLY | O_CLOEXEC | flags, 0644));
    MUST(write(fd, data, strlen(data)));
    close(fd);
}

// ---- mounts ----
int filesystem(const char *type, const char *options, unsigned attributes)
{
    char copy[128], *rest = copy, *option;
    int fs = MUST(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC));
    snprintf(copy, sizeof copy, "%s", options);
    while ((option = strsep(&rest, ",")) != NULL) {
        char *value = strchr(option, '=');
        if (value != NULL) *value++ = 0;
        if (*option) MUST(syscall(SYS_fsconfig, fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, option, value, 0));
    }
    MUST(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
    int mount = MUST(syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes));
    close(fs);
    return mount;
}

int copy_mount(const char *path) { return MUST(syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)); }

void attach(int mount, int dir, const char *path) { MUST(syscall(SYS_move_mount, mount, "", dir, path, MOVE_MOUNT_F_EMPTY_PATH)); }

void mount_on(const char *type, const char *options, unsigned attributes, int dir, const char *path)
{
    int mount = filesystem(type, options, attributes);
    attach(mount, dir, path);
    close(mount);
}

void set_mount(int mount, unsigned attributes, unsigned propagation)
{
    struct mount_attr change = {.attr_set = attributes, .propagation = propagation};
    MUST(syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH, &change, sizeof change));
}

void mask(const char *path)
{
    struct stat info;
    if (stat(path, &info) < 0) return; // absent is fine
    if (S_ISDIR(info.st_mode)) mount_on("tmpfs", "", NO_ACCESS | MOUNT_ATTR_RDONLY, AT_FDCWD, path);
    else MUST(mount("dev/null", path, NULL, MS_BIND, NULL));
}

void read_only_again(const char *path)
{
    if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0) return;
    MUST(mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
}

void pivot(void) { MUST(syscall(SYS_pivot_root, ".", ".")), MUST(umount2(".", MNT_DETACH)), MUST(chdir("/")); }

// ---- cgroups ----
const char *hierarchies[HIERARCHIES];
int hierarchy_count;
static char seccomp_program[8 * 4096], device_program[8 * 256];
static int seccomp_size, device_size;

int cgroup_v2(void) { return hierarchy_count == 0; }

// Makes NAME in every hierarchy. Controllers that share one are joined once, as in src/linux/cgroup/paths.ts.
void cgroup_begin(const char *name)
{
    static const char *const controllers[HIERARCHIES] = {"cpu", "cpuacct", "memory", "pids", "devices"};
    struct stat known[HIERARCHIES], info;
    if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0) {
        write_file("/sys/fs/cgroup/cgroup.subtree_control", "+cpu +memory +pids", 0);
        MUST(mkdir(text("/sys/fs/cgroup/%s", name), 0755));
        write_file(text("/sys/fs/cgroup/%s/cgroup.subtree_control", name), "+cpu +memory +pids", 0);
        return;
    }
    for (int i = 0; i < HIERARCHIES; i++) {
        MUST(stat(text("/sys/fs/cgroup/%s", controllers[i]), &info));
        int seen = 0;
        for (int k = 0; k < hierarchy_count; k++) seen |= known[k].st_dev == info.st_dev;
        if (seen) continue;
        known[hierarchy_count] = info, hierarchies[hierarchy_count++] = controllers[i];
        MUST(mkdir(text("/sys/fs/cgroup/%s/%s", controllers[i], name), 0755));
    }
}

static void filter_v1(const char *path)
{
    static const char *const allowed[] = {"c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm"};
    write_file(text("/sys/fs/cgroup/devices/%s/devices.deny", path), "a", 0);
    for (unsigned i = 0; i < sizeof allowed / sizeof *allowed; i++) write_file(text("/sys/fs/cgroup/devices/%s/devices.allow", path), allowed[i], 0);
}

static void set_optional(const char *path, const char *value)
{
    if (access(path, W_OK) == 0) write_file(path, value, 0);
}

void cgroup_make(const char *path, long memory, int shares, int filtered)
{
    const char *limit = text("%ld", memory);
    if (cgroup_v2()) {
        MUST(mkdir(text("/sys/fs/cgroup/%s", path), 0755));
        write_file(text("/sys/fs/cgroup/%s/cpu.weight", path), text("%d", 1 + (shares - 2) * 9999 / 262142), 0);
        write_file(text("/sys/fs/cgroup/%s/memory.max", path), limit, 0);
        set_optional(text("/sys/fs/cgroup/%s/memory.swap.max", path), "0");
        if (filtered) write_file(text("/sys/fs/cgroup/%s/memory.oom.group", path), "1", 0);
        return;
    }
    for (int i = 0; i < hierarchy_count; i++) MUST(mkdir(text("/sys/fs/cgroup/%s/%s", hierarchies[i], path), 0755));
    write_file(text("/sys/fs/cgroup/cpu/%s/cpu.shares", path), text("%d", shares), 0);
    write_file(text("/sys/fs/cgroup/memory/%s/memory.limit_in_bytes", path), limit, 0);
    set_optional(text("/sys/fs/cgroup/memory/%s/memory.memsw.limit_in_bytes", path), limit);
    if (filtered) filter_v1(path);
}

int cgroup_pause(const char *path)
{
    if (!cgroup_v2()) return -1;
    write_file(text("/sys/fs/cgroup/%s/cgroup.subtree_control", path), "+cpu +memory +pids", 0);
    MUST(mkdir(text("/sys/fs/cgroup/%s/pause", path), 0755));
    return MUST(open(text("/sys/fs/cgroup/%s/pause", path), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

void cgroup_open(const char *path, int groups[HIERARCHIES])
{
    if (cgroup_v2()) groups[0] = MUST(open(text("/sys/fs/cgroup/%s", path), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (int i = 0; i < hierarchy_count; i++) groups[i] = MUST(open(text("/sys/fs/cgroup/%s/%s", hierarchies[i], path), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

void cgroup_filter(int group)
{
    if (!cgroup_v2()) return;
    union bpf_attr load = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insns = (uint64_t)(uintptr_t)device_program, .insn_cnt = device_size / 8, .license = (uint64_t)(uintptr_t) "Apache"};
    int program = MUST(syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load));
    union bpf_attr put = {.target_fd = group, .attach_bpf_fd = program, .attach_type = BPF_CGROUP_DEVICE, .attach_flags = BPF_F_ALLOW_MULTI};
    MUST(syscall(SYS_bpf, BPF_PROG_ATTACH, &put, sizeof put));
    close(program);
}

void cgroup_join(const int groups[HIERARCHIES])
{
    for (int i = 0; i < hierarchy_count; i++) {
        int procs = MUST(openat(groups[i], "cgroup.procs", O_WRONLY | O_CLOEXEC));
        MUST(write(procs, "0", 1));
        close(procs);
    }
}

// The kernel may hold a cgroup for a moment after its last process (EBUSY).
static void remove_folder(const char *path)
{
    for (int i = 0; rmdir(path) < 0 && errno == EBUSY && i < 20000; i++) usleep(100);
    if (access(path, F_OK) == 0) fprintf(stderr, "floor: cgroup %s stays\n", path);
}

void cgroup_remove(const char *path)
{
    if (cgroup_v2() && access(text("/sys/fs/cgroup/%s/pause", path), F_OK) == 0) remove_folder(text("/sys/fs/cgroup/%s/pause", path));
    if (cgroup_v2()) remove_folder(text("/sys/fs/cgroup/%s", path));
    for (int i = 0; i < hierarchy_count; i++) remove_folder(text("/sys/fs/cgroup/%s/%s", hierarchies[i], path));
}

// ---- processes ----
static int read_program(const char *path, char *program, int size)
{
    int fd = MUST(open(path, O_RDONLY | O_CLOEXEC)), length = MUST(read(fd, program, size));
    close(fd);
    return length;
}

void read_programs(const char *work)
{
    seccomp_size = read_program(text("%s/seccomp.bpf", work), seccomp_program, sizeof seccomp_program);
    device_size = read_program(text("%s/devices.bpf", work), device_program, sizeof device_program);
}

// The order of src/sandbox/process-plan.ts.
void become(struct identity identity)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    uint32_t low = (uint32_t)identity.capabilities, high = (uint32_t)(identity.capabilities >> 32);
    struct __user_cap_data_struct data[2] = {{.effective = low, .permitted = low}, {.effective = high, .permitted = high}};
    struct sock_fprog filter = {.len = (unsigned short)(seccomp_size / 8), .filter = (void *)seccomp_program};
    umask(022);
    for (int c = 0; c <= CAP_LAST_CAP; c++)
        if (!(identity.capabilities >> c & 1)) prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
    MUST(setgroups(identity.filtered, &identity.uid)), MUST(setresgid(identity.uid, identity.uid, identity.uid)), MUST(setresuid(identity.uid, identity.uid, identity.uid));
    if (identity.filtered) MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter));
    MUST(syscall(SYS_capset, &head, data));
    if (identity.no_new_privs) MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

void dumpable_off(void) { MUST(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)); }
void die_with_parent(void) { MUST(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)); }

int start_process(uint64_t flags, int cgroup, pid_t *pid)
{
    struct clone_args args = {.flags = flags | CLONE_PARENT | CLONE_PARENT_SETTID, .parent_tid = (uint64_t)(uintptr_t)pid};
    if (cgroup >= 0) args.flags |= CLONE_INTO_CGROUP, args.cgroup = (uint64_t)cgroup;
    return MUST(syscall(SYS_clone3, &args, sizeof args));
}
