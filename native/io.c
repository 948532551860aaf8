#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exits.h"
#include "pty.h"

static struct io *list;
static uint8_t chunk[OUTPUT_FRAME];

struct io *io_find(uint32_t key) {
    struct io *io = list;
    while (io != NULL && io->key != key) io = io->next;
    return io;
}

static const char *stream_name(const struct source *s) { return s->type == MSG_STDOUT ? "stdout" : "stderr"; }

static bool clients_full(const struct io *io) {
    for (struct conn *c = conn_first(); c != NULL; c = c->next) {
        if (c->io == io && conn_full(c)) return true;
    }
    return false;
}

static void source_watch(struct source *s, bool on) {
    if (s->watch.fd >= 0) watch_set(&s->watch, on ? EPOLLIN : 0);
}

void io_resume(struct io *io) {
    bool on = !clients_full(io);
    source_watch(&io->out, on);
    source_watch(&io->err, on);
}

static void deliver(struct source *s, size_t length) {
    struct io *io = s->io;
    if (io->log.fd >= 0) log_write(&io->log, &s->held, stream_name(s), chunk, length);
    for (struct conn *c = conn_first(); c != NULL; c = c->next) {
        if (c->io == io) conn_output(c, s->type, chunk, length);
    }
}

static void source_close(struct source *s) {
    if (s->watch.fd < 0) return;
    watch_set(&s->watch, 0);
    close(s->watch.fd);
    s->watch.fd = -1;
    log_end(&s->io->log, &s->held, stream_name(s));
}

static bool outputs_ended(const struct io *io) { return io->out.watch.fd < 0 && io->err.watch.fd < 0; }

/* One read. False: nothing more for now, or ever. A terminal whose last process has closed it reads as EIO. */
static bool source_read(struct source *s) {
    ssize_t n;
    do n = read(s->watch.fd, chunk, sizeof chunk);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) return false;
    if (n <= 0) source_close(s);
    else deliver(s, (size_t)n);
    return n > 0;
}

static void source_ready(struct watch *watch, uint32_t events) {
    (void)events;
    struct source *s = (struct source *)watch;
    struct io *io = s->io;
    source_read(s);
    if (!outputs_ended(io)) {
        io_resume(io);
        return;
    }
    if (io->log.fd >= 0) log_close(&io->log);
    if (io->with_process || io->owner == NULL) return;
    tell_exited(&(struct msg_exited){.key = io->key, .role = ROLE_EXEC, .finished = now_realtime()});
    /* A socket's other direction goes on, until its client ends it or leaves. */
    if (io->in.watch.fd < 0) io_close(io);
}

void io_drain(struct io *io) {
    enum { ENOUGH = 64 }; /* chunks: others may hold the pipe and write for ever */
    struct source *sources[] = {&io->out, &io->err};
    for (size_t i = 0; i < 2; i++) {
        for (int n = 0; n < ENOUGH && sources[i]->watch.fd >= 0 && source_read(sources[i]); n++) continue;
    }
}

static void sink_close(struct sink *s) {
    if (s->watch.fd < 0) return;
    watch_set(&s->watch, 0);
    close(s->watch.fd);
    s->watch.fd = -1;
    buffer_free(&s->queue);
}

/* A pipe ends by its close; a socket, whose other direction goes on, by shutdown; a terminal by its end-of-file character. */
static void sink_end(struct sink *s) {
    static const char end_of_file = 4;
    if (s->io->terminal && write(s->watch.fd, &end_of_file, 1) < 0) errno = 0; /* hung up: nobody reads it */
    shutdown(s->watch.fd, SHUT_WR); /* ENOTSOCK for the others */
    sink_close(s);
}

static void acknowledge(struct sink *s, size_t bytes) {
    struct msg_stdin_ack m = {(uint32_t)bytes};
    if (bytes == 0) return;
    for (struct conn *c = conn_first(); c != NULL; c = c->next) {
        if (c->io == s->io && c->input) conn_flush(c, encode_stdin_ack(&c->out, 0, &m));
    }
}

/* Writes what the process takes. When it has closed its end (EPIPE, EIO) the rest counts as taken: the client goes on. */
static void sink_push(struct sink *s) {
    ssize_t n = 0;
    if (s->queue.length > 0) {
        do n = write(s->watch.fd, s->queue.data, s->queue.length);
        while (n < 0 && errno == EINTR);
        if (n < 0 && errno == EAGAIN) n = 0;
        else if (n < 0) n = (ssize_t)s->queue.length;
    }
    s->queue.length -= (size_t)n;
    if (s->queue.length > 0 && n > 0) memmove(s->queue.data, s->queue.data + n, s->queue.length);
    if (s->queue.length > 0) {
        watch_set(&s->watch, EPOLLOUT);
    } else {
        watch_set(&s->watch, 0);
        buffer_free(&s->queue);
        if (s->ending) sink_end(s);
    }
    acknowledge(s, (size_t)n);
}

static void sink_ready(struct watch *watch, uint32_t events) {
    (void)events;
    sink_push((struct sink *)watch);
}

int io_input(struct conn *c, const struct bytes *data) {
    struct io *io = c->io;
    if (io == NULL || !c->input) return EBADF;
    if (data->length == 0) {
        if (io->owner == NULL && !io->once) return 0; /* a container's stdin outlives its clients */
        io->in.ending = true;
    } else if (io->in.watch.fd < 0 || io->in.ending) {
        acknowledge(&io->in, data->length);
        return 0;
    } else if (io->in.queue.length + data->length > QUEUE_LIMIT) {
        return ENOBUFS;
    } else if (!buffer_append(&io->in.queue, data->data, data->length)) {
        return ENOMEM;
    }
    if (io->in.watch.fd >= 0) sink_push(&io->in);
    return 0;
}

void io_leave(struct conn *c) {
    struct io *io = c->io;
    bool input = c->input;
    c->io = NULL;
    c->input = false;
    if (io == NULL) return;
    if (io->owner == c) {
        io_close(io);
        return;
    }
    if (input && io->once) {
        io->in.ending = true;
        if (io->in.watch.fd >= 0) sink_push(&io->in);
    }
    io_resume(io);
}

int io_attach(struct conn *c, uint32_t key, bool input) {
    struct io *io = io_find(key);
    struct process *p = process_find(key);
    /* What has ended tells so once: who came later would wait for ever. */
    if (io == NULL || (p != NULL && p->exited)) return ESRCH;
    if (io->owner != NULL || c->io != NULL) return EBUSY;
    c->io = io;
    c->input = input;
    return 0;
}

int io_resize(struct io *io, uint32_t rows, uint32_t columns) {
    if (io == NULL || !io->terminal || io->out.watch.fd < 0) return ENOTTY;
    return pty_resize(io->out.watch.fd, rows, columns);
}

void io_ended(struct io *io) {
    if (io->owner != NULL) {
        io_close(io);
        return;
    }
    sink_close(&io->in);
    if (!outputs_ended(io)) return; /* other processes of the container still write */
    for (struct conn *c = conn_first(); c != NULL; c = c->next) {
        if (c->io == io) c->io = NULL;
    }
}

void io_close(struct io *io) {
    if (io == NULL) return;
    struct io **at = &list;
    while (*at != io) at = &(*at)->next;
    *at = io->next;
    source_close(&io->out);
    source_close(&io->err);
    sink_close(&io->in);
    log_close(&io->log);
    for (struct conn *c = conn_first(); c != NULL; c = c->next) {
        if (c->io == io) c->io = NULL;
    }
    loop_free(&io->grave);
}

static int nonblocking(int fd) {
    if (fd < 0) return 0;
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? errno : 0;
}

/* A terminal or a socket is both ends: the sink gets a descriptor of its own, for epoll knows each only once. */
static int split_ends(struct io_ends *ends, uint32_t flags) {
    bool both = (flags & IO_TERMINAL) != 0 || ends->in == ends->out;
    if (!both || ends->out < 0 || (ends->in >= 0 && ends->in != ends->out)) return 0;
    ends->in = fcntl(ends->out, F_DUPFD_CLOEXEC, 3);
    return ends->in < 0 ? errno : 0;
}

static int io_start(uint32_t key, struct io_ends ends, uint32_t flags, const struct log *log, struct conn *owner) {
    struct io *io = calloc(1, sizeof *io);
    int error = io == NULL ? ENOMEM : split_ends(&ends, flags);
    if (error == 0) error = nonblocking(ends.in);
    if (error == 0) error = nonblocking(ends.out);
    if (error == 0) error = nonblocking(ends.err);
    if (error != 0) {
        if (ends.in >= 0 && ends.in != ends.out) close(ends.in);
        if (ends.out >= 0) close(ends.out);
        if (ends.err >= 0) close(ends.err);
        free(io);
        return error;
    }
    io_close(io_find(key));
    io->key = key;
    io->terminal = (flags & IO_TERMINAL) != 0;
    io->once = (flags & IO_STDIN_ONCE) != 0;
    io->out = (struct source){.watch = {source_ready, ends.out, 0}, .io = io, .type = MSG_STDOUT};
    io->err = (struct source){.watch = {source_ready, ends.err, 0}, .io = io, .type = MSG_STDERR};
    io->in = (struct sink){.watch = {sink_ready, ends.in, 0}, .io = io};
    io->log = log != NULL ? *log : (struct log){.fd = -1};
    io->owner = owner;
    io->with_process = process_find(key) != NULL;
    io->next = list;
    list = io;
    if (owner != NULL) {
        owner->io = io;
        owner->input = true;
    }
    io_resume(io);
    return 0;
}

int io_start_log(uint32_t key, struct io_ends ends, uint32_t flags, const struct log *log) {
    return io_start(key, ends, flags, log, NULL);
}

int io_start_stream(uint32_t key, struct io_ends ends, uint32_t flags, struct conn *owner) {
    if (owner->io != NULL) io_leave(owner);
    return io_start(key, ends, flags, NULL, owner);
}
