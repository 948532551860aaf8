/* The event loop: descriptors with a function each. One thread, so a function runs to its end undisturbed. */
#ifndef PODRUN_LOOP_H
#define PODRUN_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct watch {
    /* Called with EPOLL* events while the watch is on. */
    void (*ready)(struct watch *watch, uint32_t events);
    int fd; /* not the watch's own: whoever holds the watch closes it */
    uint32_t events; /* 0: off */
};

bool loop_open(void);

/* Watches for the events from now on; 0 switches off. Off means out of epoll: EPOLLHUP can't be masked otherwise, and a
 * hung-up pipe that nobody reads would turn the loop. False with errno. */
bool watch_set(struct watch *watch, uint32_t events);

/* First member of what loop_free takes. */
struct grave {
    struct grave *next;
};

/* Frees memory that events of the present round may still point into, when the round is over. Its watches must be off. */
void loop_free(struct grave *grave);

/* Waits for events and calls their functions. timeout in ms, -1: none. False with errno. */
bool loop_round(int timeout);

#endif
