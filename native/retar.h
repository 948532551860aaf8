/* The archive that a folder was unpacked from, out of its skeleton. */
#ifndef PODRUN_RETAR_H
#define PODRUN_RETAR_H

#include "outcome.h"
#include "skeleton.h"

enum { RETAR_BUFFER = 256 * 1024 };

struct retar {
    int root;
    int out;
    int file; /* the one that content is taken from; -1: none */
    uint64_t written;
    struct skeleton_record record;
    char path[SKELETON_PATH_LIMIT + 1]; /* the file's */
    struct input in;
    struct outcome outcome;
    uint8_t source[RETAR_BUFFER];
    uint8_t content[RETAR_BUFFER];
};

/* Reads the skeleton from `in` and writes the archive to `out`, with content from below the folder `root`. The outcome is in
 * r->outcome; true: done. */
bool retar(struct retar *r, int root, int in, int out);

#endif
