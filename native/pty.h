#ifndef PODRUN_PTY_H
#define PODRUN_PTY_H

#include <stdint.h>

/* A new terminal in the devpts mount that `devpts` stands for, both ends CLOEXEC. An errno. */
int pty_open(int devpts, int *master, int *slave);
/* Sets the window size; the kernel sends SIGWINCH to the foreground processes when it has changed. An errno. */
int pty_resize(int fd, uint32_t rows, uint32_t columns);

#endif
