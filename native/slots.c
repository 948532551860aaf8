#include "slots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys.h"

/* The monitor's; a stage and a child have each their own copy, by fork. */
static int kept[PLAN_SLOTS]; /* descriptor + 1: zero pages cost nothing */

static int *place(struct slot_set *set, uint16_t slot) {
    if (slot >= SLOT_LIMIT) return NULL;
    return slot < PLAN_SLOTS ? &kept[slot] : &set->own[slot - PLAN_SLOTS];
}

int slot_get(const struct slot_set *set, uint16_t slot) {
    if (slot >= SLOT_LIMIT) return -1;
    return (slot < PLAN_SLOTS ? kept[slot] : set->own[slot - PLAN_SLOTS]) - 1;
}

int slot_put(struct slot_set *set, uint16_t slot, int fd) {
    int *at = place(set, slot);
    if (at == NULL) {
        close(fd);
        return EBADF;
    }
    if (*at != 0) close(*at - 1);
    *at = fd + 1;
    if (slot < PLAN_SLOTS) set->filled[slot / 8] |= (uint8_t)(1u << slot % 8);
    return 0;
}

int slot_take(struct slot_set *set, uint16_t slot) {
    int *at = place(set, slot);
    if (at == NULL) return -1;
    int fd = *at - 1;
    *at = 0;
    return fd;
}

void slot_close(struct slot_set *set, uint16_t slot) {
    int fd = slot_take(set, slot);
    if (fd >= 0) close(fd);
}

void slots_close_own(struct slot_set *set) {
    for (uint16_t i = PLAN_SLOTS; i < SLOT_LIMIT; i++) slot_close(set, i);
}

void slots_undo(struct slot_set *set) {
    for (uint16_t i = 0; i < PLAN_SLOTS; i++) {
        if ((set->filled[i / 8] >> i % 8 & 1) != 0) slot_close(set, i);
    }
}

static int ascending(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static int close_gaps(int *keep, unsigned int count) {
    unsigned int next = STDERR_FILENO + 1;
    qsort(keep, count, sizeof *keep, ascending);
    for (unsigned int i = 0; i < count; i++) {
        if (keep[i] < (int)next) continue;
        unsigned int fd = (unsigned int)keep[i];
        if (fd > next && sys_close_range(next, fd - 1) < 0) return errno;
        next = fd + 1;
    }
    return sys_close_range(next, ~0u) < 0 ? errno : 0;
}

static bool is_kept(const int *keep, unsigned int count, int fd) {
    return bsearch(&fd, keep, count, sizeof *keep, ascending) != NULL;
}

int close_all_but(struct slot_set *set, int *keep, unsigned int count, bool slots) {
    if (!slots) {
        int error = close_gaps(keep, count);
        for (uint16_t i = 0; i < SLOT_LIMIT; i++) {
            int *at = place(set, i);
            if (*at > STDERR_FILENO + 1 && !is_kept(keep, count, *at - 1)) *at = 0;
        }
        return error;
    }
    int all[SLOT_LIMIT + 16];
    unsigned int n = 0;
    for (; n < count && n < 16; n++) all[n] = keep[n];
    for (uint16_t i = 0; i < SLOT_LIMIT; i++) {
        int fd = slot_get(set, i);
        if (fd >= 0) all[n++] = fd;
    }
    return close_gaps(all, n);
}
