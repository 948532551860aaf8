#include "exits.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "ops.h"
#include "run.h"
#include "sys.h"

static struct process *table;
static int folder = -1;

uint64_t now_realtime(void) { return clock_realtime(); }

void exits_folder(int fd) {
    if (folder >= 0) close(folder);
    folder = fd;
}

struct process *process_first(void) { return table; }

struct process *process_find(uint32_t key) {
    struct process *p = table;
    while (p != NULL && p->key != key) p = p->next;
    return p;
}

int process_add(uint32_t key, pid_t pid, uint32_t role, int pidfd, struct process **out) {
    struct process *old = process_find(key);
    int error = old != NULL && !old->exited ? EEXIST : 0;
    struct process *p = error == 0 ? calloc(1, sizeof *p) : NULL;
    if (p == NULL) {
        close(pidfd);
        return error == 0 ? ENOMEM : error;
    }
    if (old != NULL) process_forget(old);
    *p = (struct process){.next = table, .key = key, .role = role, .pid = pid, .pidfd = pidfd};
    p->started = clock_realtime();
    table = p;
    *out = p;
    return 0;
}

/* Our own children are reaped on SIGCHLD; of the others only the pidfd tells, and it tells no status. */
static void adopted_ready(struct watch *watch, uint32_t events) {
    (void)events;
    struct process *p = (struct process *)((char *)watch - offsetof(struct process, watch));
    watch_set(watch, 0);
    if (!p->exited) process_exited(p, STATUS_UNKNOWN);
}

int process_adopt(uint32_t key, pid_t pid, uint32_t role) {
    struct process *p;
    int pidfd = sys_pidfd_open(pid);
    if (pidfd < 0) return errno;
    int error = process_add(key, pid, role, pidfd, &p);
    if (error != 0) return error;
    siginfo_t ignored;
    if (waitid(P_PID, (id_t)pid, &ignored, WEXITED | WNOHANG | WNOWAIT) == 0) return 0; /* a child after all */
    p->adopted = true;
    p->watch = (struct watch){.ready = adopted_ready, .fd = pidfd};
    return watch_set(&p->watch, EPOLLIN) ? 0 : errno;
}

static void name_record(uint32_t key, char name[24], const char *end) {
    decimal(name, key);
    strcat(name, end);
}

/* Renamed into place: a reader sees a whole record or none. Its folder is on a tmpfs, so there is nothing to sync. */
static void write_record(const struct process *p) {
    char line[128], name[24], temporary[24];
    if (folder < 0) return;
    name_record(p->key, name, "");
    name_record(p->key, temporary, ".new");
    int length = snprintf(line, sizeof line, "%d %u %u %llu %llu\n", p->pid, p->status, p->role,
                          (unsigned long long)p->started, (unsigned long long)p->finished);
    int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return; /* the table still has it, and `listed` says it */
    int error = write_all(fd, line, (size_t)length);
    close(fd);
    if (error == 0) error = CHECK(renameat(folder, temporary, folder, name));
    if (error != 0) unlinkat(folder, temporary, 0);
}

void tell_exited(const struct msg_exited *m) {
    for (struct conn *c = conn_first(); c != NULL; c = c->next) {
        bool theirs = c->io != NULL && c->io->key == m->key;
        if (c->subscribed || theirs) conn_flush(c, encode_exited(&c->out, 0, m));
    }
}

void process_exited(struct process *p, uint32_t status) {
    struct io *io = io_find(p->key);
    p->exited = true;
    p->status = status;
    p->finished = clock_realtime();
    if (io != NULL) io_drain(io);
    if (p->role != ROLE_EXEC) write_record(p);
    struct msg_exited m = {
        .key = p->key, .pid = (uint32_t)p->pid, .status = status, .role = p->role, .finished = p->finished};
    tell_exited(&m);
    if (io != NULL) io_ended(io);
    /* Who wanted to know of an exec's end has just been told; probes would fill the table. */
    if (p->role == ROLE_EXEC) process_forget(p);
}

void process_forget(struct process *p) {
    char name[24];
    struct process **at = &table;
    while (*at != p) at = &(*at)->next;
    *at = p->next;
    watch_set(&p->watch, 0);
    close(p->pidfd);
    name_record(p->key, name, "");
    if (folder >= 0 && p->exited) unlinkat(folder, name, 0);
    loop_free(&p->grave);
}

bool processes_running(void) {
    for (struct process *p = table; p != NULL; p = p->next) {
        if (!p->exited) return true;
    }
    return false;
}

void processes_kill(void) {
    for (struct process *p = table; p != NULL; p = p->next) {
        if (!p->exited) sys_pidfd_signal(p->pidfd, SIGKILL);
    }
}

/* waitpid for all, and a look at who it was: no pid can be reused before it is reaped here, and the kernel writes a new
 * child's pid into its plan's results before the child runs, so none comes unknown. */
void reap_children(void) {
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
        if (run_reaped(pid, status)) continue;
        struct process *p = table;
        while (p != NULL && (p->pid != pid || p->exited)) p = p->next;
        if (p != NULL) process_exited(p, (uint32_t)status);
    }
}
