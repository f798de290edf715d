// A handler that blocks: its route says so, and it is called on a pool of threads instead of a worker.
#define _POSIX_C_SOURCE 200809L
#include <string.h>
#include <time.h>

#include "run.h"

static int32_t get_sleep(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    struct timespec time = {0, 20 * 1000000};
    if (nanosleep(&time, NULL) != 0) return FLARE_ERROR_IO;
    return flare_response_send_text(response, 200, "slept 20 ms\n");
}

int main(int count, char **arguments) {
    flare_router *router = flare_router_new();
    flare_route_options *options = flare_route_options_new();
    int32_t status = flare_route_options_set_number(options, "blocking", 1);
    // Who waits longer gets 503.
    if (status == FLARE_OK) status = flare_route_options_set_number(options, "handler_timeout_ms", 10000);
    if (status == FLARE_OK) status = flare_router_add_with(router, "GET", "/sleep", options, get_sleep, NULL, NULL);
    if (status == FLARE_OK) status = flare_route_options_free(options);
    return run(router, status, count, arguments);
}
