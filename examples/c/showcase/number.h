// Numbers in paths.
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>
#include <stddef.h>

// Reads a text of decimal digits, at least one. False when it is no number from 0 to `most`; `most` is below SIZE_MAX / 10.
static inline bool number_read(const char *text, size_t most, size_t *number) {
    if (text == NULL || *text == '\0') return false;
    for (*number = 0; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') return false;
        *number = *number * 10 + (size_t)(*text - '0');
        if (*number > most) return false;
    }
    return true;
}

#endif
