// The middleware that comes with flare: a log around everything, a key to get in, and a limit for each client. None of it is
// a callback of the program, but for the lines of the log.
#include "run.h"

static void print_line(const char *line, size_t length, void *user) {
    (void)length, (void)user;
    puts(line);
}

static int32_t hello(flare_request *request, flare_response *response, void *user) {
    (void)user;
    char name[16], text[32];
    flare_request_identity(request, name, sizeof name);
    snprintf(text, sizeof text, "hello, %s\n", name);
    return flare_response_send_text(response, 200, text);
}

// The first is outermost: the log sees what the others refuse.
static int32_t protect(flare_router *router, flare_middleware *log, flare_middleware *auth, flare_middleware *limit) {
    int32_t status = flare_middleware_on_line(log, print_line, NULL, NULL);
    if (status == FLARE_OK) status = flare_middleware_set_text(auth, "realm", "api");
    if (status == FLARE_OK) status = flare_middleware_add_token(auth, "open-sesame", "ann");
    if (status == FLARE_OK) status = flare_middleware_set_number(limit, "capacity", 3);
    if (status == FLARE_OK) status = flare_middleware_set_number(limit, "per_minute", 1);
    if (status == FLARE_OK) status = flare_router_add_middleware(router, log);
    if (status == FLARE_OK) status = flare_router_add_middleware(router, auth);
    if (status == FLARE_OK) status = flare_router_add_middleware(router, limit);
    return status;
}

int main(int count, char **arguments) {
    flare_router *router = flare_router_new();
    flare_middleware *log = flare_middleware_new("access_log"), *auth = flare_middleware_new("bearer_auth"),
                     *limit = flare_middleware_new("rate_limit");
    int32_t status = protect(router, log, auth, limit);
    if (status == FLARE_OK) status = flare_router_add(router, "GET", "/hello", hello, NULL, NULL);
    // What was added stays; these were its settings.
    if (status == FLARE_OK) status = flare_middleware_free(log);
    if (status == FLARE_OK) status = flare_middleware_free(auth);
    if (status == FLARE_OK) status = flare_middleware_free(limit);
    return run(router, status, count, arguments);
}
