/* Writing of messages into a growing buffer. */
#ifndef PODRUN_ENCODE_H
#define PODRUN_ENCODE_H

#include "decode.h"

/* Zero-initialised is empty. `data` is the buffer's own until buffer_free. */
struct buffer {
    uint8_t *data;
    size_t length;
    size_t size;
};

enum { FRAME_HEAD = 12 };

/* Room for `more` bytes after the present ones, or NULL (no memory, buffer unchanged); the caller adds to `length`. */
uint8_t *buffer_reserve(struct buffer *b, size_t more);
bool buffer_append(struct buffer *b, const void *data, size_t length);
void buffer_free(struct buffer *b);

bool put_u32(struct buffer *b, uint32_t value);
bool put_u64(struct buffer *b, uint64_t value);
bool put_str(struct buffer *b, struct text value);
bool put_bytes(struct buffer *b, struct bytes value);
bool put_slots(struct buffer *b, struct slots value);
bool put_u32s(struct buffer *b, struct u32s value);

/* A frame's head, its length left open. */
bool begin_frame(struct buffer *b, uint32_t type, uint32_t request);
/* Fills the length in; when `ok` is false cuts the buffer back to `start`. Returns `ok`. */
bool end_frame(struct buffer *b, size_t start, bool ok);

#endif
