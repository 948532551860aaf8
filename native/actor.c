#include "actor.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys.h"

bool actor_concerned(const struct actor *a, const struct step *s) {
    if (s->code == OP_SYNC) return s->args.sync.from == a->who || s->args.sync.to == a->who;
    return s->actor == a->who;
}

/* Of a sync only the one who waits writes the times: what `trace` shows is the waiting. */
static bool times(const struct actor *a, const struct step *s) {
    return s->code != OP_SYNC || s->args.sync.to == a->who;
}

void actor_begin(struct actor *a, const struct step *s) {
    a->results->at[a->who] = s->index;
    if (times(a, s)) a->results->operations[s->index].start = clock_monotonic();
}

int actor_end(struct actor *a, const struct step *s, int error) {
    struct result *r = &a->results->operations[s->index];
    if (times(a, s)) r->end = clock_monotonic();
    if (error == 0) return 0;
    r->error = (uint32_t)error;
    if ((s->flags & OPERATION_OPTIONAL) != 0) return 0;
    uint32_t none = NO_OPERATION;
    __atomic_compare_exchange_n(&a->results->failed, &none, s->index, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return error;
}

void actor_value(struct actor *a, uint32_t operation, uint64_t value) {
    a->results->operations[operation].value = value;
}

int actor_fault(struct actor *a, const struct step *s) {
#ifdef PODRUN_FAULTS
    if (a->plan->fault_operation != s->index || s->actor != a->who) return 0;
    if (a->plan->fault_errno != 0) return (int)a->plan->fault_errno;
    if (a->who == ACTOR_MONITOR) return FAULT_STOP;
    for (;;) pause();
#else
    (void)a;
    (void)s;
    return 0;
#endif
}

int actor_perform(struct actor *a, const struct step *s) {
    actor_begin(a, s);
    int error = actor_fault(a, s);
    if (error == FAULT_STOP) return error;
    if (error == 0) error = operate(a, s);
    return actor_end(a, s, error);
}

void actor_exit(int code) {
    syscall(SYS_exit_group, code);
    for (;;) __builtin_trap();
}

static int perform_sync(struct actor *a, const struct step *s) {
    actor_begin(a, s);
    int error = actor_fault(a, s);
    if (error != 0) return actor_end(a, s, error);
    error = s->args.sync.from == a->who ? sync_send(a, s) : sync_receive(a, s);
    if (error == EPIPE) actor_exit(EXIT_PEER_LOST);
    return actor_end(a, s, error);
}

void actor_walk(struct actor *a) {
    struct step s;
    while (plan_next(&a->walk, &s)) {
        if (!actor_concerned(a, &s)) continue;
        int error = s.code == OP_SYNC ? perform_sync(a, &s) : actor_perform(a, &s);
        if (error != 0) actor_exit(EXIT_FAILED);
    }
    actor_exit(EXIT_DONE);
}
