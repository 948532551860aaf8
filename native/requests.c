/* What a daemon asks for, one function a message. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "io.h"
#include "monitor.h"
#include "ops.h"
#include "run.h"
#include "sys.h"

/* So long a list waits for plans that are being undone, and so often it is looked whether it has waited long enough. */
enum { LIST_MS = 5000, LIST_LOOK_MS = 100 };

static void answer(struct conn *c, uint32_t request, int error, const char *text) {
    if (error == 0) answer_ok(c, request, 0);
    else answer_error(c, request, error, text);
}

/* The daemon speaks our version, or leaves: old monitors meet new daemons. */
static void on_hello(struct conn *c, uint32_t request) {
    struct msg_hello m = {PROTOCOL_VERSION, (uint32_t)getpid()};
    c->greeted = true;
    conn_flush(c, encode_hello(&c->out, request, &m));
}

static void on_signal(struct conn *c, uint32_t request, const struct msg_signal *m) {
    struct process *p = process_find(m->key);
    if (p == NULL || p->exited) {
        answer_error(c, request, ESRCH, "signal: no process of this key is running");
        return;
    }
    answer(c, request, CHECK(sys_pidfd_signal(p->pidfd, (int)m->signal)), "signal");
}

static void answer_list(struct conn *c, uint32_t request) {
    bool queued = true;
    for (struct process *p = process_first(); p != NULL && queued; p = p->next) {
        struct msg_listed m = {
            .key = p->key,
            .pid = (uint32_t)p->pid,
            .role = p->role,
            .exited = p->exited,
            .status = p->status,
            .started = p->started,
            .finished = p->finished,
        };
        queued = encode_listed(&c->out, request, &m);
    }
    conn_flush(c, queued);
    answer_ok(c, request, 0);
}

/* What a dead daemon had begun is not there: a new one that asks is answered when it has been undone, or when that takes
 * long: an actor in uninterruptible sleep dies only when it wakes, and the pod's other processes must be known before. */
void lists_answer(void) {
    bool forsaken = runs_forsaken();
    for (struct conn *c = conn_first(); c != NULL; c = c->next) {
        if (!c->list_waits || (forsaken && clock_monotonic() < c->list_until)) continue;
        c->list_waits = false;
        answer_list(c, c->list);
    }
}

int lists_timeout(void) {
    for (struct conn *c = conn_first(); c != NULL; c = c->next) {
        if (c->list_waits) return LIST_LOOK_MS;
    }
    return -1;
}

static void on_list(struct conn *c, uint32_t request) {
    if (c->list_waits) {
        answer_error(c, request, EALREADY, "list: the last one has not been answered yet");
        return;
    }
    c->list_waits = true;
    c->list = request;
    c->list_until = clock_monotonic() + LIST_MS * UINT64_C(1000000);
    lists_answer();
}

/* All or nothing: a running process can't be forgotten, its exit would go unseen. */
static void on_forget(struct conn *c, uint32_t request, const struct msg_forget *m) {
    struct slot_set none = {0};
    for (uint32_t i = 0; i < m->keys.count; i++) {
        struct process *p = process_find(u32s_at(&m->keys, i));
        if (p == NULL || p->exited) continue;
        answer_error(c, request, EBUSY, "forget: a process of these keys is running");
        return;
    }
    for (uint32_t i = 0; i < m->keys.count; i++) {
        uint32_t key = u32s_at(&m->keys, i);
        struct process *p = process_find(key);
        if (p != NULL) process_forget(p);
        io_close(io_find(key));
    }
    for (uint32_t i = 0; i < m->slots.count; i++) {
        if (slots_at(&m->slots, i) < PLAN_SLOTS) slot_close(&none, slots_at(&m->slots, i));
    }
    answer_ok(c, request, 0);
}

static void on_cancel(struct conn *c, uint32_t request, const struct msg_cancel *m) {
    answer(c, request, run_cancel(c, m->request) ? 0 : ESRCH, "cancel: no such plan is running");
}

/* A stdin message has no request, so a refusal has no answer: the connection ends, and the client learns it that way. */
static void on_stdin(struct conn *c, uint32_t request, const struct msg_stdin *m) {
    int error = io_input(c, &m->data);
    if (error == 0) return;
    answer_error(c, request, error, "stdin: not this connection's, or more than 256 KiB unacknowledged");
    if (error != EBADF) conn_fail(c);
}

static void on_reopen(struct conn *c, uint32_t request, const struct msg_reopen_log *m) {
    struct io *io = io_find(m->key);
    int error = io == NULL || io->log.fd < 0 ? ESRCH : log_reopen(&io->log);
    answer(c, request, error, "reopen_log");
}

/* The plans that were there when it was told to leave have been cancelled; one that comes later would be overlooked. */
static void on_run(struct conn *c, uint32_t request, const struct msg_run *m) {
    if (monitor_leaving()) answer_error(c, request, ESHUTDOWN, "run: the monitor is shutting down");
    else run_start(c, request, &m->plan);
}

static void dispatch(struct conn *c, uint32_t type, uint32_t request, const union message *m) {
    switch (type) {
    case MSG_HELLO: on_hello(c, request); return;
    case MSG_SETUP: answer(c, request, monitor_setup(&m->setup), "setup"); return;
    case MSG_RUN: on_run(c, request, &m->run); return;
    case MSG_CANCEL: on_cancel(c, request, &m->cancel); return;
    case MSG_SIGNAL: on_signal(c, request, &m->signal); return;
    case MSG_SUBSCRIBE:
        c->subscribed = true;
        answer_ok(c, request, 0);
        return;
    case MSG_LIST: on_list(c, request); return;
    case MSG_FORGET: on_forget(c, request, &m->forget); return;
    case MSG_SHUTDOWN: monitor_shutdown(c, request); return;
    case MSG_ATTACH: answer(c, request, io_attach(c, m->attach.key, m->attach.stdin_ != 0), "attach"); return;
    case MSG_STDIN: on_stdin(c, request, &m->stdin_); return;
    case MSG_RESIZE: answer(c, request, io_resize(c->io, m->resize.rows, m->resize.columns), "resize"); return;
    case MSG_REOPEN_LOG: on_reopen(c, request, &m->reopen_log); return;
    case MSG_ADOPT: answer(c, request, process_adopt(m->adopt.key, (pid_t)m->adopt.pid, m->adopt.role), "adopt"); return;
    default: answer_error(c, request, EINVAL, "not a message to a monitor"); return;
    }
}

void handle_frame(struct conn *c, struct frame *frame) {
    union message m;
    int error = frame_decode(frame, &m);
    if (error == ENOSYS) {
        answer_error(c, frame->request, ENOSYS, "a message that this monitor does not know");
    } else if (error != 0) {
        answer_error(c, frame->request, error, "a malformed message");
    } else if (!c->greeted && frame->type != MSG_HELLO) {
        answer_error(c, frame->request, EPROTO, "the first message must be hello");
        conn_fail(c);
    } else {
        dispatch(c, frame->type, frame->request, &m);
    }
}

void handle_close(struct conn *c) {
    runs_forsake(c);
    io_leave(c);
    monitor_lost(c);
}
