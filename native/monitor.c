/* podrun-monitor: parent and subreaper of one pod's processes (docs/architecture.md, "podrun-monitor"). */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "exits.h"
#include "ops.h"
#include "pause.h"
#include "run.h"
#include "sys.h"

enum { FIRST_CONNECTION = 3, LEAVE_MS = 10000 };

static struct watch signals = {.fd = -1}, listener = {.fd = -1};
static int run_folder = -1, spare = -1;
static bool set_up, leaving;
static struct conn *leave_for; /* who asked to shut down, while it is connected */
static uint32_t leave_request;

static void signals_ready(struct watch *watch, uint32_t events) {
    struct signalfd_siginfo info[4];
    (void)events;
    /* Which children, and how many, waitpid says: signals of the same kind merge. */
    while (read(watch->fd, info, sizeof info) > 0) continue;
    reap_children();
}

/* Without a free descriptor a waiting connection would turn the loop for ever: the spare one is given up to refuse it. */
static void refuse_connection(int listening) {
    if (spare >= 0) close(spare);
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) close(fd);
    spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void listener_ready(struct watch *watch, uint32_t events) {
    (void)events;
    int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) conn_open(fd);
    else if (errno == EMFILE || errno == ENFILE) refuse_connection(watch->fd);
}

/* Bound by its whole name where a socket address can hold that, for /proc/net/unix shows it so: `system check` finds
 * monitors by it. Else by a name relative to its folder. */
static int listen_in(int folder, struct text path) {
    static const char name[] = "/monitor.sock";
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "monitor.sock"};
    if (path.length + sizeof name <= sizeof address.sun_path) {
        memcpy(address.sun_path, path.data, path.length);
        memcpy(address.sun_path + path.length, name, sizeof name);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno;
    int error = CHECK(fchdir(folder));
    if (error == 0 && unlink(address.sun_path) < 0 && errno != ENOENT) error = errno;
    mode_t mask = umask(0177);
    if (error == 0) error = CHECK(bind(fd, (struct sockaddr *)&address, sizeof address));
    umask(mask);
    if (chdir("/") < 0 && error == 0) error = errno;
    if (error == 0) error = CHECK(listen(fd, 64));
    spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    listener = (struct watch){.ready = listener_ready, .fd = fd};
    if (error == 0 && !watch_set(&listener, EPOLLIN)) error = errno;
    if (error != 0) close(fd);
    return error;
}

static int open_exits(int folder) {
    if (mkdirat(folder, "exits", 0700) < 0 && errno != EEXIST) return errno;
    int fd = openat(folder, "exits", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno;
    exits_folder(fd);
    return 0;
}

/* A procfs that is attached nowhere: what is read and written through it is the kernel's, whatever a container has mounted
 * over its own /proc. */
static int open_procfs(void) {
    struct slot_set none = {0};
    int fs = sys_fsopen("proc");
    if (fs < 0) return errno;
    int error = CHECK(sys_fsconfig_create(fs));
    int mount = error == 0 ? sys_fsmount(fs, 0) : -1;
    if (error == 0 && mount < 0) error = errno;
    close(fs);
    return error != 0 ? error : slot_put(&none, PROC_SLOT, mount);
}

int monitor_setup(const struct msg_setup *m) {
    if (set_up) return EALREADY;
    int folder = open(m->folder.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return errno;
    int error = open_exits(folder);
    if (error == 0) error = open_procfs();
    if (error == 0) error = listen_in(folder, m->folder);
    if (error != 0) {
        close(folder);
        return error;
    }
    run_folder = folder;
    set_up = true;
    title_set(m->title.data);
    return 0;
}

void monitor_lost(const struct conn *c) {
    if (c == leave_for) leave_for = NULL;
    if (c->first && !set_up) leaving = true;
    if (c->first && !set_up) processes_kill();
}

bool monitor_leaving(void) { return leaving; }

void monitor_shutdown(struct conn *c, uint32_t request) {
    leaving = true;
    leave_for = c;
    leave_request = request;
    runs_cancel_all();
    processes_kill();
}

/* By the signals of the whole session or of a terminal nobody stops a monitor; it has no terminal, being a session leader
 * of its own. exec sets these back (ops_process.c). */
static int prepare_signals(void) {
    static const int ignored[] = {SIGPIPE, SIGTERM, SIGINT, SIGHUP};
    sigset_t children;
    for (int s = 1; s < 32; s++) {
        if (s != SIGKILL && s != SIGSTOP && signal(s, SIG_DFL) == SIG_ERR) return errno;
    }
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    if (sigprocmask(SIG_SETMASK, &children, NULL) < 0) return errno;
    signals = (struct watch){.ready = signals_ready, .fd = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK)};
    return signals.fd >= 0 && watch_set(&signals, EPOLLIN) ? 0 : errno;
}

/* Nothing of the daemon's comes along but the connection, and 0, 1 and 2 are something. */
static int prepare_descriptors(void) {
    int fd;
    do fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0) return errno;
    if (fd != FIRST_CONNECTION) close(fd);
    else return EBADF;
    if (sys_close_range(FIRST_CONNECTION + 1, ~0u) < 0) return errno;
    return CHECK(fcntl(FIRST_CONNECTION, F_SETFD, FD_CLOEXEC));
}

static int prepare(void) {
    /* Every process that comes from here is non-dumpable from its first instruction: no ptrace, no /proc/PID/fd. */
    int error = CHECK(prctl(PR_SET_DUMPABLE, 0UL, 0, 0, 0));
    if (error == 0) error = prepare_descriptors();
    if (error == 0) error = CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0, 0, 0));
    if (error == 0 && !loop_open()) error = errno;
    if (error == 0) error = prepare_signals();
    if (setsid() < 0) errno = 0; /* EPERM: it is one already */
    umask(0); /* modes in plans are exact */
    /* The daemon goes before what it starts; pods have the usual priority. Where it may not be had (EACCES) ours stays. */
    if (setpriority(PRIO_PROCESS, 0, 0) < 0) errno = 0;
    return error;
}

static bool everything_gone(void) { return !runs_any() && !processes_running(); }

static int leave(void) {
    if (run_folder >= 0) unlinkat(run_folder, "monitor.sock", 0);
    if (leave_for != NULL) {
        if (everything_gone()) answer_ok(leave_for, leave_request, 0);
        else answer_error(leave_for, leave_request, ETIMEDOUT, "shutdown: processes do not die");
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
    (void)argc;
    title_init(argv);
    if (prepare() != 0) return EXIT_FAILURE;
    struct conn *first = conn_open(FIRST_CONNECTION);
    if (first == NULL) return EXIT_FAILURE;
    first->first = true;
    uint64_t deadline = 0;
    for (;;) {
        if (leaving && everything_gone()) return leave();
        if (leaving && deadline == 0) deadline = clock_monotonic() + LEAVE_MS * UINT64_C(1000000);
        if (leaving && clock_monotonic() >= deadline) return leave();
        if (!loop_round(leaving ? 100 : lists_timeout())) return EXIT_FAILURE;
        lists_answer();
    }
}
