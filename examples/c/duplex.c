// Both ways at once: the content goes back while it comes. When the client takes none of it, no more of the request is read.
#include <stdlib.h>
#include <string.h>

#include "run.h"

struct echo {
    flare_response *response;
    uint8_t *refused;  // the piece that the client had no room for
    size_t length;
};

static int32_t on_data(struct echo *echo, const uint8_t *data, size_t length) {
    int32_t status = flare_response_write(echo->response, data, length);
    if (status != FLARE_ERROR_WOULD_BLOCK) return status;
    // The data is only valid during the call.
    echo->refused = malloc(length);
    if (echo->refused == NULL) return FLARE_ERROR_OUT_OF_MEMORY;
    memcpy(echo->refused, data, length);
    echo->length = length;
    return FLARE_PAUSE;
}

static int32_t on_writable(flare_request *request, struct echo *echo) {
    if (echo->refused == NULL) return FLARE_OK;
    int32_t status = flare_response_write(echo->response, echo->refused, echo->length);
    if (status != FLARE_OK) return status == FLARE_ERROR_WOULD_BLOCK ? FLARE_OK : status;
    free(echo->refused);
    echo->refused = NULL;
    return flare_request_resume(request);
}

static int32_t on_event(flare_request *request, flare_response *response, int32_t event, const uint8_t *data, size_t length,
                        void *user) {
    switch (event) {
    case FLARE_EVENT_DATA: return on_data(user, data, length);
    case FLARE_EVENT_WRITABLE: return on_writable(request, user);
    case FLARE_EVENT_END: return flare_response_finish(response);
    default: return FLARE_OK;
    }
}

// Called when the answer was sent, and when the client left.
static void end(void *user) {
    struct echo *echo = user;
    flare_response_release(echo->response);
    free(echo->refused);
    free(echo);
}

static int32_t post_echo(flare_request *request, flare_response *response, void *user) {
    (void)user;
    int32_t status = flare_response_add_header(response, "content-type", "application/octet-stream");
    // The head leaves now, before any content has come.
    if (status == FLARE_OK) status = flare_response_start(response, 200);
    if (status != FLARE_OK) return status;
    struct echo *echo = malloc(sizeof *echo);
    if (echo == NULL) return FLARE_ERROR_OUT_OF_MEMORY;
    *echo = (struct echo){response, NULL, 0};
    status = flare_response_retain(response);
    if (status == FLARE_OK) return flare_request_on_event(request, on_event, echo, end);
    free(echo);
    return status;
}

int main(int count, char **arguments) {
    flare_router *router = flare_router_new();
    flare_route_options *options = flare_route_options_new();
    int32_t status = flare_route_options_set_number(options, "streaming", 1);
    if (status == FLARE_OK) status = flare_router_add_with(router, "POST", "/echo", options, post_echo, NULL, NULL);
    if (status == FLARE_OK) status = flare_route_options_free(options);
    return run(router, status, count, arguments);
}
