// JSON: made, read and made again, and made from the header fields of a request.
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "routes.h"

int32_t get_json(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    static const char name[] = "message", value[] = "Hello, World!";
    char text[6 * (sizeof name + sizeof value) + 8], *out = text;
    *out++ = '{';
    out = json_write_string(out, name, sizeof name - 1);
    *out++ = ':';
    out = json_write_string(out, value, sizeof value - 1);
    *out++ = '}';
    *out = '\0';
    return flare_response_send_json(response, 200, text);
}

static int32_t send_json(flare_response *response, const char *text, size_t length) {
    int32_t status = flare_response_add_header(response, "content-type", "application/json");
    return status == FLARE_OK ? flare_response_send(response, 200, text, length) : status;
}

int32_t post_json(flare_request *request, flare_response *response, void *user) {
    (void)user;
    size_t length, written = 0;
    const char *body = (const char *)flare_request_body(request, &length);
    struct json_document document;
    enum json_outcome outcome = json_parse(&document, body, length);
    char *text = outcome == JSON_OK ? json_serialise(&document, length, &written) : NULL;
    int32_t status;
    if (outcome == JSON_WRONG) status = flare_response_send_text(response, 400, "the content is not JSON\n");
    else if (text == NULL) status = FLARE_ERROR_OUT_OF_MEMORY;
    else status = send_json(response, text, written);
    free(text);
    json_free(&document);
    return status;
}

// Whether a field of this name came before.
static bool seen(const flare_request *request, size_t index, const char *name) {
    for (size_t i = 0; i < index; i++) {
        if (strcmp(flare_request_header_name_at(request, i, NULL), name) == 0) return true;
    }
    return false;
}

// The values of all fields of a name, joined as RFC 9110, 5.2 has it.
static char *write_values(char *out, const flare_request *request, const char *name, size_t index, size_t count) {
    *out++ = '"';
    for (size_t i = index; i < count; i++) {
        if (strcmp(flare_request_header_name_at(request, i, NULL), name) != 0) continue;
        size_t length;
        const char *value = flare_request_header_value_at(request, i, &length);
        if (i != index) out = json_write_characters(out, ", ", 2);
        out = json_write_characters(out, value, length);
    }
    *out++ = '"';
    return out;
}

int32_t get_headers(flare_request *request, flare_response *response, void *user) {
    (void)user;
    size_t count = flare_request_header_count(request), needed = 2;
    for (size_t i = 0; i < count; i++) {
        size_t name, value;
        flare_request_header_name_at(request, i, &name);
        flare_request_header_value_at(request, i, &value);
        needed += 6 * (name + value) + 6;  // quotes, colon and comma
    }
    char *text = malloc(needed), *out = text;
    if (text == NULL) return FLARE_ERROR_OUT_OF_MEMORY;
    *out++ = '{';
    for (size_t i = 0; i < count; i++) {
        size_t length;
        const char *name = flare_request_header_name_at(request, i, &length);
        if (seen(request, i, name)) continue;
        if (i > 0) *out++ = ',';
        out = json_write_string(out, name, length);
        *out++ = ':';
        out = write_values(out, request, name, i, count);
    }
    *out++ = '}';
    int32_t status = send_json(response, text, (size_t)(out - text));
    free(text);
    return status;
}
