#include <errno.h>

#include "../encode.h"
#include "../plan.h"
#include "check.h"

struct op {
    uint16_t code;
    uint8_t actor;
    uint8_t flags;
};

static void put_head(struct buffer *b, uint32_t count) {
    const uint32_t head[] = {PLAN_MAGIC, PROTOCOL_VERSION, count, NO_OPERATION, 0};
    buffer_append(b, head, sizeof head);
}

static void put_op(struct buffer *b, struct op op, const void *arguments, uint32_t length) {
    buffer_append(b, &op.code, 2);
    buffer_append(b, &op.actor, 1);
    buffer_append(b, &op.flags, 1);
    put_u32(b, length);
    buffer_append(b, arguments, length);
}

static void put_clone(struct buffer *b, uint8_t actor, uint32_t becomes) {
    struct buffer a = {0};
    put_u32(&a, becomes);
    put_u64(&a, 0);
    put_u32(&a, 0xffffffff); /* two empty slots */
    put_op(b, (struct op){OP_CLONE, actor, 0}, a.data, (uint32_t)a.length);
    buffer_free(&a);
}

static void put_exec(struct buffer *b) {
    struct buffer a = {0};
    put_u32(&a, 1);
    put_str(&a, (struct text){"/bin/true", 9});
    put_u32(&a, 1);
    put_str(&a, (struct text){"true", 4});
    put_u32(&a, 0);
    put_op(b, (struct op){OP_EXEC, ACTOR_CHILD, 0}, a.data, (uint32_t)a.length);
    buffer_free(&a);
}

static int check(const struct buffer *b, struct plan *plan, struct plan_error *e) {
    return plan_check(plan, b->data, b->length, e) ? 0 : e->error;
}

/* Expects the refusal of one operation behind a stage and a child. */
static int refusal(struct op op, const void *arguments, uint32_t length) {
    struct buffer b = {0};
    struct plan plan;
    struct plan_error e;
    put_head(&b, 4);
    put_clone(&b, ACTOR_MONITOR, ACTOR_STAGE);
    put_clone(&b, ACTOR_STAGE, ACTOR_CHILD);
    put_op(&b, op, arguments, length);
    put_exec(&b);
    int error = check(&b, &plan, &e);
    CHECK_THAT(error == 0 || e.operation == 2);
    buffer_free(&b);
    return error;
}

static void whole(void) {
    struct buffer b = {0};
    struct plan plan;
    struct plan_error e;
    struct step s;
    put_head(&b, 3);
    put_clone(&b, ACTOR_MONITOR, ACTOR_STAGE);
    put_clone(&b, ACTOR_STAGE, ACTOR_CHILD);
    put_exec(&b);
    CHECK_THAT(check(&b, &plan, &e) == 0);
    CHECK_THAT(plan.stage_clone == 0 && plan.child_clone == 1 && plan.child_end == 2);
    struct walk walk = plan_start(&plan);
    for (uint32_t i = 0; i < 3; i++) CHECK_THAT(plan_next(&walk, &s) && s.index == i);
    struct cursor c = strs_start(&s.args.exec.paths);
    CHECK_THAT(strcmp(strs_next(&c), "/bin/true") == 0);
    CHECK_THAT(strs_next(&c) == NULL);
    CHECK_THAT(!plan_next(&walk, &s));
    buffer_free(&b);
}

static void cut(void) {
    struct buffer b = {0};
    struct plan plan;
    struct plan_error e;
    put_head(&b, 3);
    put_clone(&b, ACTOR_MONITOR, ACTOR_STAGE);
    put_clone(&b, ACTOR_STAGE, ACTOR_CHILD);
    put_exec(&b);
    for (size_t length = 0; length < b.length; length++) {
        uint8_t *exact = malloc(length > 0 ? length : 1); /* so that ASan sees a read behind the end */
        memcpy(exact, b.data, length);
        CHECK_THAT(!plan_check(&plan, exact, length, &e) && e.error == EBADMSG);
        free(exact);
    }
    buffer_append(&b, "", 1);
    CHECK_THAT(check(&b, &plan, &e) == EBADMSG);
    buffer_free(&b);
}

static void heads(void) {
    struct plan plan;
    struct plan_error e;
    uint32_t head[] = {PLAN_MAGIC, PROTOCOL_VERSION, 0, NO_OPERATION, 0};
    CHECK_THAT(plan_check(&plan, (uint8_t *)head, sizeof head, &e));
    head[0]++;
    CHECK_THAT(!plan_check(&plan, (uint8_t *)head, sizeof head, &e) && e.error == EBADMSG);
    head[0]--, head[1]++;
    CHECK_THAT(!plan_check(&plan, (uint8_t *)head, sizeof head, &e) && e.error == EPROTONOSUPPORT);
    head[1]--, head[2] = 0xffffffff;
    CHECK_THAT(!plan_check(&plan, (uint8_t *)head, sizeof head, &e) && e.error == E2BIG);
}

static void unknown(void) {
    CHECK_THAT(refusal((struct op){60000, ACTOR_STAGE, 0}, NULL, 0) == ENOSYS);
    CHECK_THAT(refusal((struct op){0, ACTOR_STAGE, 0}, NULL, 0) == ENOSYS);
    CHECK_THAT(refusal((struct op){OP_SETSID, ACTOR_STAGE, 2}, NULL, 0) == EINVAL);
    CHECK_THAT(refusal((struct op){OP_SETSID, ACTOR_STAGE, 0}, "", 1) == EBADMSG);
    CHECK_THAT(refusal((struct op){OP_SETSID, ACTOR_STAGE, 0}, NULL, 0) == 0);
}

static void actors(void) {
    const uint32_t mask = 022;
    CHECK_THAT(refusal((struct op){OP_SETSID, ACTOR_MONITOR, 0}, NULL, 0) == EINVAL);
    CHECK_THAT(refusal((struct op){OP_UMASK, ACTOR_MONITOR, 0}, &mask, 4) == EINVAL);
    CHECK_THAT(refusal((struct op){OP_UMASK, ACTOR_CHILD, 0}, &mask, 4) == 0);
    CHECK_THAT(refusal((struct op){OP_UMASK, 9, 0}, &mask, 4) == EINVAL);
    CHECK_THAT(refusal((struct op){OP_UMASK, ACTOR_DAEMON, 0}, &mask, 4) == EINVAL);
    const uint8_t process[] = {1, 0, 0, 0, 0, 0, 1, 0, 0, 0};
    CHECK_THAT(refusal((struct op){OP_PROCESS, ACTOR_STAGE, 0}, process, sizeof process) == EINVAL);
    CHECK_THAT(refusal((struct op){OP_PROCESS, ACTOR_MONITOR, 0}, process, sizeof process) == 0);
    CHECK_THAT(refusal((struct op){OP_PROCESS, ACTOR_MONITOR, OPERATION_OPTIONAL}, process, sizeof process) == EINVAL);
    CHECK_THAT(refusal((struct op){OP_RETAR, ACTOR_MONITOR, 0}, NULL, 0) == EINVAL);
    CHECK_THAT(refusal((struct op){OP_RETAR, ACTOR_STAGE, 0}, NULL, 0) == EINVAL);
    CHECK_THAT(refusal((struct op){OP_UNTAR, ACTOR_STAGE, 0}, process, 8) == EINVAL);
}

static void order(void) {
    struct buffer b = {0};
    struct plan plan;
    struct plan_error e;
    put_head(&b, 1);
    put_clone(&b, ACTOR_STAGE, ACTOR_CHILD); /* no stage yet */
    CHECK_THAT(check(&b, &plan, &e) == EINVAL);
    b.length = 0;
    put_head(&b, 2);
    put_clone(&b, ACTOR_MONITOR, ACTOR_STAGE);
    put_clone(&b, ACTOR_MONITOR, ACTOR_STAGE);
    CHECK_THAT(check(&b, &plan, &e) == EINVAL && e.operation == 1);
    b.length = 0;
    put_head(&b, 2);
    put_clone(&b, ACTOR_MONITOR, ACTOR_STAGE);
    put_clone(&b, ACTOR_STAGE, ACTOR_CHILD); /* and never an exec */
    CHECK_THAT(check(&b, &plan, &e) == EINVAL && e.operation == 1);
    b.length = 0;
    put_head(&b, 4);
    put_clone(&b, ACTOR_MONITOR, ACTOR_STAGE);
    put_clone(&b, ACTOR_STAGE, ACTOR_CHILD);
    put_exec(&b);
    put_op(&b, (struct op){OP_SETSID, ACTOR_CHILD, 0}, NULL, 0);
    CHECK_THAT(check(&b, &plan, &e) == EINVAL && e.operation == 3);
    buffer_free(&b);
}

static void lies(void) {
    const uint32_t much[] = {0xffffffff, 0};
    CHECK_THAT(refusal((struct op){OP_SETGROUPS, ACTOR_CHILD, 0}, much, 8) == EBADMSG);
    CHECK_THAT(refusal((struct op){OP_CLOSE, ACTOR_CHILD, 0}, much, 8) == EBADMSG);
    CHECK_THAT(refusal((struct op){OP_SET_NAME, ACTOR_CHILD, 0}, much, 8) == EBADMSG);
    const uint8_t nul_inside[] = {2, 0, 0, 0, 'a', 0, 0}, no_nul[] = {2, 0, 0, 0, 'a', 'b', 'c'}, fine[] = {1, 0, 0, 0, 'a', 0};
    CHECK_THAT(refusal((struct op){OP_SET_NAME, ACTOR_CHILD, 0}, nul_inside, sizeof nul_inside) == EBADMSG);
    CHECK_THAT(refusal((struct op){OP_SET_NAME, ACTOR_CHILD, 0}, no_nul, sizeof no_nul) == EBADMSG);
    CHECK_THAT(refusal((struct op){OP_SET_NAME, ACTOR_CHILD, 0}, fine, sizeof fine) == 0);
    const uint8_t slot_1024[] = {1, 0, 0, 0, 0, 4}, slot_1023[] = {1, 0, 0, 0, 0xff, 3};
    CHECK_THAT(refusal((struct op){OP_CLOSE, ACTOR_CHILD, 0}, slot_1024, sizeof slot_1024) == EBADMSG);
    CHECK_THAT(refusal((struct op){OP_CLOSE, ACTOR_CHILD, 0}, slot_1023, sizeof slot_1023) == 0);
}

int main(void) {
    TEST("a whole plan is read back operation by operation", whole);
    TEST("a plan cut anywhere, or with a byte too many, is refused", cut);
    TEST("a plan with another magic, version or too large a count is refused", heads);
    TEST("an unknown operation, unknown flags or surplus arguments are refused", unknown);
    TEST("an operation that is not its actor's is refused", actors);
    TEST("actors come in their order, each once, and the child ends in exec", order);
    TEST("lengths, NULs and slots that lie are refused", lies);
    return RESULT();
}
