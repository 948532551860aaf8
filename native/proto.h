/* Frames: u32 length of what follows, u16 type, u16 zero, u32 request, arguments. */
#ifndef PODRUN_PROTO_H
#define PODRUN_PROTO_H

#include "gen/messages.h"

/* A plan is the largest message; one over this is a mistake and not read. */
enum { FRAME_LIMIT = 16 * 1024 * 1024 };

struct frame {
    uint32_t type;
    uint32_t request;
    struct cursor arguments;
};

/* Takes the first frame of the bytes. Returns its whole size; 0: not all there yet, `*need` bytes in all would do;
 * -1: no frame can begin like this. */
long frame_next(const uint8_t *data, size_t length, struct frame *frame, size_t *need);

/* Decodes a frame's arguments, all of them: 0, ENOSYS (unknown type) or EBADMSG. */
int frame_decode(struct frame *frame, union message *out);

#endif
