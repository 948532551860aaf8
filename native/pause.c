#include "pause.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys.h"

static char *title_start;
static size_t title_room;

void title_init(char **argv) {
    if (argv[0] == NULL) return;
    char *end = argv[0] + strlen(argv[0]);
    for (char **arg = argv + 1; *arg != NULL && *arg == end + 1; arg++) end = *arg + strlen(*arg);
    /* The environment lies right behind; a title that overwrites it reads as the command line (fs/proc/base.c). */
    for (char **e = environ; *e != NULL && *e == end + 1; e++) end = *e + strlen(*e);
    title_start = argv[0];
    title_room = (size_t)(end - argv[0]);
}

void title_set(const char *title) {
    if (title_start == NULL) return;
    size_t length = strlen(title);
    if (length > title_room) length = title_room;
    memset(title_start, 0, title_room);
    memcpy(title_start, title, length);
}

bool peer_gone(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLRDHUP | POLLERR)) != 0;
}

void pause_process(struct actor *a, const char *title) {
    sigset_t all;
    title_set(title);
    if (prctl(PR_SET_NAME, "pause", 0, 0, 0) < 0) actor_exit(EXIT_FAILED);
    /* A signal that is blocked is never dropped as PID 1's default-ignored ones are: SIGTERM works by sigwaitinfo. */
    sigfillset(&all);
    if (sigprocmask(SIG_SETMASK, &all, NULL) < 0) actor_exit(EXIT_FAILED);
    munmap(a->results, a->results_size);
    if (sys_close_range(0, ~0u) < 0) actor_exit(EXIT_FAILED);
    /* The plan was the monitor's memory, shared as long as neither writes: let go of it, it would become our own. */
    munmap((void *)(uintptr_t)a->plan->bytes, a->plan->length);
    for (;;) {
        int signal = sigwaitinfo(&all, NULL);
        if (signal == SIGTERM) actor_exit(EXIT_DONE);
        if (signal != SIGCHLD) continue;
        while (waitpid(-1, NULL, WNOHANG) > 0) continue;
    }
}
