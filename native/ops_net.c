/* Network: rtnetlink batches that TypeScript has encoded, and TCP connections from inside a pod, ports of the host. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ops.h"

static int open_netlink(int *fd) {
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    *fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (*fd < 0) return errno;
    int error = CHECK(connect(*fd, (struct sockaddr *)&kernel, sizeof kernel));
    if (error != 0) close(*fd);
    return error;
}

/* Numbers the messages and asks for an answer to each; checks that they fill the batch exactly. */
static int number(uint8_t *batch, size_t length, uint32_t *count) {
    size_t at = 0;
    for (*count = 0; at < length; (*count)++) {
        struct nlmsghdr head;
        if (length - at < sizeof head) return EBADMSG;
        memcpy(&head, batch + at, sizeof head);
        if (head.nlmsg_len < sizeof head || head.nlmsg_len > length - at) return EBADMSG;
        head.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
        head.nlmsg_seq = *count + 1;
        head.nlmsg_pid = 0;
        memcpy(batch + at, &head, sizeof head);
        at += NLMSG_ALIGN(head.nlmsg_len);
    }
    return at == NLMSG_ALIGN(length) ? 0 : EBADMSG;
}

static int put_descriptors(struct actor *a, const struct op_netlink *o, uint8_t *batch) {
    if (o->fixups.count != o->slots.count) return EINVAL;
    for (uint32_t i = 0; i < o->fixups.count; i++) {
        uint32_t at = u32s_at(&o->fixups, i);
        int32_t fd = slot_get(&a->slots, slots_at(&o->slots, i));
        if (fd < 0) return EBADF;
        if (o->messages.length < sizeof fd || at > o->messages.length - sizeof fd) return EINVAL;
        memcpy(batch + at, &fd, sizeof fd);
    }
    return 0;
}

/* The kernel does every message of a batch, also those behind one that failed, and answers in order; the first failure is
 * what counts. */
static int await_answers(int fd, uint32_t count, uint32_t *failed) {
    char answers[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
    int error = 0;
    for (uint32_t seen = 0; seen < count;) {
        ssize_t n = recv(fd, answers, sizeof answers, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        int left = (int)n;
        for (struct nlmsghdr *h = (struct nlmsghdr *)answers; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            if (h->nlmsg_type != NLMSG_ERROR) continue;
            struct nlmsgerr *answer = NLMSG_DATA(h);
            seen++;
            if (answer->error == 0 || error != 0) continue;
            error = -answer->error;
            *failed = h->nlmsg_seq - 1;
        }
    }
    return error;
}

int op_netlink(struct actor *a, const struct op_netlink *o, uint32_t index) {
    uint32_t count = 0, failed = 0;
    int fd = -1;
    size_t length = o->messages.length;
    if (length == 0) return 0;
    uint8_t *batch = malloc(length);
    if (batch == NULL) return ENOMEM;
    memcpy(batch, o->messages.data, length);
    int error = put_descriptors(a, o, batch);
    if (error == 0) error = number(batch, length, &count);
    if (error == 0) error = open_netlink(&fd);
    if (error == 0) {
        error = send(fd, batch, length, 0) < 0 ? errno : await_answers(fd, count, &failed);
        actor_value(a, index, failed);
        close(fd);
    }
    free(batch);
    return error;
}

/* An address as the kernel takes it. */
struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } as;
    socklen_t length;
};

static int make_address(struct address *to, uint32_t family, const struct bytes *address, uint32_t port) {
    bool six = family == AF_INET6;
    if (!six && family != AF_INET) return EAFNOSUPPORT;
    memset(to, 0, sizeof *to);
    to->length = six ? sizeof to->as.v6 : sizeof to->as.v4;
    if (address->length != (six ? sizeof to->as.v6.sin6_addr : sizeof to->as.v4.sin_addr) || port > 0xffff) return EINVAL;
    to->as.any.sa_family = (sa_family_t)family;
    if (six) {
        to->as.v6.sin6_port = htons((uint16_t)port);
        memcpy(&to->as.v6.sin6_addr, address->data, address->length);
    } else {
        to->as.v4.sin_port = htons((uint16_t)port);
        memcpy(&to->as.v4.sin_addr, address->data, address->length);
    }
    return 0;
}

int op_connect(struct actor *a, const struct op_connect *o) {
    struct address to;
    int error = make_address(&to, o->family, &o->address, o->port);
    if (error != 0) return error;
    int fd = socket((int)o->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno;
    error = CHECK(connect(fd, &to.as.any, to.length));
    if (error == 0) return slot_put(&a->slots, o->out, fd);
    close(fd);
    return error;
}

/* Connections that are over still have the port for a minute (TIME_WAIT): SO_REUSEADDR lets them, and nobody that listens.
 * Taken back afterwards, it keeps others from listening on the same terms. UDP would share the port by it. */
static int bind_alone(int fd, const struct op_hold_port *o, const struct address *to) {
    int on = 1, off = 0, only = o->only != 0;
    bool stream = o->protocol == IPPROTO_TCP;
    if (o->family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only) < 0) return errno;
    if (stream && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) return errno;
    if (bind(fd, &to->as.any, to->length) < 0) return errno;
    return stream ? CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &off, sizeof off)) : 0;
}

int op_hold_port(struct actor *a, const struct op_hold_port *o) {
    struct address to;
    int error = make_address(&to, o->family, &o->address, o->port);
    if (error != 0) return error;
    int type = o->protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
    int fd = socket((int)o->family, type | SOCK_CLOEXEC, (int)o->protocol);
    if (fd < 0) return errno;
    error = bind_alone(fd, o, &to);
    if (error == 0) return slot_put(&a->slots, o->out, fd);
    close(fd);
    return error;
}
