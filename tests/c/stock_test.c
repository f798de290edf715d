// The middleware that comes with flare, by its settings.
#include <stdio.h>
#include <string.h>

#include "app.h"

#define GET(fields) "GET / HTTP/1.1\r\nhost: a\r\n" fields "\r\n"

static app a;
static gate lines = GATE_INIT, line_destroyed = GATE_INIT, check_destroyed = GATE_INIT;
static char last_line[512];

static void take_line(const char *line, size_t length, void *user) {
    CHECK(user == &line_destroyed);
    CHECK_NUMBER(strlen(line), length);
    snprintf(last_line, sizeof last_line, "%s", line);
    gate_open(&lines);
}

static int32_t check_token(const char *token, flare_request *request, char *name, size_t capacity, void *user) {
    CHECK(user == &check_destroyed);
    CHECK_TEXT(flare_request_path(request, NULL), "/");
    if (strncmp(token, "user-", 5) != 0) return 1;
    snprintf(name, capacity, "%s", token + 5);
    return FLARE_OK;
}

// What a request was found to be.
static int32_t tell(flare_request *request, flare_response *response, void *user) {
    (void)user;
    char id[64], who[64], client[64], text[256];
    size_t length = flare_request_id(request, id, sizeof id);
    flare_request_identity(request, who, sizeof who);
    flare_request_client(request, client, sizeof client);
    snprintf(text, sizeof text, "%zu %s %s", length, who, client);
    return flare_response_send_text(response, 200, text);
}

static flare_middleware *add(flare_router *router, const char *name) {
    flare_middleware *middleware = flare_middleware_new(name);
    CHECK(middleware != NULL);
    CHECK_STATUS(flare_router_add_middleware(router, middleware), FLARE_OK);
    return middleware;
}

static void nothing_found(void) {
    flare_router *router = flare_router_new();
    route(router, "GET", "/", tell, NULL);
    app_start(&a, router, one_worker());
    expect(&a, GET(""), 200, "0  127.0.0.1");
    app_stop(&a);
}

static void chain(void) {
    flare_router *router = flare_router_new();
    flare_middleware *log = flare_middleware_new("access_log"), *auth = flare_middleware_new("bearer_auth"),
                     *limit = flare_middleware_new("rate_limit"), *proxies = flare_middleware_new("forwarded");
    CHECK_STATUS(flare_middleware_on_line(log, take_line, &line_destroyed, gate_destroy), FLARE_OK);
    CHECK_STATUS(flare_middleware_set_text(proxies, "trusted", "127.0.0.0/8"), FLARE_OK);
    CHECK_STATUS(flare_middleware_set_text(proxies, "field", "x_forwarded"), FLARE_OK);
    CHECK_STATUS(flare_middleware_set_text(auth, "realm", "api"), FLARE_OK);
    CHECK_STATUS(flare_middleware_add_token(auth, "aaa", "ann"), FLARE_OK);
    CHECK_STATUS(flare_middleware_on_token(auth, check_token, &check_destroyed, gate_destroy), FLARE_OK);
    CHECK_STATUS(flare_middleware_set_number(limit, "capacity", 2), FLARE_OK);
    CHECK_STATUS(flare_middleware_set_number(limit, "per_minute", 1), FLARE_OK);
    CHECK_STATUS(flare_router_add_middleware(router, proxies), FLARE_OK);
    CHECK_STATUS(flare_middleware_free(add(router, "request_id")), FLARE_OK);
    CHECK_STATUS(flare_router_add_middleware(router, log), FLARE_OK);
    CHECK_STATUS(flare_router_add_middleware(router, auth), FLARE_OK);
    CHECK_STATUS(flare_router_add_middleware(router, limit), FLARE_OK);
    // They have what they need: the settings may go, and change nothing any more.
    CHECK_STATUS(flare_middleware_set_number(limit, "capacity", 1000), FLARE_OK);
    CHECK_STATUS(flare_middleware_free(log), FLARE_OK);
    CHECK_STATUS(flare_middleware_free(auth), FLARE_OK);
    CHECK_STATUS(flare_middleware_free(limit), FLARE_OK);
    CHECK_STATUS(flare_middleware_free(proxies), FLARE_OK);
    route(router, "GET", "/", tell, NULL);
    app_start(&a, router, one_worker());

    reply r = ask(a.address, GET(""));
    CHECK_NUMBER(r.status, 401);
    CHECK_TEXT(reply_header(&r, "www-authenticate"), "Bearer realm=\"api\"");
    CHECK_NUMBER(strlen(reply_header(&r, "x-request-id")), 32);
    reply_free(&r);
    expect(&a, GET("authorization: Bearer wrong\r\n"), 401, "Unauthorized");
    expect(&a, GET("authorization: Bearer aaa\r\nx-forwarded-for: 192.0.2.7\r\n"), 200, "32 ann 192.0.2.7");
    CHECK(gate_wait(&lines, 3));
    CHECK(strncmp(last_line, "192.0.2.7 - ann [", 17) == 0);
    CHECK(strstr(last_line, "\"GET / HTTP/1.1\" 200 16 ") != NULL);
    expect(&a, GET("authorization: Bearer user-ben\r\nx-forwarded-for: 192.0.2.7\r\n"), 200, "32 ben 192.0.2.7");
    r = ask(a.address, GET("authorization: Bearer aaa\r\nx-forwarded-for: 192.0.2.7\r\n"));
    CHECK_NUMBER(r.status, 429);
    CHECK(reply_header(&r, "retry-after") != NULL);
    reply_free(&r);
    // Another client has a bucket of its own.
    expect(&a, GET("authorization: Bearer aaa\r\nx-forwarded-for: 192.0.2.8\r\n"), 200, "32 ann 192.0.2.8");
    CHECK_NUMBER(gate_count(&line_destroyed), 0);
    app_stop(&a);
    CHECK_NUMBER(gate_count(&line_destroyed), 1);
    CHECK_NUMBER(gate_count(&check_destroyed), 1);
}

static void one_route(void) {
    flare_router *router = flare_router_new();
    flare_route_options *options = flare_route_options_new();
    flare_middleware *auth = flare_middleware_new("bearer_auth");
    CHECK_STATUS(flare_middleware_add_token(auth, "aaa", "ann"), FLARE_OK);
    CHECK_STATUS(flare_route_options_add_middleware(options, auth), FLARE_OK);
    CHECK_STATUS(flare_router_add_with(router, "GET", "/", options, tell, NULL, NULL), FLARE_OK);
    route(router, "GET", "/open", tell, NULL);
    CHECK_STATUS(flare_route_options_free(options), FLARE_OK);
    CHECK_STATUS(flare_middleware_free(auth), FLARE_OK);
    app_start(&a, router, one_worker());
    expect(&a, GET(""), 401, "Unauthorized");
    expect(&a, "GET /open HTTP/1.1\r\nhost: a\r\n\r\n", 200, "0  127.0.0.1");
    app_stop(&a);
}

static void misuse(void) {
    CHECK(flare_middleware_new(NULL) == NULL);
    CHECK(flare_middleware_new("compress") == NULL);
    CHECK(strstr(last_error(), "compress") != NULL);
    flare_middleware *limit = flare_middleware_new("rate_limit"), *auth = flare_middleware_new("bearer_auth"),
                     *log = flare_middleware_new("access_log"), *proxies = flare_middleware_new("forwarded");
    flare_router *router = flare_router_new();
    const int32_t wrong = FLARE_ERROR_INVALID_ARGUMENT;
    CHECK_STATUS(flare_middleware_set_number(limit, "capacity", 0), wrong);
    CHECK_STATUS(flare_middleware_set_number(limit, "per_minute", -1), wrong);
    CHECK_STATUS(flare_middleware_set_number(limit, "ipv6_prefix", 129), wrong);
    CHECK_STATUS(flare_middleware_set_number(limit, "fields", 2), wrong);
    CHECK_STATUS(flare_middleware_set_number(limit, "trust_incoming", 1), wrong);
    CHECK_STATUS(flare_middleware_set_number(limit, NULL, 1), wrong);
    CHECK_STATUS(flare_middleware_set_text(limit, "realm", "x"), wrong);
    CHECK_STATUS(flare_middleware_set_text(auth, "realm", "a\nb"), wrong);
    CHECK_STATUS(flare_middleware_set_text(auth, "realm", NULL), wrong);
    CHECK_STATUS(flare_middleware_set_text(log, "format", "xml"), wrong);
    CHECK_STATUS(flare_middleware_set_text(proxies, "trusted", "everybody"), wrong);
    CHECK_STATUS(flare_middleware_set_text(proxies, "field", "x"), wrong);
    CHECK_STATUS(flare_middleware_add_token(auth, "two words", "ann"), wrong);
    CHECK(strstr(last_error(), "two words") == NULL);
    CHECK_STATUS(flare_middleware_add_token(limit, "aaa", "ann"), wrong);
    // User data is destroyed whatever becomes of it.
    gate destroyed = GATE_INIT;
    CHECK_STATUS(flare_middleware_on_line(auth, take_line, &destroyed, gate_destroy), wrong);
    CHECK_STATUS(flare_middleware_on_line(log, NULL, &destroyed, gate_destroy), wrong);
    CHECK_STATUS(flare_middleware_on_token(log, check_token, &destroyed, gate_destroy), wrong);
    CHECK_STATUS(flare_middleware_on_token(auth, NULL, &destroyed, gate_destroy), wrong);
    CHECK_NUMBER(gate_count(&destroyed), 4);
    CHECK_STATUS(flare_middleware_on_line(log, take_line, &destroyed, gate_destroy), FLARE_OK);
    CHECK_STATUS(flare_middleware_on_line(log, take_line, &destroyed, gate_destroy), FLARE_OK);
    CHECK_NUMBER(gate_count(&destroyed), 5);
    CHECK_STATUS(flare_middleware_free(log), FLARE_OK);
    CHECK_NUMBER(gate_count(&destroyed), 6);
    // What can't work is not added.
    log = flare_middleware_new("access_log");
    CHECK_STATUS(flare_router_add_middleware(router, log), wrong);
    CHECK(strstr(last_error(), "on_line") != NULL);
    CHECK_STATUS(flare_router_add_middleware(router, auth), wrong);
    CHECK(strstr(last_error(), "tokens") != NULL);
    CHECK_STATUS(flare_middleware_free(log), FLARE_OK);
    CHECK_STATUS(flare_middleware_free(limit), FLARE_OK);
    CHECK_STATUS(flare_middleware_free(auth), FLARE_OK);
    CHECK_STATUS(flare_middleware_free(proxies), FLARE_OK);
    CHECK_STATUS(flare_router_free(router), FLARE_OK);
}

int main(void) {
    TEST("without middleware nothing is found out but the client");
    nothing_found();
    TEST("ids, log, tokens, limit and proxies work together");
    chain();
    TEST("a route has middleware of its own");
    one_route();
    TEST("settings that can't be are refused");
    misuse();
    return DONE();
}
