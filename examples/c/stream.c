// Content that is made while the client takes it, in two ways: a source that is pulled, and writes that go on when there is room.
#include <stdlib.h>
#include <string.h>

#include "run.h"

// ---- A source: flare asks for more when the client has taken what came before.

struct count {
    int next;
};

static int64_t pull(uint8_t *buffer, size_t capacity, void *user) {
    struct count *count = user;
    if (count->next == 0) return 0;  // the end
    return snprintf((char *)buffer, capacity, "%d\n", count->next--);
}

static int32_t get_countdown(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    int32_t status = flare_response_add_header(response, "content-type", "text/plain; charset=utf-8");
    if (status != FLARE_OK) return status;
    struct count *count = malloc(sizeof *count);
    if (count == NULL) return FLARE_ERROR_OUT_OF_MEMORY;
    count->next = 10;
    return flare_response_send_source(response, 200, -1, pull, count, free);
}

// ---- Writes: each is taken whole or refused, and then FLARE_EVENT_WRITABLE says when to go on.

enum { PIECE = 1000, PIECES = 4000 };

struct letters {
    flare_response *response;
    int written;
};

static int32_t write_letters(struct letters *letters) {
    char piece[PIECE];
    while (letters->written < PIECES) {
        memset(piece, 'a' + letters->written % 26, sizeof piece);
        int32_t status = flare_response_write(letters->response, piece, sizeof piece);
        if (status == FLARE_ERROR_WOULD_BLOCK) return FLARE_OK;
        if (status != FLARE_OK) return status;
        letters->written++;
    }
    return flare_response_finish(letters->response);
}

static int32_t on_event(flare_request *request, flare_response *response, int32_t event, const uint8_t *data, size_t length,
                        void *user) {
    (void)request, (void)response, (void)data, (void)length;
    return event == FLARE_EVENT_WRITABLE ? write_letters(user) : FLARE_OK;
}

// Called when the answer was sent, and when the client left.
static void end(void *user) {
    struct letters *letters = user;
    flare_response_release(letters->response);
    free(letters);
}

static int32_t get_letters(flare_request *request, flare_response *response, void *user) {
    (void)user;
    int32_t status = flare_response_add_header(response, "content-type", "text/plain; charset=utf-8");
    if (status != FLARE_OK) return status;
    struct letters *letters = malloc(sizeof *letters);
    if (letters == NULL) return FLARE_ERROR_OUT_OF_MEMORY;
    *letters = (struct letters){response, 0};
    if ((status = flare_response_retain(response)) != FLARE_OK) {
        free(letters);
        return status;
    }
    // From here on `letters` belongs to flare, which gives it to end().
    status = flare_request_on_event(request, on_event, letters, end);
    return status == FLARE_OK ? write_letters(letters) : status;
}

int main(int count, char **arguments) {
    flare_router *router = flare_router_new();
    int32_t status = flare_router_add(router, "GET", "/countdown", get_countdown, NULL, NULL);
    if (status == FLARE_OK) status = flare_router_add(router, "GET", "/letters", get_letters, NULL, NULL);
    return run(router, status, count, arguments);
}
