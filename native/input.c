#include "input.h"

#include <errno.h>
#include <string.h>

static bool fill(struct input *in) {
    if (in->ended || in->error != 0) return false;
    if (in->start == in->end) in->start = in->end = 0;
    if (in->end == in->size) {
        memmove(in->data, in->data + in->start, in->end - in->start);
        in->end -= in->start;
        in->start = 0;
    }
    ssize_t n;
    do n = in->read(in->from, in->data + in->end, in->size - in->end);
    while (n < 0 && errno == EINTR);
    if (n < 0) in->error = errno;
    if (n == 0) in->ended = true;
    if (n <= 0) return false;
    in->end += (size_t)n;
    return true;
}

bool input_need(struct input *in, size_t length) {
    while (in->end - in->start < length) {
        if (!fill(in)) return false;
    }
    return true;
}

void input_take_content(struct input *in, size_t length) {
    in->start += length;
    in->taken += length;
}

void input_take_raw(struct input *in, size_t length) {
    in->raw(in->to, in->data + in->start, length);
    input_take_content(in, length);
}

bool input_skip(struct input *in, uint64_t length) {
    while (length > 0) {
        if (input_held(in) == 0 && !fill(in)) return false;
        size_t n = input_held(in) < length ? input_held(in) : (size_t)length;
        input_take_raw(in, n);
        length -= n;
    }
    return true;
}

bool input_drain(struct input *in) {
    do input_take_raw(in, input_held(in));
    while (fill(in));
    return in->error == 0;
}
