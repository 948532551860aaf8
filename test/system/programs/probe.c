/* What tests of containers try from inside: `probe COMMAND …` prints what the kernel says to it, one line an attempt. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *what, long result) {
    printf("%s %s\n", what, result < 0 ? strerrorname_np(errno) : "ok");
    fflush(stdout);
}

static long clone_flags(unsigned long flags) {
    long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0) _exit(0);
    if (pid > 0) waitpid((pid_t)pid, NULL, 0);
    return pid;
}

static long clone3_flags(uint64_t flags) {
    struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) _exit(0);
    if (pid > 0) waitpid((pid_t)pid, NULL, 0);
    return pid;
}

static int calls(void) {
    say("mount", mount("x", "/tmp", "tmpfs", 0, NULL));
    say("umount2", umount2("/proc", MNT_DETACH));
    say("unshare-mnt", unshare(CLONE_NEWNS));
    say("unshare-user", unshare(CLONE_NEWUSER));
    say("clone-user", clone_flags(CLONE_NEWUSER));
    say("clone-net", clone_flags(CLONE_NEWNET));
    say("clone3-user", clone3_flags(CLONE_NEWUSER));
    say("clone3", clone3_flags(0));
    say("clone", clone_flags(0));
    say("setns", syscall(SYS_setns, open("/proc/self/ns/mnt", O_RDONLY), 0));
    say("keyctl", syscall(SYS_keyctl, 0, -3, 0));
    say("add_key", syscall(SYS_add_key, "user", "x", "y", 1, -2));
    say("bpf", syscall(SYS_bpf, 0, NULL, 0));
    say("io_uring_setup", syscall(SYS_io_uring_setup, 1, NULL));
    say("userfaultfd", syscall(SYS_userfaultfd, 0));
    say("perf_event_open", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
    say("open_by_handle_at", syscall(SYS_open_by_handle_at, -1, NULL, 0));
    say("init_module", syscall(SYS_init_module, NULL, 0, ""));
    say("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
    say("settimeofday", syscall(SYS_settimeofday, NULL, NULL));
    say("swapon", syscall(SYS_swapon, "/x", 0));
    say("vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
    say("personality-query", syscall(SYS_personality, 0xffffffff));
    say("personality-random", syscall(SYS_personality, 0x0040000));
    say("unknown-call", syscall(4000));
    say("socket", socket(AF_INET6, SOCK_STREAM, 0));
    say("ptrace", syscall(SYS_ptrace, 0, 0, 0, 0));
    say("getrandom", syscall(SYS_getrandom, &(char[1]){0}, 1, 0));
    return 0;
}

/* Touches so many bytes and keeps them. */
static int hog(size_t bytes) {
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return 1;
    for (size_t at = 0; at < bytes; at += 4096) memory[at] = 1;
    puts("had all of it");
    return 0;
}

/* Maps so many bytes of huge pages, of a file when one is named, and writes to each. */
static int huge(size_t bytes, const char *path) {
    int file = path == NULL ? -1 : open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    int flags = path == NULL ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB : MAP_SHARED;
    if (path != NULL && file < 0) {
        say("open", -1);
        return 1;
    }
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, file, 0);
    if (memory == MAP_FAILED) {
        say("mmap", -1);
        return 1;
    }
    for (size_t at = 0; at < bytes; at += 2 << 20) memory[at] = 1;
    puts("had all of it");
    return 0;
}

static int hog_child(size_t bytes) {
    int status = 0;
    if (fork() == 0) _exit(hog(bytes));
    wait(&status);
    printf("child: signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    fflush(stdout);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : 0;
}

/* Children that stay until the end. */
static int forks(int wanted) {
    int made = 0;
    while (made < wanted) {
        pid_t pid = fork();
        if (pid < 0) break;
        if (pid == 0) {
            pause();
            _exit(0);
        }
        made++;
    }
    printf("%d %s\n", made, made < wanted ? strerrorname_np(errno) : "all");
    fflush(stdout);
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM);
    return 0;
}

/* CVE-2019-5736: through /proc/PID/exe to the program of whoever is behind it. */
static int overwrite(const char *pid) {
    char path[64], through[64];
    snprintf(path, sizeof path, "/proc/%s/exe", pid);
    say("write", open(path, O_WRONLY));
    say("truncate", truncate(path, 0));
    int fd = open(path, O_PATH);
    say("hold", fd);
    if (fd < 0) return 0;
    snprintf(through, sizeof through, "/proc/self/fd/%d", fd);
    say("write-held", open(through, O_WRONLY));
    return 0;
}

static void look_at(const char *pid) {
    static const char *const files[] = {"environ", "maps", "mem", "syscall"};
    static const char *const links[] = {"exe", "root", "cwd", "ns/mnt"};
    char path[600], target[300];
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "/proc/%s/%s", pid, files[i]);
        int fd = open(path, O_RDONLY);
        if (fd >= 0 && read(fd, target, 1) > 0) printf("read %s\n", files[i]);
        if (fd >= 0) close(fd);
        snprintf(path, sizeof path, "/proc/%s/%s", pid, links[i]);
        if (readlink(path, target, sizeof target) >= 0) printf("followed %s\n", links[i]);
    }
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *folder = opendir(path);
    if (folder == NULL) return;
    for (struct dirent *e; (e = readdir(folder)) != NULL;) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/%s/fd/%s", pid, e->d_name);
        if (readlink(path, target, sizeof target) >= 0 || open(path, O_PATH) >= 0) printf("descriptor %s\n", e->d_name);
    }
    closedir(folder);
}

/* Every process but PID 1 and those of our own name; says how many there were. */
static int look(void) {
    DIR *proc = opendir("/proc");
    int seen = 0;
    for (struct dirent *e; proc != NULL && (e = readdir(proc)) != NULL;) {
        long pid = strtol(e->d_name, NULL, 10);
        char path[600], name[64] = "";
        if (pid <= 1 || pid == getpid() || pid == getppid()) continue;
        snprintf(path, sizeof path, "/proc/%ld/comm", pid);
        FILE *comm = fopen(path, "r");
        if (comm == NULL) continue;
        if (fgets(name, sizeof name, comm) == NULL) name[0] = 0;
        fclose(comm);
        if (strncmp(name, "sleep", 5) == 0 || strncmp(name, "probe", 5) == 0) continue;
        seen++;
        look_at(e->d_name);
    }
    printf("looked at %d\n", seen);
    return 0;
}

/* Who it is, and then it stays to be looked at from outside. */
static _Noreturn void ids(void) {
    printf("%d %d\n", (int)getuid(), (int)geteuid());
    fflush(stdout);
    for (;;) pause();
}

int main(int argc, char **argv) {
    const char *command = argc > 1 ? argv[1] : "";
    const char *argument = argc > 2 ? argv[2] : "0";
    if (strcmp(command, "calls") == 0) return calls();
    if (strcmp(command, "hog") == 0) return hog(strtoul(argument, NULL, 10));
    if (strcmp(command, "huge") == 0) return huge(strtoul(argument, NULL, 10), argc > 3 ? argv[3] : NULL);
    if (strcmp(command, "hog-child") == 0) return hog_child(strtoul(argument, NULL, 10));
    if (strcmp(command, "forks") == 0) return forks(atoi(argument));
    if (strcmp(command, "overwrite") == 0) return overwrite(argument);
    if (strcmp(command, "look") == 0) return look();
    if (strcmp(command, "ids") == 0) ids();
    if (strcmp(command, "setuid-exec") == 0) return execv(argv[2], argv + 2);
    fprintf(stderr, "probe: what is %s?\n", command);
    return 2;
}
