#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "io.h"

enum { READ_LEAST = 4096, KEEP = 16 * 1024 };

static struct conn *conns;

struct conn *conn_first(void) { return conns; }

static void conn_ready(struct watch *watch, uint32_t events);

struct conn *conn_open(int fd) {
    struct conn *c = calloc(1, sizeof *c);
    if (c == NULL) {
        close(fd);
        return NULL;
    }
    c->watch = (struct watch){.ready = conn_ready, .fd = fd};
    if (!watch_set(&c->watch, EPOLLIN)) {
        close(fd);
        free(c);
        return NULL;
    }
    c->next = conns;
    conns = c;
    return c;
}

static void conn_close(struct conn *c) {
    struct conn **at = &conns;
    while (*at != c) at = &(*at)->next;
    *at = c->next;
    watch_set(&c->watch, 0);
    close(c->watch.fd);
    handle_close(c);
    buffer_free(&c->in);
    buffer_free(&c->out);
    loop_free(&c->grave);
}

void conn_fail(struct conn *c) {
    c->failed = true;
    buffer_free(&c->out);
    c->sent = 0;
    shutdown(c->watch.fd, SHUT_RDWR); /* its end of file brings conn_ready, which closes it */
    watch_set(&c->watch, EPOLLIN);
}

static size_t pending(const struct conn *c) { return c->out.length - c->sent; }

bool conn_full(const struct conn *c) { return pending(c) > QUEUE_LIMIT; }

/* Sends what the socket takes; what is left waits for EPOLLOUT. */
static void push(struct conn *c) {
    bool was_full = conn_full(c);
    while (pending(c) > 0) {
        ssize_t n = send(c->watch.fd, c->out.data + c->sent, pending(c), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) break;
        if (n < 0) {
            conn_fail(c);
            return;
        }
        c->sent += (size_t)n;
    }
    if (pending(c) == 0) {
        c->sent = c->out.length = 0;
        if (c->out.size > KEEP) buffer_free(&c->out);
    }
    if (!watch_set(&c->watch, pending(c) > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN)) conn_fail(c);
    if (was_full && !conn_full(c) && c->io != NULL) io_resume(c->io);
}

void conn_flush(struct conn *c, bool queued) {
    if (c->failed) buffer_free(&c->out);
    else if (!queued) conn_fail(c);
    else push(c);
}

/* What was sent already makes room before the queue grows. */
static void compact(struct conn *c) {
    if (c->sent == 0) return;
    memmove(c->out.data, c->out.data + c->sent, pending(c));
    c->out.length -= c->sent;
    c->sent = 0;
}

void conn_output(struct conn *c, uint32_t type, const uint8_t *data, size_t length) {
    struct { uint32_t size, type, request, length; } head = {12 + (uint32_t)length, type, 0, (uint32_t)length};
    struct iovec parts[2] = {{&head, sizeof head}, {(void *)(uintptr_t)data, length}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    size_t gone = 0;
    if (c->failed) return;
    if (pending(c) == 0) {
        ssize_t n = sendmsg(c->watch.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            conn_fail(c);
            return;
        }
        gone = n < 0 ? 0 : (size_t)n;
        if (gone == sizeof head + length) return;
    }
    compact(c);
    bool queued = true;
    if (gone < sizeof head) queued = buffer_append(&c->out, (uint8_t *)&head + gone, sizeof head - gone);
    size_t skip = gone < sizeof head ? 0 : gone - sizeof head;
    conn_flush(c, queued && buffer_append(&c->out, data + skip, length - skip));
}

void answer_ok(struct conn *c, uint32_t request, uint64_t value) {
    struct msg_ok m = {value};
    if (request != 0) conn_flush(c, encode_ok(&c->out, request, &m));
}

void answer_error(struct conn *c, uint32_t request, int error, const char *text) {
    struct msg_error m = {(uint32_t)error, {text, (uint32_t)strlen(text)}};
    if (request != 0) conn_flush(c, encode_error(&c->out, request, &m));
}

/* Handles every whole frame; `*need`: how many bytes the next one wants to be. */
static void take_frames(struct conn *c, size_t *need) {
    size_t at = 0;
    struct frame frame;
    long size = 0;
    while (!c->failed && (size = frame_next(c->in.data + at, c->in.length - at, &frame, need)) > 0) {
        handle_frame(c, &frame);
        at += (size_t)size;
    }
    if (size < 0) conn_fail(c); /* the next frame's beginning can't be found any more */
    if (at > 0) memmove(c->in.data, c->in.data + at, c->in.length - at);
    c->in.length -= at;
    if (c->in.length == 0 && c->in.size > KEEP) buffer_free(&c->in);
}

static void receive(struct conn *c) {
    size_t need = FRAME_HEAD;
    struct frame frame;
    if (c->in.length > 0 && frame_next(c->in.data, c->in.length, &frame, &need) < 0) need = FRAME_HEAD;
    size_t room = need > c->in.length + READ_LEAST ? need - c->in.length : READ_LEAST;
    uint8_t *to = buffer_reserve(&c->in, room);
    if (to == NULL) {
        conn_close(c);
        return;
    }
    ssize_t n = recv(c->watch.fd, to, room, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0 || c->failed) {
        conn_close(c);
        return;
    }
    c->in.length += (size_t)n;
    take_frames(c, &need);
}

static void conn_ready(struct watch *watch, uint32_t events) {
    struct conn *c = (struct conn *)((char *)watch - offsetof(struct conn, watch));
    if ((events & EPOLLOUT) != 0 && !c->failed) push(c);
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) receive(c);
}
