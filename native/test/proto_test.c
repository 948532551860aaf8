#include <errno.h>

#include "../proto.h"
#include "check.h"

static void round_trip(void) {
    struct buffer b = {0};
    struct frame f;
    union message m;
    size_t need;
    struct msg_exited out = {.key = 7, .pid = 42, .status = 256, .role = 2, .finished = 1234567890123456789u};
    CHECK_THAT(encode_exited(&b, 5, &out) && encode_subscribe(&b, 6));
    long size = frame_next(b.data, b.length, &f, &need);
    CHECK_THAT(size > 0 && f.type == MSG_EXITED && f.request == 5);
    CHECK_THAT(frame_decode(&f, &m) == 0);
    CHECK_THAT(m.exited.key == 7 && m.exited.pid == 42 && m.exited.status == 256 && m.exited.finished == out.finished);
    CHECK_THAT(frame_next(b.data + size, b.length - (size_t)size, &f, &need) == FRAME_HEAD);
    CHECK_THAT(f.type == MSG_SUBSCRIBE && f.request == 6 && frame_decode(&f, &m) == 0);
    buffer_free(&b);
}

static void partial(void) {
    struct buffer b = {0};
    struct frame f;
    size_t need;
    struct msg_error out = {ENOENT, {"nothing there", 13}};
    CHECK_THAT(encode_error(&b, 1, &out));
    for (size_t length = 0; length < b.length; length++) {
        CHECK_THAT(frame_next(b.data, length, &f, &need) == 0);
        CHECK_THAT(need == (length < 4 ? (size_t)FRAME_HEAD : b.length));
    }
    buffer_free(&b);
}

static void bad_heads(void) {
    struct frame f;
    size_t need;
    const uint32_t short_frame[] = {7, 1, 0}, long_frame[] = {FRAME_LIMIT + 1, 1, 0}, reserved[] = {8, 0x10001, 0};
    CHECK_THAT(frame_next((const uint8_t *)short_frame, 12, &f, &need) == -1);
    CHECK_THAT(frame_next((const uint8_t *)long_frame, 12, &f, &need) == -1);
    CHECK_THAT(frame_next((const uint8_t *)reserved, 12, &f, &need) == -1);
}

static int decode(uint32_t type, const void *arguments, uint32_t length) {
    struct buffer b = {0};
    struct frame f;
    union message m;
    size_t need;
    begin_frame(&b, type, 1);
    buffer_append(&b, arguments, length);
    end_frame(&b, 0, true);
    int error = frame_next(b.data, b.length, &f, &need) > 0 ? frame_decode(&f, &m) : -1;
    buffer_free(&b);
    return error;
}

static void bad_arguments(void) {
    const uint32_t list[] = {0x40000000, 1, 0};
    CHECK_THAT(decode(9999, NULL, 0) == ENOSYS);
    CHECK_THAT(decode(MSG_CANCEL, NULL, 0) == EBADMSG);
    CHECK_THAT(decode(MSG_CANCEL, list, 4) == 0);
    CHECK_THAT(decode(MSG_CANCEL, list, 5) == EBADMSG);
    CHECK_THAT(decode(MSG_FORGET, list, 12) == EBADMSG);
    CHECK_THAT(decode(MSG_RUN, list, 12) == EBADMSG);
}

int main(void) {
    TEST("frames are read back as they were written, one behind the other", round_trip);
    TEST("a frame is not taken before it is all there, and says how much it wants", partial);
    TEST("a frame too short, too long or with its reserved field set ends the connection", bad_heads);
    TEST("unknown messages and malformed arguments are told apart", bad_arguments);
    return RESULT();
}
