// Requests that are pulled by threads of the program, instead of callbacks on flare's. The tag tells which route it was.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

enum { THREADS = 2, UPPER = 1, LOWER = 2 };

static int32_t answer(flare_request *request, flare_response *response, uint64_t tag) {
    size_t length;
    const uint8_t *body = flare_request_body(request, &length);
    char *text = malloc(length + 1);
    if (text == NULL) return FLARE_ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < length; i++) {
        char from = tag == UPPER ? 'a' : 'A', byte = (char)body[i];
        text[i] = byte >= from && byte <= from + 25 ? (char)(byte ^ 0x20) : byte;
    }
    int32_t status = flare_response_add_header(response, "content-type", "text/plain; charset=utf-8");
    if (status == FLARE_OK) status = flare_response_send(response, 200, text, length);
    free(text);
    return status;
}

static void *pull(void *user) {
    int32_t event;
    flare_request *request;
    flare_response *response;
    uint64_t tag;
    // Ends when the queue is closed and empty.
    while (flare_queue_next(user, -1, &event, &request, &response, &tag) == FLARE_OK) {
        int32_t status = answer(request, response, tag);
        if (status != FLARE_OK) fprintf(stderr, "queue: not answered: %s\n", flare_status_name(status));
        // What was taken from the queue is ours; without an answer the client gets 500 here.
        flare_response_release(response);
    }
    return NULL;
}

int main(int count, char **arguments) {
    flare_queue *queue = flare_queue_new();
    flare_router *router = flare_router_new();
    int32_t status = flare_router_add_queue(router, "POST", "/upper", NULL, queue, UPPER);
    if (status == FLARE_OK) status = flare_router_add_queue(router, "POST", "/lower", NULL, queue, LOWER);
    pthread_t threads[THREADS];
    int started = 0;
    while (status == FLARE_OK && started < THREADS && pthread_create(&threads[started], NULL, pull, queue) == 0) started++;
    if (started < THREADS) {
        fprintf(stderr, "queue: no routes, or no threads\n");
        status = FLARE_ERROR_LIMIT;
    }
    int result = run(router, status, count, arguments);
    if (flare_queue_close(queue) != FLARE_OK) result = 1;
    while (started > 0) pthread_join(threads[--started], NULL);
    return flare_queue_free(queue) == FLARE_OK ? result : 1;
}
