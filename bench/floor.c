// floor: what Linux itself asks for a pod, with no policy around it. The yardstick of `npm run bench`.
//
//   cc -O2 -o floor bench/floor*.c && ./floor NAME WORK      (root)
//
// NAME: its cgroup in every hierarchy, and the beginning of its links' names (at most 6 characters). WORK: a folder on tmpfs
// for what containers write and for logs; WORK/layer is a root file system with /bin/sleep and /bin/true, WORK/seccomp.bpf and
// WORK/devices.bpf (used on v2) are the programs that podrun would load. Commands come as lines on stdin, each answered by one line:
//
//   start      -> `start POD NS [NS of pause and network]`   from nothing to the last container's execve
//   exec POD   -> `exec POD NS`                              /bin/true in the first container, until its exit is read
//   delete POD -> `delete POD NS`                            until processes, cgroups and folders are gone
//   pause POD  -> `pause POD PID`
//   join       -> `join NS`                                  a process moves into a v1 cgroup; 0 on v2
//
// At the end of stdin, at SIGINT, SIGTERM and SIGHUP, and when anything fails, it takes down all that it made.
//
// It makes the kernel objects of podrun's plans (src/sandbox/*-plan.ts), no more and no fewer, in the fewest system calls that
// we know. Not in it: the nft elements (the daemon's, 0.1–0.2 ms; tables are no part of a pod's own), the monitor, records on
// disk, and descriptors that are only handed from one process to another.
#define _GNU_SOURCE
#include "floor.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_PODS 4096
#define CONTAINERS 2

// What the monitor would hold of a pod for its life.
static struct pod {
    pid_t pause, container[CONTAINERS];
    int ns[4], pidfd[CONTAINERS + 1], out[CONTAINERS], err[CONTAINERS], log[CONTAINERS];
} pods[MOST_PODS];
static int made;
static const char *name, *work;
static pid_t floor_pid;
static struct page { uint64_t execve; pid_t child; int failed; } *page; // shared with the processes on their way in

static void take_down(int pod);

static void end_process(pid_t pid)
{
    if (pid > 0) kill(pid, SIGKILL);
}

void die(const char *file, int line, const char *call)
{
    fprintf(stderr, "%s:%d: %s: %s\n", file, line, call, strerror(errno));
    if (getpid() == floor_pid) {
        signal(SIGINT, SIG_IGN), signal(SIGTERM, SIG_IGN), signal(SIGHUP, SIG_IGN);
        end_process(page->child); // died half-way
        for (int i = 0; i < made; i++) take_down(i);
        cgroup_remove(name);
    }
    page->failed = 1;
    _exit(1);
}

// ---- the pod: pause holds its namespaces ----
static void pod_mounts(void)
{
    static const char *const files[][2] = {
        {"etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n10.78.0.2\tpod\n"},
        {"etc/resolv.conf", "search default.svc.cluster.local\nnameserver 192.0.2.1\n"}, {"etc/hostname", "pod\n"}};
    MUST(mount(0, "/", 0, MS_REC | MS_PRIVATE, 0));
    int root = filesystem("tmpfs", "mode=755,size=64k", NO_ACCESS);
    attach(root, AT_FDCWD, work);
    MUST(fchdir(root));
    MUST(mkdir("root", 0755)), MUST(mkdir("shm", 0755)), MUST(mkdir("etc", 0755));
    mount_on("tmpfs", "mode=1777,size=67108864", NO_ACCESS, root, "shm");
    mount_on("tmpfs", "mode=755,size=1m", NO_ACCESS, root, "etc");
    for (int i = 0; i < 3; i++) write_file(files[i][0], files[i][1], O_CREAT);
    pivot();
    set_mount(root, MOUNT_ATTR_RDONLY, 0);
    close(root);
}

static void pause_process(int ready)
{
    MUST(dup2(ready, 0)), MUST(close_range(1, ~0U, 0)), MUST(setsid());
    become((struct identity){.uid = 65535, .capabilities = 0, .no_new_privs = 1});
    dumpable_off(), die_with_parent();
    close(0);
    for (;;) pause();
}

static void sandbox(int number)
{
    char c;
    int ready[2];
    MUST(pipe2(ready, O_CLOEXEC));
    page->child = 0;
    pid_t stage = MUST(fork());
    if (stage == 0) {
        const char *cgroup = text("%s/pod%d", name, number);
        dumpable_off(), die_with_parent(), umask(0);
        cgroup_make(cgroup, 134217728, 204, 0);
        int group = cgroup_pause(cgroup), host = route_socket();
        MUST(unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC));
        network_outside(host, text("%s%x", name, number), number), network_inside(number);
        close(host);
        MUST(sethostname("pod", 3));
        write_file("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0", 0), write_file("/proc/sys/net/ipv4/ping_group_range", "0\t2147483647", 0);
        pod_mounts();
        if (start_process(0, group, &page->child) == 0) pause_process(ready[1]);
        _exit(0);
    }
    close(ready[1]);
    MUST(waitpid(stage, 0, 0)), MUST(read(ready[0], &c, 1)); // pause has closed its copy: it is ready
    close(ready[0]);
    struct pod *pod = &pods[number];
    pod->pause = page->child, page->child = 0;
    if (page->failed || pod->pause == 0) errno = ECHILD, die(__FILE__, __LINE__, "sandbox");
    pod->pidfd[CONTAINERS] = MUST(syscall(SYS_pidfd_open, pod->pause, 0));
    static const char *const kinds[] = {"net", "uts", "ipc", "mnt"};
    for (int i = 0; i < 4; i++) pod->ns[i] = MUST(open(text("/proc/%d/ns/%s", pod->pause, kinds[i]), O_RDONLY | O_CLOEXEC));
}

// ---- one container: the stage mounts, outside the container's cgroup; the child ends in execve ----
static void devices(int root)
{
    static const struct { const char *name; int major, minor; } nodes[] = {{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
    static const char *const links[][2] = {{"/proc/self/fd", "fd"}, {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"}, {"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"}};
    int dev = filesystem("tmpfs", "mode=755,size=65536k", MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME);
    mkdirat(root, "dev", 0755), attach(dev, root, "dev");
    for (int i = 0; i < 6; i++) MUST(mknodat(dev, nodes[i].name, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)));
    for (int i = 0; i < 5; i++) MUST(symlinkat(links[i][0], dev, links[i][1]));
    MUST(mkdirat(dev, "pts", 0755)), MUST(mkdirat(dev, "mqueue", 0755)), MUST(mkdirat(dev, "shm", 0755));
    mount_on("devpts", "newinstance,ptmxmode=0666,mode=0620,gid=5", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, dev, "pts");
    mount_on("mqueue", "", NO_ACCESS, dev, "mqueue");
    close(dev);
}

static void system_mounts(int root, const int *groups)
{
    mkdirat(root, "proc", 0755), mkdirat(root, "sys", 0755);
    mount_on("sysfs", "", NO_ACCESS | MOUNT_ATTR_RDONLY, root, "sys");
    if (cgroup_v2()) return;
    int all = filesystem("tmpfs", "mode=755,size=64k", NO_ACCESS);
    attach(all, root, "sys/fs/cgroup");
    for (int i = 0; i < hierarchy_count; i++) MUST(mkdirat(all, hierarchies[i], 0755)), attach(groups[i], all, hierarchies[i]), close(groups[i]);
    set_mount(all, MOUNT_ATTR_RDONLY, 0);
    close(all);
}

// Copies of what the container takes from the pod's mount namespace, upon its own root.
static void pod_files(int root)
{
    static const char *const paths[] = {"shm", "etc/hosts", "etc/resolv.conf", "etc/hostname"}, *const targets[] = {"dev/shm", "etc/hosts", "etc/resolv.conf", "etc/hostname"};
    mkdirat(root, "etc", 0755);
    for (int i = 0; i < 4; i++) {
        int copy = copy_mount(text("/%s", paths[i]));
        if (i > 0) mknodat(root, targets[i], S_IFREG | 0644, 0);
        attach(copy, root, targets[i]), close(copy);
    }
}

static void container_process(const int stdio[3], const int *joins)
{
    static const char *const masked[] = {"acpi", "asound", "interrupts", "kcore", "keys", "latency_stats", "scsi", "sched_debug", "timer_list", "timer_stats"}, *const read_only[] = {"bus", "fs", "irq", "sys", "sysrq-trigger"};
    dumpable_off(), die_with_parent();
    cgroup_join(joins);
    MUST(unshare(CLONE_NEWCGROUP)), MUST(setsid());
    int proc = filesystem("proc", "", NO_ACCESS);
    attach(proc, AT_FDCWD, "/proc");
    write_file("/proc/self/oom_score_adj", "998", 0);
    for (unsigned i = 0; i < sizeof masked / sizeof *masked; i++) mask(text("/proc/%s", masked[i]));
    for (unsigned i = 0; i < sizeof read_only / sizeof *read_only; i++) read_only_again(text("/proc/%s", read_only[i]));
    if (cgroup_v2()) mount_on("cgroup2", "", NO_ACCESS | MOUNT_ATTR_RDONLY, AT_FDCWD, "/sys/fs/cgroup");
    for (int i = 0; i < 3; i++) MUST(dup2(stdio[i], i));
    MUST(close_range(3, ~0U, CLOSE_RANGE_CLOEXEC)), MUST(chdir("/"));
    become((struct identity){.uid = 0, .capabilities = DEFAULT_CAPABILITIES, .filtered = 1});
}

static void container_stage(int number, int k, const int stdio[3])
{
    const struct pod *pod = &pods[number];
    const char *dir = text("%d-%d", number, k), *group = text("%s/pod%d/c%d", name, number, k);
    int groups[HIERARCHIES] = {0}, joins[HIERARCHIES];
    dumpable_off(), die_with_parent(), umask(0);
    cgroup_make(group, 67108864, 102, 1), cgroup_open(group, joins), cgroup_filter(joins[0]);
    MUST(chdir(work));
    MUST(mkdir(dir, 0711)), MUST(mkdir(text("%s/upper", dir), 0755)), MUST(mkdir(text("%s/work", dir), 0755));
    // Made here and attached there: overlay takes layers only from mounts of the caller's mount namespace.
    int root = filesystem("overlay", text("lowerdir=layer,upperdir=%s/upper,workdir=%s/work", dir, dir), 0);
    if (!cgroup_v2()) for (int i = 0; i < hierarchy_count; i++) {
        groups[i] = copy_mount(text("/sys/fs/cgroup/%s/%s", hierarchies[i], group));
        set_mount(groups[i], MOUNT_ATTR_RDONLY | NO_ACCESS, MS_PRIVATE);
    }
    for (int i = 0; i < 4; i++) MUST(setns(pod->ns[i], 0));
    MUST(unshare(CLONE_NEWNS));
    attach(root, AT_FDCWD, "/root");
    devices(root), system_mounts(root, groups), pod_files(root);
    MUST(fchdir(root)), close(root);
    mask("sys/firmware"), mask("sys/devices/virtual/powercap");
    pivot();
    if (start_process(CLONE_NEWPID, cgroup_v2() ? joins[0] : -1, &page->child) != 0) _exit(0);
    container_process(stdio, joins);
    char *const argv[] = {"/bin/sleep", "100000", 0}, *const env[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=pod", 0};
    page->execve = now();
    execve(argv[0], argv, env);
    die(__FILE__, __LINE__, "execve");
}

// Forks a stage that ends in an execve of its child, and waits for that. `stage` never returns. Answers the child.
static pid_t launch(void (*stage)(int, int, const int[3]), int number, int k, int *out, int *err)
{
    char c;
    int done[2], pipes[2][2], null = MUST(open("/dev/null", O_RDONLY | O_CLOEXEC));
    MUST(pipe2(done, O_CLOEXEC)), MUST(pipe2(pipes[0], O_CLOEXEC)), MUST(pipe2(pipes[1], O_CLOEXEC));
    page->child = 0;
    pid_t pid = MUST(fork());
    if (pid == 0) stage(number, k, (int[3]){null, pipes[0][1], pipes[1][1]});
    close(done[1]), close(pipes[0][1]), close(pipes[1][1]), close(null);
    *out = pipes[0][0], *err = pipes[1][0];
    int status = 0;
    MUST(waitpid(pid, &status, 0)), MUST(read(done[0], &c, 1)), close(done[0]); // end of file: execve closed the last copy
    pid_t child = page->child;
    if (page->failed || child == 0 || status != 0) errno = ECHILD, die(__FILE__, __LINE__, "launch");
    page->child = 0;
    return child;
}

static void start(void)
{
    if (made == MOST_PODS) errno = ENFILE, die(__FILE__, __LINE__, "start");
    uint64_t begin = now();
    int number = made++;
    struct pod *pod = &pods[number];
    sandbox(number);
    uint64_t middle = now();
    for (int k = 0; k < CONTAINERS; k++) {
        pod->container[k] = launch(container_stage, number, k, &pod->out[k], &pod->err[k]);
        pod->pidfd[k] = MUST(syscall(SYS_pidfd_open, pod->container[k], 0));
        pod->log[k] = MUST(open(text("%s/%d-%d.log", work, number, k), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
    }
    printf("start %d %llu %llu\n", number, (unsigned long long)(page->execve - begin), (unsigned long long)(middle - begin));
}

// ---- exec: /bin/true in a running container ----
static void exec_stage(int number, int k, const int stdio[3])
{
    int joins[HIERARCHIES];
    dumpable_off(), die_with_parent();
    cgroup_open(text("%s/pod%d/c%d", name, number, k), joins);
    MUST(setns(pods[number].pidfd[k], CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID));
    if (start_process(0, cgroup_v2() ? joins[0] : -1, &page->child) != 0) _exit(0);
    dumpable_off();
    cgroup_join(joins);
    MUST(setns(pods[number].pidfd[k], CLONE_NEWCGROUP)); // from within its cgroup: nsdelegate lets nobody out of the namespace
    MUST(setsid());
    write_file("/proc/self/oom_score_adj", "998", 0);
    for (int i = 0; i < 3; i++) MUST(dup2(stdio[i], i));
    MUST(close_range(3, ~0U, CLOSE_RANGE_CLOEXEC)), MUST(chdir("/"));
    become((struct identity){.uid = 0, .capabilities = DEFAULT_CAPABILITIES, .filtered = 1});
    char *const argv[] = {"/bin/true", 0}, *const env[] = {"PATH=/bin", 0};
    page->execve = now();
    execve(argv[0], argv, env);
    die(__FILE__, __LINE__, "execve");
}

static void exec_true(int number)
{
    char c;
    int out, err, status;
    uint64_t begin = now();
    pid_t pid = launch(exec_stage, number, 0, &out, &err);
    MUST(read(out, &c, 1)), MUST(read(err, &c, 1)), MUST(waitpid(pid, &status, 0));
    printf("exec %d %llu\n", number, (unsigned long long)(now() - begin));
    close(out), close(err);
    if (status != 0) errno = ECHILD, die(__FILE__, __LINE__, "/bin/true");
}

static void join_time(void)
{
    page->execve = 0;
    pid_t pid = MUST(cgroup_v2() ? 0 : fork());
    if (pid == 0 && !cgroup_v2()) {
        uint64_t begin = now();
        write_file(text("/sys/fs/cgroup/%s/%s/cgroup.procs", hierarchies[0], name), "0", 0);
        page->execve = now() - begin;
        _exit(0);
    }
    if (pid > 0) MUST(waitpid(pid, 0, 0));
    printf("join %llu\n", (unsigned long long)page->execve);
}

// ---- the end of a pod ----
static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info, (void)type, (void)at;
    return remove(path);
}

static void take_down(int number)
{
    struct pod *pod = &pods[number];
    for (int k = 0; k < CONTAINERS; k++) end_process(pod->container[k]);
    end_process(pod->pause);
    for (int k = 0; k < CONTAINERS; k++) {
        if (pod->container[k] > 0) waitpid(pod->container[k], 0, 0);
        if (pod->pidfd[k] > 0) close(pod->pidfd[k]), close(pod->out[k]), close(pod->err[k]), close(pod->log[k]);
        cgroup_remove(text("%s/pod%d/c%d", name, number, k));
        nftw(text("%s/%d-%d", work, number, k), remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        unlink(text("%s/%d-%d.log", work, number, k));
    }
    if (pod->pause > 0) waitpid(pod->pause, 0, 0), close(pod->pidfd[CONTAINERS]);
    for (int i = 0; i < 4; i++) if (pod->ns[i] > 0) close(pod->ns[i]);
    cgroup_remove(text("%s/pod%d", name, number));
    *pod = (struct pod){0};
}

static void stop(int signal) { (void)signal; } // reading stdin fails with EINTR, and the loop below ends

int main(int argc, char **argv)
{
    char line[64];
    int number;
    if (argc != 3) return fprintf(stderr, "usage: floor NAME WORK\n"), 2;
    name = argv[1], work = argv[2], floor_pid = getpid();
    page = mmap(0, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return perror("floor: mmap"), 1;
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, 0), sigaction(SIGTERM, &action, 0), sigaction(SIGHUP, &action, 0);
    setvbuf(stdout, 0, _IOLBF, 0);
    MUST(unshare(CLONE_NEWNS)), MUST(mount(0, "/", 0, MS_REC | MS_PRIVATE, 0)); // what is mounted here goes with it
    read_programs(work), cgroup_begin(name);
    while (fgets(line, sizeof line, stdin)) {
        if (strcmp(line, "start\n") == 0) start();
        else if (strcmp(line, "join\n") == 0) join_time();
        else if (sscanf(line, "exec %d", &number) == 1 && number < made) exec_true(number);
        else if (sscanf(line, "pause %d", &number) == 1 && number < made) printf("pause %d %d\n", number, pods[number].pause);
        else if (sscanf(line, "delete %d", &number) == 1 && number < made) {
            uint64_t begin = now();
            take_down(number);
            printf("delete %d %llu\n", number, (unsigned long long)(now() - begin));
        } else return fprintf(stderr, "floor: what is \"%.*s\"?\n", (int)strcspn(line, "\n"), line), 2;
    }
    for (int i = 0; i < made; i++) take_down(i);
    cgroup_remove(name);
    return 0;
}
