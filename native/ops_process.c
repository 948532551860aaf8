/* Namespaces, and what a process is to the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops.h"
#include "pause.h"
#include "sys.h"

int op_unshare(struct actor *a, const struct op_unshare *o) {
    (void)a;
    return CHECK(unshare((int)o->flags));
}

int op_setns(struct actor *a, const struct op_setns *o) {
    int fd = slot_get(&a->slots, o->namespace);
    if (fd < 0) return EBADF;
    if (setns(fd, (int)o->type) < 0) return errno;
    return (o->type & CLONE_NEWUSER) != 0 ? after_credentials(a) : 0;
}

/* The pid behind a pidfd, as the private procfs numbers it; its fdinfo says so in a line "Pid:\tN". */
static int pid_of(int proc, int pidfd, char pid[12]) {
    char info[512], name[40] = "self/fdinfo/";
    decimal(name + strlen(name), (uint64_t)pidfd);
    int fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    ssize_t n = read(fd, info, sizeof info - 1);
    int error = n < 0 ? errno : 0;
    close(fd);
    if (error != 0) return error;
    info[n] = 0;
    const char *line = strstr(info, "\nPid:\t");
    if (line == NULL) return EINVAL;
    long value = strtol(line + strlen("\nPid:\t"), NULL, 10);
    if (value <= 0) return ESRCH; /* -1: it has been reaped; 0: of another PID namespace */
    decimal(pid, (uint64_t)value);
    return 0;
}

int op_open_namespace(struct actor *a, const struct op_open_namespace *o) {
    char path[64] = "self";
    int proc;
    int error = proc_of(a, &proc);
    if (error != 0) return error;
    int pidfd = slot_get(&a->slots, o->pid);
    if (o->pid != NO_SLOT) {
        if (pidfd < 0) return EBADF;
        if ((error = pid_of(proc, pidfd, path)) != 0) return error;
    }
    if (o->kind.length > 24 || strchr(o->kind.data, '/') != NULL) return EINVAL;
    strcat(path, "/ns/");
    strcat(path, o->kind.data);
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    /* The number may have passed to another process before the open: while the pidfd can be signalled, it has not. */
    if (pidfd >= 0 && sys_pidfd_signal(pidfd, 0) < 0) {
        error = errno;
        close(fd);
        return error;
    }
    return slot_put(&a->slots, o->out, fd);
}

int op_close_fds(struct actor *a, const struct op_close_fds *o) {
    enum { MORE = 8 };
    int keep[SLOT_LIMIT + MORE];
    unsigned int n = 0;
    if (o->keep.count > SLOT_LIMIT) return E2BIG;
    for (uint32_t i = 0; i < o->keep.count; i++) keep[n++] = slot_get(&a->slots, slots_at(&o->keep, i));
    for (int i = 0; i < 4; i++) keep[n++] = a->peer[i];
    keep[n++] = a->child_end;
    a->null = a->empty = 0;
    return close_all_but(&a->slots, keep, n, false);
}

/* The dispositions that the monitor has changed, see ignore_signals in monitor.c. */
static int default_signals(void) {
    static const int changed[] = {SIGPIPE, SIGTERM, SIGINT, SIGHUP};
    sigset_t none;
    for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
        if (signal(changed[i], SIG_DFL) == SIG_ERR) return errno;
    }
    sigemptyset(&none);
    return CHECK(sigprocmask(SIG_SETMASK, &none, NULL));
}

int unguard(struct actor *a) {
    if (!a->guarded) return 0;
    a->guarded = false;
    a->pdeathsig = 0;
    return CHECK(prctl(PR_SET_PDEATHSIG, 0UL, 0, 0, 0));
}

/* As execvp(3): a name that is not there or is below a file is looked for further on, and what one may not execute is
 * reported only when nothing else was found. */
int op_exec(struct actor *a, uint32_t index) {
    int denied = 0;
    int error = unguard(a);
    if (error == 0) error = default_signals();
    if (error != 0) return error;
    if (!a->umask_set) umask(022);
    for (uint32_t i = 0; a->paths[i] != NULL; i++) {
        actor_value(a, index, i);
        execve(a->paths[i], a->argv, a->env);
        if (errno == EACCES) denied = EACCES;
        else if (errno != ENOENT && errno != ENOTDIR) return errno;
    }
    return denied != 0 ? denied : ENOENT;
}

int op_pause(struct actor *a, const struct op_pause *o) { pause_process(a, o->title.data); }

int op_setsid(struct actor *a) {
    (void)a;
    return CHECK(setsid());
}

int op_umask(struct actor *a, const struct op_umask *o) {
    umask(o->mask & 0777);
    a->umask_set = true;
    return 0;
}

int op_dumpable(struct actor *a, const struct op_dumpable *o) {
    (void)a;
    return CHECK(prctl(PR_SET_DUMPABLE, (unsigned long)o->value, 0, 0, 0));
}

/* The monitor may have died before the call, which the kernel then does not tell. getppid can't either: it is 0 in a new
 * PID namespace. But nobody else has the other end of our socket. */
int op_pdeathsig(struct actor *a, const struct op_pdeathsig *o) {
    if (prctl(PR_SET_PDEATHSIG, (unsigned long)o->signal, 0, 0, 0) < 0) return errno;
    a->pdeathsig = o->signal;
    a->guarded = false;
    if (a->peer[ACTOR_MONITOR] > 0 && peer_gone(a->peer[ACTOR_MONITOR])) actor_exit(EXIT_PEER_LOST);
    return 0;
}

int op_set_name(struct actor *a, const struct op_set_name *o) {
    (void)a;
    return CHECK(prctl(PR_SET_NAME, o->name.data, 0, 0, 0));
}
