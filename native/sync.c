/* `sync`: one message with descriptors from one actor to another over their SOCK_SEQPACKET pair. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actor.h"

union control {
    struct cmsghdr head;
    char space[CMSG_SPACE(SYNC_SLOTS_LIMIT * sizeof(int))];
};

static int gather(struct actor *a, const struct slots *slots, union control *control, struct msghdr *message) {
    if (slots->count == 0) return 0;
    int fds[SYNC_SLOTS_LIMIT];
    for (uint32_t i = 0; i < slots->count; i++) {
        fds[i] = slot_get(&a->slots, slots_at(slots, i));
        if (fds[i] < 0) return EBADF;
    }
    size_t size = slots->count * sizeof(int);
    memset(control, 0, CMSG_SPACE(size));
    control->head.cmsg_level = SOL_SOCKET;
    control->head.cmsg_type = SCM_RIGHTS;
    control->head.cmsg_len = (socklen_t)CMSG_LEN(size);
    memcpy(CMSG_DATA(&control->head), fds, size);
    message->msg_control = control;
    message->msg_controllen = (socklen_t)CMSG_SPACE(size);
    return 0;
}

int sync_send(struct actor *a, const struct step *s) {
    union control control;
    uint32_t index = s->index;
    struct iovec part = {&index, sizeof index};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    int error = gather(a, &s->args.sync.slots, &control, &message);
    if (error != 0) return error;
    /* The monitor must not wait for a stage; the queue holds ten messages, and no plan has so many on the way. */
    int flags = MSG_NOSIGNAL | (a->who == ACTOR_MONITOR ? MSG_DONTWAIT : 0);
    ssize_t n;
    do n = sendmsg(a->peer[s->args.sync.to], &message, flags);
    while (n < 0 && errno == EINTR);
    if (n < 0) return errno == ECONNRESET ? EPIPE : errno;
    return 0;
}

/* Takes the received descriptors over, into the same slots; too few or too many are a broken peer. */
static int scatter(struct actor *a, const struct slots *slots, const union control *control, size_t length) {
    uint32_t count = 0;
    int fds[SYNC_SLOTS_LIMIT];
    if (length >= sizeof control->head && control->head.cmsg_type == SCM_RIGHTS) {
        count = (uint32_t)((control->head.cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(&control->head), count * sizeof(int));
    }
    int error = count == slots->count ? 0 : EPROTO;
    for (uint32_t i = 0; i < count; i++) {
        if (error != 0) close(fds[i]);
        else error = slot_put(&a->slots, slots_at(slots, i), fds[i]);
    }
    return error;
}

int sync_receive(struct actor *a, const struct step *s) {
    union control control;
    uint32_t index = NO_OPERATION;
    struct iovec part = {&index, sizeof index};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    int flags = MSG_CMSG_CLOEXEC | (a->who == ACTOR_MONITOR ? MSG_DONTWAIT : 0);
    ssize_t n;
    do n = recvmsg(a->peer[s->args.sync.from], &message, flags);
    while (n < 0 && errno == EINTR);
    if (n < 0) return errno == ECONNRESET ? EPIPE : errno;
    if (n == 0) return EPIPE;
    int error = scatter(a, &s->args.sync.slots, &control, message.msg_controllen);
    return error == 0 && index != s->index ? EPROTO : error;
}
