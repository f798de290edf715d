// Content that is made while the client takes it.
#include <stdio.h>
#include <stdlib.h>

#include "number.h"
#include "routes.h"

#define MOST_CHUNKS 1000000

struct chunks {
    size_t next, last;
};

// Each call gives one chunk. It is called again when the client has room for more.
static int64_t pull(uint8_t *buffer, size_t capacity, void *user) {
    struct chunks *chunks = user;
    if (chunks->next > chunks->last) return 0;
    return snprintf((char *)buffer, capacity, "chunk %zu\n", chunks->next++);
}

int32_t get_stream(flare_request *request, flare_response *response, void *user) {
    (void)user;
    size_t count;
    if (!number_read(flare_request_param(request, "n", NULL), MOST_CHUNKS, &count)) {
        return flare_response_send_text(response, 400, "not a number from 0 to 1000000\n");
    }
    int32_t status = flare_response_set_header(response, "content-type", "text/plain; charset=utf-8");
    if (status != FLARE_OK) return status;
    struct chunks *chunks = malloc(sizeof *chunks);
    if (chunks == NULL) return FLARE_ERROR_OUT_OF_MEMORY;
    *chunks = (struct chunks){1, count};
    return flare_response_send_source(response, 200, -1, pull, chunks, free);
}
