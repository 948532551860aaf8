/* The least test frame: a line `ok NAME` or `not ok NAME` a test. A name is a sentence that would be false. */
#ifndef PODRUN_CHECK_H
#define PODRUN_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;
static bool good;

#define CHECK_THAT(condition)                                                          \
    do {                                                                               \
        if (!(condition)) {                                                            \
            good = false;                                                              \
            fprintf(stderr, "# %s:%d: %s\n", __FILE__, __LINE__, #condition);          \
        }                                                                              \
    } while (0)

#define TEST(name, body)                                                               \
    do {                                                                               \
        good = true;                                                                   \
        body();                                                                        \
        printf("%s %s\n", good ? "ok" : "not ok", name);                               \
        if (!good) failures++;                                                         \
    } while (0)

#define RESULT() (failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS)

#endif
