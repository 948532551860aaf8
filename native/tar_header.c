/* Headers of an archive that is written: ustar, with a pax header before it for what does not fit (pax(1), "ustar Interchange
 * Format", "pax Extended Header"). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tar_write.h"

enum { BLOCK = 512, NAME_SIZE = 100, MODE_AT = 100, UID_AT = 108, GID_AT = 116, SIZE_AT = 124, MTIME_AT = 136, SUM_AT = 148 };
enum { TYPE_AT = 156, LINK_AT = 157, MAGIC_AT = 257 };

static const uint64_t largest_id = 07777777, largest_size = 077777777777;

int tar_write_bytes(struct tar_writer *w, const void *data, size_t length) {
    const uint8_t *bytes = data;
    for (size_t at = 0; at < length;) {
        ssize_t n = write(w->out, bytes + at, length - at);
        if (n < 0 && errno != EINTR) return errno;
        if (n > 0) at += (size_t)n;
    }
    return 0;
}

int tar_write_padding(struct tar_writer *w, uint64_t size) {
    static const uint8_t zeros[BLOCK];
    return tar_write_bytes(w, zeros, (BLOCK - size % BLOCK) % BLOCK);
}

/* Too large a number is in the pax header: 0 stands here then. */
static void put_number(uint8_t *field, int digits, uint64_t value, uint64_t largest) {
    char text[24];
    snprintf(text, sizeof text, "%0*llo", digits, (unsigned long long)(value > largest ? 0 : value));
    memcpy(field, text, (size_t)digits);
}

static void put_text(uint8_t *field, const char *text) { memcpy(field, text, strnlen(text, NAME_SIZE)); }

static int write_block(struct tar_writer *w, uint8_t block[BLOCK], char type) {
    unsigned sum = 0;
    block[TYPE_AT] = (uint8_t)type;
    memcpy(block + MAGIC_AT, "ustar\0" "00", 8);
    memset(block + SUM_AT, ' ', 8);
    for (size_t i = 0; i < BLOCK; i++) sum += block[i];
    put_number(block + SUM_AT, 6, sum, largest_id);
    block[SUM_AT + 6] = 0;
    return tar_write_bytes(w, block, BLOCK);
}

/* `LENGTH key=value\n`, its own digits counted. Records are at most three numbers and two paths. */
static size_t put_record(char *out, const char *key, const char *value) {
    size_t rest = strlen(key) + strlen(value) + 3, digits = 1;
    for (size_t limit = 10; rest + digits >= limit; limit *= 10) digits++;
    return (size_t)sprintf(out, "%zu %s=%s\n", rest + digits, key, value);
}

static size_t put_number_record(char *out, const char *key, uint64_t value, uint64_t largest) {
    char text[24];
    if (value <= largest) return 0;
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return put_record(out, key, text);
}

static int write_pax(struct tar_writer *w, const struct stat *s, uint64_t size, const char *link) {
    static char records[2 * PATH_MAX + 512];
    uint8_t block[BLOCK] = "././@PaxHeader";
    size_t n = 0;
    if (strlen(w->path) > NAME_SIZE) n += put_record(records + n, "path", w->path);
    if (strlen(link) > NAME_SIZE) n += put_record(records + n, "linkpath", link);
    n += put_number_record(records + n, "size", size, largest_size);
    n += put_number_record(records + n, "uid", s->st_uid, largest_id);
    n += put_number_record(records + n, "gid", s->st_gid, largest_id);
    if (n == 0) return 0;
    put_number(block + MODE_AT, 7, 0644, largest_id);
    put_number(block + SIZE_AT, 11, n, largest_size);
    int error = write_block(w, block, 'x');
    if (error == 0) error = tar_write_bytes(w, records, n);
    return error != 0 ? error : tar_write_padding(w, n);
}

int tar_write_header(struct tar_writer *w, const struct stat *s, uint64_t size, const char *link) {
    uint8_t block[BLOCK] = {0};
    int error = write_pax(w, s, size, link);
    if (error != 0) return error;
    put_text(block, w->path);
    put_number(block + MODE_AT, 7, s->st_mode & 07777, largest_id);
    put_number(block + UID_AT, 7, s->st_uid, largest_id);
    put_number(block + GID_AT, 7, s->st_gid, largest_id);
    put_number(block + SIZE_AT, 11, size, largest_size);
    put_number(block + MTIME_AT, 11, s->st_mtim.tv_sec < 0 ? 0 : (uint64_t)s->st_mtim.tv_sec, largest_size);
    put_text(block + LINK_AT, link);
    return write_block(w, block, S_ISDIR(s->st_mode) ? '5' : S_ISLNK(s->st_mode) ? '2' : '0');
}
