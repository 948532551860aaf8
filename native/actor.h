/* One actor of a running plan: the monitor, a stage or a child, each in its own process. */
#ifndef PODRUN_ACTOR_H
#define PODRUN_ACTOR_H

#include <sys/types.h>

#include "plan.h"
#include "slots.h"

/* The results page (docs/architecture.md): shared by the three processes, so that a failure needs no system call. */
struct result {
    uint64_t start; /* CLOCK_MONOTONIC ns, 0: not run */
    uint64_t end;
    uint64_t value;
    uint32_t error;
    uint32_t zero;
};

struct results {
    uint32_t failed; /* the first operation that failed; NO_OPERATION: none. Set once, atomically. */
    uint32_t at[4]; /* where each actor is */
    uint32_t zero[3];
    struct result operations[];
};

/* How an actor leaves. A lost peer has its own code: whoever died first is to blame, not who noticed. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_PEER_LOST = 2 };

/* Returned besides errnos: the fault switch wants the monitor's part of the plan to stop. */
enum { FAULT_STOP = -1 };

struct run;

struct actor {
    uint32_t who; /* ACTOR_* */
    const struct plan *plan;
    struct results *results;
    size_t results_size;
    struct run *run; /* the monitor's only */
    struct walk walk;
    struct slot_set slots;
    int peer[4]; /* sync sockets by actor; 0: none (0 is always /dev/null or better) */
    int child_end; /* the stage's: the child's socket to the monitor, until the child is made */
    int null; /* 0: none; /dev/null as `mask` found it below `null_dir` */
    int null_dir;
    int empty; /* 0: none; the tmpfs that `mask` puts over folders */
    bool pivoted;
    bool umask_set;
    uint32_t pdeathsig;
    bool guarded; /* a child that dies with the monitor, until it is about to be a process of its own */
    char **paths, **argv, **env; /* the child's exec, laid out before seccomp can forbid to allocate */
};

/* Whether this actor has a part in the operation. */
bool actor_concerned(const struct actor *a, const struct step *s);

/* Marks the operation's start; its end, with the failure if any. The latter returns what counts: 0 for optional ones. */
void actor_begin(struct actor *a, const struct step *s);
int actor_end(struct actor *a, const struct step *s, int error);

/* The fault switch: 0, an errno, or FAULT_STOP (the monitor; a stage or child stops here until it is killed). */
int actor_fault(struct actor *a, const struct step *s);

/* Carries one operation out, timed and recorded: 0, an errno or FAULT_STOP. */
int actor_perform(struct actor *a, const struct step *s);

/* A stage's or child's whole life from here. */
_Noreturn void actor_walk(struct actor *a);

/* Leaves although a seccomp filter may forbid exit_group. */
_Noreturn void actor_exit(int code);

/* The operation's `value`. */
void actor_value(struct actor *a, uint32_t operation, uint64_t value);

/* operate.c: which function does which operation. */
int operate(struct actor *a, const struct step *s);

/* sync.c. EAGAIN: nothing there yet (monitor only); EPIPE: the peer is gone. */
int sync_send(struct actor *a, const struct step *s);
int sync_receive(struct actor *a, const struct step *s);

/* clone.c */
int make_stage(struct actor *monitor, const struct step *s, pid_t *pid);
int make_child(struct actor *stage, const struct step *s);

#endif
