/* Writing tar: what is in a folder, or one file, as an archive whose names begin with `.`, the thing itself. */
#ifndef PODRUN_TAR_WRITE_H
#define PODRUN_TAR_WRITE_H

#include <limits.h>
#include <stddef.h>
#include <sys/stat.h>

#include "outcome.h"

enum {
    TAR_WRITE_ENTRY_ONLY = 1, /* of the thing itself the header, nothing more */
    TAR_WRITE_BUFFER = 1 << 20,
    TAR_WRITE_DEPTH = 256, /* folders in one another; each holds a descriptor */
};

struct tar_writer {
    int out;
    int report; /* a line for each that is left out */
    char path[PATH_MAX]; /* of the entry, from `.` */
    struct outcome outcome;
    uint8_t buffer[TAR_WRITE_BUFFER];
};

/* Writes what `path` leads to below the folder `root`, links followed inside it. Files, folders and symbolic links; all else, and
 * what may not be read, is told of as `skipped` and left out. True: done. */
bool tar_write(struct tar_writer *w, int root, const char *path, uint32_t flags);

/* tar_header.c: the header and what must stand before it. An errno. */
int tar_write_header(struct tar_writer *w, const struct stat *s, uint64_t size, const char *link);
int tar_write_bytes(struct tar_writer *w, const void *data, size_t length);
/* Up to the next block. */
int tar_write_padding(struct tar_writer *w, uint64_t size);

#endif
