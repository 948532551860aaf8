/* Extended headers: records of `LENGTH KEY=VALUE\n`, LENGTH counting itself. */
#include <stdlib.h>
#include <string.h>

#include "tar.h"

#define XATTR "SCHILY.xattr."

static bool add_xattr(struct tar *tar, const char *name, struct span value) {
    if (tar->xattr_count == tar->xattr_room) {
        size_t room = tar->xattr_room * 2 + 8;
        struct tar_xattr *more = realloc(tar->xattrs, room * sizeof *more);
        if (more == NULL) return false;
        tar->xattrs = more;
        tar->xattr_room = room;
    }
    tar->xattrs[tar->xattr_count++] = (struct tar_xattr){name, value};
    return true;
}

static bool number(const struct span *value, uint64_t *out, bool *has) {
    *has = tar_decimal(value->data, value->length, out);
    return *has;
}

static bool seconds(const struct span *value, struct tar_time *out, bool *has) {
    *has = tar_seconds(value->data, value->length, out);
    return *has;
}

/* The sparse form 0.0: an offset and a length each time, in this order. */
static bool half_extent(struct tar *tar, bool is_length, const struct span *value) {
    uint64_t n;
    if (!tar_decimal(value->data, value->length, &n) || tar->pax.half_extent != is_length) return false;
    tar->pax.half_extent = !is_length;
    if (!is_length) return tar_add_extent(tar, n, 0);
    tar->extents[tar->extent_count - 1].length = n;
    return true;
}

static bool sparse_record(struct tar *tar, const char *key, const struct span *value) {
    struct tar_pax *p = &tar->pax;
    if (strcmp(key, "name") == 0) p->sparse_name = *value;
    else if (strcmp(key, "map") == 0) p->sparse_map = *value;
    else if (strcmp(key, "major") == 0) return number(value, &p->sparse_major, &p->has_sparse_major);
    else if (strcmp(key, "minor") == 0) return number(value, &p->sparse_minor, &p->has_sparse_minor);
    else if (strcmp(key, "realsize") == 0) return number(value, &p->real_size, &p->has_real_size);
    else if (strcmp(key, "size") == 0) return number(value, &p->real_size, &p->has_real_size);
    else if (strcmp(key, "offset") == 0) return half_extent(tar, false, value);
    else if (strcmp(key, "numbytes") == 0) return half_extent(tar, true, value);
    return true;
}

static bool has_nul(const struct span *s) { return memchr(s->data, 0, s->length) != NULL; }

/* An empty value takes back: the header's own field counts again. */
static bool record(struct tar *tar, const char *key, struct span value) {
    struct tar_pax *p = &tar->pax;
    bool text = strcmp(key, "path") == 0 || strcmp(key, "linkpath") == 0 || strcmp(key, "GNU.sparse.name") == 0;
    if (text && has_nul(&value)) return false;
    if (strcmp(key, "path") == 0) p->path = value;
    else if (strcmp(key, "linkpath") == 0) p->link = value;
    else if (strcmp(key, "size") == 0 && value.length > 0) return number(&value, &p->size, &p->has_size);
    else if (strcmp(key, "uid") == 0 && value.length > 0) return number(&value, &p->uid, &p->has_uid);
    else if (strcmp(key, "gid") == 0 && value.length > 0) return number(&value, &p->gid, &p->has_gid);
    else if (strcmp(key, "mtime") == 0 && value.length > 0) return seconds(&value, &p->mtime, &p->has_mtime);
    else if (strcmp(key, "atime") == 0 && value.length > 0) return seconds(&value, &p->atime, &p->has_atime);
    else if (strncmp(key, "GNU.sparse.", 11) == 0 && value.length > 0) return sparse_record(tar, key + 11, &value);
    else if (strncmp(key, XATTR, sizeof XATTR - 1) == 0 && value.length > 0)
        return add_xattr(tar, key + sizeof XATTR - 1, value);
    return true;
}

/* One record at `at`; its length, or 0 when it is malformed. NULs are put behind key and value. */
static size_t parse_record(struct tar *tar, char *at, size_t room) {
    uint64_t length;
    char *blank = memchr(at, ' ', room < 20 ? room : 20);
    if (blank == NULL || !tar_decimal(at, (size_t)(blank - at), &length)) return 0;
    size_t head = (size_t)(blank - at) + 1;
    if (length > room || length < head + 3 || at[length - 1] != '\n') return 0;
    char *key = blank + 1, *end = at + length - 1;
    char *equals = memchr(key, '=', (size_t)(end - key));
    if (equals == NULL || equals == key || memchr(key, 0, (size_t)(equals - key)) != NULL) return 0;
    *equals = *end = 0;
    struct span value = {equals + 1, (size_t)(end - equals - 1)};
    return record(tar, key, value) ? (size_t)length : 0;
}

enum tar_status tar_parse_pax(struct tar *tar) {
    struct tar_text *text = &tar->pax.records;
    size_t at = 0;
    while (at < text->length) {
        size_t n = parse_record(tar, text->data + at, text->length - at);
        if (n == 0) return tar_damaged(tar, "extended-header");
        at += n;
    }
    return tar->pax.half_extent ? tar_damaged(tar, "sparse-map") : TAR_ENTRY;
}
