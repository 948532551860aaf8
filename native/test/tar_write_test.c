/* What is written out of a tree and unpacked again is the tree. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../tar_write.h"
#include "../untar.h"
#include "check.h"

static char folder[] = "/tmp/podrun-tar-write-XXXXXX";
static struct tar_writer writer;
static struct untar reader;
static int tree = -1, copy = -1;

static void put(int dir, const char *path, const char *text) {
    int fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
    CHECK_THAT(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static const char *get(int dir, const char *path) {
    static char text[256];
    int fd = openat(dir, path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    close(fd);
    text[n < 0 ? 0 : n] = 0;
    return n < 0 ? "missing" : text;
}

static int scratch(void) { return open("/tmp", O_TMPFILE | O_RDWR, 0600); }

/* The archive as a file, from its beginning; the lines told of in `report`. */
static int write_out(const char *path, uint32_t flags, bool want, int *report) {
    writer.out = scratch();
    writer.report = scratch();
    CHECK_THAT(tar_write(&writer, tree, path, flags) == want);
    lseek(writer.out, 0, SEEK_SET);
    lseek(writer.report, 0, SEEK_SET);
    if (report != NULL) *report = writer.report;
    else close(writer.report);
    return writer.out;
}

static void comes_back(void) {
    char name[240];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    mkdirat(tree, "sub", 0755);
    mkdirat(tree, "sub/deep", 0700);
    put(tree, "sub/deep/file", "content");
    put(tree, name, "long name");
    put(tree, ".wh.plain", "no whiteout");
    put(tree, "empty", "");
    CHECK_THAT(symlinkat(name, tree, "link") == 0);
    int archive = write_out("/", 0, true, NULL), skeleton = scratch();
    CHECK_THAT(untar_plain(&reader, copy, archive, skeleton, UINT64_MAX));
    CHECK_THAT(reader.outcome.reason == NULL && writer.outcome.files == 8);
    CHECK_THAT(strcmp(get(copy, "sub/deep/file"), "content") == 0);
    CHECK_THAT(strcmp(get(copy, name), "long name") == 0);
    CHECK_THAT(strcmp(get(copy, "link"), "long name") == 0);
    CHECK_THAT(strcmp(get(copy, ".wh.plain"), "no whiteout") == 0);
    CHECK_THAT(strcmp(get(copy, "empty"), "") == 0);
    struct stat s;
    CHECK_THAT(fstatat(copy, "sub/deep", &s, 0) == 0 && (s.st_mode & 07777) == 0700);
    close(archive);
    close(skeleton);
}

static void stays_inside(void) {
    CHECK_THAT(symlinkat("../../../etc", tree, "up") == 0);
    mkdirat(tree, "etc", 0755);
    put(tree, "etc/hostname", "the tree's own");
    int archive = write_out("/up/hostname", 0, true, NULL);
    char block[512 + 14];
    CHECK_THAT(read(archive, block, sizeof block) == (ssize_t)sizeof block);
    CHECK_THAT(block[156] == '0' && memcmp(block + 512, "the tree's own", 14) == 0);
    close(archive);
}

static void leaves_out(void) {
    int report;
    char lines[512] = {0};
    mkdirat(tree, "odd", 0755);
    CHECK_THAT(mkfifoat(tree, "odd/a\nfifo", 0600) == 0);
    put(tree, "odd/file", "x");
    close(write_out("odd", 0, true, &report));
    CHECK_THAT(read(report, lines, sizeof lines - 1) > 0);
    CHECK_THAT(strcmp(lines, "skipped\ttype\t0\t./a%0Afifo\n") == 0);
    CHECK_THAT(writer.outcome.files == 2);
    close(report);
    close(write_out("odd/a\nfifo", 0, false, NULL));
    CHECK_THAT(strcmp(writer.outcome.reason, "unsupported") == 0);
    close(write_out("none", 0, false, NULL));
    CHECK_THAT(strcmp(writer.outcome.reason, "system") == 0 && writer.outcome.error == ENOENT);
}

static void is_bounded(void) {
    int at = dup(tree), report;
    char lines[2048] = {0};
    for (int i = 0; i < TAR_WRITE_DEPTH + 3; i++) {
        mkdirat(at, "d", 0755);
        int next = openat(at, "d", O_RDONLY | O_DIRECTORY);
        close(at);
        at = next;
    }
    close(at);
    close(write_out("d", 0, true, &report));
    CHECK_THAT(writer.outcome.files == TAR_WRITE_DEPTH);
    CHECK_THAT(read(report, lines, sizeof lines - 1) > 0 && strncmp(lines, "skipped\tdepth\t", 14) == 0);
    close(report);
}

static void only_looks(void) {
    char block[512];
    int archive = write_out("sub", TAR_WRITE_ENTRY_ONLY, true, NULL);
    CHECK_THAT(read(archive, block, sizeof block) == (ssize_t)sizeof block && block[156] == '5');
    CHECK_THAT(lseek(archive, 0, SEEK_END) == 512 + 1024);
    close(archive);
}

/* A folder in the way of a file, and a file in the way of a folder: each stays as it is. */
static void keeps_folders(void) {
    int archive = write_out("/", 0, true, NULL), skeleton = scratch();
    unlinkat(copy, "empty", 0);
    mkdirat(copy, "empty", 0755);
    put(copy, "empty/kept", "kept");
    CHECK_THAT(!untar_plain(&reader, copy, archive, skeleton, UINT64_MAX));
    CHECK_THAT(strcmp(reader.outcome.reason, "conflict") == 0 && reader.outcome.error == EISDIR);
    CHECK_THAT(strcmp(get(copy, "empty/kept"), "kept") == 0);
    close(archive);
    close(skeleton);
}

int main(void) {
    char path[64];
    if (mkdtemp(folder) == NULL) return EXIT_FAILURE;
    snprintf(path, sizeof path, "%s/tree", folder);
    mkdir(path, 0755);
    tree = open(path, O_RDONLY | O_DIRECTORY);
    snprintf(path, sizeof path, "%s/copy", folder);
    mkdir(path, 0755);
    copy = open(path, O_RDONLY | O_DIRECTORY);
    umask(0);
    TEST("a tree that is written and unpacked is the same tree", comes_back);
    TEST("links of the path stay inside the root", stays_inside);
    TEST("what is no file is left out and told of, unless it is what was asked for", leaves_out);
    TEST("looking writes the header alone", only_looks);
    TEST("a folder is not made way for a file", keeps_folders);
    TEST("folders too deep are left out", is_bounded);
    close(tree);
    close(copy);
    snprintf(path, sizeof path, "rm -rf %s", folder);
    return system(path) == 0 ? RESULT() : EXIT_FAILURE;
}
