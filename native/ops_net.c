/* Network: rtnetlink batches that TypeScript has encoded, and TCP connections from inside a pod. */
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

int op_connect(struct actor *a, const struct op_connect *o) {
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)o->port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)o->port)};
    bool six = o->family == AF_INET6;
    if (!six && o->family != AF_INET) return EAFNOSUPPORT;
    if (o->address.length != (six ? sizeof v6.sin6_addr : sizeof v4.sin_addr) || o->port > 0xffff) return EINVAL;
    memcpy(six ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr, o->address.data, o->address.length);
    int fd = socket((int)o->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno;
    const struct sockaddr *to = six ? (const struct sockaddr *)&v6 : (const struct sockaddr *)&v4;
    int error = CHECK(connect(fd, to, six ? sizeof v6 : sizeof v4));
    if (error == 0) return slot_put(&a->slots, o->out, fd);
    close(fd);
    return error;
}
