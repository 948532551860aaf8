/* An archive as it comes in: what has been looked at and taken goes to the skeleton word for word, unless it is content that
 * the layer's folder will give back. */
#ifndef PODRUN_INPUT_H
#define PODRUN_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct input {
    ssize_t (*read)(void *from, void *data, size_t length); /* 0: the end; -1: errno */
    void *from;
    void (*raw)(void *to, const uint8_t *data, size_t length); /* gets what is taken as raw */
    void *to;
    uint8_t *data;
    size_t size, start, end;
    uint64_t taken; /* bytes since the beginning */
    bool ended;
    int error; /* of read */
};

/* Makes at least `length` bytes (not more than `size`) lie at input_at(). False: the archive ends before, or `error`. */
bool input_need(struct input *in, size_t length);

static inline const uint8_t *input_at(const struct input *in) { return in->data + in->start; }
static inline size_t input_held(const struct input *in) { return in->end - in->start; }

/* Takes bytes that are held: into the skeleton, or as content. */
void input_take_raw(struct input *in, size_t length);
void input_take_content(struct input *in, size_t length);

/* Reads on and takes as raw. False as input_need's. */
bool input_skip(struct input *in, uint64_t length);

/* Takes all that is left as raw. False: `error`. */
bool input_drain(struct input *in);

#endif
