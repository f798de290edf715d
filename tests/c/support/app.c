#include "app.h"

#include <poll.h>

flare_config *one_worker(void) {
    flare_config *config = flare_config_new();
    CHECK_STATUS(flare_config_set_number(config, "workers", 1), FLARE_OK);
    return config;
}

void route(flare_router *router, const char *method, const char *pattern, flare_handler handler, void *user) {
    CHECK_STATUS(flare_router_add(router, method, pattern, handler, user, NULL), FLARE_OK);
}

// Takes the router and the settings, and frees them.
static flare_server *server_of(flare_router *router, flare_config *config) {
    flare_server *server = flare_server_new(router, config);
    CHECK_TEXT(server ? NULL : last_error(), NULL);
    CHECK_STATUS(flare_router_free(router), FLARE_OK);
    if (config) CHECK_STATUS(flare_config_free(config), FLARE_OK);
    return server;
}

void app_start(app *a, flare_router *router, flare_config *config) { app_start_server(a, server_of(router, config), "127.0.0.1:0"); }

void app_start_everywhere(app *a, flare_router *router, flare_config *config) {
    CHECK_STATUS(flare_config_set_number(config, "http3", 1), FLARE_OK);
    CHECK_STATUS(flare_config_set_number(config, "http3_datagrams", 1), FLARE_OK);
    flare_server *server = server_of(router, config);
    flare_tls *tls = flare_tls_new();
    CHECK_STATUS(flare_tls_add_self_signed(tls, "localhost"), FLARE_OK);
    CHECK_STATUS(flare_server_listen_tls(server, "127.0.0.1:0", tls), FLARE_OK);
    CHECK_STATUS(flare_tls_free(tls), FLARE_OK);
    app_start_server(a, server, "127.0.0.1:0");
    size_t length = flare_server_address(server, 0, a->secure_address, sizeof a->secure_address);
    CHECK(length > 0 && length < sizeof a->secure_address);
    length = flare_server_address(server, 1, a->address, sizeof a->address);
    CHECK(length > 0 && length < sizeof a->address);
}

void app_start_server(app *a, flare_server *server, const char *address) {
    a->server = server;
    a->address[0] = 0;
    CHECK_STATUS(flare_server_listen(server, address), FLARE_OK);
    CHECK_STATUS(flare_server_start(server), FLARE_OK);
    size_t length = flare_server_address(server, 0, a->address, sizeof a->address);
    CHECK(length > 0 && length < sizeof a->address);
}

void app_stop(app *a) {
    CHECK_STATUS(flare_server_drain(a->server, (uint64_t)patience() * 1000), FLARE_OK);
    CHECK_STATUS(flare_server_wait(a->server), FLARE_OK);
    CHECK_STATUS(flare_server_free(a->server), FLARE_OK);
    a->server = NULL;
}

void expect(const app *a, const char *request, int status, const char *body) {
    reply r = ask(a->address, request);
    if (CHECK_NUMBER(r.status, status)) CHECK_TEXT(r.body, body);
    reply_free(&r);
}

void expect_reply(client *c, int status, const char *body) {
    reply r = client_read(c, false);
    if (CHECK_NUMBER(r.status, status)) CHECK_TEXT(r.body, body);
    reply_free(&r);
}

bool stat_becomes(const app *a, const char *name, int64_t value) {
    for (long long until = now_ms() + patience() * 1000LL; now_ms() < until; poll(NULL, 0, 1)) {
        if (flare_server_stat(a->server, name) == value) return true;
    }
    return false;
}

const char *last_error(void) {
    static _Thread_local char message[2048];
    flare_last_error(message, sizeof message);
    return message;
}
