/* A running plan; shared by run.c (its life) and run_ops.c (the monitor's own operations in it).
 *
 *   WALKING --sync--> WAITING --message--> WALKING --end of list--> WALKED --stage and child through--> answered
 *      \--fault switch--> STOPPED                     any of them --failure, death, cancel--> ENDING --all reaped--> answered
 */
#ifndef PODRUN_RUN_STATE_H
#define PODRUN_RUN_STATE_H

#include "exits.h"
#include "run.h"

enum run_state { RUN_WALKING, RUN_WAITING, RUN_STOPPED, RUN_WALKED, RUN_ENDING };
enum run_status { STATUS_DONE, STATUS_FAILED, STATUS_CANCELLED, STATUS_DIED };

/* A stage or child, as its parent sees it. */
struct worker {
    struct watch watch; /* first; our end of its socket */
    struct run *run;
    bool closed; /* the far end is closed: exited, or through execve */
    bool gone; /* reaped */
    int status;
};

struct run {
    struct grave grave;
    struct run *next;
    struct actor actor; /* the monitor's */
    struct plan plan;
    struct conn *conn; /* NULL: it has gone */
    uint32_t request;
    enum run_state state;
    struct step step; /* the sync that is waited at */
    struct worker stage, child;
    pid_t stage_pid;
    struct process *process;
    bool has_io; /* under this key */
    uint32_t io_key;
    enum run_status verdict;
    uint32_t operation;
    uint32_t error;
};

void worker_ready(struct watch *watch, uint32_t events);
/* The child's pid, 0 while there is none. */
pid_t run_child(const struct run *r);

#endif
