/* User namespaces: who makes one can't map its ids, and who maps them must not be in it. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops.h"
#include "sys.h"

#ifndef CLONE_NEWUSER
#define CLONE_NEWUSER 0x10000000
#endif

struct made {
    const char *name;
    uint16_t slot;
    uint64_t flag;
};

/* "0 FIRST COUNT": the ids of the namespace begin with 0. */
static int write_map(const struct actor *a, const char *process, const char *file, const struct op_user_namespace *o) {
    char path[48], line[48] = "0 ";
    strcpy(path, process);
    strcat(path, file);
    decimal(line + strlen(line), o->first);
    strcat(line, " ");
    decimal(line + strlen(line), o->count);
    return write_proc(a, path, line, strlen(line));
}

static int open_made(struct actor *a, const char *process, const struct made *made) {
    char path[48];
    int proc;
    int error = proc_of(a, &proc);
    if (error != 0 || made->slot == NO_SLOT) return error;
    strcpy(path, process);
    strcat(path, "/ns/");
    strcat(path, made->name);
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? errno : slot_put(&a->slots, made->slot, fd);
}

static int take_namespaces(struct actor *a, const struct op_user_namespace *o, pid_t pid, const struct made *made, size_t n) {
    char process[24];
    decimal(process, (uint64_t)pid);
    int error = write_map(a, process, "/uid_map", o);
    if (error == 0) error = write_map(a, process, "/gid_map", o);
    for (size_t i = 0; i < n && error == 0; i++) error = open_made(a, process, &made[i]);
    return error;
}

/* Lives until the stage has what it wants, or is gone itself: then the pipe's other end is closed. */
static _Noreturn void hold(int held) {
    char byte;
    while (read(held, &byte, 1) < 0 && errno == EINTR) continue;
    _exit(0);
}

static int reap(pid_t pid) {
    while (waitpid(pid, NULL, 0) < 0) {
        if (errno != EINTR) return errno;
    }
    return 0;
}

int op_user_namespace(struct actor *a, const struct op_user_namespace *o) {
    const struct made made[] = {
        {"user", o->out, CLONE_NEWUSER},
        {"net", o->net, CLONE_NEWNET},
        {"uts", o->uts, CLONE_NEWUTS},
        {"ipc", o->ipc, CLONE_NEWIPC},
    };
    const size_t n = sizeof made / sizeof *made;
    uint32_t stored;
    struct clone_request request = {.flags = CLONE_NEWUSER, .cgroup = -1, .pid = &stored};
    int ends[2];
    if (o->count == 0 || o->out == NO_SLOT || (uint64_t)o->first + o->count > UINT32_MAX) return EINVAL;
    for (size_t i = 0; i < n; i++) request.flags |= made[i].slot == NO_SLOT ? 0 : made[i].flag;
    if (pipe2(ends, O_CLOEXEC) < 0) return errno;
    pid_t pid = sys_clone(&request);
    if (pid == 0) {
        close(ends[1]);
        hold(ends[0]);
    }
    int error = pid < 0 ? errno : 0;
    close(ends[0]);
    if (error == 0) error = take_namespaces(a, o, pid, made, n);
    close(ends[1]);
    if (pid < 0) return error;
    int reaped = reap(pid);
    return error != 0 ? error : reaped;
}
