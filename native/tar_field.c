/* The fields of a header. */
#include <string.h>

#include "tar.h"

enum { CHECKSUM_AT = 148, CHECKSUM_SIZE = 8 };

/* Blanks and NULs around the digits are padding; no digit at all is 0. */
bool tar_octal(const uint8_t *field, size_t length, uint64_t *value) {
    while (length > 0 && (field[0] == ' ' || field[0] == 0)) field++, length--;
    *value = 0;
    for (size_t i = 0; i < length; i++) {
        if (field[i] == 0) break; /* what is behind a NUL is left over from something else */
        if (field[i] == ' ') {
            for (; i < length; i++) {
                if (field[i] != ' ' && field[i] != 0) return false;
            }
            break;
        }
        if (field[i] < '0' || field[i] > '7' || *value >> 60 != 0) return false;
        *value = *value << 3 | (uint64_t)(field[i] - '0');
    }
    return true;
}

/* Base 256: the first bit says so, the second is the sign; two's complement. */
static bool base256(const uint8_t *field, size_t length, int64_t *value) {
    uint8_t invert = (field[0] & 0x40) != 0 ? 0xff : 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = field[i] ^ invert;
        if (i == 0) byte &= 0x7f;
        if (sum >> 56 != 0) return false;
        sum = sum << 8 | byte;
    }
    if (sum > INT64_MAX) return false;
    *value = invert != 0 ? -(int64_t)sum - 1 : (int64_t)sum;
    return true;
}

bool tar_number(const uint8_t *field, size_t length, int64_t *value) {
    uint64_t octal;
    if ((field[0] & 0x80) != 0) return base256(field, length, value);
    if (!tar_octal(field, length, &octal) || octal > INT64_MAX) return false;
    *value = (int64_t)octal;
    return true;
}

bool tar_decimal(const char *text, size_t length, uint64_t *value) {
    uint64_t sum = 0;
    if (length == 0) return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (sum > ((uint64_t)INT64_MAX - digit) / 10) return false;
        sum = sum * 10 + digit;
    }
    *value = sum;
    return true;
}

bool tar_seconds(const char *text, size_t length, struct tar_time *time) {
    bool negative = length > 0 && text[0] == '-';
    uint64_t whole;
    uint32_t nanoseconds = 0;
    if (negative) text++, length--;
    const char *dot = memchr(text, '.', length);
    size_t digits = dot == NULL ? length : (size_t)(dot - text);
    if (!tar_decimal(text, digits, &whole)) return false;
    /* Digits behind the ninth say nothing that a file system can keep. */
    for (size_t i = 0; dot != NULL && i < length - digits - 1; i++) {
        char c = dot[1 + i];
        if (c < '0' || c > '9') return false;
        if (i < 9) nanoseconds = nanoseconds * 10 + (uint32_t)(c - '0');
    }
    for (size_t i = dot == NULL ? 9 : length - digits - 1; i < 9; i++) nanoseconds *= 10;
    time->seconds = negative ? -(int64_t)whole : (int64_t)whole;
    time->nanoseconds = nanoseconds;
    if (negative && nanoseconds > 0) {
        time->seconds--;
        time->nanoseconds = 1000000000u - nanoseconds;
    }
    return true;
}

/* The sum of all bytes, its own field taken for blanks. Old tars added signed bytes. */
bool tar_checksum_right(const uint8_t block[TAR_BLOCK_SIZE]) {
    uint64_t wanted;
    int64_t plain = 0, signed_ = 0;
    if (!tar_octal(block + CHECKSUM_AT, CHECKSUM_SIZE, &wanted)) return false;
    for (size_t i = 0; i < TAR_BLOCK_SIZE; i++) {
        uint8_t byte = i >= CHECKSUM_AT && i < CHECKSUM_AT + CHECKSUM_SIZE ? ' ' : block[i];
        plain += byte;
        signed_ += (int8_t)byte;
    }
    return wanted <= INT64_MAX && ((int64_t)wanted == plain || (int64_t)wanted == signed_);
}

bool tar_block_zero(const uint8_t block[TAR_BLOCK_SIZE]) {
    static const uint8_t zero[TAR_BLOCK_SIZE];
    return memcmp(block, zero, sizeof zero) == 0;
}
