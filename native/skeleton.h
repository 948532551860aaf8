/* What of an archive is not content of files, and where the content is: with the layer's folder it makes the same archive
 * again, byte for byte. The form is in README.md. */
#ifndef PODRUN_SKELETON_H
#define PODRUN_SKELETON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "input.h"

#define SKELETON_MAGIC "podrunS1"

enum {
    SKELETON_MAGIC_SIZE = 8,
    SKELETON_BUFFER = 64 * 1024,
    SKELETON_PATH_LIMIT = 4095,
    RECORD_RAW = 'R', /* u32 length, the bytes */
    RECORD_FILE = 'F', /* u16 length and the path, u64 size of the file: the following content is out of this file */
    RECORD_CONTENT = 'C', /* u64 offset, u64 length */
    RECORD_LOST = 'L', /* u16 length and the path: content told of before is not in the folder any more */
    RECORD_END = 'E', /* u64: bytes of the archive */
};

struct skeleton {
    int fd;
    uint8_t data[SKELETON_BUFFER];
    size_t length;
    size_t raw; /* where the length of the raw record stands that is being filled; 0: none */
    uint64_t archive; /* bytes told of */
    uint64_t raw_bytes;
    int error; /* of write; the first one counts, the rest is not tried */
};

void skeleton_start(struct skeleton *s, int fd);
void skeleton_raw(struct skeleton *s, const uint8_t *data, size_t length);
void skeleton_file(struct skeleton *s, const char *path, uint64_t size);
void skeleton_content(struct skeleton *s, uint64_t offset, uint64_t length);
void skeleton_lost(struct skeleton *s, const char *path);
/* Writes what is left. The error, 0 for none. */
int skeleton_end(struct skeleton *s);

struct skeleton_record {
    uint8_t type;
    uint64_t length; /* raw: bytes that follow, for the caller to take; content; end: of the archive */
    uint64_t offset;
    uint64_t size;
    char path[SKELETON_PATH_LIMIT + 1];
};

/* Once, at the beginning. False: not a skeleton, or input->error. */
bool skeleton_open(struct input *in);
/* False: not well-formed, too short, or input->error. */
bool skeleton_next(struct input *in, struct skeleton_record *record);

#endif
