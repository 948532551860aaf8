/* Sparse files: GNU's old form, with the map in the header and blocks behind it, and its three pax forms. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tar.h"

enum { OLD_MAP = 386, OLD_MAP_ENTRIES = 4, OLD_MORE = 482, OLD_REAL_SIZE = 483, BLOCK_ENTRIES = 21, BLOCK_MORE = 504 };

bool tar_add_extent(struct tar *tar, uint64_t offset, uint64_t length) {
    if (tar->extent_count == TAR_EXTENTS_LIMIT) return false;
    if (tar->extent_count == tar->extent_room) {
        size_t room = tar->extent_room * 2 + 16;
        struct tar_extent *more = realloc(tar->extents, room * sizeof *more);
        if (more == NULL) return false;
        tar->extents = more;
        tar->extent_room = room;
    }
    tar->extents[tar->extent_count++] = (struct tar_extent){offset, length};
    return true;
}

/* Ascending, apart, inside the file, and as long together as the content. */
static enum tar_status check(struct tar *tar, struct tar_entry *entry) {
    uint64_t at = 0, sum = 0;
    for (size_t i = 0; i < tar->extent_count; i++) {
        const struct tar_extent *e = &tar->extents[i];
        if (e->offset < at || e->length > INT64_MAX - e->offset) return tar_damaged(tar, "sparse-map");
        at = e->offset + e->length;
        sum += e->length; /* at most `at`, which does not overflow */
    }
    if (at > entry->size || sum != tar->content) return tar_damaged(tar, "sparse-map");
    entry->sparse = true;
    entry->extents = tar->extents;
    entry->extent_count = tar->extent_count;
    return TAR_ENTRY;
}

/* True: goes on. An empty offset field ends the map. */
static bool old_entries(struct tar *tar, const uint8_t *at, size_t count, bool *good) {
    for (size_t i = 0; i < count; i++, at += 24) {
        int64_t offset, length;
        if (at[0] == 0) return false;
        *good = tar_number(at, 12, &offset) && tar_number(at + 12, 12, &length) && offset >= 0 && length >= 0 &&
                tar_add_extent(tar, (uint64_t)offset, (uint64_t)length);
        if (!*good) return false;
    }
    return true;
}

enum tar_status tar_sparse_old(struct tar *tar, const uint8_t *header, struct tar_entry *entry) {
    struct input *in = tar->input;
    int64_t real;
    bool good = true;
    bool more = header[OLD_MORE] != 0;
    if (!tar_number(header + OLD_REAL_SIZE, 12, &real) || real < 0) return tar_damaged(tar, "sparse-map");
    entry->size = (uint64_t)real;
    tar->extent_count = 0;
    bool open = old_entries(tar, header + OLD_MAP, OLD_MAP_ENTRIES, &good);
    while (good && more) {
        if (!input_need(in, TAR_BLOCK_SIZE)) return in->error != 0 ? TAR_FAILED : tar_damaged(tar, "truncated");
        const uint8_t *block = input_at(in);
        more = block[BLOCK_MORE] != 0;
        if (open) open = old_entries(tar, block, BLOCK_ENTRIES, &good);
        input_take_raw(in, TAR_BLOCK_SIZE);
    }
    return good ? check(tar, entry) : tar_damaged(tar, "sparse-map");
}

/* 0.1: "offset,length,offset,length…" */
static bool parse_list(struct tar *tar, const struct span *map) {
    const char *at = map->data, *end = map->data + map->length;
    tar->extent_count = 0;
    while (at < end) {
        uint64_t pair[2];
        for (int i = 0; i < 2; i++) {
            const char *comma = at > end ? NULL : memchr(at, ',', (size_t)(end - at));
            if (comma == NULL) comma = end;
            if (at > end || !tar_decimal(at, (size_t)(comma - at), &pair[i])) return false;
            at = comma + 1;
        }
        if (!tar_add_extent(tar, pair[0], pair[1])) return false;
    }
    return true;
}

/* One line of a map in the content, "NUMBER\n". Takes whole blocks, which are cut off the content. */
static enum tar_status map_number(struct tar *tar, size_t *at, uint64_t *number) {
    struct input *in = tar->input;
    struct tar_text *map = &tar->map;
    for (;;) {
        char *newline = map->length > *at ? memchr(map->data + *at, '\n', map->length - *at) : NULL;
        if (newline != NULL) {
            size_t length = (size_t)(newline - (map->data + *at));
            if (!tar_decimal(map->data + *at, length, number)) break;
            *at += length + 1;
            return TAR_ENTRY;
        }
        if (map->length - *at > 20 || tar->content < TAR_BLOCK_SIZE) break;
        if (*at > 0) { /* what has been read is not needed again */
            memmove(map->data, map->data + *at, map->length - *at);
            map->length -= *at;
            *at = 0;
        }
        if (!input_need(in, TAR_BLOCK_SIZE)) return in->error != 0 ? TAR_FAILED : tar_damaged(tar, "truncated");
        if (!tar_text_append(map, input_at(in), TAR_BLOCK_SIZE)) {
            in->error = ENOMEM;
            return TAR_FAILED;
        }
        input_take_raw(in, TAR_BLOCK_SIZE);
        tar->content -= TAR_BLOCK_SIZE;
    }
    return tar_damaged(tar, "sparse-map");
}

/* 1.0: the content begins with the count and then offset and length of each, one a line, filled up to a block. */
static enum tar_status map_in_content(struct tar *tar) {
    size_t at = 0;
    uint64_t count, pair[2];
    tar->extent_count = 0;
    tar->map.length = 0;
    enum tar_status status = map_number(tar, &at, &count);
    if (status == TAR_ENTRY && count > TAR_EXTENTS_LIMIT) return tar_unsupported(tar, "sparse-map");
    for (uint64_t i = 0; status == TAR_ENTRY && i < count; i++) {
        status = map_number(tar, &at, &pair[0]);
        if (status == TAR_ENTRY) status = map_number(tar, &at, &pair[1]);
        if (status == TAR_ENTRY && !tar_add_extent(tar, pair[0], pair[1])) status = tar_damaged(tar, "sparse-map");
    }
    return status;
}

enum tar_status tar_sparse_pax(struct tar *tar, struct tar_entry *entry) {
    const struct tar_pax *p = &tar->pax;
    bool version1 = p->has_sparse_major && p->sparse_major == 1;
    if (p->has_sparse_major && (p->sparse_major > 1 || p->sparse_minor > 1 || (version1 && p->sparse_minor != 0))) {
        return tar_unsupported(tar, "sparse-version");
    }
    if (!p->has_real_size) return tar_damaged(tar, "sparse-map");
    entry->size = p->real_size;
    if (version1) {
        enum tar_status status = map_in_content(tar);
        if (status != TAR_ENTRY) return status;
    } else if (p->sparse_map.length > 0 && !parse_list(tar, &p->sparse_map)) {
        return tar_damaged(tar, "sparse-map");
    }
    return check(tar, entry);
}
