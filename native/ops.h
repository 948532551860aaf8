/* One small function an operation: 0 or an errno. What each does is said in src/linux/plan/table.ts. */
#ifndef PODRUN_OPS_H
#define PODRUN_OPS_H

#include "actor.h"

/* paths.c: where operations find files. */

/* The descriptor that a `dir` argument means; AT_FDCWD for none. An errno when the slot is empty. */
int dir_of(const struct actor *a, uint16_t slot, int *fd);

/* Opens with O_CLOEXEC; with `resolve` inside the folder, see sys_open_inside. */
int open_path(const struct actor *a, uint16_t dir, const char *path, uint64_t flags, uint32_t resolve, int *fd);

/* The folder that will hold the last name of a path. */
struct place {
    int dir;
    bool owned; /* `dir` is to be closed */
    const char *name;
};

/* Inside: the folder is resolved below `dir`, so that no link leads out of it. `space` takes a copy of the path. */
int find_place(const struct actor *a, uint16_t dir, const char *path, bool inside, char space[4096], struct place *out);
void leave_place(const struct place *place);

/* Makes what is missing of a path below `dir`: folders, the last one with `mode`, or with `file` an empty file. */
int make_inside(int dir, const char *path, bool file, uint32_t mode);

/* "self/fd/N": below the private procfs. */
struct fd_path {
    char text[32];
};
struct fd_path fd_path(int fd);
void decimal(char *out, uint64_t value); /* at most 20 digits and the NUL */

/* The private procfs; an errno when there is none. */
int proc_of(const struct actor *a, int *fd);
/* One write to a file below it. */
int write_proc(const struct actor *a, const char *path, const void *data, size_t length);
int write_all(int fd, const void *data, size_t length);

/* 0, or the errno of a call that failed. errno is read after the call: as an argument beside it, it could be read before. */
#define CHECK(call) ((call) < 0 ? errno : 0)

int op_open(struct actor *a, const struct op_open *o);
int op_close(struct actor *a, const struct op_close *o);
int op_mkdir(struct actor *a, const struct op_mkdir *o);
int op_mknod(struct actor *a, const struct op_mknod *o);
int op_symlink(struct actor *a, const struct op_symlink *o);
int op_write_file(struct actor *a, const struct op_write_file *o);
int op_mountpoint(struct actor *a, const struct op_mountpoint *o);
int op_chown(struct actor *a, const struct op_chown *o);
int op_chmod(struct actor *a, const struct op_chmod *o);
int op_rmdir(struct actor *a, const struct op_rmdir *o);
int op_chdir(struct actor *a, const struct op_chdir *o);

int op_rename(struct actor *a, const struct op_rename *o);
int op_keep_only(struct actor *a, const struct op_keep_only *o);
int op_mountpoint_like(struct actor *a, const struct op_mountpoint_like *o);

int op_mount(struct actor *a, const struct op_mount *o);
int op_fsmount(struct actor *a, const struct op_fsmount *o);
int op_open_tree(struct actor *a, const struct op_open_tree *o);
int op_move_mount(struct actor *a, const struct op_move_mount *o);
int op_mount_setattr(struct actor *a, const struct op_mount_setattr *o);
int op_pivot_root(struct actor *a, const struct op_pivot_root *o);
int op_umount(struct actor *a, const struct op_umount *o);
int op_mask(struct actor *a, const struct op_mask *o);
int op_readonly(struct actor *a, const struct op_readonly *o);

int op_unshare(struct actor *a, const struct op_unshare *o);
int op_setns(struct actor *a, const struct op_setns *o);
int op_open_namespace(struct actor *a, const struct op_open_namespace *o);
int op_close_fds(struct actor *a, const struct op_close_fds *o);
int op_exec(struct actor *a, uint32_t index);
int op_pause(struct actor *a, const struct op_pause *o);
int op_setsid(struct actor *a);
int op_umask(struct actor *a, const struct op_umask *o);
int op_dumpable(struct actor *a, const struct op_dumpable *o);
/* The child outlives its monitor from here on. */
int unguard(struct actor *a);
int op_pdeathsig(struct actor *a, const struct op_pdeathsig *o);
int op_set_name(struct actor *a, const struct op_set_name *o);

int op_sethostname(struct actor *a, const struct op_sethostname *o);
int op_sysctl(struct actor *a, const struct op_sysctl *o);
int op_rlimit(struct actor *a, const struct op_rlimit *o);
int op_oom_score_adj(struct actor *a, const struct op_oom_score_adj *o);
int op_setgroups(struct actor *a, const struct op_setgroups *o);
int op_setresgid(struct actor *a, const struct op_setresgid *o);
int op_setresuid(struct actor *a, const struct op_setresuid *o);
int op_capbset(struct actor *a, const struct op_capbset *o);
int op_capset(struct actor *a, const struct op_capset *o, uint32_t index);
int op_no_new_privs(struct actor *a);
int op_seccomp(struct actor *a, const struct op_seccomp *o);
int op_apparmor(struct actor *a, const struct op_apparmor *o);
int op_selinux(struct actor *a, const struct op_selinux *o);
int op_relabel(struct actor *a, const struct op_relabel *o);

/* Non-dumpable and bound to the monitor again, after a change of credentials. */
int after_credentials(const struct actor *a);
int op_user_namespace(struct actor *a, const struct op_user_namespace *o);

int op_pipe(struct actor *a, const struct op_pipe *o);
int op_open_pty(struct actor *a, const struct op_open_pty *o);
int op_stdio(struct actor *a, const struct op_stdio *o);

int op_netlink(struct actor *a, const struct op_netlink *o, uint32_t index);
int op_connect(struct actor *a, const struct op_connect *o);
int op_hold_port(struct actor *a, const struct op_hold_port *o);

/* They return only when the child could not become a process of its own. */
int op_untar(struct actor *a, const struct op_untar *o);
int op_retar(struct actor *a);
int op_tar(struct actor *a, const struct op_tar *o);
int op_receive(struct actor *a, const struct op_receive *o);

int op_join_cgroup(struct actor *a, const struct op_join_cgroup *o);
int op_device_filter(struct actor *a, const struct op_device_filter *o);

#endif
