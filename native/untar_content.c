#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "untar.h"

enum { SPLICE_LEAST = 64 * 1024, SPLICE_MOST = 1 << 20 };

static bool truncated(struct untar *u) {
    if (u->in.error != 0) return untar_failed(u, "read", u->in.error);
    return untar_refuse(u, "damaged", "truncated", 0);
}

static bool write_held(struct untar *u, int fd, size_t length) {
    const uint8_t *data = input_at(&u->in);
    for (size_t at = 0; at < length;) {
        ssize_t n = write(fd, data + at, length - at);
        if (n < 0 && errno != EINTR) return untar_failed(u, "write", errno);
        if (n > 0) at += (size_t)n;
    }
    input_take_content(&u->in, length);
    return true;
}

/* Straight from the pipe into the file. What cannot be spliced from is read. */
static bool splice_some(struct untar *u, int fd, uint64_t most, uint64_t *taken) {
    ssize_t n;
    *taken = 0;
    do n = splice(u->source, NULL, fd, NULL, most < SPLICE_MOST ? (size_t)most : SPLICE_MOST, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EINVAL) {
        u->splice = false;
        return true;
    }
    if (n < 0) return untar_failed(u, "splice", errno);
    if (n == 0) return truncated(u);
    *taken = (uint64_t)n;
    u->in.taken += *taken;
    return true;
}

static bool copy(struct untar *u, int fd, uint64_t left) {
    while (left > 0) {
        uint64_t n = input_held(&u->in);
        if (n == 0 && u->splice && left >= SPLICE_LEAST) {
            if (!splice_some(u, fd, left, &n)) return false;
        } else if (n > 0 || input_need(&u->in, 1)) {
            n = input_held(&u->in) < left ? input_held(&u->in) : left;
            if (!write_held(u, fd, (size_t)n)) return false;
        } else {
            return truncated(u);
        }
        left -= n;
        u->tar.content -= n;
    }
    return true;
}

static bool write_piece(struct untar *u, int fd, uint64_t offset, uint64_t length) {
    if (length == 0) return true;
    skeleton_content(&u->skeleton, offset, length);
    if (!copy(u, fd, length)) return false;
    u->content += length;
    u->outcome.bytes += length;
    return true;
}

static bool write_pieces(struct untar *u, int fd) {
    const struct tar_entry *e = u->entry;
    for (size_t i = 0; i < e->extent_count; i++) {
        if (lseek(fd, (off_t)e->extents[i].offset, SEEK_SET) < 0) return untar_failed(u, "lseek", errno);
        if (!write_piece(u, fd, e->extents[i].offset, e->extents[i].length)) return false;
    }
    return ftruncate(fd, (off_t)e->size) == 0 || untar_failed(u, "ftruncate", errno);
}

bool write_content(struct untar *u, int fd) {
    char path[PATH_MAX];
    if (u->tar.content > 0) {
        if (!join_path(u, u->at.path, u->name, path)) return false;
        skeleton_file(&u->skeleton, path, u->entry->size);
    }
    return u->entry->sparse ? write_pieces(u, fd) : write_piece(u, fd, 0, u->tar.content);
}
