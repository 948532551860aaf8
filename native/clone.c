/* `clone`: the monitor makes the stage, the stage makes the child, each pair of actors with a socket pair. */
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ops.h"
#include "pause.h"
#include "sys.h"

static const uint64_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                   CLONE_NEWPID | CLONE_NEWNET;

static int pair(int ends[2]) { return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ? errno : 0; }

static void close_pair(const int ends[2]) {
    if (ends[0] > 0) close(ends[0]);
    if (ends[1] > 0) close(ends[1]);
}

/* Does the clone; the kernel writes the pid into the results page before the new process runs, so that its parent can tell
 * whose exit it reaps, however early that is. */
static int start(struct actor *a, const struct step *s, int *pidfd, pid_t *pid) {
    const struct op_clone *o = &s->args.clone;
    struct clone_request request = {
        .flags = o->flags,
        .same_parent = a->who == ACTOR_STAGE,
        .cgroup = -1,
        .pidfd = o->pid == NO_SLOT ? NULL : pidfd,
        .pid = (uint32_t *)&a->results->operations[s->index].value,
    };
    if ((o->flags & ~namespaces) != 0) return EINVAL;
    if (o->cgroup != NO_SLOT) {
        request.cgroup = slot_get(&a->slots, o->cgroup);
        if (request.cgroup < 0) return EBADF;
    }
    *pid = sys_clone(&request);
    return *pid < 0 ? errno : 0;
}

/* The stage holds the slots, its own socket and the one that it will give to the child: not the monitor's connections,
 * whose ends the other side would otherwise not see close. It dies with the monitor. */
static _Noreturn void become_stage(struct actor *a, const struct step *s, int to_monitor, int child_end, pid_t monitor) {
    a->who = ACTOR_STAGE;
    a->run = NULL;
    a->peer[ACTOR_STAGE] = a->peer[ACTOR_CHILD] = 0;
    a->peer[ACTOR_MONITOR] = to_monitor;
    a->child_end = child_end;
    a->pdeathsig = SIGKILL;
    a->results->at[ACTOR_STAGE] = s->index;
    int keep[] = {to_monitor, child_end > 0 ? child_end : -1};
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) actor_exit(EXIT_FAILED);
    bool new_pids = (s->args.clone.flags & CLONE_NEWPID) != 0; /* getppid is 0 there */
    if (!new_pids && getppid() != monitor) actor_exit(EXIT_PEER_LOST);
    if (close_all_but(&a->slots, keep, 2, true) != 0) actor_exit(EXIT_FAILED);
    actor_walk(a);
}

int make_stage(struct actor *a, const struct step *s, pid_t *pid) {
    int stage[2] = {0}, child[2] = {0}, pidfd = -1;
    pid_t self = getpid();
    int error = pair(stage);
    if (error == 0 && a->plan->child_clone != NO_OPERATION) error = pair(child);
    if (error == 0) error = start(a, s, &pidfd, pid);
    if (error != 0) {
        close_pair(stage);
        close_pair(child);
        return error;
    }
    if (*pid == 0) become_stage(a, s, stage[1], child[1], self);
    close(stage[1]);
    if (child[1] > 0) close(child[1]);
    a->peer[ACTOR_STAGE] = stage[0];
    a->peer[ACTOR_CHILD] = child[0];
    return pidfd < 0 ? 0 : slot_put(&a->slots, s->args.clone.pid, pidfd);
}

static char **lay_out(const struct strs *list) {
    char **items = calloc((size_t)list->count + 1, sizeof *items);
    struct cursor c = strs_start(list);
    /* execve takes char *const[] and changes nothing. */
    for (uint32_t i = 0; items != NULL && i < list->count; i++) items[i] = (char *)(uintptr_t)strs_next(&c);
    return items;
}

static bool lay_out_exec(struct actor *a) {
    struct walk walk = a->walk;
    struct step s;
    while (plan_next(&walk, &s)) {
        if (s.actor != ACTOR_CHILD || s.code != OP_EXEC) continue;
        a->paths = lay_out(&s.args.exec.paths);
        a->argv = lay_out(&s.args.exec.argv);
        a->env = lay_out(&s.args.exec.env);
        return a->paths != NULL && a->argv != NULL && a->env != NULL;
    }
    return true;
}

static _Noreturn void become_child(struct actor *a, const struct step *s, int to_stage) {
    close(a->peer[ACTOR_MONITOR]);
    a->who = ACTOR_CHILD;
    a->peer[ACTOR_MONITOR] = a->child_end;
    a->peer[ACTOR_STAGE] = to_stage;
    a->child_end = 0;
    a->umask_set = false; /* the stage's own, for exact modes: a command starts with the usual one unless told */
    a->results->at[ACTOR_CHILD] = s->index;
    /* Whoever ends a lost pod's processes finds them in its cgroups, which a child may not have come to yet. */
    a->pdeathsig = SIGKILL;
    a->guarded = true;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) actor_exit(EXIT_FAILED);
    if (peer_gone(a->peer[ACTOR_MONITOR])) actor_exit(EXIT_PEER_LOST);
    if (!lay_out_exec(a)) actor_exit(EXIT_FAILED);
    actor_walk(a);
}

int make_child(struct actor *a, const struct step *s) {
    int ends[2] = {0}, pidfd = -1;
    pid_t pid;
    int error = a->plan->stage_child_sync ? pair(ends) : 0;
    if (error == 0) error = start(a, s, &pidfd, &pid);
    if (error != 0) {
        close_pair(ends);
        return error;
    }
    if (pid == 0) {
        if (ends[0] > 0) close(ends[0]);
        become_child(a, s, ends[1]);
    }
    if (ends[1] > 0) close(ends[1]);
    a->peer[ACTOR_CHILD] = ends[0];
    close(a->child_end); /* else the monitor would not see the child's execve close it */
    a->child_end = 0;
    return pidfd < 0 ? 0 : slot_put(&a->slots, s->args.clone.pid, pidfd);
}
