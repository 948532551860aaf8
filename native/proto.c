#include "proto.h"

#include <errno.h>

long frame_next(const uint8_t *data, size_t length, struct frame *frame, size_t *need) {
    struct cursor c = {data, data + length};
    uint32_t size;
    uint16_t type, zero;
    *need = FRAME_HEAD;
    if (!read_u32(&c, &size)) return 0;
    if (size < FRAME_HEAD - sizeof size || size > FRAME_LIMIT) return -1;
    *need = sizeof size + size;
    if (length < *need) return 0;
    c.end = data + *need;
    if (!read_u16(&c, &type) || !read_u16(&c, &zero) || !read_u32(&c, &frame->request) || zero != 0) return -1;
    frame->type = type;
    frame->arguments = c;
    return (long)*need;
}

int frame_decode(struct frame *frame, union message *out) {
    if (!known_message(frame->type)) return ENOSYS;
    if (!decode_message(frame->type, &frame->arguments, out)) return EBADMSG;
    return frame->arguments.at == frame->arguments.end ? 0 : EBADMSG;
}
