// JSON (RFC 8259): strict, and bounded in depth.
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Values may lie in so many arrays and objects. Nothing here calls itself, so depth costs no stack.
#define JSON_DEPTH 64

enum json_outcome { JSON_OK, JSON_WRONG, JSON_NO_MEMORY };

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT, JSON_END };

// One step through a document, in its order: a value, a member's name (a string), or the end of an array or object.
struct json_node {
    enum json_kind kind;
    const char *text;  // of a number as it was written, of a string decoded to UTF-8; not terminated
    size_t length;
};

struct json_document {
    struct json_node *nodes;
    size_t count, capacity;
    char *strings;
};

// Parses a whole text. The document points into it, and is to be freed in any case.
enum json_outcome json_parse(struct json_document *document, const char *text, size_t length);

// The document as text without white space, which the caller frees; NULL when there is no memory. Never longer than what was
// parsed, because a character is never written in a longer way than it can be read.
char *json_serialise(const struct json_document *document, size_t text_length, size_t *length);

void json_free(struct json_document *document);

// Writes characters for a place between quotes; bytes that are not UTF-8 become U+FFFD. Needs at most 6 * length bytes at `out`;
// returns where it ended.
char *json_write_characters(char *out, const char *text, size_t length);

// The same with quotes around: 2 bytes more.
char *json_write_string(char *out, const char *text, size_t length);

// The length of the valid UTF-8 character at `text` (RFC 3629), or 0. `text` < `end`.
size_t json_character(const char *text, const char *end);

// ASCII that stands for itself in a string. Most characters are.
static inline bool json_is_plain(char c) {
    return c >= 0x20 && c <= 0x7e && c != '"' && c != '\\';
}

#endif
