/* Reading tar: ustar, pax, GNU and the old V7 form. Knows nothing of files; every byte is taken for hostile. The meaning of
 * fields is that of Go's archive/tar, with which images are made and read elsewhere, and where it is silent GNU tar's. */
#ifndef PODRUN_TAR_H
#define PODRUN_TAR_H

#include "input.h"

enum {
    TAR_BLOCK_SIZE = 512,
    TAR_SPECIAL_LIMIT = 1 << 20, /* bytes of an extended header, or of a long name */
    TAR_EXTENTS_LIMIT = 1 << 20, /* pieces of a sparse file */
};

enum tar_kind { TAR_FILE, TAR_LINK, TAR_SYMLINK, TAR_CHAR, TAR_BLOCK, TAR_FOLDER, TAR_FIFO };

enum tar_status {
    TAR_ENTRY,
    TAR_END, /* of the archive; bytes may follow */
    TAR_DAMAGED, /* tar.what says what */
    TAR_UNSUPPORTED,
    TAR_FAILED, /* tar.input->error, or ENOMEM */
};

/* A NUL stands behind the bytes, and none in them where text is meant. */
struct span {
    const char *data;
    size_t length;
};

struct tar_time {
    int64_t seconds;
    uint32_t nanoseconds;
};

struct tar_xattr {
    const char *name;
    struct span value; /* may hold NULs */
};

/* A piece of a sparse file that is in the archive. */
struct tar_extent {
    uint64_t offset, length;
};

/* Valid until the next tar_next. */
struct tar_entry {
    enum tar_kind kind;
    struct span path, link;
    uint32_t mode; /* the lowest twelve bits */
    uint32_t uid, gid;
    uint32_t major, minor;
    struct tar_time mtime, atime; /* atime is never before mtime */
    uint64_t size; /* of the file; of a sparse one with its holes */
    bool sparse;
    const struct tar_extent *extents; /* ascending, apart, inside `size`; their lengths make up `content` */
    size_t extent_count;
    const struct tar_xattr *xattrs;
    size_t xattr_count;
};

/* Bytes that grow; the NUL behind them is not counted. */
struct tar_text {
    char *data;
    size_t length, room;
    bool set;
};

/* What stood in the extended headers before an entry; spans point into `records`. */
struct tar_pax {
    struct tar_text records;
    struct span path, link, sparse_name, sparse_map;
    bool has_size, has_uid, has_gid, has_mtime, has_atime, has_real_size;
    uint64_t size, uid, gid, real_size;
    struct tar_time mtime, atime;
    uint64_t sparse_major, sparse_minor;
    bool has_sparse_major, has_sparse_minor;
    bool half_extent; /* an offset whose length has not come */
};

struct tar {
    struct input *input;
    uint64_t content; /* bytes of this entry's content that are still in front; the caller takes them, or tar_next does */
    uint32_t padding;
    const char *what;
    struct tar_text long_name, long_link;
    struct tar_pax pax;
    struct tar_text map; /* a sparse map in the content */
    struct tar_xattr *xattrs;
    size_t xattr_count, xattr_room;
    struct tar_extent *extents;
    size_t extent_count, extent_room;
    char name[256 + 2], link[100 + 1]; /* of the header itself */
};

/* `input` has room for at least a block. */
void tar_init(struct tar *tar, struct input *input);
void tar_free(struct tar *tar);
enum tar_status tar_next(struct tar *tar, struct tar_entry *entry);

/* For tar.c's parts. They return TAR_ENTRY when all is well. */

static inline enum tar_status tar_damaged(struct tar *tar, const char *what) {
    tar->what = what;
    return TAR_DAMAGED;
}
static inline enum tar_status tar_unsupported(struct tar *tar, const char *what) {
    tar->what = what;
    return TAR_UNSUPPORTED;
}

/* tar_field.c. False: malformed, or too big. */
bool tar_octal(const uint8_t *field, size_t length, uint64_t *value);
bool tar_number(const uint8_t *field, size_t length, int64_t *value); /* octal or base 256 */
bool tar_decimal(const char *text, size_t length, uint64_t *value); /* digits only, at least one, up to INT64_MAX */
bool tar_seconds(const char *text, size_t length, struct tar_time *time); /* -1.5 */
bool tar_checksum_right(const uint8_t block[TAR_BLOCK_SIZE]);
bool tar_block_zero(const uint8_t block[TAR_BLOCK_SIZE]);

/* tar_text.c: reads `size` bytes of content and the padding behind into `text`. */
enum tar_status tar_read_text(struct tar *tar, uint64_t size, struct tar_text *text);
bool tar_text_append(struct tar_text *text, const void *data, size_t length); /* false: ENOMEM */
void tar_text_free(struct tar_text *text);

/* tar_pax.c: takes apart pax.records, which it changes. */
enum tar_status tar_parse_pax(struct tar *tar);

/* tar_sparse.c */
bool tar_add_extent(struct tar *tar, uint64_t offset, uint64_t length); /* false: ENOMEM or too many: errno */
enum tar_status tar_sparse_old(struct tar *tar, const uint8_t *header, struct tar_entry *entry);
enum tar_status tar_sparse_pax(struct tar *tar, struct tar_entry *entry);

#endif
