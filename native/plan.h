/* An encoded plan: checked whole before any of it runs, then walked by each actor. */
#ifndef PODRUN_PLAN_H
#define PODRUN_PLAN_H

#include "gen/operations.h"

#define NO_OPERATION UINT32_MAX

enum { PLAN_OPERATIONS_LIMIT = 4096, SYNC_SLOTS_LIMIT = 250 };

struct plan {
    const uint8_t *bytes;
    size_t length;
    uint32_t count;
    uint32_t fault_operation; /* obeyed by test builds only */
    uint32_t fault_errno;
    uint32_t stage_clone; /* index of the operation that makes the stage, or NO_OPERATION */
    uint32_t child_clone;
    uint32_t child_end; /* index of the child's last: exec, pause, untar, retar */
    bool stage_child_sync; /* whether those two ever meet */
};

struct plan_error {
    uint32_t operation; /* NO_OPERATION: the head */
    int error;
    const char *text;
};

/* Where an actor is in the list. A copy taken at a clone is where the new actor starts. */
struct walk {
    struct cursor rest;
    uint32_t next;
    uint32_t count;
};

struct step {
    uint32_t index;
    uint16_t code;
    uint8_t actor;
    uint8_t flags;
    union operation args;
};

/* Decodes everything once: bounds, codes, actors, order. False: `error` says what is wrong. */
bool plan_check(struct plan *plan, const uint8_t *bytes, size_t length, struct plan_error *error);

struct walk plan_start(const struct plan *plan);

/* The next operation; false at the end of the list. */
bool plan_next(struct walk *walk, struct step *step);

#endif
