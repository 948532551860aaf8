/* Plans that are being carried out. */
#ifndef PODRUN_RUN_H
#define PODRUN_RUN_H

#include "actor.h"
#include "conn.h"

/* Starts a plan; its `result`, or an `error` when it is malformed, goes to the connection. */
void run_start(struct conn *c, uint32_t request, const struct bytes *plan);
/* False: no such plan of this connection. Its `result` follows when its actors are gone. */
bool run_cancel(const struct conn *c, uint32_t request);
/* The connection is gone: its plans are cancelled, for nobody would learn what they made. */
void runs_forsake(const struct conn *c);
void runs_cancel_all(void);
bool runs_any(void);
/* Whether plans of a connection that is gone are still being undone. */
bool runs_forsaken(void);

/* A child of ours was reaped. False: it is no plan's. */
bool run_reaped(pid_t pid, int status);

/* The monitor's own operations. */
int run_make_stage(struct run *r, const struct step *s);
int run_process(struct run *r, const struct op_process *o);
int run_log(struct run *r, const struct op_log *o);
int run_stream(struct run *r, const struct op_stream *o);

#endif
