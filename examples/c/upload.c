// Content that is used while it comes: it is counted, and nothing of it is kept.
#include <inttypes.h>
#include <stdlib.h>

#include "run.h"

struct upload {
    flare_response *response;
    uint64_t bytes, lines;
};

static int32_t on_event(flare_request *request, flare_response *response, int32_t event, const uint8_t *data, size_t length,
                        void *user) {
    (void)request;
    struct upload *upload = user;
    upload->bytes += length;
    for (size_t i = 0; i < length; i++) upload->lines += data[i] == '\n';
    if (event != FLARE_EVENT_END) return FLARE_OK;
    char text[80];
    snprintf(text, sizeof text, "%" PRIu64 " bytes, %" PRIu64 " lines\n", upload->bytes, upload->lines);
    return flare_response_send_text(response, 200, text);
}

// Called when the answer was sent, and when the client left.
static void end(void *user) {
    struct upload *upload = user;
    flare_response_release(upload->response);
    free(upload);
}

// Called at the head of the request, before any content is read: here it could still be refused.
static int32_t post_upload(flare_request *request, flare_response *response, void *user) {
    (void)user;
    struct upload *upload = malloc(sizeof *upload);
    if (upload == NULL) return FLARE_ERROR_OUT_OF_MEMORY;
    *upload = (struct upload){response, 0, 0};
    int32_t status = flare_response_retain(response);
    if (status == FLARE_OK) return flare_request_on_event(request, on_event, upload, end);
    free(upload);
    return status;
}

int main(int count, char **arguments) {
    flare_router *router = flare_router_new();
    flare_route_options *options = flare_route_options_new();
    int32_t status = flare_route_options_set_number(options, "streaming", 1);
    if (status == FLARE_OK) status = flare_route_options_set_number(options, "body_limit", INT64_C(1) << 40);
    if (status == FLARE_OK) status = flare_router_add_with(router, "POST", "/upload", options, post_upload, NULL, NULL);
    if (status == FLARE_OK) status = flare_route_options_free(options);
    return run(router, status, count, arguments);
}
