#ifndef PODRUN_MONITOR_H
#define PODRUN_MONITOR_H

#include "conn.h"

/* Once: run folder, socket, exit records, private procfs, title. An errno. */
int monitor_setup(const struct msg_setup *m);
/* Kills what is left; answers and leaves when it is gone. */
void monitor_shutdown(struct conn *c, uint32_t request);
/* Nothing new may begin: nobody would end it. */
bool monitor_leaving(void);
/* A connection has closed. Before set-up the first one takes the monitor with it. */
void monitor_lost(const struct conn *c);

#endif
