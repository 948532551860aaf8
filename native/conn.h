/* Connections of daemons to the monitor. */
#ifndef PODRUN_CONN_H
#define PODRUN_CONN_H

#include "loop.h"
#include "proto.h"

struct io;

/* From this many bytes queued on, what feeds the connection is not read; up to this much stdin is queued for a process. */
enum { QUEUE_LIMIT = 256 * 1024, OUTPUT_FRAME = 64 * 1024 };

struct conn {
    struct grave grave;
    struct watch watch;
    struct conn *next;
    struct buffer in;
    struct buffer out;
    size_t sent; /* of `out` */
    bool greeted; /* hello has come */
    bool subscribed;
    bool first; /* the one that the monitor was started with */
    bool failed; /* shut down; closed at its next event */
    struct io *io; /* whose output it gets, and whose stdin, with `input`, it writes */
    bool input;
    bool list_waits; /* with the request `list`, see lists_answer */
    uint32_t list;
    uint64_t list_until; /* CLOCK_MONOTONIC ns */
};

/* Takes the descriptor over. NULL: no memory, the descriptor closed. */
struct conn *conn_open(int fd);
/* The list; for (c = conn_first(); c != NULL; c = c->next). */
struct conn *conn_first(void);

/* What was appended to `out` goes out, now or when the socket takes it. `queued` is the result of the encoder: on false
 * (no memory) the connection fails, for its peer would wait for ever. */
void conn_flush(struct conn *c, bool queued);
/* An output frame: MSG_STDOUT or MSG_STDERR. */
void conn_output(struct conn *c, uint32_t type, const uint8_t *data, size_t length);
bool conn_full(const struct conn *c);
/* The connection is of no more use; safe in the midst of anything. */
void conn_fail(struct conn *c);

void answer_ok(struct conn *c, uint32_t request, uint64_t value);
void answer_error(struct conn *c, uint32_t request, int error, const char *text);

/* requests.c */
void handle_frame(struct conn *c, struct frame *frame);
void handle_close(struct conn *c);
void lists_answer(void);
/* Milliseconds until lists_answer must be called even when nothing happens, -1: none waits. */
int lists_timeout(void);

#endif
