/* libFuzzer: whatever bytes come, the decoders read inside them and what they accept can be walked. The first byte chooses
 * the decoder, so that one corpus serves all. */
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "proto.h"
#include "skeleton.h"
#include "tar.h"

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
        } else if (s.code == OP_KEEP_ONLY) {
            walk_strs(&s.args.keep_only.keep);
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

/* Bytes as a pipe gives them: a few at a time. */
struct pipe {
    const uint8_t *at, *end;
    size_t piece;
};

static ssize_t read_pipe(void *from, void *data, size_t length) {
    struct pipe *pipe = from;
    size_t n = (size_t)(pipe->end - pipe->at);
    if (n > length) n = length;
    if (n > pipe->piece) n = pipe->piece;
    memcpy(data, pipe->at, n);
    pipe->at += n;
    return (ssize_t)n;
}

static void count_raw(void *to, const uint8_t *data, size_t length) {
    for (size_t i = 0; i < length; i++) touched += data[i];
    *(uint64_t *)to += length;
}

static void expect(bool right) {
    if (!right) abort();
}

static void check_entry(const struct tar *tar, const struct tar_entry *e) {
    uint64_t at = 0, sum = 0;
    expect(strlen(e->path.data) == e->path.length && strlen(e->link.data) == e->link.length);
    expect(e->uid != UINT32_MAX && e->gid != UINT32_MAX && e->mode <= 07777 && e->mtime.nanoseconds < 1000000000);
    expect(e->kind == TAR_FILE || (tar->content == 0 && !e->sparse));
    expect(e->sparse || e->size == tar->content);
    for (size_t i = 0; i < e->extent_count; i++) {
        expect(e->extents[i].offset >= at);
        at = e->extents[i].offset + e->extents[i].length;
        sum += e->extents[i].length;
    }
    expect(at <= e->size && (!e->sparse || sum == tar->content));
    for (size_t i = 0; i < e->xattr_count; i++) {
        touched += strlen(e->xattrs[i].name) + (uint8_t)e->xattrs[i].value.data[e->xattrs[i].value.length];
    }
}

/* Puts the right checksum into every block that says something else than zero: else hardly an input came past it. */
static void sign_blocks(uint8_t *data, size_t size) {
    for (; size >= TAR_BLOCK_SIZE; data += TAR_BLOCK_SIZE, size -= TAR_BLOCK_SIZE) {
        uint32_t sum = 8 * ' ';
        if (tar_block_zero(data)) continue;
        for (size_t i = 0; i < TAR_BLOCK_SIZE; i++) sum += i >= 148 && i < 156 ? 0 : data[i];
        for (size_t i = 0; i < 6; i++) data[148 + i] = (uint8_t)('0' + (sum >> (15 - 3 * i) & 7));
        data[154] = 0;
        data[155] = ' ';
    }
}

/* Of every other file the content is taken as content, of the others it is skipped. */
static void fuzz_tar(const uint8_t *data, size_t size) {
    static uint8_t space[4096];
    struct pipe pipe = {data, data + size, size % 700 + 1};
    uint64_t raw = 0, content = 0;
    struct input in = {.read = read_pipe, .from = &pipe, .raw = count_raw, .to = &raw, .data = space, .size = sizeof space};
    struct tar tar;
    struct tar_entry e;
    enum tar_status status;
    tar_init(&tar, &in);
    for (int n = 0; (status = tar_next(&tar, &e)) == TAR_ENTRY; n++) {
        check_entry(&tar, &e);
        while (n % 2 == 0 && tar.content > 0 && input_need(&in, 1)) {
            size_t most = input_held(&in) < tar.content ? input_held(&in) : (size_t)tar.content;
            input_take_content(&in, most);
            tar.content -= most;
            content += most;
        }
    }
    expect(status == TAR_END || status == TAR_FAILED || tar.what != NULL);
    if (status == TAR_END) expect(input_drain(&in) && raw + content == size);
    expect(in.taken == raw + content);
    tar_free(&tar);
}

static void fuzz_skeleton(const uint8_t *data, size_t size) {
    static uint8_t space[8192];
    static struct skeleton_record r;
    uint64_t raw = 0;
    struct pipe pipe = {data, data + size, size % 700 + 1};
    struct input in = {.read = read_pipe, .from = &pipe, .raw = count_raw, .to = &raw, .data = space, .size = sizeof space};
    if (!skeleton_open(&in)) return;
    while (skeleton_next(&in, &r)) {
        if (r.type == RECORD_RAW && !input_skip(&in, r.length)) return;
        if (r.type == RECORD_FILE || r.type == RECORD_LOST) expect(strlen(r.path) <= SKELETON_PATH_LIMIT);
        if (r.type == RECORD_CONTENT) expect(r.offset + r.length >= r.offset);
        if (r.type == RECORD_END) return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    /* A copy of exactly this size: a read behind it is seen. */
    uint8_t *copy = malloc(size);
    if (copy == NULL) return 0;
    memcpy(copy, data, size);
    static void (*const targets[])(const uint8_t *, size_t) = {fuzz_frames, fuzz_plan, fuzz_tar, fuzz_skeleton};
    if (copy[0] % 8 == 6) sign_blocks(copy + 1, size - 1);
    targets[copy[0] % 4](copy + 1, size - 1);
    free(copy);
    return 0;
}
