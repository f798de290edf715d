// Content that goes back while it comes: both ways at once, at the pace of the slower one.
#include <stdlib.h>
#include <string.h>

#include "routes.h"

struct echo {
    flare_response *response;
    // What the client had no room for. Until it is gone, no more is read, so one piece is all there is.
    uint8_t *kept;
    size_t length;
};

static int32_t keep(struct echo *echo, const uint8_t *data, size_t length) {
    echo->kept = malloc(length);
    if (echo->kept == NULL) return FLARE_ERROR_OUT_OF_MEMORY;
    memcpy(echo->kept, data, length);
    echo->length = length;
    return FLARE_PAUSE;
}

static int32_t go_on(flare_request *request, flare_response *response, struct echo *echo) {
    int32_t status = flare_response_write(response, echo->kept, echo->length);
    if (status != FLARE_OK) return status == FLARE_ERROR_WOULD_BLOCK ? FLARE_OK : status;
    free(echo->kept);
    echo->kept = NULL;
    return flare_request_resume(request);
}

static int32_t on_event(flare_request *request, flare_response *response, int32_t event, const uint8_t *data, size_t length,
                        void *user) {
    struct echo *echo = user;
    int32_t status;
    switch (event) {
    case FLARE_EVENT_DATA:
        status = flare_response_write(response, data, length);
        return status == FLARE_ERROR_WOULD_BLOCK ? keep(echo, data, length) : status;
    case FLARE_EVENT_WRITABLE: return echo->kept == NULL ? FLARE_OK : go_on(request, response, echo);
    case FLARE_EVENT_END: return flare_response_finish(response);
    default: return FLARE_OK;  // the client left: end() follows
    }
}

static void end(void *user) {
    struct echo *echo = user;
    flare_response_release(echo->response);
    free(echo->kept);
    free(echo);
}

// The head of the answer: the type that came, and the length where it is known.
static int32_t draft(flare_request *request, flare_response *response) {
    const char *type = flare_request_header(request, "content-type", NULL);
    const char *length = flare_request_header(request, "content-length", NULL);
    int32_t status = flare_response_set_header(response, "content-type", type == NULL ? "application/octet-stream" : type);
    if (status == FLARE_OK && length != NULL) status = flare_response_set_header(response, "content-length", length);
    return status;
}

int32_t any_echo(flare_request *request, flare_response *response, void *user) {
    (void)user;
    int32_t status = draft(request, response);
    if (status != FLARE_OK) return status;
    struct echo *echo = malloc(sizeof *echo);
    if (echo == NULL) return FLARE_ERROR_OUT_OF_MEMORY;
    *echo = (struct echo){response, NULL, 0};
    status = flare_response_retain(response);
    if (status == FLARE_OK) return flare_request_on_event(request, on_event, echo, end);
    free(echo);
    return status;
}
