#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

struct reader {
    const char *at, *end;
    struct json_document *document;
    char *strings;  // where the next decoded string goes: decoded, they are never longer than the text
};

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(struct reader *reader) {
    while (reader->at < reader->end && is_space(*reader->at)) reader->at++;
}

static bool take(struct reader *reader, char expected) {
    bool found = reader->at < reader->end && *reader->at == expected;
    reader->at += found;
    return found;
}

static enum json_outcome add(struct reader *reader, enum json_kind kind, const char *text, size_t length) {
    struct json_document *document = reader->document;
    if (document->count == document->capacity) {
        size_t capacity = document->capacity == 0 ? 64 : 2 * document->capacity;
        struct json_node *nodes = realloc(document->nodes, capacity * sizeof *nodes);
        if (nodes == NULL) return JSON_NO_MEMORY;
        document->nodes = nodes;
        document->capacity = capacity;
    }
    document->nodes[document->count++] = (struct json_node){kind, text, length};
    return JSON_OK;
}

static enum json_outcome read_word(struct reader *reader, const char *word, enum json_kind kind) {
    size_t length = strlen(word);
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0) return JSON_WRONG;
    reader->at += length;
    return add(reader, kind, NULL, 0);
}

static size_t skip_digits(struct reader *reader) {
    const char *start = reader->at;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9') reader->at++;
    return (size_t)(reader->at - start);
}

// RFC 8259, 6. A number stays as it was written, so no precision is lost.
static enum json_outcome read_number(struct reader *reader) {
    const char *start = reader->at;
    take(reader, '-');
    if (!take(reader, '0') && skip_digits(reader) == 0) return JSON_WRONG;
    if (take(reader, '.') && skip_digits(reader) == 0) return JSON_WRONG;
    if (take(reader, 'e') || take(reader, 'E')) {
        if (!take(reader, '+')) take(reader, '-');
        if (skip_digits(reader) == 0) return JSON_WRONG;
    }
    return add(reader, JSON_NUMBER, start, (size_t)(reader->at - start));
}

// Four hexadecimal digits, or -1.
static int32_t read_hex(struct reader *reader) {
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        if (reader->at == reader->end) return -1;
        char digit = *reader->at++;
        if (digit >= '0' && digit <= '9') value = value * 16 + (digit - '0');
        else if ((digit | 32) >= 'a' && (digit | 32) <= 'f') value = value * 16 + ((digit | 32) - 'a' + 10);
        else return -1;
    }
    return value;
}

// What follows "\u": one character, or two halves of one (RFC 8259, 7). Half a character alone is none.
static bool read_unicode(struct reader *reader) {
    int32_t code = read_hex(reader);
    if (code < 0 || (code >= 0xdc00 && code < 0xe000)) return false;
    if (code >= 0xd800 && code < 0xdc00) {
        int32_t low = take(reader, '\\') && take(reader, 'u') ? read_hex(reader) : -1;
        if (low < 0xdc00 || low >= 0xe000) return false;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    char *out = reader->strings;
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    reader->strings = out;
    return true;
}

static bool read_escape(struct reader *reader) {
    static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (take(reader, 'u')) return read_unicode(reader);
    if (reader->at == reader->end) return false;
    const char *found = memchr(escapes, *reader->at++, sizeof escapes - 1);
    if (found == NULL) return false;
    *reader->strings++ = meanings[found - escapes];
    return true;
}

static enum json_outcome read_string(struct reader *reader) {
    const char *start = reader->strings;
    if (!take(reader, '"')) return JSON_WRONG;
    for (;;) {
        while (reader->at < reader->end && json_is_plain(*reader->at)) *reader->strings++ = *reader->at++;
        if (take(reader, '"')) break;
        if (reader->at == reader->end || (unsigned char)*reader->at < 0x20) return JSON_WRONG;
        if (take(reader, '\\')) {
            if (!read_escape(reader)) return JSON_WRONG;
            continue;
        }
        size_t length = json_character(reader->at, reader->end);
        if (length == 0) return JSON_WRONG;
        memcpy(reader->strings, reader->at, length);
        reader->strings += length;
        reader->at += length;
    }
    return add(reader, JSON_STRING, start, (size_t)(reader->strings - start));
}

// A value, or the beginning of an array or object.
static enum json_outcome read_value(struct reader *reader) {
    switch (reader->at < reader->end ? *reader->at : '\0') {
    case 'n': return read_word(reader, "null", JSON_NULL);
    case 'f': return read_word(reader, "false", JSON_FALSE);
    case 't': return read_word(reader, "true", JSON_TRUE);
    case '"': return read_string(reader);
    case '[': reader->at++; return add(reader, JSON_ARRAY, NULL, 0);
    case '{': reader->at++; return add(reader, JSON_OBJECT, NULL, 0);
    default: return read_number(reader);
    }
}

static enum json_outcome read_name(struct reader *reader) {
    enum json_outcome outcome = read_string(reader);
    skip_space(reader);
    if (outcome == JSON_OK && !take(reader, ':')) return JSON_WRONG;
    skip_space(reader);
    return outcome;
}

static enum json_outcome read_document(struct reader *reader) {
    enum json_kind open[JSON_DEPTH];  // the arrays and objects around the next value
    size_t depth = 0;
    bool first = false;  // nothing stands before the next value in its array or object
    skip_space(reader);
    do {
        if (depth > 0) {
            enum json_kind around = open[depth - 1];
            enum json_outcome outcome = JSON_OK;
            if (take(reader, around == JSON_OBJECT ? '}' : ']')) {
                outcome = add(reader, JSON_END, NULL, 0);
                depth--;
                first = false;
                skip_space(reader);
                if (outcome != JSON_OK) return outcome;
                continue;
            }
            if (!first && !take(reader, ',')) return JSON_WRONG;
            skip_space(reader);
            if (around == JSON_OBJECT) outcome = read_name(reader);
            if (outcome != JSON_OK) return outcome;
        }
        enum json_outcome outcome = read_value(reader);
        if (outcome != JSON_OK) return outcome;
        enum json_kind kind = reader->document->nodes[reader->document->count - 1].kind;
        first = kind == JSON_ARRAY || kind == JSON_OBJECT;
        if (first) {
            if (depth == JSON_DEPTH) return JSON_WRONG;
            open[depth++] = kind;
        }
        skip_space(reader);
    } while (depth > 0);
    return reader->at == reader->end ? JSON_OK : JSON_WRONG;
}

enum json_outcome json_parse(struct json_document *document, const char *text, size_t length) {
    *document = (struct json_document){.strings = malloc(length + 1)};
    if (document->strings == NULL) return JSON_NO_MEMORY;
    struct reader reader = {.at = text, .end = text + length, .document = document, .strings = document->strings};
    return read_document(&reader);
}

void json_free(struct json_document *document) {
    free(document->nodes);
    free(document->strings);
}
