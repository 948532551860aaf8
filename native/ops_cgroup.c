#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "ops.h"
#include "sys.h"

/* The slot holds the cgroup's folder, or its cgroup.procs opened for writing, from which no path leads anywhere. */
int op_join_cgroup(struct actor *a, const struct op_join_cgroup *o) {
    int dir = slot_get(&a->slots, o->cgroup);
    if (dir < 0) return EBADF;
    int fd = openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOTDIR) return write_all(dir, "0", 1);
    if (fd < 0) return errno;
    int error = write_all(fd, "0", 1);
    close(fd);
    return error;
}

int op_device_filter(struct actor *a, const struct op_device_filter *o) {
    enum { INSTRUCTION = 8 }; /* struct bpf_insn */
    int cgroup = slot_get(&a->slots, o->cgroup);
    if (cgroup < 0) return EBADF;
    if (o->program.length == 0 || o->program.length % INSTRUCTION != 0) return EINVAL;
    return CHECK(sys_attach_device_filter(cgroup, o->program.data, o->program.length / INSTRUCTION));
}
