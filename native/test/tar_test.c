/* The decoder of archives and the skeleton, with bytes from memory. */
#include <fcntl.h>
#include <unistd.h>

#include "check.h"
#include "skeleton.h"
#include "tar.h"

static bool octal(const char *field, uint64_t want) {
    uint64_t value;
    return tar_octal((const uint8_t *)field, strlen(field), &value) && value == want;
}

static bool number(const char *field, size_t length, int64_t want) {
    int64_t value;
    return tar_number((const uint8_t *)field, length, &value) && value == want;
}

static bool no_number(const char *field, size_t length) {
    int64_t value;
    return !tar_number((const uint8_t *)field, length, &value);
}

static void numbers(void) {
    CHECK_THAT(octal("0000644", 0644) && octal("  644 ", 0644) && octal("", 0) && octal("   ", 0));
    CHECK_THAT(number("644\0 99", 7, 0644));
    CHECK_THAT(number("\x80\0\0\x01\0", 5, 256) && number("\xff\xff\xff\xff", 4, -1) && number("\xc0\0\0\0", 4, -(1 << 30)));
    CHECK_THAT(number("\x80\x7f\xff\xff\xff\xff\xff\xff\xff", 9, INT64_MAX));
    CHECK_THAT(no_number("\x80\x80\0\0\0\0\0\0\0", 9) && no_number("\x81\0\0\0\0\0\0\0\0\0", 10));
    CHECK_THAT(no_number("64a", 3) && no_number("8", 1) && no_number("-1", 2) && no_number("6 4", 3));
    CHECK_THAT(number("777777777777777777777", 21, INT64_MAX) && no_number("1777777777777777777777", 22));
}

static bool decimal_is(const char *text, uint64_t want) {
    uint64_t value;
    return tar_decimal(text, strlen(text), &value) && value == want;
}

static bool no_decimal(const char *text) {
    uint64_t value;
    return !tar_decimal(text, strlen(text), &value);
}

static bool time_is(const char *text, int64_t seconds, uint32_t nanoseconds) {
    struct tar_time time;
    return tar_seconds(text, strlen(text), &time) && time.seconds == seconds && time.nanoseconds == nanoseconds;
}

static bool no_time(const char *text) {
    struct tar_time time;
    return !tar_seconds(text, strlen(text), &time);
}

static void records(void) {
    CHECK_THAT(decimal_is("0", 0) && decimal_is("9223372036854775807", INT64_MAX));
    CHECK_THAT(no_decimal("9223372036854775808") && no_decimal("") && no_decimal("-1") && no_decimal(" 1"));
    CHECK_THAT(time_is("5", 5, 0) && time_is("5.", 5, 0) && time_is("5.000000001", 5, 1) && time_is("5.1234567891", 5, 123456789));
    CHECK_THAT(time_is("-1.5", -2, 500000000) && time_is("-3", -3, 0) && time_is("-0.25", -1, 750000000));
    CHECK_THAT(no_time("") && no_time(".5") && no_time("1.x") && no_time("1e9") && no_time("--1"));
}

/* Bytes, five at a time. */
struct source {
    const uint8_t *at, *end;
};

static ssize_t read_source(void *from, void *data, size_t length) {
    struct source *s = from;
    size_t n = (size_t)(s->end - s->at);
    if (n > 5) n = 5;
    if (n > length) n = length;
    memcpy(data, s->at, n);
    s->at += n;
    return (ssize_t)n;
}

static void no_raw(void *to, const uint8_t *data, size_t length) {
    (void)to, (void)data, (void)length;
}

struct archive {
    uint8_t data[16 * TAR_BLOCK_SIZE];
    size_t length;
    uint8_t space[2 * TAR_BLOCK_SIZE];
    struct source source;
    struct input in;
    struct tar tar;
    struct tar_entry entry;
};

static struct archive a;

static void sign(uint8_t *block) {
    unsigned sum = 0;
    memset(block + 148, ' ', 8);
    for (int i = 0; i < TAR_BLOCK_SIZE; i++) sum += block[i];
    snprintf((char *)block + 148, 7, "%06o", sum);
}

static uint8_t *put(char type, const char *name, const char *content) {
    uint8_t *block = a.data + a.length;
    memset(block, 0, TAR_BLOCK_SIZE);
    memcpy(block, name, strlen(name));
    snprintf((char *)block + 124, 12, "%011o", (unsigned)strlen(content));
    block[156] = (uint8_t)type;
    memcpy(block + 257, "ustar\0" "00", 8);
    sign(block);
    a.length += TAR_BLOCK_SIZE;
    if (content[0] == 0) return block;
    memset(a.data + a.length, 0, TAR_BLOCK_SIZE);
    memcpy(a.data + a.length, content, strlen(content));
    a.length += TAR_BLOCK_SIZE;
    return block;
}

static void open_archive(void) {
    a.source = (struct source){a.data, a.data + a.length};
    a.in = (struct input){
        .read = read_source, .from = &a.source, .raw = no_raw, .data = a.space, .size = sizeof a.space};
    tar_init(&a.tar, &a.in);
}

static enum tar_status next(void) { return tar_next(&a.tar, &a.entry); }

static void entries(void) {
    a.length = 0;
    uint8_t *block = put('0', "name", "content");
    memcpy(block + 345, "prefix", 6);
    sign(block);
    put('x', "x", "30 mtime=1350244992.023960108\n23 SCHILY.xattr.user.a=b\n9 path=p\n");
    put('5', "folder", "");
    put('L', "@", "long/name");
    put('1', "h", "");
    put(0, "old/", "");
    open_archive();
    CHECK_THAT(next() == TAR_ENTRY && strcmp(a.entry.path.data, "prefix/name") == 0 && a.entry.size == 7 && a.tar.content == 7);
    CHECK_THAT(next() == TAR_DAMAGED && strcmp(a.tar.what, "extended-header") == 0);
    tar_free(&a.tar);
    memcpy(a.data + 3 * TAR_BLOCK_SIZE, "30 mtime=1350244992.023960108\n25 SCHILY.xattr.user.a=b\n9 path=p\n", 65);
    open_archive();
    CHECK_THAT(next() == TAR_ENTRY && next() == TAR_ENTRY && a.entry.kind == TAR_FOLDER && a.entry.mtime.nanoseconds == 23960108);
    CHECK_THAT(strcmp(a.entry.path.data, "p") == 0 && a.entry.xattr_count == 1 && strcmp(a.entry.xattrs[0].name, "user.a") == 0);
    CHECK_THAT(next() == TAR_ENTRY && a.entry.kind == TAR_LINK && strcmp(a.entry.path.data, "long/name") == 0);
    CHECK_THAT(a.entry.xattr_count == 0);
    CHECK_THAT(next() == TAR_ENTRY && a.entry.kind == TAR_FOLDER && next() == TAR_END);
    tar_free(&a.tar);
}

static void damage(void) {
    a.length = 0;
    put('0', "f", "content");
    for (size_t at = 1; at < a.length; at++) {
        size_t whole = a.length;
        a.length = at;
        open_archive();
        enum tar_status status = next();
        if (status == TAR_ENTRY) status = next();
        CHECK_THAT(status == TAR_DAMAGED && strcmp(a.tar.what, "truncated") == 0);
        tar_free(&a.tar);
        a.length = whole;
    }
    for (int i = 0; i < 148; i++) {
        a.data[i] ^= 1;
        open_archive();
        CHECK_THAT(next() == TAR_DAMAGED && strcmp(a.tar.what, "checksum") == 0);
        a.data[i] ^= 1;
        tar_free(&a.tar);
    }
}

static void skeleton(void) {
    static struct skeleton s;
    static struct skeleton_record r;
    static uint8_t space[SKELETON_BUFFER], raw[100000];
    FILE *file = tmpfile();
    CHECK_THAT(file != NULL);
    if (file == NULL) return;
    skeleton_start(&s, fileno(file));
    skeleton_raw(&s, raw, sizeof raw);
    skeleton_file(&s, "a/b", 12);
    skeleton_content(&s, 4, 8);
    skeleton_lost(&s, "c");
    CHECK_THAT(skeleton_end(&s) == 0);
    size_t length = (size_t)lseek(fileno(file), 0, SEEK_END);
    static uint8_t data[sizeof raw + 1024];
    CHECK_THAT(pread(fileno(file), data, sizeof data, 0) == (ssize_t)length);
    struct source source = {data, data + length};
    struct input in = {.read = read_source, .from = &source, .raw = no_raw, .data = space, .size = sizeof space};
    uint64_t raws = 0;
    CHECK_THAT(skeleton_open(&in));
    while (skeleton_next(&in, &r) && r.type == RECORD_RAW && input_skip(&in, r.length)) raws += r.length;
    CHECK_THAT(raws == sizeof raw && r.type == RECORD_FILE && r.size == 12 && strcmp(r.path, "a/b") == 0);
    CHECK_THAT(skeleton_next(&in, &r) && r.type == RECORD_CONTENT && r.offset == 4 && r.length == 8);
    CHECK_THAT(skeleton_next(&in, &r) && r.type == RECORD_LOST && strcmp(r.path, "c") == 0);
    CHECK_THAT(skeleton_next(&in, &r) && r.type == RECORD_END && r.length == sizeof raw + 8);
    CHECK_THAT(!skeleton_next(&in, &r) && in.error == 0);
    fclose(file);
}

int main(void) {
    TEST("octal and base 256 numbers are read, and refused when malformed or too big", numbers);
    TEST("decimal numbers and times of extended headers are read exactly, and refused when malformed", records);
    TEST("names come from prefix, record or long name, and extensions are of one entry only", entries);
    TEST("an archive cut anywhere, or with a bit of its header changed, is damaged", damage);
    TEST("a skeleton is read back as it was written", skeleton);
    return RESULT();
}
