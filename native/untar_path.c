#include <errno.h>
#include <string.h>

#include "untar.h"

static void pop(char *path, size_t *length) {
    while (*length > 0 && path[*length - 1] != '/') --*length;
    if (*length > 0) --*length;
    path[*length] = 0;
}

bool clean_path(struct untar *u, const struct span *path, char out[PATH_MAX]) {
    const char *at = path->data;
    size_t length = 0;
    out[0] = 0;
    while (*at != 0) {
        size_t n = strcspn(at, "/");
        bool up = n == 2 && memcmp(at, "..", 2) == 0;
        if (up && length == 0) return outcome_fail(&u->outcome, "outside", "name", 0, path->data);
        if (up) {
            pop(out, &length);
        } else if (n > 0 && !(n == 1 && *at == '.')) {
            if (n > NAME_MAX || length + 1 + n >= PATH_MAX) {
                return outcome_fail(&u->outcome, "unsupported", "name", ENAMETOOLONG, path->data);
            }
            if (length > 0) out[length++] = '/';
            memcpy(out + length, at, n);
            length += n;
            out[length] = 0;
        }
        at += n;
        at += strspn(at, "/");
    }
    return true;
}

const char *split_path(const char *path, char folder[PATH_MAX]) {
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - path);
    memcpy(folder, path, length);
    folder[length] = 0;
    return slash == NULL ? path : slash + 1;
}

bool join_path(struct untar *u, const char *folder, const char *name, char out[PATH_MAX]) {
    size_t length = strlen(folder), n = strlen(name);
    if (length + 1 + n >= PATH_MAX) return untar_refuse(u, "unsupported", "name", ENAMETOOLONG);
    memcpy(out, folder, length);
    if (length > 0) out[length++] = '/';
    memcpy(out + length, name, n + 1);
    return true;
}
