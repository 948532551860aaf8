#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum { ROUND = 32 };

static int epoll = -1;
static struct grave *graves;

bool loop_open(void) {
    epoll = epoll_create1(EPOLL_CLOEXEC);
    return epoll >= 0;
}

bool watch_set(struct watch *watch, uint32_t events) {
    if (watch->events == events) return true;
    int operation = EPOLL_CTL_MOD;
    if (watch->events == 0) operation = EPOLL_CTL_ADD;
    if (events == 0) operation = EPOLL_CTL_DEL;
    struct epoll_event event = {.events = events, .data.ptr = watch};
    if (epoll_ctl(epoll, operation, watch->fd, &event) < 0) return false;
    watch->events = events;
    return true;
}

void loop_free(struct grave *grave) {
    grave->next = graves;
    graves = grave;
}

bool loop_round(int timeout) {
    struct epoll_event events[ROUND];
    int count = epoll_wait(epoll, events, ROUND, timeout);
    if (count < 0) return errno == EINTR;
    for (int i = 0; i < count; i++) {
        struct watch *watch = events[i].data.ptr;
        /* An earlier event of this round may have switched it off; its memory is still there, see loop_free. */
        if (watch->events != 0) watch->ready(watch, events[i].events);
    }
    while (graves != NULL) {
        struct grave *next = graves->next;
        free(graves);
        graves = next;
    }
    return true;
}
