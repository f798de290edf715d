// Plain text: an answer that is always the same, and one with a part of the path in it.
#include <stdio.h>

#include "routes.h"

// The plaintext test of TechEmpower. Server, Date and Content-Length come from flare.
int32_t get_plaintext(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    static const char text[] = "Hello, World!";
    int32_t status = flare_response_add_header(response, "content-type", "text/plain");
    return status == FLARE_OK ? flare_response_send(response, 200, text, sizeof text - 1) : status;
}

int32_t get_hi(flare_request *request, flare_response *response, void *user) {
    (void)user;
    char text[1024];
    int length = snprintf(text, sizeof text, "hi, %s\n", flare_request_param(request, "name", NULL));
    if (length < 0 || (size_t)length >= sizeof text) return flare_response_send_text(response, 400, "the name is too long\n");
    int32_t status = flare_response_add_header(response, "content-type", "text/plain; charset=utf-8");
    return status == FLARE_OK ? flare_response_send(response, 200, text, (size_t)length) : status;
}
