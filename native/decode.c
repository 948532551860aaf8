#include "decode.h"

#include <string.h>

#include "gen/operations.h"

/* The encoding is little-endian, and so are both machines that we build for: a copy is enough. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the encoding is read as it lies in memory");

static size_t rest(const struct cursor *c) { return (size_t)(c->end - c->at); }

static bool read_raw(struct cursor *c, void *out, size_t size) {
    if (rest(c) < size) return false;
    memcpy(out, c->at, size);
    c->at += size;
    return true;
}

bool read_u8(struct cursor *c, uint8_t *out) { return read_raw(c, out, sizeof *out); }
bool read_u16(struct cursor *c, uint16_t *out) { return read_raw(c, out, sizeof *out); }
bool read_u32(struct cursor *c, uint32_t *out) { return read_raw(c, out, sizeof *out); }
bool read_i32(struct cursor *c, int32_t *out) { return read_raw(c, out, sizeof *out); }
bool read_u64(struct cursor *c, uint64_t *out) { return read_raw(c, out, sizeof *out); }

bool read_slot(struct cursor *c, uint16_t *out) {
    return read_u16(c, out) && (*out < SLOT_LIMIT || *out == NO_SLOT);
}

bool read_str(struct cursor *c, struct text *out) {
    uint32_t length;
    if (!read_u32(c, &length) || rest(c) <= length) return false;
    if (memchr(c->at, 0, (size_t)length + 1) != c->at + length) return false;
    out->data = (const char *)c->at;
    out->length = length;
    c->at += (size_t)length + 1;
    return true;
}

bool read_bytes(struct cursor *c, struct bytes *out) {
    uint32_t length;
    if (!read_u32(c, &length) || rest(c) < length) return false;
    out->data = c->at;
    out->length = length;
    c->at += length;
    return true;
}

bool read_strs(struct cursor *c, struct strs *out) {
    uint32_t count;
    struct text item;
    if (!read_u32(c, &count)) return false;
    out->data = c->at;
    out->count = count;
    for (uint32_t i = 0; i < count; i++) {
        if (!read_str(c, &item)) return false;
    }
    out->end = c->at;
    return true;
}

static bool read_list(struct cursor *c, uint32_t *count, const uint8_t **data, size_t size) {
    if (!read_u32(c, count) || rest(c) / size < *count) return false;
    *data = c->at;
    c->at += *count * size;
    return true;
}

bool read_slots(struct cursor *c, struct slots *out) {
    if (!read_list(c, &out->count, &out->data, sizeof(uint16_t))) return false;
    for (uint32_t i = 0; i < out->count; i++) {
        if (slots_at(out, i) >= SLOT_LIMIT) return false;
    }
    return true;
}

bool read_u32s(struct cursor *c, struct u32s *out) {
    return read_list(c, &out->count, &out->data, sizeof(uint32_t));
}

uint16_t slots_at(const struct slots *list, uint32_t index) {
    uint16_t value;
    memcpy(&value, list->data + index * sizeof value, sizeof value);
    return value;
}

uint32_t u32s_at(const struct u32s *list, uint32_t index) {
    uint32_t value;
    memcpy(&value, list->data + index * sizeof value, sizeof value);
    return value;
}

struct cursor strs_start(const struct strs *list) { return (struct cursor){list->data, list->end}; }

const char *strs_next(struct cursor *c) {
    struct text item;
    return c->at < c->end && read_str(c, &item) ? item.data : NULL;
}
