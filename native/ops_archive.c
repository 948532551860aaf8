/* The child becomes a process that unpacks or packs: nothing of the plan is left to it but its root and descriptors 0, 1, 2. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops.h"
#include "retar.h"
#include "sys.h"
#include "tar_write.h"
#include "untar.h"

enum { ROOT = 3, PIPE_SIZE = 1 << 20 };

/* Who ends it with SIGTERM is heard; who reads no more is EPIPE. It still dies with the monitor. */
static int default_signals(void) {
    static const int changed[] = {SIGTERM, SIGINT, SIGHUP};
    sigset_t none;
    for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
        if (signal(changed[i], SIG_DFL) == SIG_ERR) return errno;
    }
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) return errno;
    sigemptyset(&none);
    return CHECK(sigprocmask(SIG_SETMASK, &none, NULL));
}

/* Closing the sockets, which lie behind ROOT or are replaced by it, tells the monitor that this has begun. */
static int leave_plan(struct actor *a) {
    int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) return errno;
    int error = default_signals();
    if (error != 0) return error;
    umask(0);
    /* Bigger pipes mean fewer wake-ups; an account may have used up what it may have of them. */
    for (int fd = STDIN_FILENO; fd <= STDOUT_FILENO; fd++) {
        if (fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE) < 0) errno = 0;
    }
    void *results = a->results, *plan = (void *)(uintptr_t)a->plan->bytes;
    size_t results_size = a->results_size, plan_size = a->plan->length;
    if (root != ROOT && dup2(root, ROOT) < 0) return errno;
    if (sys_close_range(ROOT + 1, ~0u) < 0) return errno;
    munmap(results, results_size);
    munmap(plan, plan_size);
    return 0;
}

int op_untar(struct actor *a, const struct op_untar *o) {
    static struct untar u;
    uint64_t limit = o->limit;
    int error = leave_plan(a);
    if (error != 0) return error;
    untar(&u, ROOT, STDIN_FILENO, STDOUT_FILENO, limit);
    actor_exit(outcome_tell(&u.outcome, STDERR_FILENO));
}

int op_receive(struct actor *a, const struct op_receive *o) {
    static struct untar u;
    uint64_t limit = o->limit;
    int error = leave_plan(a);
    if (error != 0) return error;
    untar_plain(&u, ROOT, STDIN_FILENO, STDOUT_FILENO, limit);
    actor_exit(outcome_tell(&u.outcome, STDERR_FILENO));
}

/* The path is the plan's, which is let go of. */
int op_tar(struct actor *a, const struct op_tar *o) {
    static struct tar_writer w;
    static char path[PATH_MAX];
    uint32_t flags = o->flags;
    if (o->path.length >= sizeof path) return ENAMETOOLONG;
    memcpy(path, o->path.data, o->path.length + 1);
    int error = leave_plan(a);
    if (error != 0) return error;
    w.out = STDOUT_FILENO;
    w.report = STDERR_FILENO;
    tar_write(&w, ROOT, path, flags);
    actor_exit(outcome_tell(&w.outcome, STDERR_FILENO));
}

int op_retar(struct actor *a) {
    static struct retar r;
    int error = leave_plan(a);
    if (error != 0) return error;
    retar(&r, ROOT, STDIN_FILENO, STDOUT_FILENO);
    actor_exit(outcome_tell(&r.outcome, STDERR_FILENO));
}
