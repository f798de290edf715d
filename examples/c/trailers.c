// Fields behind the content (RFC 9110, 6.5): the sum of the content is only known at its end. Both sides send one.
#include <inttypes.h>
#include <string.h>

#include "run.h"

static int32_t post_sum(flare_request *request, flare_response *response, void *user) {
    (void)user;
    size_t length;
    const uint8_t *body = flare_request_body(request, &length);
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i++) sum += body[i];
    char text[16];
    snprintf(text, sizeof text, "%" PRIu32, sum);
    const char *claimed = flare_request_trailer(request, "x-sum", NULL);
    if (claimed == NULL || strcmp(claimed, text) != 0) {
        return flare_response_send_text(response, 400, "the trailer x-sum is missing or wrong\n");
    }
    int32_t status = flare_response_add_header(response, "content-type", "application/octet-stream");
    if (status == FLARE_OK) status = flare_response_add_header(response, "trailer", "x-sum");
    if (status == FLARE_OK) status = flare_response_add_trailer(response, "x-sum", text);
    return status == FLARE_OK ? flare_response_send(response, 200, body, length) : status;
}

int main(int count, char **arguments) {
    flare_router *router = flare_router_new();
    int32_t status = flare_router_add(router, "POST", "/sum", post_sum, NULL, NULL);
    return run(router, status, count, arguments);
}
