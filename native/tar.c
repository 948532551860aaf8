#include "tar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where a header's fields are; `prefix` lengthens the name in the forms that have it. */
enum {
    NAME = 0, NAME_SIZE = 100, MODE = 100, UID = 108, GID = 116, SHORT = 8, SIZE = 124, MTIME = 136, LONG = 12, TYPE = 156,
    LINK = 157, MAGIC = 257, MAJOR = 329, MINOR = 337, PREFIX = 345, USTAR_PREFIX = 155, STAR_PREFIX = 131, STAR_TRAILER = 508,
};

enum form { FORM_V7, FORM_USTAR, FORM_STAR, FORM_GNU };

void tar_init(struct tar *tar, struct input *input) { *tar = (struct tar){.input = input}; }

void tar_free(struct tar *tar) {
    tar_text_free(&tar->long_name);
    tar_text_free(&tar->long_link);
    tar_text_free(&tar->pax.records);
    tar_text_free(&tar->map);
    free(tar->xattrs);
    free(tar->extents);
}

static enum tar_status ended(struct tar *tar) {
    return tar->input->error != 0 ? TAR_FAILED : tar_damaged(tar, "truncated");
}

static enum form form_of(const uint8_t *b) {
    if (memcmp(b + MAGIC, "ustar ", 6) == 0 && memcmp(b + MAGIC + 6, " \0", 2) == 0) return FORM_GNU;
    if (memcmp(b + MAGIC, "ustar\0", 6) != 0) return FORM_V7;
    return memcmp(b + STAR_TRAILER, "tar\0", 4) == 0 ? FORM_STAR : FORM_USTAR;
}

static size_t text_length(const uint8_t *field, size_t size) {
    const uint8_t *nul = memchr(field, 0, size);
    return nul == NULL ? size : (size_t)(nul - field);
}

/* GNU's form has an access time where others have a prefix; an old Go wrote the prefix nevertheless. */
static size_t prefix_length(const uint8_t *b, enum form form) {
    int64_t time;
    if (form == FORM_V7) return 0;
    if (form == FORM_GNU && (b[PREFIX] == 0 || tar_number(b + PREFIX, LONG, &time))) return 0;
    return text_length(b + PREFIX, form == FORM_STAR ? STAR_PREFIX : USTAR_PREFIX);
}

static void read_names(struct tar *tar, const uint8_t *b, enum form form) {
    size_t prefix = prefix_length(b, form), name = text_length(b + NAME, NAME_SIZE), link = text_length(b + LINK, NAME_SIZE);
    memcpy(tar->name, b + PREFIX, prefix);
    if (prefix > 0) tar->name[prefix++] = '/';
    memcpy(tar->name + prefix, b + NAME, name);
    tar->name[prefix + name] = 0;
    memcpy(tar->link, b + LINK, link);
    tar->link[link] = 0;
}

static struct span span_of(const char *text) { return (struct span){text, strlen(text)}; }

/* Long names beat records, records beat the header. */
static void choose_names(const struct tar *tar, struct tar_entry *entry) {
    const struct tar_pax *p = &tar->pax;
    entry->path = p->path.length > 0 ? p->path : span_of(tar->name);
    entry->link = p->link.length > 0 ? p->link : span_of(tar->link);
    if (tar->long_name.set) entry->path = span_of(tar->long_name.data);
    if (tar->long_link.set) entry->link = span_of(tar->long_link.data);
    if (p->sparse_name.length > 0) entry->path = p->sparse_name;
}

/* 0xffffffff means "nobody" to chown. */
static bool owner(const uint8_t *field, bool has, uint64_t other, uint32_t *out) {
    int64_t own;
    if (!has && (!tar_number(field, SHORT, &own) || own < 0)) return false;
    uint64_t value = has ? other : (uint64_t)own;
    *out = (uint32_t)value;
    return value < UINT32_MAX;
}

static enum tar_status read_numbers(struct tar *tar, const uint8_t *b, struct tar_entry *entry) {
    const struct tar_pax *p = &tar->pax;
    int64_t mode, mtime, major = 0, minor = 0;
    if (!tar_number(b + MODE, SHORT, &mode)) return tar_damaged(tar, "mode");
    if (!tar_number(b + MTIME, LONG, &mtime)) return tar_damaged(tar, "mtime");
    if (!owner(b + UID, p->has_uid, p->uid, &entry->uid)) return tar_damaged(tar, "uid");
    if (!owner(b + GID, p->has_gid, p->gid, &entry->gid)) return tar_damaged(tar, "gid");
    entry->mode = (uint32_t)mode & 07777;
    entry->mtime = p->has_mtime ? p->mtime : (struct tar_time){mtime, 0};
    entry->atime = entry->mtime;
    if (p->has_atime && p->atime.seconds > entry->mtime.seconds) entry->atime = p->atime;
    if (entry->kind != TAR_CHAR && entry->kind != TAR_BLOCK) return TAR_ENTRY;
    if (!tar_number(b + MAJOR, SHORT, &major) || !tar_number(b + MINOR, SHORT, &minor) || major < 0 || major > 0xfff ||
        minor < 0 || minor > 0xfffff) {
        return tar_damaged(tar, "device");
    }
    entry->major = (uint32_t)major;
    entry->minor = (uint32_t)minor;
    return TAR_ENTRY;
}

static bool kind_of(uint8_t type, const struct span *path, enum tar_kind *kind) {
    switch (type) {
    case 0: /* in the oldest form a slash at the end makes a folder */
        *kind = path->length > 0 && path->data[path->length - 1] == '/' ? TAR_FOLDER : TAR_FILE;
        return true;
    case '0': case '7': case 'S': *kind = TAR_FILE; return true;
    case '1': *kind = TAR_LINK; return true;
    case '2': *kind = TAR_SYMLINK; return true;
    case '3': *kind = TAR_CHAR; return true;
    case '4': *kind = TAR_BLOCK; return true;
    case '5': *kind = TAR_FOLDER; return true;
    case '6': *kind = TAR_FIFO; return true;
    default: return false;
    }
}

/* A size in the headers of what has no content (a hard link's, say) means nothing. */
static enum tar_status read_entry(struct tar *tar, const uint8_t *b, struct tar_entry *entry) {
    int64_t size;
    *entry = (struct tar_entry){0};
    read_names(tar, b, form_of(b));
    choose_names(tar, entry);
    if (!kind_of(b[TYPE], &entry->path, &entry->kind)) return tar_unsupported(tar, "type");
    if (!tar_number(b + SIZE, LONG, &size) || size < 0) return tar_damaged(tar, "size");
    uint64_t content = entry->kind != TAR_FILE ? 0 : tar->pax.has_size ? tar->pax.size : (uint64_t)size;
    if (content > INT64_MAX - TAR_BLOCK_SIZE) return tar_damaged(tar, "size");
    entry->size = tar->content = content;
    tar->padding = (uint32_t)((TAR_BLOCK_SIZE - content % TAR_BLOCK_SIZE) % TAR_BLOCK_SIZE);
    entry->xattrs = tar->xattrs;
    entry->xattr_count = tar->xattr_count;
    return read_numbers(tar, b, entry);
}

static enum tar_status read_sparse(struct tar *tar, const uint8_t *header, struct tar_entry *entry) {
    const struct tar_pax *p = &tar->pax;
    if (header[TYPE] == 'S') return tar_sparse_old(tar, header, entry);
    bool pax = p->has_sparse_major || p->sparse_map.length > 0 || tar->extent_count > 0;
    return entry->kind == TAR_FILE && pax ? tar_sparse_pax(tar, entry) : TAR_ENTRY;
}

static void forget_extensions(struct tar *tar) {
    struct tar_text records = tar->pax.records;
    tar->pax = (struct tar_pax){.records = records};
    tar->long_name.set = tar->long_link.set = false;
    tar->xattr_count = tar->extent_count = 0;
}

static enum tar_status read_extension(struct tar *tar, const uint8_t *header) {
    struct tar_text ignored = {0}, records = tar->pax.records;
    int64_t size;
    if (!tar_number(header + SIZE, LONG, &size) || size < 0) return tar_damaged(tar, "size");
    switch (header[TYPE]) {
    case 'L': return tar_read_text(tar, (uint64_t)size, &tar->long_name);
    case 'K': return tar_read_text(tar, (uint64_t)size, &tar->long_link);
    case 'x': {
        tar->pax = (struct tar_pax){.records = records};
        tar->xattr_count = tar->extent_count = 0;
        enum tar_status status = tar_read_text(tar, (uint64_t)size, &tar->pax.records);
        return status == TAR_ENTRY ? tar_parse_pax(tar) : status;
    }
    default: { /* 'g', for all entries to come: nobody who reads images heeds it */
        enum tar_status status = tar_read_text(tar, (uint64_t)size, &ignored);
        tar_text_free(&ignored);
        return status;
    }
    }
}

/* The next header, copied. An end without any zero block is one, too. */
static enum tar_status read_header(struct tar *tar, uint8_t header[TAR_BLOCK_SIZE]) {
    struct input *in = tar->input;
    for (int zeros = 0; zeros < 2; zeros++) {
        if (!input_need(in, TAR_BLOCK_SIZE)) return in->error == 0 && input_held(in) == 0 ? TAR_END : ended(tar);
        memcpy(header, input_at(in), TAR_BLOCK_SIZE);
        if (!tar_block_zero(header)) {
            if (zeros > 0) return tar_damaged(tar, "lone-zero-block");
            if (!tar_checksum_right(header)) return tar_damaged(tar, "checksum");
            input_take_raw(in, TAR_BLOCK_SIZE);
            return TAR_ENTRY;
        }
        input_take_raw(in, TAR_BLOCK_SIZE);
    }
    return TAR_END;
}

enum tar_status tar_next(struct tar *tar, struct tar_entry *entry) {
    uint8_t header[TAR_BLOCK_SIZE];
    bool extended = false;
    if (!input_skip(tar->input, tar->content) || !input_skip(tar->input, tar->padding)) return ended(tar);
    tar->content = tar->padding = 0;
    tar->what = NULL;
    forget_extensions(tar);
    for (;;) {
        enum tar_status status = read_header(tar, header);
        if (status == TAR_END && extended) return tar_damaged(tar, "extended-header-alone");
        if (status != TAR_ENTRY) return status;
        if (header[TYPE] == 0 || strchr("LKxg", header[TYPE]) == NULL) break;
        extended = header[TYPE] != 'g' || extended;
        status = read_extension(tar, header);
        if (status != TAR_ENTRY) return status;
    }
    enum tar_status status = read_entry(tar, header, entry);
    return status == TAR_ENTRY ? read_sparse(tar, header, entry) : status;
}
