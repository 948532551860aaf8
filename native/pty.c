#include "pty.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <asm/ioctls.h>

/* By descriptor throughout: the devpts is the container's own, and reachable by no path of ours. TIOCGPTPEER opens the
 * other end without its name, which would be looked up in the wrong mount namespace. */
int pty_open(int devpts, int *master, int *slave) {
    int unlocked = 0;
    *master = openat(devpts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*master < 0) return errno;
    int error = ioctl(*master, TIOCSPTLCK, &unlocked) < 0 ? errno : 0;
    if (error == 0) {
        *slave = ioctl(*master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (*slave >= 0) return 0;
        error = errno;
    }
    close(*master);
    return error;
}

int pty_resize(int fd, uint32_t rows, uint32_t columns) {
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    return ioctl(fd, TIOCSWINSZ, &size) < 0 ? errno : 0;
}
