#include "retar.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys.h"

static bool fail(struct retar *r, const char *reason, const char *operation, int error) {
    return outcome_fail(&r->outcome, reason, operation, error, r->path);
}

static bool put(struct retar *r, const uint8_t *data, size_t length) {
    r->written += length;
    while (length > 0) {
        ssize_t n = write(r->out, data, length);
        if (n < 0 && errno != EINTR) return fail(r, "system", "write", errno);
        if (n > 0) data += n, length -= (size_t)n;
    }
    return true;
}

static bool bad_skeleton(struct retar *r) {
    if (r->in.error != 0) return outcome_fail(&r->outcome, "system", "read", r->in.error, NULL);
    return outcome_fail(&r->outcome, "damaged", "skeleton", 0, NULL);
}

static bool put_raw(struct retar *r, uint64_t left) {
    while (left > 0) {
        if (!input_need(&r->in, 1)) return bad_skeleton(r);
        size_t n = input_held(&r->in) < left ? input_held(&r->in) : (size_t)left;
        if (!put(r, input_at(&r->in), n)) return false;
        input_take_content(&r->in, n);
        left -= n;
    }
    return true;
}

static void close_file(struct retar *r) {
    if (r->file >= 0) close(r->file);
    r->file = -1;
}

/* A path as it is in the folder has no links. A FIFO or a device that stands there now is not waited for. */
static bool open_file(struct retar *r, uint64_t size) {
    struct stat s;
    close_file(r);
    strcpy(r->path, r->record.path);
    r->file = sys_open_beneath(r->root, r->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (r->file < 0) return fail(r, "damaged", "openat2", errno);
    if (fstat(r->file, &s) < 0) return fail(r, "system", "fstat", errno);
    if (!S_ISREG(s.st_mode)) return fail(r, "damaged", "type", 0);
    return (uint64_t)s.st_size == size || fail(r, "damaged", "size", 0);
}

static bool put_content(struct retar *r, uint64_t offset, uint64_t left) {
    if (r->file < 0) return bad_skeleton(r);
    while (left > 0) {
        size_t most = left < sizeof r->content ? (size_t)left : sizeof r->content;
        ssize_t n = pread(r->file, r->content, most, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(r, "system", "pread", errno);
        if (n == 0) return fail(r, "damaged", "size", 0);
        if (!put(r, r->content, (size_t)n)) return false;
        offset += (uint64_t)n;
        left -= (uint64_t)n;
        r->outcome.bytes += (uint64_t)n;
    }
    return true;
}

static bool end(struct retar *r) {
    if (r->record.length != r->written || input_need(&r->in, 1)) return bad_skeleton(r);
    return r->in.error == 0 || bad_skeleton(r);
}

static bool put_records(struct retar *r) {
    bool good = skeleton_open(&r->in);
    if (!good) return bad_skeleton(r);
    while (good) {
        if (!skeleton_next(&r->in, &r->record)) return bad_skeleton(r);
        switch (r->record.type) {
        case RECORD_RAW: good = put_raw(r, r->record.length); break;
        case RECORD_FILE:
            good = open_file(r, r->record.size);
            r->outcome.files++;
            break;
        case RECORD_CONTENT: good = put_content(r, r->record.offset, r->record.length); break;
        case RECORD_LOST: return outcome_fail(&r->outcome, "damaged", "replaced", 0, r->record.path);
        default: return end(r);
        }
    }
    return false;
}

static ssize_t read_source(void *from, void *data, size_t length) { return read(*(const int *)from, data, length); }

bool retar(struct retar *r, int root, int in, int out) {
    memset(r, 0, offsetof(struct retar, source));
    r->root = root;
    r->out = out;
    r->file = -1;
    r->in = (struct input){.read = read_source, .from = &in, .data = r->source, .size = sizeof r->source};
    bool good = put_records(r);
    close_file(r);
    return good;
}
