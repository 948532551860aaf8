/* Who a process is, what it may do, and its limits. User and group calls are made raw: a libc's wrapper would tell the
 * other threads of a process that a clone3 behind its back has left without. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ops.h"
#include "sys.h"

int op_sethostname(struct actor *a, const struct op_sethostname *o) {
    (void)a;
    int error = CHECK(sethostname(o->hostname.data, o->hostname.length));
    if (error != 0 || o->domainname.length == 0) return error;
    return CHECK(setdomainname(o->domainname.data, o->domainname.length));
}

/* Sysctls of an IPC namespace are written by the root of its user namespace and nobody else, whatever the capabilities
 * (kernel, ipc_permissions). The effective user alone changes, and with it what the kernel asks for; all comes back. */
static int write_as_owner(const struct actor *a, const char *path, const struct op_sysctl *o) {
    struct stat s;
    int proc;
    const uid_t keep = (uid_t)-1, self = geteuid();
    int error = proc_of(a, &proc);
    if (error == 0) error = CHECK(fstatat(proc, path, &s, 0));
    if (error != 0) return error;
    if (s.st_uid == self) return EACCES;
    if (syscall(SYS_setresuid, keep, s.st_uid, keep) < 0) return errno;
    error = write_proc(a, path, o->value.data, o->value.length);
    if (syscall(SYS_setresuid, keep, self, keep) < 0) return errno;
    int after = after_credentials(a);
    return error != 0 ? error : after;
}

/* Names as in sysctl(8): where the first separator is a dot, dots separate and a slash stands for a dot. */
int op_sysctl(struct actor *a, const struct op_sysctl *o) {
    char path[512] = "sys/";
    size_t start = strlen(path);
    if (o->name.length + start >= sizeof path) return ENAMETOOLONG;
    strcpy(path + start, o->name.data);
    char *first = strpbrk(path + start, "./");
    if (first != NULL && *first == '.') {
        for (char *c = path + start; *c != 0; c++) *c = *c == '.' ? '/' : *c == '/' ? '.' : *c;
    }
    if (strstr(path, "..") != NULL) return EINVAL;
    int error = write_proc(a, path, o->value.data, o->value.length);
    return error == EACCES ? write_as_owner(a, path, o) : error;
}

int op_rlimit(struct actor *a, const struct op_rlimit *o) {
    (void)a;
    struct rlimit limit = {.rlim_cur = o->soft, .rlim_max = o->hard};
    return CHECK(syscall(SYS_prlimit64, 0, o->resource, &limit, NULL));
}

int op_oom_score_adj(struct actor *a, const struct op_oom_score_adj *o) {
    char text[16] = "-";
    bool negative = o->value < 0;
    decimal(text + (negative ? 1 : 0), (uint64_t)llabs((long long)o->value));
    return write_proc(a, "self/oom_score_adj", text, strlen(text));
}

int op_setgroups(struct actor *a, const struct op_setgroups *o) {
    (void)a;
    enum { GROUPS = 4096 }; /* of the kernel's 65536; the list lies on the stack */
    uint32_t groups[GROUPS];
    if (o->groups.count > GROUPS) return E2BIG;
    for (uint32_t i = 0; i < o->groups.count; i++) groups[i] = u32s_at(&o->groups, i);
    return CHECK(syscall(SYS_setgroups, (size_t)o->groups.count, groups));
}

/* A change of credentials forgets the parent-death signal and resets dumpable to fs.suid_dumpable (kernel, commit_creds). */
int after_credentials(const struct actor *a) {
    if (prctl(PR_SET_DUMPABLE, 0UL, 0, 0, 0) < 0) return errno;
    return a->pdeathsig == 0 ? 0 : CHECK(prctl(PR_SET_PDEATHSIG, (unsigned long)a->pdeathsig, 0, 0, 0));
}

int op_setresgid(struct actor *a, const struct op_setresgid *o) {
    if (syscall(SYS_setresgid, o->gid, o->gid, o->gid) < 0) return errno;
    return after_credentials(a);
}

int op_setresuid(struct actor *a, const struct op_setresuid *o) {
    struct capabilities caps;
    /* Keeps the permitted set; the effective one goes all the same and is raised again. execve resets the flag. */
    if (o->uid != 0 && prctl(PR_SET_KEEPCAPS, 1UL, 0, 0, 0) < 0) return errno;
    if (syscall(SYS_setresuid, o->uid, o->uid, o->uid) < 0) return errno;
    if (o->uid != 0) {
        if (sys_capget(&caps) < 0) return errno;
        caps.effective = caps.permitted;
        if (sys_capset(&caps) < 0) return errno;
    }
    return after_credentials(a);
}

int op_capbset(struct actor *a, const struct op_capbset *o) {
    (void)a;
    for (unsigned long cap = 0; cap < 64; cap++) {
        if ((o->keep >> cap & 1) != 0) continue;
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0) continue;
        if (errno == EINVAL) return 0; /* past the last capability that this kernel has */
        return errno;
    }
    return 0;
}

/* What the actor does not have itself (a daemon in a VM without CAP_SYS_RESOURCE) it can't give: those bits are left out
 * and stand in the operation's value. Bits that this kernel does not know are nobody's loss. */
int op_capset(struct actor *a, const struct op_capset *o, uint32_t index) {
    struct capabilities now, set;
    if (sys_capget(&now) < 0) return errno;
    set.permitted = o->permitted & now.permitted;
    set.effective = o->effective & set.permitted;
    set.inheritable = o->inheritable & (now.permitted | now.inheritable);
    actor_value(a, index, (o->permitted & ~set.permitted) | (o->inheritable & ~set.inheritable));
    if (sys_capset(&set) < 0) return errno;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) return errno;
    uint64_t ambient = o->ambient & set.permitted & set.inheritable;
    for (unsigned long cap = 0; cap < 64; cap++) {
        if ((ambient >> cap & 1) == 0) continue;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0) return errno;
    }
    return 0;
}

int op_no_new_privs(struct actor *a) {
    (void)a;
    return CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0, 0, 0));
}

int op_seccomp(struct actor *a, const struct op_seccomp *o) {
    enum { INSTRUCTION = 8, INSTRUCTIONS = 4096 }; /* struct sock_filter; BPF_MAXINSNS */
    if (o->filter.length % INSTRUCTION != 0 || o->filter.length / INSTRUCTION > INSTRUCTIONS) return EINVAL;
    int error = unguard(a); /* the filter may forbid it afterwards */
    if (error != 0) return error;
    return CHECK(sys_seccomp(o->flags, o->filter.data, (uint16_t)(o->filter.length / INSTRUCTION)));
}

/* "exec PROFILE" to the security module's own file; kernels before 5.8, or another module in front, have only the old. */
int op_apparmor(struct actor *a, const struct op_apparmor *o) {
    char text[512] = "exec ";
    if (o->profile.length + strlen(text) >= sizeof text) return ENAMETOOLONG;
    strcat(text, o->profile.data);
    int error = write_proc(a, "self/attr/apparmor/exec", text, strlen(text));
    return error == ENOENT ? write_proc(a, "self/attr/exec", text, strlen(text)) : error;
}
