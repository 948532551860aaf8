#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ops.h"
#include "sys.h"

enum { PARTS = 256, PREFIX = 48 };

/* Lines on their way into one write. The parts point into the caller's bytes: nothing is copied. */
struct batch {
    struct log *log;
    char full[PREFIX];
    char partial[PREFIX];
    size_t prefix;
    struct iovec parts[PARTS];
    int count;
    size_t length;
};

static int open_file(const char *path, uint64_t *size) {
    struct stat s;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd >= 0) *size = fstat(fd, &s) == 0 ? (uint64_t)s.st_size : 0;
    return fd;
}

int log_open(struct log *log, const char *path, uint64_t limit, uint32_t files) {
    *log = (struct log){.fd = -1, .files = files, .limit = limit, .path = strdup(path)};
    if (log->path == NULL) return ENOMEM;
    log->fd = open_file(path, &log->size);
    if (log->fd >= 0) return 0;
    int error = errno;
    log_close(log);
    return error;
}

int log_reopen(struct log *log) {
    int fd = open_file(log->path, &log->size);
    if (fd < 0) return errno;
    if (log->fd >= 0) close(log->fd);
    log->fd = fd;
    log->moved = false;
    return 0;
}

void log_close(struct log *log) {
    if (log->fd >= 0) close(log->fd);
    free(log->path);
    *log = (struct log){.fd = -1};
}

static void digits(char *at, uint64_t value, int count) {
    while (count-- > 0) {
        at[count] = (char)('0' + value % 10);
        value /= 10;
    }
}

/* Days since 1970 to a date, in the calendar that goes on for ever (years start in March, so that leap days come last). */
void log_time(char out[31], uint64_t realtime_ns) {
    uint64_t seconds = realtime_ns / 1000000000u, day = seconds / 86400 + 719468;
    uint64_t era = day / 146097, of_era = day % 146097;
    uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
    strcpy(out, "0000-00-00T00:00:00.000000000Z");
    digits(out + 8, of_year - (153 * month + 2) / 5 + 1, 2);
    month = month < 10 ? month + 3 : month - 9;
    digits(out, year + era * 400 + (month <= 2 ? 1 : 0), 4);
    digits(out + 5, month, 2);
    digits(out + 11, seconds / 3600 % 24, 2);
    digits(out + 14, seconds / 60 % 60, 2);
    digits(out + 17, seconds % 60, 2);
    digits(out + 20, realtime_ns % 1000000000u, 9);
}

static void prefix(char *out, const char *stream, const char *tag) {
    log_time(out, clock_realtime());
    strcat(out, " ");
    strcat(out, stream);
    strcat(out, tag);
}

static void begin(struct batch *b, struct log *log, const char *stream) {
    b->log = log;
    b->count = 0;
    b->length = 0;
    prefix(b->full, stream, " F ");
    memcpy(b->partial, b->full, sizeof b->partial);
    b->prefix = strlen(b->full);
    b->partial[b->prefix - 2] = 'P';
}

/* Writes all, also after a short write. False with errno. */
static bool write_parts(int fd, struct iovec *parts, int count) {
    while (count > 0) {
        ssize_t n = writev(fd, parts, count);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        while (count > 0 && (size_t)n >= parts->iov_len) {
            n -= (ssize_t)parts->iov_len;
            parts++;
            count--;
        }
        if (count > 0) {
            parts->iov_base = (char *)parts->iov_base + n;
            parts->iov_len -= (size_t)n;
        }
    }
    return true;
}

/* A gap is named where it is: a reader must not take the log for whole. */
static bool say_lost(struct log *log) {
    char line[160];
    if (log->lost == 0) return true;
    prefix(line, "stderr", " F podrun: ");
    decimal(line + strlen(line), log->lost);
    strcat(line, " bytes of output could not be written here\n");
    struct iovec part = {line, strlen(line)};
    if (!write_parts(log->fd, &part, 1)) return false;
    log->size += strlen(line);
    log->lost = 0;
    return true;
}

static void flush(struct batch *b) {
    struct log *log = b->log;
    if (b->count == 0) return;
    if (say_lost(log) && write_parts(log->fd, b->parts, b->count)) log->size += b->length;
    else log->lost += b->length;
    b->count = 0;
    b->length = 0;
}

static void add_part(struct batch *b, const void *data, size_t length) {
    if (length == 0) return;
    b->parts[b->count++] = (struct iovec){(void *)(uintptr_t)data, length};
    b->length += length;
}

static void add_line(struct batch *b, char *head, const struct buffer *held, const uint8_t *data, size_t length) {
    if (b->count + 4 > PARTS) flush(b);
    add_part(b, head, b->prefix);
    add_part(b, held->data, held->length);
    add_part(b, data, length);
    add_part(b, "\n", 1);
}

static void rotated_name(char out[PATH_MAX], const char *path, uint32_t number) {
    snprintf(out, PATH_MAX, "%s", path);
    if (number > 0) snprintf(out + strlen(out), 12, ".%u", number);
}

/* 0.log becomes 0.log.1, that 0.log.2, and the last is overwritten. While the new file can't be opened the old one is
 * written on under its new name: nothing is lost, and the others are not moved on another time. */
static void rotate(struct log *log) {
    char from[PATH_MAX], to[PATH_MAX];
    if (strlen(log->path) + 12 > PATH_MAX) return;
    if (log->moved) {
        log_reopen(log);
        return;
    }
    if (log->files < 2) unlink(log->path);
    for (uint32_t i = log->files; i >= 2; i--) {
        rotated_name(from, log->path, i - 2);
        rotated_name(to, log->path, i - 1);
        if (rename(from, to) < 0 && errno != ENOENT) return;
    }
    log->moved = true;
    log_reopen(log);
}

void log_write(struct log *log, struct buffer *held, const char *stream, const uint8_t *data, size_t length) {
    static struct batch b; /* pages that are never written cost nothing */
    if (log->fd < 0) return;
    begin(&b, log, stream);
    while (length > 0) {
        size_t room = LOG_LINE - held->length;
        const uint8_t *newline = memchr(data, '\n', length < room + 1 ? length : room + 1);
        size_t piece = newline != NULL ? (size_t)(newline - data) : room;
        if (newline == NULL && length <= room) break;
        add_line(&b, newline != NULL ? b.full : b.partial, held, data, piece);
        if (held->length > 0) { /* the parts point into it, and what is left may go there */
            flush(&b);
            buffer_free(held);
        }
        piece += newline != NULL ? 1 : 0;
        data += piece;
        length -= piece;
    }
    flush(&b);
    if (!buffer_append(held, data, length)) log->lost += length;
    if (log->limit > 0 && log->size >= log->limit) rotate(log);
}

void log_end(struct log *log, struct buffer *held, const char *stream) {
    static struct batch b;
    if (log->fd >= 0 && held->length > 0) {
        begin(&b, log, stream);
        add_line(&b, b.partial, held, NULL, 0);
        flush(&b);
    }
    buffer_free(held);
}
