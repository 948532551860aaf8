/* Which function does which operation. */
#include <errno.h>

#include "ops.h"
#include "run.h"

static int operate_file(struct actor *a, const struct step *s) {
    const union operation *o = &s->args;
    switch (s->code) {
    case OP_OPEN: return op_open(a, &o->open);
    case OP_CLOSE: return op_close(a, &o->close);
    case OP_MKDIR: return op_mkdir(a, &o->mkdir);
    case OP_MKNOD: return op_mknod(a, &o->mknod);
    case OP_SYMLINK: return op_symlink(a, &o->symlink);
    case OP_WRITE_FILE: return op_write_file(a, &o->write_file);
    case OP_MOUNTPOINT: return op_mountpoint(a, &o->mountpoint);
    case OP_CHOWN: return op_chown(a, &o->chown);
    case OP_CHMOD: return op_chmod(a, &o->chmod);
    case OP_RMDIR: return op_rmdir(a, &o->rmdir);
    case OP_CHDIR: return op_chdir(a, &o->chdir);
    case OP_RENAME: return op_rename(a, &o->rename);
    case OP_KEEP_ONLY: return op_keep_only(a, &o->keep_only);
    case OP_MOUNTPOINT_LIKE: return op_mountpoint_like(a, &o->mountpoint_like);
    case OP_MOUNT: return op_mount(a, &o->mount);
    case OP_FSMOUNT: return op_fsmount(a, &o->fsmount);
    case OP_OPEN_TREE: return op_open_tree(a, &o->open_tree);
    case OP_MOVE_MOUNT: return op_move_mount(a, &o->move_mount);
    case OP_MOUNT_SETATTR: return op_mount_setattr(a, &o->mount_setattr);
    case OP_PIVOT_ROOT: return op_pivot_root(a, &o->pivot_root);
    case OP_UMOUNT: return op_umount(a, &o->umount);
    case OP_MASK: return op_mask(a, &o->mask);
    case OP_RELABEL: return op_relabel(a, &o->relabel);
    case OP_READONLY: return op_readonly(a, &o->readonly);
    default: return ENOSYS;
    }
}

static int operate_identity(struct actor *a, const struct step *s) {
    const union operation *o = &s->args;
    switch (s->code) {
    case OP_SETHOSTNAME: return op_sethostname(a, &o->sethostname);
    case OP_SYSCTL: return op_sysctl(a, &o->sysctl);
    case OP_RLIMIT: return op_rlimit(a, &o->rlimit);
    case OP_OOM_SCORE_ADJ: return op_oom_score_adj(a, &o->oom_score_adj);
    case OP_SETGROUPS: return op_setgroups(a, &o->setgroups);
    case OP_SETRESGID: return op_setresgid(a, &o->setresgid);
    case OP_SETRESUID: return op_setresuid(a, &o->setresuid);
    case OP_CAPBSET: return op_capbset(a, &o->capbset);
    case OP_CAPSET: return op_capset(a, &o->capset, s->index);
    case OP_NO_NEW_PRIVS: return op_no_new_privs(a);
    case OP_SECCOMP: return op_seccomp(a, &o->seccomp);
    case OP_SETSID: return op_setsid(a);
    case OP_UMASK: return op_umask(a, &o->umask);
    case OP_DUMPABLE: return op_dumpable(a, &o->dumpable);
    case OP_PDEATHSIG: return op_pdeathsig(a, &o->pdeathsig);
    case OP_APPARMOR: return op_apparmor(a, &o->apparmor);
    case OP_SELINUX: return op_selinux(a, &o->selinux);
    case OP_SET_NAME: return op_set_name(a, &o->set_name);
    default: return operate_file(a, s);
    }
}

/* `sync` is not here: the monitor waits in its event loop, the others in a call. */
int operate(struct actor *a, const struct step *s) {
    const union operation *o = &s->args;
    switch (s->code) {
    case OP_UNSHARE: return op_unshare(a, &o->unshare);
    case OP_SETNS: return op_setns(a, &o->setns);
    case OP_OPEN_NAMESPACE: return op_open_namespace(a, &o->open_namespace);
    case OP_CLONE: return a->who == ACTOR_MONITOR ? run_make_stage(a->run, s) : make_child(a, s);
    case OP_JOIN_CGROUP: return op_join_cgroup(a, &o->join_cgroup);
    case OP_PROCESS: return run_process(a->run, &o->process);
    case OP_CLOSE_FDS: return op_close_fds(a, &o->close_fds);
    case OP_EXEC: return op_exec(a, s->index);
    case OP_USER_NAMESPACE: return op_user_namespace(a, &o->user_namespace);
    case OP_PAUSE: return op_pause(a, &o->pause);
    case OP_UNTAR: return op_untar(a, &o->untar);
    case OP_RETAR: return op_retar(a);
    case OP_TAR: return op_tar(a, &o->tar);
    case OP_RECEIVE: return op_receive(a, &o->receive);
    case OP_PIPE: return op_pipe(a, &o->pipe);
    case OP_OPEN_PTY: return op_open_pty(a, &o->open_pty);
    case OP_STDIO: return op_stdio(a, &o->stdio);
    case OP_LOG: return run_log(a->run, &o->log);
    case OP_STREAM: return run_stream(a->run, &o->stream);
    case OP_NETLINK: return op_netlink(a, &o->netlink, s->index);
    case OP_CONNECT: return op_connect(a, &o->connect);
    case OP_HOLD_PORT: return op_hold_port(a, &o->hold_port);
    case OP_DEVICE_FILTER: return op_device_filter(a, &o->device_filter);
    default: return operate_identity(a, s);
    }
}
