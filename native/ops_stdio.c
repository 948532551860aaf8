/* Descriptors 0, 1 and 2. */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ops.h"
#include "pty.h"

int op_pipe(struct actor *a, const struct op_pipe *o) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return errno;
    int error = slot_put(&a->slots, o->read, ends[0]);
    int other = slot_put(&a->slots, o->write, ends[1]);
    return error != 0 ? error : other;
}

int op_open_pty(struct actor *a, const struct op_open_pty *o) {
    int master = -1, slave = -1;
    int devpts = slot_get(&a->slots, o->devpts);
    if (devpts < 0) return EBADF;
    int error = pty_open(devpts, &master, &slave);
    if (error != 0) return error;
    if (o->rows != 0 || o->columns != 0) error = pty_resize(master, o->rows, o->columns);
    if (error == 0) error = CHECK(fchown(slave, o->uid, (gid_t)-1));
    int put = slot_put(&a->slots, o->master, master);
    int other = slot_put(&a->slots, o->slave, slave);
    return error != 0 ? error : put != 0 ? put : other;
}

/* /dev/null is the actor's root's: behind pivot_root the container's own, before it the host's, and a descriptor of the
 * host's then stays in the container. Plans put stdio behind pivot_root. */
static int source(const struct actor *a, uint16_t slot, int *null, int *fd) {
    *fd = slot_get(&a->slots, slot);
    if (slot != NO_SLOT) return *fd < 0 ? EBADF : 0;
    if (*null < 0) *null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
    *fd = *null;
    return *fd < 0 ? errno : 0;
}

int op_stdio(struct actor *a, const struct op_stdio *o) {
    const uint16_t slots[3] = {o->stdin_, o->stdout_, o->stderr_};
    int null = -1, error = 0;
    for (int i = 0; error == 0 && i < 3; i++) {
        int fd;
        error = source(a, slots[i], &null, &fd);
        if (error == 0) error = CHECK(dup2(fd, i));
    }
    if (null >= 0) close(null);
    if (error == 0 && o->terminal != 0) error = CHECK(ioctl(STDIN_FILENO, TIOCSCTTY, 0));
    return error;
}
