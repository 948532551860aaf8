#include "outcome.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool outcome_fail(struct outcome *o, const char *reason, const char *operation, int error, const char *path) {
    if (o->reason != NULL) return false;
    o->reason = reason;
    o->operation = operation;
    o->error = error;
    if (path == NULL) path = "";
    size_t length = strnlen(path, OUTCOME_PATH_LIMIT);
    memcpy(o->path, path, length);
    o->path[length] = 0;
    return false;
}

bool outcome_system(struct outcome *o, const char *operation, int error, const char *path) {
    const char *reason = "system";
    if (error == ENAMETOOLONG) reason = "unsupported";
    if (error == ENOTDIR || error == ELOOP || error == EISDIR) reason = "conflict";
    return outcome_fail(o, reason, operation, error, path);
}

static size_t escape(char *out, const char *path) {
    static const char digits[] = "0123456789ABCDEF";
    char *at = out;
    for (; *path != 0; path++) {
        uint8_t c = (uint8_t)*path;
        if (c >= ' ' && c < 0x7f && c != '%') {
            *at++ = (char)c;
            continue;
        }
        *at++ = '%';
        *at++ = digits[c >> 4];
        *at++ = digits[c & 15];
    }
    return (size_t)(at - out);
}

int outcome_tell(const struct outcome *o, int fd) {
    static char line[OUTCOME_PATH_LIMIT * 3 + 256];
    size_t length;
    if (o->reason == NULL) {
        length = (size_t)snprintf(line, sizeof line, "done\t%llu\t%llu\n", (unsigned long long)o->files,
                                  (unsigned long long)o->bytes);
    } else {
        length = (size_t)snprintf(line, 256, "%s\t%s\t%d\t", o->reason, o->operation, o->error);
        length += escape(line + length, o->path);
        line[length++] = '\n';
    }
    for (size_t at = 0; at < length;) {
        ssize_t n = write(fd, line + at, length - at);
        if (n < 0 && errno != EINTR) return 1; /* nobody reads: the exit status says it is over */
        if (n > 0) at += (size_t)n;
    }
    return o->reason == NULL ? 0 : 1;
}
