/* The process table: who runs, who has ended and how. */
#ifndef PODRUN_EXITS_H
#define PODRUN_EXITS_H

#include <sys/types.h>

#include "conn.h"

/* The wait status of a process that was not our child: nobody can say. */
#define STATUS_UNKNOWN 0xffffffffu

/* The roles of the `process` operation. */
enum { ROLE_PAUSE, ROLE_CONTAINER, ROLE_EXEC };

struct process {
    struct grave grave;
    struct watch watch; /* its pidfd, of an adopted process */
    struct process *next;
    uint32_t key;
    uint32_t role;
    pid_t pid;
    int pidfd;
    bool adopted;
    bool exited;
    uint32_t status; /* as wait(2) gives it */
    uint64_t started; /* CLOCK_REALTIME ns */
    uint64_t finished;
};

/* Takes the pidfd over. An errno: EEXIST while a process of this key runs; an ended one is replaced. */
int process_add(uint32_t key, pid_t pid, uint32_t role, int pidfd, struct process **out);
/* Watches a process that we did not fork. */
int process_adopt(uint32_t key, pid_t pid, uint32_t role);
struct process *process_find(uint32_t key);
struct process *process_first(void);
/* Reads its last output, writes the exit record, tells who listens; an exec is forgotten then. */
void process_exited(struct process *p, uint32_t status);
/* Drops it and its exit record. */
void process_forget(struct process *p);
bool processes_running(void);
void processes_kill(void);

/* Where exit records go: a folder's descriptor. */
void exits_folder(int fd);

/* Sends `exited` to subscribers and to the connections that have the process's streams. */
void tell_exited(const struct msg_exited *m);

/* After SIGCHLD: takes every zombie, the table's, the plans' and orphans' alike. */
void reap_children(void);

uint64_t now_realtime(void);

#endif
