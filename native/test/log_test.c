#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../log.h"
#include "check.h"

static char folder[] = "/tmp/podrun-log-XXXXXX";
static char path[64];
static char text[400000];

/* The file's lines without their time stamps; `#` marks a time stamp of the wrong shape. */
static const char *contents(const char *suffix) {
    static char name[80];
    char *to = text;
    snprintf(name, sizeof name, "%s%s", path, suffix);
    FILE *f = fopen(name, "r");
    *to = 0;
    if (f == NULL) return "missing";
    static char line[200000];
    while (fgets(line, sizeof line, f) != NULL) {
        bool shaped = strlen(line) > 31 && line[10] == 'T' && line[19] == '.' && line[29] == 'Z' && line[30] == ' ';
        to += sprintf(to, "%s", shaped ? line + 31 : "#");
    }
    fclose(f);
    return text;
}

static struct log fresh(uint64_t limit, uint32_t files) {
    struct log log;
    unlink(path);
    CHECK_THAT(log_open(&log, path, limit, files) == 0);
    return log;
}

static void put(struct log *log, struct buffer *held, const char *data) {
    log_write(log, held, "stdout", (const uint8_t *)data, strlen(data));
}

static void lines(void) {
    struct buffer held = {0};
    struct log log = fresh(0, 0);
    put(&log, &held, "one\ntwo\nthr");
    CHECK_THAT(strcmp(contents(""), "stdout F one\nstdout F two\n") == 0);
    put(&log, &held, "ee\n\n");
    CHECK_THAT(strcmp(contents(""), "stdout F one\nstdout F two\nstdout F three\nstdout F \n") == 0);
    put(&log, &held, "no end");
    log_end(&log, &held, "stdout");
    CHECK_THAT(strstr(contents(""), "stdout P no end\n") != NULL);
    log_close(&log);
}

static void long_lines(void) {
    static char data[3 * LOG_LINE + 10];
    struct buffer held = {0};
    struct log log = fresh(0, 0);
    memset(data, 'x', sizeof data);
    data[LOG_LINE] = '\n'; /* exactly the limit: one line */
    log_write(&log, &held, "stderr", (uint8_t *)data, LOG_LINE + 1);
    const char *one = contents("");
    CHECK_THAT(strncmp(one, "stderr F xxx", 12) == 0 && strlen(one) == LOG_LINE + 10);
    data[LOG_LINE] = 'x';
    data[2 * LOG_LINE + 5] = '\n'; /* in pieces of any size: P, P, F */
    unlink(path);
    CHECK_THAT(log_reopen(&log) == 0);
    for (size_t at = 0; at < 2 * LOG_LINE + 6; at += 7) {
        size_t n = 2 * LOG_LINE + 6 - at < 7 ? 2 * LOG_LINE + 6 - at : 7;
        log_write(&log, &held, "stderr", (uint8_t *)data + at, n);
    }
    const char *pieces = contents("");
    CHECK_THAT(strlen(pieces) == 2 * LOG_LINE + 5 + 3 * 10);
    CHECK_THAT(strncmp(pieces, "stderr P xxx", 12) == 0);
    CHECK_THAT(strcmp(pieces + 2 * (LOG_LINE + 10), "stderr F xxxxx\n") == 0);
    CHECK_THAT(held.length == 0);
    log_close(&log);
    buffer_free(&held);
}

static void many_lines(void) {
    static char data[65536];
    struct buffer held = {0};
    struct log log = fresh(0, 0);
    for (size_t i = 0; i < sizeof data; i++) data[i] = i % 8 == 7 ? '\n' : 'a';
    log_write(&log, &held, "stdout", (uint8_t *)data, sizeof data);
    size_t count = 0;
    for (const char *at = contents(""); (at = strstr(at, "stdout F aaaaaaa\n")) != NULL; at++) count++;
    CHECK_THAT(count == sizeof data / 8);
    CHECK_THAT(log.size == count * (31 + strlen("stdout F aaaaaaa\n")));
    log_close(&log);
}

static void rotation(void) {
    struct buffer held = {0};
    struct log log = fresh(60, 3);
    const char *words[] = {"first line here\n", "second line here\n", "third line here\n", "fourth line here\n", "fifth line here\n", "sixth line here\n", "seventh\n"};
    for (int i = 0; i < 7; i++) put(&log, &held, words[i]);
    CHECK_THAT(strcmp(contents(""), "stdout F seventh\n") == 0);
    CHECK_THAT(strcmp(contents(".1"), "stdout F fifth line here\nstdout F sixth line here\n") == 0);
    CHECK_THAT(strcmp(contents(".2"), "stdout F third line here\nstdout F fourth line here\n") == 0);
    CHECK_THAT(strcmp(contents(".3"), "missing") == 0);
    log_close(&log);
}

/* With as little as the soft limit no descriptor can be had any more; those that are open stay so. */
static void descriptors(rlim_t soft) {
    struct rlimit limit;
    CHECK_THAT(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
    CHECK_THAT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void no_descriptor(void) {
    struct buffer held = {0};
    struct log log = fresh(20, 3);
    put(&log, &held, "before\n");
    descriptors(0);
    put(&log, &held, "first\n");
    put(&log, &held, "second\n");
    put(&log, &held, "third\n");
    descriptors(1024);
    CHECK_THAT(strcmp(contents(".1"), "stdout F first\nstdout F second\nstdout F third\n") == 0);
    CHECK_THAT(strcmp(contents(".2"), "stdout F before\n") == 0);
    put(&log, &held, "fourth\n");
    CHECK_THAT(strcmp(contents(".1"), "stdout F first\nstdout F second\nstdout F third\nstdout F fourth\n") == 0);
    put(&log, &held, "fifth\n");
    CHECK_THAT(strcmp(contents(".2"), "stdout F first\nstdout F second\nstdout F third\nstdout F fourth\n") == 0);
    log_close(&log);
}

static void full(void) {
    struct buffer held = {0};
    struct log log = fresh(0, 0);
    int fd = log.fd;
    log.fd = open("/dev/full", O_WRONLY);
    put(&log, &held, "lost\n");
    CHECK_THAT(log.lost > 0);
    close(log.fd);
    log.fd = fd;
    put(&log, &held, "kept\n");
    CHECK_THAT(log.lost == 0);
    CHECK_THAT(strstr(contents(""), "bytes of output could not be written here\nstdout F kept\n") != NULL);
    log_close(&log);
}

static void times(void) {
    char out[31];
    log_time(out, 0);
    CHECK_THAT(strcmp(out, "1970-01-01T00:00:00.000000000Z") == 0);
    log_time(out, 951782399123456789u);
    CHECK_THAT(strcmp(out, "2000-02-28T23:59:59.123456789Z") == 0);
    log_time(out, 951782400000000000u);
    CHECK_THAT(strcmp(out, "2000-02-29T00:00:00.000000000Z") == 0);
    log_time(out, 1795245600000000001u);
    CHECK_THAT(strcmp(out, "2026-11-21T07:20:00.000000001Z") == 0);
    log_time(out, 4107542400000000000u);
    CHECK_THAT(strcmp(out, "2100-03-01T00:00:00.000000000Z") == 0);
}

int main(void) {
    if (mkdtemp(folder) == NULL) return EXIT_FAILURE;
    snprintf(path, sizeof path, "%s/0.log", folder);
    TEST("whole lines are written at once, an unfinished one when its end comes, or marked P at the end", lines);
    TEST("a line over 16 KiB comes in pieces, the last marked F, however it was read", long_lines);
    TEST("every line of a large read gets its own log line", many_lines);
    TEST("a full file moves to .1 and the oldest goes", rotation);
    TEST("a rotation whose new file can't be opened moves the others once, and is finished when it can", no_descriptor);
    TEST("output that a full disk takes none of is named in the log as a gap", full);
    TEST("times are RFC 3339, leap days and centuries included", times);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) != 0 ? EXIT_FAILURE : RESULT();
}
