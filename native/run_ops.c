/* The operations that are the monitor's only. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "io.h"
#include "ops.h"
#include "run_state.h"

int run_make_stage(struct run *r, const struct step *s) {
    int error = make_stage(&r->actor, s, &r->stage_pid);
    if (error != 0) {
        r->stage_pid = 0;
        return error;
    }
    r->stage.watch.fd = r->actor.peer[ACTOR_STAGE];
    r->child.watch.fd = r->actor.peer[ACTOR_CHILD];
    return 0;
}

/* The pidfd is duplicated: the slot stays full for plans that join the process's namespaces, and may be closed before. */
int run_process(struct run *r, const struct op_process *o) {
    int pidfd = slot_get(&r->actor.slots, o->pid);
    if (pidfd < 0) return EBADF;
    if (run_child(r) == 0) return ESRCH;
    int own = fcntl(pidfd, F_DUPFD_CLOEXEC, 3);
    if (own < 0) return errno;
    return process_add(o->key, run_child(r), o->role, own, &r->process);
}

/* Slots move out only when all of them are there. A terminal, or a socket, may stand in two places. */
static int take_ends(struct run *r, const uint16_t slots[3], struct io_ends *ends) {
    struct slot_set *set = &r->actor.slots;
    for (int i = 0; i < 3; i++) {
        if (slots[i] != NO_SLOT && slot_get(set, slots[i]) < 0) return EBADF;
    }
    ends->out = slot_take(set, slots[1]);
    ends->in = slots[0] != NO_SLOT && slots[0] == slots[1] ? ends->out : slot_take(set, slots[0]);
    ends->err = slots[2] != NO_SLOT && slots[2] == slots[1] ? -1 : slot_take(set, slots[2]);
    return 0;
}

static int started(struct run *r, uint32_t key, int error) {
    if (error != 0) return error;
    r->has_io = true;
    r->io_key = key;
    return 0;
}

int run_log(struct run *r, const struct op_log *o) {
    struct io_ends ends;
    struct log log;
    const uint16_t slots[3] = {o->stdin_, o->stdout_, o->stderr_};
    int error = log_open(&log, o->path.data, o->size, o->files);
    if (error != 0) return error;
    error = take_ends(r, slots, &ends);
    if (error == 0) error = io_start_log(o->key, ends, o->flags, &log);
    if (error != 0) log_close(&log);
    return started(r, o->key, error);
}

int run_stream(struct run *r, const struct op_stream *o) {
    struct io_ends ends;
    const uint16_t slots[3] = {o->stdin_, o->stdout_, o->stderr_};
    if (r->conn == NULL) return ECANCELED;
    int error = take_ends(r, slots, &ends);
    if (error == 0) error = io_start_stream(o->key, ends, o->flags, r->conn);
    return started(r, o->key, error);
}
