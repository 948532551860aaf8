#include "skeleton.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void write_out(struct skeleton *s) {
    size_t at = 0;
    if (s->raw != 0) {
        uint32_t length = (uint32_t)(s->length - s->raw - 4);
        for (int i = 0; i < 4; i++) s->data[s->raw + (size_t)i] = (uint8_t)(length >> 8 * i);
    }
    while (s->error == 0 && at < s->length) {
        ssize_t n = write(s->fd, s->data + at, s->length - at);
        if (n < 0 && errno != EINTR) s->error = errno;
        if (n > 0) at += (size_t)n;
    }
    s->length = s->raw = 0;
}

static void put(struct skeleton *s, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) s->data[s->length++] = (uint8_t)(value >> 8 * i);
}

/* The open raw record ends; there is room for `length` bytes. */
static void begin(struct skeleton *s, size_t length) {
    if (s->raw != 0) {
        uint32_t raw = (uint32_t)(s->length - s->raw - 4);
        for (int i = 0; i < 4; i++) s->data[s->raw + (size_t)i] = (uint8_t)(raw >> 8 * i);
        s->raw = 0;
    }
    if (s->length + length > sizeof s->data) write_out(s);
}

void skeleton_start(struct skeleton *s, int fd) {
    s->fd = fd;
    s->length = SKELETON_MAGIC_SIZE;
    s->raw = 0;
    s->archive = s->raw_bytes = 0;
    s->error = 0;
    memcpy(s->data, SKELETON_MAGIC, SKELETON_MAGIC_SIZE);
}

void skeleton_raw(struct skeleton *s, const uint8_t *data, size_t length) {
    s->archive += length;
    s->raw_bytes += length;
    while (length > 0) {
        if (s->length + 5 + 1 > sizeof s->data) write_out(s);
        if (s->raw == 0) {
            s->data[s->length++] = RECORD_RAW;
            s->raw = s->length;
            put(s, 0, 4);
        }
        size_t room = sizeof s->data - s->length;
        size_t n = length < room ? length : room;
        memcpy(s->data + s->length, data, n);
        s->length += n;
        data += n;
        length -= n;
    }
}

static void put_path(struct skeleton *s, uint8_t type, const char *path) {
    size_t length = strlen(path);
    begin(s, 1 + 2 + length + 8);
    put(s, type, 1);
    put(s, length, 2);
    memcpy(s->data + s->length, path, length);
    s->length += length;
}

void skeleton_file(struct skeleton *s, const char *path, uint64_t size) {
    put_path(s, RECORD_FILE, path);
    put(s, size, 8);
}

void skeleton_content(struct skeleton *s, uint64_t offset, uint64_t length) {
    begin(s, 17);
    put(s, RECORD_CONTENT, 1);
    put(s, offset, 8);
    put(s, length, 8);
    s->archive += length;
}

void skeleton_lost(struct skeleton *s, const char *path) { put_path(s, RECORD_LOST, path); }

int skeleton_end(struct skeleton *s) {
    begin(s, 9);
    put(s, RECORD_END, 1);
    put(s, s->archive, 8);
    write_out(s);
    return s->error;
}

static bool get(struct input *in, int bytes, uint64_t *value) {
    if (!input_need(in, (size_t)bytes)) return false;
    *value = 0;
    for (int i = 0; i < bytes; i++) *value |= (uint64_t)input_at(in)[i] << 8 * i;
    input_take_content(in, (size_t)bytes);
    return true;
}

bool skeleton_open(struct input *in) {
    if (!input_need(in, SKELETON_MAGIC_SIZE) || memcmp(input_at(in), SKELETON_MAGIC, SKELETON_MAGIC_SIZE) != 0) return false;
    input_take_content(in, SKELETON_MAGIC_SIZE);
    return true;
}

static bool get_path(struct input *in, struct skeleton_record *r) {
    uint64_t length;
    if (!get(in, 2, &length) || length == 0 || length > SKELETON_PATH_LIMIT || !input_need(in, (size_t)length)) return false;
    memcpy(r->path, input_at(in), (size_t)length);
    r->path[length] = 0;
    input_take_content(in, (size_t)length);
    return strlen(r->path) == length;
}

bool skeleton_next(struct input *in, struct skeleton_record *r) {
    uint64_t type;
    if (!get(in, 1, &type)) return false;
    r->type = (uint8_t)type;
    switch (r->type) {
    case RECORD_RAW: return get(in, 4, &r->length);
    case RECORD_FILE: return get_path(in, r) && get(in, 8, &r->size) && r->size <= INT64_MAX;
    case RECORD_CONTENT:
        return get(in, 8, &r->offset) && get(in, 8, &r->length) && r->offset <= INT64_MAX &&
               r->length <= INT64_MAX - r->offset;
    case RECORD_LOST: return get_path(in, r);
    case RECORD_END: return get(in, 8, &r->length);
    default: return false;
    }
}
