#include "run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "ops.h"
#include "run_state.h"
#include "sys.h"

static struct run *runs;

pid_t run_child(const struct run *r) {
    if (r->plan.child_clone == NO_OPERATION) return 0;
    return (pid_t)r->actor.results->operations[r->plan.child_clone].value;
}

static bool stage_through(const struct run *r) { return r->stage_pid == 0 || r->stage.gone; }
static bool child_through(const struct run *r) { return run_child(r) == 0 || r->child.gone; }

/* The child was at its execve (or is pause) and did not fail there: what ends after that is a process, not the plan. */
static bool child_started(const struct run *r) {
    if (r->plan.child_end == NO_OPERATION) return false;
    const struct result *end = &r->actor.results->operations[r->plan.child_end];
    return end->start != 0 && end->error == 0;
}

static void unlink_run(struct run *r) {
    struct run **at = &runs;
    while (*at != r) at = &(*at)->next;
    *at = r->next;
}

static void worker_close(struct worker *w) {
    if (w->watch.fd <= 0) return;
    watch_set(&w->watch, 0);
    close(w->watch.fd);
    w->watch.fd = 0;
}

static void undo(struct run *r) {
    if (r->has_io) io_close(io_find(r->io_key));
    if (r->process != NULL) process_forget(r->process);
    slots_undo(&r->actor.slots);
}

static void send_result(struct run *r) {
    struct msg_result m = {
        .status = r->verdict,
        .operation = r->operation,
        .errno_ = r->error,
        .pid = (uint32_t)run_child(r),
        .results = {(const uint8_t *)r->actor.results->operations, r->plan.count * (uint32_t)sizeof(struct result)},
    };
    if (r->conn != NULL) conn_flush(r->conn, encode_result(&r->conn->out, r->request, &m));
}

static void close_all(struct run *r) {
    worker_close(&r->stage);
    worker_close(&r->child);
    slots_close_own(&r->actor.slots);
    if (r->actor.null > 0) close(r->actor.null);
    if (r->actor.empty > 0) close(r->actor.empty);
}

static void release(struct run *r) {
    munmap(r->actor.results, r->actor.results_size);
    munmap((void *)(uintptr_t)r->plan.bytes, r->plan.length);
    unlink_run(r);
    loop_free(&r->grave);
}

/* All actors are through: the answer, and only then the exit of a process that has ended meanwhile. */
static void finish(struct run *r) {
    struct process *p = r->process;
    bool done = r->verdict == STATUS_DONE;
    bool ended = r->child.gone;
    uint32_t status = (uint32_t)r->child.status;
    /* Who is told of a failure finds nothing left of the plan; who is told of a success need not wait for the closing. */
    if (!done) {
        undo(r);
        close_all(r);
    }
    send_result(r);
    if (done) close_all(r);
    release(r);
    if (p == NULL || !done) return;
    if (ended) process_exited(p, status);
}

/* Killed, never asked: an actor is in the middle of a system call or stopped by the fault switch. The child is known for
 * sure only when the stage is reaped, so this is called again then. */
static void kill_workers(struct run *r) {
    if (!stage_through(r)) kill(r->stage_pid, SIGKILL);
    if (!child_through(r)) kill(run_child(r), SIGKILL);
}

static void end_run(struct run *r, enum run_status verdict, uint32_t operation, uint32_t error) {
    r->state = RUN_ENDING;
    r->verdict = verdict;
    r->operation = operation;
    r->error = error;
    watch_set(&r->stage.watch, 0);
    watch_set(&r->child.watch, 0);
    kill_workers(r);
    if (stage_through(r) && child_through(r)) finish(r);
}

static bool lost_peer(const struct worker *w) {
    return WIFEXITED(w->status) && WEXITSTATUS(w->status) == EXIT_PEER_LOST;
}

/* An actor that died without a word is to blame, unless it left because another one had died. */
static bool judge_deaths(struct run *r) {
    const uint32_t *at = r->actor.results->at;
    bool stage_bad = r->stage.gone && r->stage.status != 0;
    bool child_bad = r->child.gone && !child_started(r);
    if (child_bad && (!lost_peer(&r->child) || (stage_bad && lost_peer(&r->stage)))) {
        end_run(r, STATUS_DIED, at[ACTOR_CHILD], 0);
    } else if (stage_bad && (!lost_peer(&r->stage) || child_through(r))) {
        end_run(r, STATUS_DIED, at[ACTOR_STAGE], 0);
    } else if (child_bad && stage_through(r)) {
        end_run(r, STATUS_DIED, at[ACTOR_CHILD], 0);
    } else if (r->state == RUN_WAITING && r->step.args.sync.from == ACTOR_STAGE && r->stage.closed && r->stage.gone) {
        end_run(r, STATUS_DIED, r->step.index, 0);
    } else {
        return false;
    }
    return true;
}

/* Looks where the plan stands after anything has happened; `r` may be gone afterwards. */
static void settle(struct run *r) {
    struct results *results = r->actor.results;
    if (r->state == RUN_ENDING) {
        kill_workers(r);
        if (stage_through(r) && child_through(r)) finish(r);
        return;
    }
    uint32_t failed = __atomic_load_n(&results->failed, __ATOMIC_SEQ_CST);
    if (failed != NO_OPERATION) {
        end_run(r, STATUS_FAILED, failed, results->operations[failed].error);
        return;
    }
    if (judge_deaths(r) || r->state != RUN_WALKED || !stage_through(r)) return;
    if (r->plan.child_clone != NO_OPERATION) {
        if (!r->child.closed || !child_started(r)) return;
        results->operations[r->plan.child_end].end = clock_monotonic();
        if (r->process != NULL) r->process->started = now_realtime();
    }
    r->verdict = STATUS_DONE;
    r->operation = r->plan.count;
    finish(r);
}

/* At a sync: 0, EAGAIN (wait) or a failure. */
static int meet(struct run *r) {
    struct actor *a = &r->actor;
    int error = r->step.args.sync.from == ACTOR_MONITOR ? sync_send(a, &r->step) : sync_receive(a, &r->step);
    struct worker *peer = r->step.args.sync.from == ACTOR_CHILD || r->step.args.sync.to == ACTOR_CHILD ? &r->child : &r->stage;
    uint32_t wanted = r->step.args.sync.from == ACTOR_MONITOR ? EPOLLOUT : EPOLLIN;
    if (error == EAGAIN && !watch_set(&peer->watch, wanted)) error = errno;
    if (error == EAGAIN) return error;
    watch_set(&peer->watch, 0);
    if (error == EPIPE) { /* its death comes with SIGCHLD, and says more */
        peer->closed = true;
        return EAGAIN;
    }
    return actor_end(a, &r->step, error);
}

static int perform(struct run *r, const struct step *s) {
    if (s->code != OP_SYNC) return actor_perform(&r->actor, s);
    actor_begin(&r->actor, s);
    int error = actor_fault(&r->actor, s);
    if (error != 0) return error == FAULT_STOP ? error : actor_end(&r->actor, s, error);
    r->step = *s;
    return meet(r);
}

/* Carries out the monitor's operations as far as it goes. */
static void advance(struct run *r) {
    struct step s;
    if (r->state == RUN_WAITING) {
        int error = r->stage.closed && r->stage.gone ? EAGAIN : meet(r);
        if (error == EAGAIN) return;
        r->state = RUN_WALKING;
        if (error != 0) return;
    }
    while (r->state == RUN_WALKING) {
        if (!plan_next(&r->actor.walk, &s)) {
            r->state = RUN_WALKED;
            s.flags = 0;
            if (r->child.watch.fd > 0 && !watch_set(&r->child.watch, EPOLLIN)) actor_end(&r->actor, &s, errno);
            return;
        }
        if (!actor_concerned(&r->actor, &s)) continue;
        int error = perform(r, &s);
        if (error == EAGAIN && s.code == OP_SYNC) r->state = RUN_WAITING;
        else if (error == FAULT_STOP) r->state = RUN_STOPPED;
        else if (error != 0) return;
    }
}

/* An event may be old: an earlier one of the same round (the stage's SIGCHLD) has read what this one told of, and the child
 * is still on its way. Only an end of file is the end. */
static bool peer_closed(int fd) {
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

void worker_ready(struct watch *watch, uint32_t events) {
    (void)events;
    struct worker *w = (struct worker *)watch;
    struct run *r = w->run;
    if (r->state == RUN_WALKED && peer_closed(watch->fd)) {
        w->closed = true;
        watch_set(watch, 0);
    }
    if (r->state == RUN_WAITING) advance(r);
    settle(r);
}

/* Memory of its own pages, so that pause can let go of it. */
static void *pages(size_t size, int sharing) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static struct run *new_run(const struct bytes *plan, struct plan_error *error) {
    struct run *r = calloc(1, sizeof *r);
    uint8_t *bytes = plan->length > 0 ? pages(plan->length, MAP_PRIVATE) : NULL;
    if (r == NULL || (bytes == NULL && plan->length > 0)) {
        *error = (struct plan_error){NO_OPERATION, ENOMEM, "no memory for the plan"};
        free(r);
        return NULL;
    }
    if (plan->length > 0) memcpy(bytes, plan->data, plan->length);
    bool good = plan_check(&r->plan, bytes, plan->length, error);
    size_t size = sizeof(struct results) + r->plan.count * sizeof(struct result);
    struct results *results = good ? pages(size, MAP_SHARED) : NULL;
    if (good && results == NULL) *error = (struct plan_error){NO_OPERATION, ENOMEM, "no memory for the results"};
    if (results == NULL) {
        if (bytes != NULL) munmap(bytes, plan->length);
        free(r);
        return NULL;
    }
    results->failed = NO_OPERATION;
    r->actor = (struct actor){.who = ACTOR_MONITOR, .plan = &r->plan, .results = results, .results_size = size, .run = r};
    r->actor.walk = plan_start(&r->plan);
    r->stage = (struct worker){.watch = {.ready = worker_ready}, .run = r};
    r->child = (struct worker){.watch = {.ready = worker_ready}, .run = r};
    return r;
}

static void refuse(struct conn *c, uint32_t request, const struct plan_error *e) {
    char text[160] = "plan: ";
    if (e->operation != NO_OPERATION) {
        strcat(text, "operation ");
        decimal(text + strlen(text), e->operation);
        strcat(text, ": ");
    }
    strcat(text, e->text);
    answer_error(c, request, e->error, text);
}

void run_start(struct conn *c, uint32_t request, const struct bytes *plan) {
    struct plan_error error;
    struct run *r = new_run(plan, &error);
    if (r == NULL) {
        refuse(c, request, &error);
        return;
    }
    r->conn = c;
    r->request = request;
    r->next = runs;
    runs = r;
    advance(r);
    settle(r);
}

static void cancel(struct run *r) {
    uint32_t last = 0;
    if (r->state == RUN_ENDING) return;
    for (uint32_t i = ACTOR_MONITOR; i <= ACTOR_CHILD; i++) {
        if (r->actor.results->at[i] > last) last = r->actor.results->at[i];
    }
    end_run(r, STATUS_CANCELLED, last, 0);
}

bool run_cancel(const struct conn *c, uint32_t request) {
    for (struct run *r = runs; r != NULL; r = r->next) {
        if (r->conn != c || r->request != request) continue;
        cancel(r);
        return true;
    }
    return false;
}

void runs_forsake(const struct conn *c) {
    for (struct run *r = runs, *next; r != NULL; r = next) {
        next = r->next;
        if (r->conn != c) continue;
        r->conn = NULL;
        cancel(r);
    }
}

void runs_cancel_all(void) {
    for (struct run *r = runs, *next; r != NULL; r = next) {
        next = r->next;
        cancel(r);
    }
}

bool runs_any(void) { return runs != NULL; }

bool runs_forsaken(void) {
    for (struct run *r = runs; r != NULL; r = r->next) {
        if (r->conn == NULL) return true;
    }
    return false;
}

bool run_reaped(pid_t pid, int status) {
    for (struct run *r = runs; r != NULL; r = r->next) {
        bool stage = r->stage_pid == pid && !r->stage.gone;
        bool child = run_child(r) == pid && !r->child.gone;
        if (!stage && !child) continue;
        struct worker *w = stage ? &r->stage : &r->child;
        w->gone = true;
        w->status = status;
        /* What it sent before is still in the socket. */
        if (r->state == RUN_WAITING) advance(r);
        if (child) r->child.closed = true;
        settle(r);
        return true;
    }
    return false;
}
