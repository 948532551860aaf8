/* Streams of a process: a container's output into its log (and to who is attached), an exec's to its connection. */
#ifndef PODRUN_IO_H
#define PODRUN_IO_H

#include "conn.h"
#include "log.h"

enum { IO_STDIN_ONCE = 1, IO_TERMINAL = 2 };

struct source {
    struct watch watch; /* first: its address is the source's. fd -1: ended */
    struct io *io;
    uint32_t type; /* MSG_STDOUT or MSG_STDERR */
    struct buffer held; /* the beginning of a log line */
};

struct sink {
    struct watch watch; /* first. fd -1: closed */
    struct io *io;
    struct buffer queue;
    bool ending; /* closed when the queue is empty */
};

struct io {
    struct grave grave;
    struct io *next;
    uint32_t key;
    struct source out, err;
    struct sink in;
    struct log log; /* fd -1: none */
    struct conn *owner; /* of a stream; NULL: a log */
    bool terminal;
    bool once; /* stdin ends when the first client with stdin leaves */
    bool with_process; /* else its end is the end of its output (a port-forward) */
};

struct io_ends {
    int in, out, err; /* -1: none */
};

/* Takes the descriptors over, also when it fails (an errno). Whatever had the key before is closed. */
int io_start_log(uint32_t key, struct io_ends ends, uint32_t flags, const struct log *log);
int io_start_stream(uint32_t key, struct io_ends ends, uint32_t flags, struct conn *owner);

struct io *io_find(uint32_t key);
/* Closes all, tells nobody. NULL is fine. */
void io_close(struct io *io);
/* Clients take output again: go on reading. */
void io_resume(struct io *io);
/* Reads what is in the pipes now, whoever is full: the process has ended. */
void io_drain(struct io *io);
/* The process has ended and everybody was told. */
void io_ended(struct io *io);

/* From a client: input (none: its end), its leaving. An errno. */
int io_input(struct conn *c, const struct bytes *data);
void io_leave(struct conn *c);
int io_attach(struct conn *c, uint32_t key, bool input);
int io_resize(struct io *io, uint32_t rows, uint32_t columns);

#endif
