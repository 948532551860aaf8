#include "plan.h"

#include <errno.h>
#include <string.h>

enum { PLAN_HEAD = 20 };

static bool refuse(struct plan_error *e, uint32_t operation, int error, const char *text) {
    *e = (struct plan_error){operation, error, text};
    return false;
}

/* The monitor is the daemon's and every container's: an operation that would change the monitor itself is refused. */
static bool monitor_may(uint16_t code) {
    switch (code) {
    case OP_CHDIR:
    case OP_PIVOT_ROOT:
    case OP_UNSHARE:
    case OP_SETNS:
    case OP_JOIN_CGROUP:
    case OP_CLOSE_FDS:
    case OP_EXEC:
    case OP_PAUSE:
    case OP_UNTAR:
    case OP_RETAR:
    case OP_TAR:
    case OP_RECEIVE:
    case OP_SETHOSTNAME:
    case OP_RLIMIT:
    case OP_OOM_SCORE_ADJ:
    case OP_SETGROUPS:
    case OP_SETRESGID:
    case OP_SETRESUID:
    case OP_CAPBSET:
    case OP_CAPSET:
    case OP_NO_NEW_PRIVS:
    case OP_SECCOMP:
    case OP_SETSID:
    case OP_UMASK:
    case OP_DUMPABLE:
    case OP_PDEATHSIG:
    case OP_APPARMOR:
    case OP_SELINUX:
    case OP_RELABEL:
    case OP_SET_NAME:
    case OP_STDIO:
        return false;
    default:
        return true;
    }
}

static bool ends_child(uint16_t code) {
    return code == OP_EXEC || code == OP_PAUSE || code == OP_UNTAR || code == OP_RETAR || code == OP_TAR || code == OP_RECEIVE;
}

static bool monitor_only(uint16_t code) { return code == OP_PROCESS || code == OP_LOG || code == OP_STREAM; }

/* Failing at these leaves the actors in disorder, so that "goes on" would mean nothing. */
static bool may_be_optional(uint16_t code) {
    return code != OP_CLONE && code != OP_SYNC && !ends_child(code) && code != OP_PROCESS;
}

static bool check_clone(struct plan *plan, const struct step *s, struct plan_error *e) {
    uint32_t becomes = s->args.clone.becomes;
    if (s->actor == ACTOR_MONITOR && becomes == ACTOR_STAGE && plan->stage_clone == NO_OPERATION) {
        plan->stage_clone = s->index;
        return true;
    }
    if (s->actor == ACTOR_STAGE && becomes == ACTOR_CHILD && plan->child_clone == NO_OPERATION) {
        plan->child_clone = s->index;
        return true;
    }
    return refuse(e, s->index, EINVAL, "clone: the monitor makes one stage, the stage makes one child");
}

static bool actor_exists(const struct plan *plan, uint32_t actor) {
    if (actor == ACTOR_MONITOR) return true;
    if (actor == ACTOR_STAGE) return plan->stage_clone != NO_OPERATION;
    return actor == ACTOR_CHILD && plan->child_clone != NO_OPERATION;
}

static bool check_sync(struct plan *plan, const struct step *s, struct plan_error *e) {
    uint32_t from = s->args.sync.from, to = s->args.sync.to;
    if (from == to || !actor_exists(plan, from) || !actor_exists(plan, to)) {
        return refuse(e, s->index, EINVAL, "sync: two different actors that exist by then");
    }
    if (plan->child_end != NO_OPERATION && (from == ACTOR_CHILD || to == ACTOR_CHILD)) {
        return refuse(e, s->index, EINVAL, "sync: the child has ended before");
    }
    if (s->args.sync.slots.count > SYNC_SLOTS_LIMIT) return refuse(e, s->index, E2BIG, "sync: too many slots");
    if (from != ACTOR_MONITOR && to != ACTOR_MONITOR) plan->stage_child_sync = true;
    return true;
}

static bool check_step(struct plan *plan, const struct step *s, struct plan_error *e) {
    if (s->code == OP_NFT) return s->actor == ACTOR_DAEMON || refuse(e, s->index, EINVAL, "nft is the daemon's");
    if (!actor_exists(plan, s->actor)) return refuse(e, s->index, EINVAL, "an actor that does not exist by then");
    if (s->actor == ACTOR_MONITOR && !monitor_may(s->code)) {
        return refuse(e, s->index, EINVAL, "not an operation of the monitor");
    }
    if (s->actor != ACTOR_MONITOR && monitor_only(s->code)) return refuse(e, s->index, EINVAL, "only of the monitor");
    if ((s->flags & ~OPERATION_OPTIONAL) != 0) return refuse(e, s->index, EINVAL, "unknown flags");
    if (s->flags != 0 && !may_be_optional(s->code)) return refuse(e, s->index, EINVAL, "cannot be optional");
    if (s->actor == ACTOR_CHILD && plan->child_end != NO_OPERATION) {
        return refuse(e, s->index, EINVAL, "the child has ended before");
    }
    if (s->code == OP_CLONE) return check_clone(plan, s, e);
    if (s->code == OP_SYNC) return check_sync(plan, s, e);
    if (ends_child(s->code)) {
        if (s->actor != ACTOR_CHILD) return refuse(e, s->index, EINVAL, "only of the child");
        plan->child_end = s->index;
    }
    return true;
}

/* One operation: its head, its arguments, nothing left over. */
static bool read_step(struct cursor *c, struct step *s, struct plan_error *e) {
    uint32_t length;
    if (!read_u16(c, &s->code) || !read_u8(c, &s->actor) || !read_u8(c, &s->flags) || !read_u32(c, &length) ||
        (size_t)(c->end - c->at) < length) {
        return refuse(e, s->index, EBADMSG, "the plan ends too soon");
    }
    struct cursor arguments = {c->at, c->at + length};
    c->at += length;
    if (!known_operation(s->code)) return refuse(e, s->index, ENOSYS, "an operation that this monitor does not know");
    if (!decode_operation(s->code, &arguments, &s->args)) {
        return refuse(e, s->index, EBADMSG, "malformed arguments");
    }
    if (arguments.at != arguments.end) return refuse(e, s->index, EBADMSG, "too many arguments");
    return true;
}

static bool read_head(struct plan *plan, struct cursor *c, struct plan_error *e) {
    uint32_t magic, version;
    if (!read_u32(c, &magic) || !read_u32(c, &version) || !read_u32(c, &plan->count) ||
        !read_u32(c, &plan->fault_operation) || !read_u32(c, &plan->fault_errno)) {
        return refuse(e, NO_OPERATION, EBADMSG, "the plan's head is too short");
    }
    if (magic != PLAN_MAGIC) return refuse(e, NO_OPERATION, EBADMSG, "not a plan");
    if (version != PROTOCOL_VERSION) return refuse(e, NO_OPERATION, EPROTONOSUPPORT, "a plan of another version");
    if (plan->count > PLAN_OPERATIONS_LIMIT) return refuse(e, NO_OPERATION, E2BIG, "too many operations");
    return true;
}

bool plan_check(struct plan *plan, const uint8_t *bytes, size_t length, struct plan_error *error) {
    struct cursor c = {bytes, bytes + length};
    *plan = (struct plan){
        .bytes = bytes,
        .length = length,
        .stage_clone = NO_OPERATION,
        .child_clone = NO_OPERATION,
        .child_end = NO_OPERATION,
    };
    if (!read_head(plan, &c, error)) return false;
    for (uint32_t i = 0; i < plan->count; i++) {
        struct step s = {.index = i};
        if (!read_step(&c, &s, error) || !check_step(plan, &s, error)) return false;
    }
    if (c.at != c.end) return refuse(error, NO_OPERATION, EBADMSG, "bytes after the last operation");
    if (plan->child_clone != NO_OPERATION && plan->child_end == NO_OPERATION) {
        return refuse(error, plan->child_clone, EINVAL, "the child does not end in exec, pause or an archive");
    }
    return true;
}

struct walk plan_start(const struct plan *plan) {
    return (struct walk){.rest = {plan->bytes + PLAN_HEAD, plan->bytes + plan->length}, .count = plan->count};
}

bool plan_next(struct walk *walk, struct step *step) {
    struct plan_error ignored; /* plan_check has read the same bytes with the same code */
    if (walk->next >= walk->count) return false;
    step->index = walk->next++;
    return read_step(&walk->rest, step, &ignored);
}
