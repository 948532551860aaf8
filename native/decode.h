/* Bounds-checked reading of plans and messages (encoding: src/linux/plan/table.ts). Everything read is a view into the
 * cursor's bytes: nothing is allocated, so a length that lies costs nothing. */
#ifndef PODRUN_DECODE_H
#define PODRUN_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

/* NUL-terminated; `length` without the NUL, and there is no other NUL inside. */
struct text {
    const char *data;
    uint32_t length;
};

struct bytes {
    const uint8_t *data;
    uint32_t length;
};

/* Lists keep their encoded form; `strs_next`, `slots_at` and `u32s_at` read the items. */
struct strs {
    const uint8_t *data;
    const uint8_t *end;
    uint32_t count;
};

struct slots {
    const uint8_t *data;
    uint32_t count;
};

struct u32s {
    const uint8_t *data;
    uint32_t count;
};

/* Each reads one argument, and returns false, changing nothing but the cursor, when the bytes are malformed. */
bool read_u8(struct cursor *c, uint8_t *out);
bool read_u16(struct cursor *c, uint16_t *out);
bool read_u32(struct cursor *c, uint32_t *out);
bool read_i32(struct cursor *c, int32_t *out);
bool read_u64(struct cursor *c, uint64_t *out);
bool read_slot(struct cursor *c, uint16_t *out);
bool read_str(struct cursor *c, struct text *out);
bool read_bytes(struct cursor *c, struct bytes *out);
bool read_strs(struct cursor *c, struct strs *out);
bool read_slots(struct cursor *c, struct slots *out);
bool read_u32s(struct cursor *c, struct u32s *out);

/* `index` < count, which the caller checks. */
uint16_t slots_at(const struct slots *list, uint32_t index);
uint32_t u32s_at(const struct u32s *list, uint32_t index);

/* The items in turn; the cursor starts at `data`. NULL after the last. */
const char *strs_next(struct cursor *c);
struct cursor strs_start(const struct strs *list);

#endif
