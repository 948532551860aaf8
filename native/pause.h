#ifndef PODRUN_PAUSE_H
#define PODRUN_PAUSE_H

#include "actor.h"

/* Remembers where the kernel keeps the command line: titles are written over it. Once, first in main. */
void title_init(char **argv);
/* As much of the title as the command line and the environment had room for. */
void title_set(const char *title);

/* Whether the other end of a socket is closed. */
bool peer_gone(int fd);

/* `pause`: holds the namespaces; reaps what becomes its child (it is PID 1 where the PID namespace is new); leaves on
 * SIGTERM. Has no descriptor, not even the results page: a container that could look at it sees nothing of the host. */
_Noreturn void pause_process(struct actor *a, const char *title);

#endif
