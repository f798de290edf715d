// An interim answer: 103 (RFC 8297) tells the client what to load while the page is still being made.
#include "run.h"

static int32_t get_page(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    static const char *const names[] = {"link"}, *const values[] = {"</style.css>; rel=preload; as=style"};
    static const char page[] = "<!doctype html><title>flare</title><link rel=stylesheet href=/style.css><p>hello\n";
    int32_t status = flare_response_inform(response, 103, names, values, 1);
    // Here a real page would ask a database.
    if (status == FLARE_OK) status = flare_response_add_header(response, "content-type", "text/html; charset=utf-8");
    return status == FLARE_OK ? flare_response_send(response, 200, page, sizeof page - 1) : status;
}

static int32_t get_style(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    static const char style[] = "p { color: tomato }\n";
    int32_t status = flare_response_add_header(response, "content-type", "text/css; charset=utf-8");
    return status == FLARE_OK ? flare_response_send(response, 200, style, sizeof style - 1) : status;
}

int main(int count, char **arguments) {
    flare_router *router = flare_router_new();
    int32_t status = flare_router_add(router, "GET", "/", get_page, NULL, NULL);
    if (status == FLARE_OK) status = flare_router_add(router, "GET", "/style.css", get_style, NULL, NULL);
    return run(router, status, count, arguments);
}
