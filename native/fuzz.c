/* libFuzzer: whatever bytes come, the decoders read inside them and what they accept can be walked. The first byte chooses
 * plan or frames, so that one corpus serves both. */
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t touched; /* keeps the reads from being optimised away */

static void walk_strs(const struct strs *list) {
    struct cursor c = strs_start(list);
    const char *item;
    while ((item = strs_next(&c)) != NULL) touched += strlen(item);
}

static void fuzz_plan(const uint8_t *data, size_t size) {
    struct plan plan;
    struct plan_error error;
    struct step s;
    uint32_t steps = 0;
    if (!plan_check(&plan, data, size, &error)) {
        touched += strlen(error.text);
        return;
    }
    struct walk walk = plan_start(&plan);
    while (plan_next(&walk, &s)) {
        steps++;
        if (s.code == OP_EXEC) {
            walk_strs(&s.args.exec.paths);
            walk_strs(&s.args.exec.argv);
            walk_strs(&s.args.exec.env);
        } else if (s.code == OP_FSMOUNT) {
            walk_strs(&s.args.fsmount.options);
        } else if (s.code == OP_CLOSE) {
            for (uint32_t i = 0; i < s.args.close.slots.count; i++) touched += slots_at(&s.args.close.slots, i);
        } else if (s.code == OP_SETGROUPS) {
            for (uint32_t i = 0; i < s.args.setgroups.groups.count; i++) touched += u32s_at(&s.args.setgroups.groups, i);
        }
    }
    if (steps != plan.count) abort();
}

static void fuzz_frames(const uint8_t *data, size_t size) {
    struct frame frame;
    union message m;
    size_t need, at = 0;
    long taken;
    while ((taken = frame_next(data + at, size - at, &frame, &need)) > 0) {
        at += (size_t)taken;
        if (frame_decode(&frame, &m) == 0 && frame.type == MSG_RUN) fuzz_plan(m.run.plan.data, m.run.plan.length);
    }
    if (taken == 0 && need <= size - at) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    /* A copy of exactly this size: a read behind it is seen. */
    uint8_t *copy = malloc(size);
    if (copy == NULL) return 0;
    memcpy(copy, data, size);
    if ((copy[0] & 1) != 0) fuzz_plan(copy + 1, size - 1);
    else fuzz_frames(copy + 1, size - 1);
    free(copy);
    return 0;
}
