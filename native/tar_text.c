/* Names and records that are longer than a header's field: they come as the content of an entry before. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tar.h"

bool tar_text_append(struct tar_text *text, const void *data, size_t length) {
    if (text->room - text->length <= length) {
        size_t room = (text->length + length + 1) * 2;
        char *more = realloc(text->data, room);
        if (more == NULL) {
            errno = ENOMEM;
            return false;
        }
        text->data = more;
        text->room = room;
    }
    memcpy(text->data + text->length, data, length);
    text->length += length;
    text->data[text->length] = 0;
    text->set = true;
    return true;
}

void tar_text_free(struct tar_text *text) {
    free(text->data);
    *text = (struct tar_text){0};
}

static enum tar_status fail(struct tar *tar) {
    tar->input->error = ENOMEM;
    return TAR_FAILED;
}

enum tar_status tar_read_text(struct tar *tar, uint64_t size, struct tar_text *text) {
    struct input *in = tar->input;
    if (size > TAR_SPECIAL_LIMIT) return tar_unsupported(tar, "extended-header-size");
    text->length = 0;
    if (!tar_text_append(text, "", 0)) return fail(tar);
    for (size_t left = (size_t)size; left > 0;) {
        if (!input_need(in, 1)) return in->error != 0 ? TAR_FAILED : tar_damaged(tar, "truncated");
        size_t n = input_held(in) < left ? input_held(in) : left;
        if (!tar_text_append(text, input_at(in), n)) return fail(tar);
        input_take_raw(in, n);
        left -= n;
    }
    uint64_t padding = (TAR_BLOCK_SIZE - size % TAR_BLOCK_SIZE) % TAR_BLOCK_SIZE;
    if (!input_skip(in, padding)) return in->error != 0 ? TAR_FAILED : tar_damaged(tar, "truncated");
    return TAR_ENTRY;
}
