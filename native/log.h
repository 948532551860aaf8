/* CRI log files: `2026-11-21T07:47:01.123456789Z stdout F text`, lines over 16 KiB in pieces marked P. */
#ifndef PODRUN_LOG_H
#define PODRUN_LOG_H

#include "encode.h"

enum { LOG_LINE = 16 * 1024 };

/* A file, or with fd -1 none. */
struct log {
    int fd;
    uint32_t files; /* kept, the current one included; less than 2: the old one is dropped */
    uint64_t size;
    uint64_t limit; /* bytes at which it is rotated; 0: never */
    bool moved; /* the file has its rotated name already, only the new one is still missing */
    uint64_t lost; /* bytes of lines that could not be written (a full disk): said in the log once it can be */
    char *path;
};

/* An errno. */
int log_open(struct log *log, const char *path, uint64_t limit, uint32_t files);
/* Closes and opens again by name: someone has moved the file away (CRI ReopenContainerLog). An errno, the log then as
 * before. */
int log_reopen(struct log *log);
void log_close(struct log *log);

/* Writes the lines of one read as one batch. `held` keeps a line's beginning until its end comes, one for each stream. */
void log_write(struct log *log, struct buffer *held, const char *stream, const uint8_t *data, size_t length);
/* At the end of a stream: what is held, marked P. */
void log_end(struct log *log, struct buffer *held, const char *stream);

/* RFC 3339 in UTC with nine digits, 30 characters and the NUL. */
void log_time(char out[31], uint64_t realtime_ns);

#endif
