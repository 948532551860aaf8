/* The one line that unpacking and packing end with. */
#ifndef PODRUN_OUTCOME_H
#define PODRUN_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

enum { OUTCOME_PATH_LIMIT = 4096 }; /* bytes of a path that are shown */

struct outcome {
    const char *reason; /* NULL: done */
    const char *operation;
    int error;
    char path[OUTCOME_PATH_LIMIT + 1];
    uint64_t files, bytes;
};

/* Sets the reason unless there is one: the first failure counts. Always false. `path` may be NULL: none. */
bool outcome_fail(struct outcome *o, const char *reason, const char *operation, int error, const char *path);
/* As above, the reason by errno: what an archive asks for in vain is `conflict` or `unsupported`, the rest `system`. */
bool outcome_system(struct outcome *o, const char *operation, int error, const char *path);

/* Writes the line; the exit status. */
int outcome_tell(const struct outcome *o, int fd);

#endif
