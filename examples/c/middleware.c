// Middleware: what happens around handlers. A number for each request and a line of log around everything, a key and a limit
// around what is mounted below /api. `protect.c` uses those that come with flare.
#define _POSIX_C_SOURCE 200809L
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "run.h"

// ---- Each request gets a number, which handlers see as an attribute and clients as a field.

static int32_t number_request(flare_request *request, flare_response *response, void *user) {
    (void)response, (void)user;
    static atomic_uint last;
    char text[16];
    snprintf(text, sizeof text, "%u", atomic_fetch_add(&last, 1) + 1);
    return flare_request_set_attribute(request, "id", text);
}

static void number_answer(flare_request *request, flare_response *response, int32_t status, void *user) {
    (void)status, (void)user;
    char text[16];
    if (flare_request_attribute(request, "id", text, sizeof text) == 0) return;
    flare_response_set_header(response, "x-request-id", text);
}

// ---- The time from here to the head of the answer.

static long long microseconds(void) {
    struct timespec time;
    return clock_gettime(CLOCK_MONOTONIC, &time) == 0 ? time.tv_sec * 1000000LL + time.tv_nsec / 1000 : 0;
}

static int32_t time_request(flare_request *request, flare_response *response, void *user) {
    (void)response, (void)user;
    char text[24];
    snprintf(text, sizeof text, "%lld", microseconds());
    return flare_request_set_attribute(request, "began", text);
}

static void time_answer(flare_request *request, flare_response *response, int32_t status, void *user) {
    (void)status, (void)user;
    char text[24], field[48];
    if (flare_request_attribute(request, "began", text, sizeof text) == 0) return;
    snprintf(field, sizeof field, "app;dur=%.3f", (double)(microseconds() - strtoll(text, NULL, 10)) / 1000);
    flare_response_set_header(response, "server-timing", field);
}

// ---- One line for each exchange, when it has ended.

static void log_end(flare_request *request, int32_t status, uint64_t bytes, uint64_t ms, int32_t whole, void *user) {
    (void)ms, (void)whole, (void)user;
    printf("%s %s %d %llu\n", flare_request_method(request, NULL), flare_request_path(request, NULL), (int)status,
           (unsigned long long)bytes);
}

// ---- Only those who know the key.

static int32_t check_key(flare_request *request, flare_response *response, void *user) {
    const char *sent = flare_request_header(request, "authorization", NULL), *key = user;
    if (sent != NULL && strncmp(sent, "Bearer ", 7) == 0 && strcmp(sent + 7, key) == 0) return FLARE_OK;
    int32_t status = flare_response_add_header(response, "www-authenticate", "Bearer realm=\"api\"");
    if (status == FLARE_OK) status = flare_response_send_text(response, 401, "who are you?\n");
    return status == FLARE_OK ? FLARE_DONE : status;
}

// ---- At most so many requests; a real limit counts for each client, and in time.

static int32_t limit(flare_request *request, flare_response *response, void *user) {
    (void)request;
    atomic_int *left = user;
    if (atomic_fetch_sub(left, 1) > 0) return FLARE_OK;
    atomic_store(left, 0);
    int32_t status = flare_response_add_header(response, "retry-after", "60");
    if (status == FLARE_OK) status = flare_response_send_text(response, 429, "enough for now\n");
    return status == FLARE_OK ? FLARE_DONE : status;
}

static int32_t get_hello(flare_request *request, flare_response *response, void *user) {
    (void)user;
    char id[16], text[32];
    flare_request_attribute(request, "id", id, sizeof id);
    snprintf(text, sizeof text, "hello, request %s\n", id);
    return flare_response_send_text(response, 200, text);
}

static int32_t add_routes(flare_router *router, flare_router *api) {
    static char key[] = "open-sesame";
    static atomic_int left = 3;
    int32_t status = flare_router_add_layer(api, check_key, NULL, NULL, key, NULL);
    if (status == FLARE_OK) status = flare_router_add_layer(api, limit, NULL, NULL, &left, NULL);
    if (status == FLARE_OK) status = flare_router_add(api, "GET", "/hello", get_hello, NULL, NULL);
    // The first is outermost: it sees the request first and the answer last.
    if (status == FLARE_OK) status = flare_router_add_layer(router, NULL, NULL, log_end, NULL, NULL);
    if (status == FLARE_OK) status = flare_router_add_layer(router, number_request, number_answer, NULL, NULL, NULL);
    if (status == FLARE_OK) status = flare_router_add_layer(router, time_request, time_answer, NULL, NULL, NULL);
    if (status == FLARE_OK) status = flare_router_add(router, "GET", "/hello", get_hello, NULL, NULL);
    if (status == FLARE_OK) status = flare_router_mount(router, "/api", api);
    int32_t freed = flare_router_free(api);
    return status == FLARE_OK ? freed : status;
}

int main(int count, char **arguments) {
    flare_router *router = flare_router_new();
    return run(router, add_routes(router, flare_router_new()), count, arguments);
}
