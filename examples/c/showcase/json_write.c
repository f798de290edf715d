#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

size_t json_character(const char *text, const char *end) {
    const unsigned char *at = (const unsigned char *)text;
    size_t left = (size_t)(end - text);
    // The second byte has a range of its own where a longer form than needed, half a character or too high a one could begin.
    unsigned char low = 0x80, high = 0xbf;
    size_t length;
    if (at[0] < 0x80) return 1;
    if (at[0] >= 0xc2 && at[0] <= 0xdf) length = 2;
    else if (at[0] >= 0xe0 && at[0] <= 0xef) length = 3;
    else if (at[0] >= 0xf0 && at[0] <= 0xf4) length = 4;
    else return 0;
    if (at[0] == 0xe0) low = 0xa0;
    if (at[0] == 0xed) high = 0x9f;
    if (at[0] == 0xf0) low = 0x90;
    if (at[0] == 0xf4) high = 0x8f;
    if (left < length || at[1] < low || at[1] > high) return 0;
    for (size_t i = 2; i < length; i++) {
        if (at[i] < 0x80 || at[i] > 0xbf) return 0;
    }
    return length;
}

static char *put(char *out, const char *text, size_t length) {
    if (length > 0) memcpy(out, text, length);
    return out + length;
}

static char *write_special(char *out, unsigned char c) {
    static const char meanings[] = "\"\\\b\f\n\r\t", escapes[] = "\"\\bfnrt", digits[] = "0123456789abcdef";
    const char *found = memchr(meanings, c, sizeof meanings - 1);
    if (found != NULL) {
        *out++ = '\\';
        *out++ = escapes[found - meanings];
        return out;
    }
    out = put(out, "\\u00", 4);
    *out++ = digits[c >> 4];
    *out++ = digits[c & 15];
    return out;
}

char *json_write_characters(char *out, const char *text, size_t length) {
    const char *end = text + length;
    while (text < end) {
        if (json_is_plain(*text)) {
            *out++ = *text++;
            continue;
        }
        size_t good = json_character(text, end);
        if (good == 0) out = put(out, "\xef\xbf\xbd", 3);
        else if (good == 1) out = write_special(out, (unsigned char)*text);
        else out = put(out, text, good);
        text += good > 0 ? good : 1;
    }
    return out;
}

char *json_write_string(char *out, const char *text, size_t length) {
    *out++ = '"';
    out = json_write_characters(out, text, length);
    *out++ = '"';
    return out;
}

static char *write_node(char *out, const struct json_node *node, enum json_kind around) {
    switch (node->kind) {
    case JSON_NULL: return put(out, "null", 4);
    case JSON_FALSE: return put(out, "false", 5);
    case JSON_TRUE: return put(out, "true", 4);
    case JSON_NUMBER: return put(out, node->text, node->length);
    case JSON_STRING: return json_write_string(out, node->text, node->length);
    case JSON_ARRAY: return put(out, "[", 1);
    case JSON_OBJECT: return put(out, "{", 1);
    case JSON_END: return put(out, around == JSON_OBJECT ? "}" : "]", 1);
    }
    return out;
}

char *json_serialise(const struct json_document *document, size_t text_length, size_t *length) {
    char *text = malloc(text_length + 1), *out = text;
    if (text == NULL) return NULL;
    struct { enum json_kind kind; size_t written; } open[JSON_DEPTH + 1] = {{JSON_END, 0}};  // what is around the next node
    size_t depth = 0;
    for (size_t i = 0; i < document->count; i++) {
        const struct json_node *node = &document->nodes[i];
        bool after_name = open[depth].kind == JSON_OBJECT && open[depth].written % 2 == 1;
        if (node->kind != JSON_END && open[depth].written++ > 0) *out++ = after_name ? ':' : ',';
        out = write_node(out, node, open[depth].kind);
        if (node->kind == JSON_END) {
            depth--;
        } else if (node->kind == JSON_ARRAY || node->kind == JSON_OBJECT) {
            open[++depth].kind = node->kind;
            open[depth].written = 0;
        }
    }
    *length = (size_t)(out - text);
    return text;
}
