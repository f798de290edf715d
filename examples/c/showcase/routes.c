#include "routes.h"

#include <stdbool.h>

#define MIB (INT64_C(1) << 20)
// For content that is not kept.
#define ENDLESS (INT64_C(1) << 50)

// What a route decides for itself.
struct choice {
    int64_t body_limit;  // 0: the server's
    bool streaming, blocking;
};

static const struct choice PLAIN = {0, false, false}, JSON = {1 * MIB, false, false}, STREAM = {ENDLESS, true, false},
                           BLOCK = {0, false, true};

struct route {
    const char *method, *pattern;
    const struct choice *choice;
    flare_handler handler;
};

static const struct route PROXY = {"*", "/proxy", &STREAM, any_proxy}, ROUTES[] = {
    {"POST", "/", &PLAIN, post_page},
    {"GET", "/plaintext", &PLAIN, get_plaintext},
    {"GET", "/hi/:name", &PLAIN, get_hi},
    {"GET", "/json", &PLAIN, get_json},
    {"POST", "/json", &JSON, post_json},
    {"GET", "/headers", &PLAIN, get_headers},
    {"*", "/echo", &STREAM, any_echo},
    {"*", "/datagrams", &PLAIN, any_datagrams},
    {"POST", "/upload", &STREAM, post_upload},
    {"GET", "/stream/:n", &PLAIN, get_stream},
    {"*", "/tls", &PLAIN, get_tls},
    {"*", "/trailers", &PLAIN, any_trailers},
    {"GET", "/later/:ms", &PLAIN, get_later},
    {"GET", "/slow/:ms", &BLOCK, get_slow},
    {"GET", "/bytes/:n", &PLAIN, get_bytes},
    {"GET", "/64k", &PLAIN, get_64k},
    {"GET", "/1m", &PLAIN, get_1m},
};

static int32_t choose(flare_route_options *options, const struct choice *choice) {
    int32_t status = flare_route_options_set_number(options, "streaming", choice->streaming);
    if (status == FLARE_OK) status = flare_route_options_set_number(options, "blocking", choice->blocking);
    if (status == FLARE_OK && choice->body_limit > 0) {
        status = flare_route_options_set_number(options, "body_limit", choice->body_limit);
    }
    return status;
}

static int32_t add(flare_router *router, const struct route *route, void *user) {
    flare_route_options *options = flare_route_options_new();
    if (options == NULL) return FLARE_ERROR_OUT_OF_MEMORY;
    int32_t status = choose(options, route->choice);
    if (status == FLARE_OK) {
        status = flare_router_add_with(router, route->method, route->pattern, options, route->handler, user, NULL);
    }
    int32_t freed = flare_route_options_free(options);
    return status == FLARE_OK ? freed : status;
}

int32_t routes_add(flare_router *router, const struct options *options) {
    int32_t status = FLARE_OK;
    for (size_t i = 0; status == FLARE_OK && i < sizeof ROUTES / sizeof *ROUTES; i++) status = add(router, &ROUTES[i], NULL);
    if (status == FLARE_OK) status = websockets_add(router);
    if (status == FLARE_OK && options->files != NULL) {
        status = flare_router_add_files(router, "/files/*path", options->files, NULL, NULL);
    }
    if (status == FLARE_OK && options->upstream != NULL) status = add(router, &PROXY, options->upstream);
    return status;
}
