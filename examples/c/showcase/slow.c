// Answers that take their time: on the pool for handlers that block, and from a thread of this program's own.
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "later.h"
#include "number.h"
#include "routes.h"

// Below the deadline of handlers, which is a minute.
#define LONGEST_MS 30000

static int32_t refuse(flare_response *response) {
    return flare_response_send_text(response, 400, "not a number from 0 to 30000\n");
}

// Sleeps, which only the route's option "blocking" permits.
int32_t get_slow(flare_request *request, flare_response *response, void *user) {
    (void)user;
    size_t ms;
    if (!number_read(flare_request_param(request, "ms", NULL), LONGEST_MS, &ms)) return refuse(response);
    struct timespec left = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0) {
        if (errno != EINTR) return FLARE_ERROR_IO;
    }
    char text[40];
    snprintf(text, sizeof text, "slept %zu ms\n", ms);
    return flare_response_send_text(response, 200, text);
}

// Returns at once; the answer comes from the thread of later.c.
int32_t get_later(flare_request *request, flare_response *response, void *user) {
    (void)user;
    size_t ms;
    if (!number_read(flare_request_param(request, "ms", NULL), LONGEST_MS, &ms)) return refuse(response);
    return later_answer(response, (uint32_t)ms);
}
