#include "encode.h"

#include <stdlib.h>
#include <string.h>

uint8_t *buffer_reserve(struct buffer *b, size_t more) {
    size_t need = b->length + more;
    if (need < more) return NULL;
    if (need > b->size) {
        size_t size = b->size > 0 ? b->size : 512;
        while (size < need) size *= 2;
        uint8_t *data = realloc(b->data, size);
        if (data == NULL) return NULL;
        b->data = data;
        b->size = size;
    }
    return b->data + b->length;
}

bool buffer_append(struct buffer *b, const void *data, size_t length) {
    uint8_t *to = buffer_reserve(b, length);
    if (to == NULL) return false;
    if (length > 0) memcpy(to, data, length);
    b->length += length;
    return true;
}

void buffer_free(struct buffer *b) {
    free(b->data);
    *b = (struct buffer){0};
}

bool put_u32(struct buffer *b, uint32_t value) { return buffer_append(b, &value, sizeof value); }
bool put_u64(struct buffer *b, uint64_t value) { return buffer_append(b, &value, sizeof value); }

bool put_str(struct buffer *b, struct text value) {
    return put_u32(b, value.length) && buffer_append(b, value.data, value.length) && buffer_append(b, "", 1);
}

bool put_bytes(struct buffer *b, struct bytes value) {
    return put_u32(b, value.length) && buffer_append(b, value.data, value.length);
}

bool put_slots(struct buffer *b, struct slots value) {
    return put_u32(b, value.count) && buffer_append(b, value.data, value.count * sizeof(uint16_t));
}

bool put_u32s(struct buffer *b, struct u32s value) {
    return put_u32(b, value.count) && buffer_append(b, value.data, value.count * sizeof(uint32_t));
}

bool begin_frame(struct buffer *b, uint32_t type, uint32_t request) {
    return put_u32(b, 0) && put_u32(b, type & 0xffffu) && put_u32(b, request);
}

bool end_frame(struct buffer *b, size_t start, bool ok) {
    if (!ok) {
        b->length = start;
        return false;
    }
    uint32_t length = (uint32_t)(b->length - start - sizeof(uint32_t));
    memcpy(b->data + start, &length, sizeof length);
    return true;
}
