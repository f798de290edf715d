// Fields behind the content (RFC 9110, 6.5), both ways.
#include <stdio.h>

#include "routes.h"

int32_t any_trailers(flare_request *request, flare_response *response, void *user) {
    (void)user;
    size_t count = flare_request_trailer_count(request);
    int32_t status = FLARE_OK;
    for (size_t i = 0; status == FLARE_OK && i < count; i++) {
        const char *name = flare_request_trailer_name_at(request, i, NULL);
        // What is announced, a client may be able to use (RFC 9110, 6.6.2).
        status = flare_response_add_header(response, "trailer", name);
        const char *value = flare_request_trailer_value_at(request, i, NULL);
        if (status == FLARE_OK) status = flare_response_add_trailer(response, name, value);
    }
    if (status != FLARE_OK) return status;
    char text[40];
    snprintf(text, sizeof text, "trailers: %zu\n", count);
    return flare_response_send_text(response, 200, text);
}
