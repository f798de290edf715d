#include "routes.h"

#define SERVER_LIMIT (-1)
#define MIB (INT64_C(1) << 20)

static const struct {
    const char *method, *pattern;
    int64_t body_limit;
    flare_handler handler;
} ROUTES[] = {
    {"GET", "/", SERVER_LIMIT, get_page},
    {"POST", "/", SERVER_LIMIT, any_echo},
    {"GET", "/plaintext", SERVER_LIMIT, get_plaintext},
    {"GET", "/hi/:name", SERVER_LIMIT, get_hi},
    {"GET", "/json", SERVER_LIMIT, get_json},
    {"POST", "/json", 1 * MIB, post_json},
    {"GET", "/headers", SERVER_LIMIT, get_headers},
    {"*", "/echo", SERVER_LIMIT, any_echo},
    {"POST", "/upload", 64 * MIB, post_upload},
    {"GET", "/bytes/:n", SERVER_LIMIT, get_bytes},
    {"GET", "/64k", SERVER_LIMIT, get_64k},
    {"GET", "/1m", SERVER_LIMIT, get_1m},
};

int32_t routes_add(flare_router *router) {
    int32_t status = FLARE_OK;
    for (size_t i = 0; status == FLARE_OK && i < sizeof ROUTES / sizeof *ROUTES; i++) {
        status = flare_router_add_limited(router, ROUTES[i].method, ROUTES[i].pattern, ROUTES[i].body_limit,
                                          ROUTES[i].handler, NULL, NULL);
    }
    return status;
}
