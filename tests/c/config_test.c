// Settings by name: every one, its range, and the message when it is wrong.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "app.h"

// The numbers that a server accepts, as docs/c-api/config.md has them.
static const struct {
    const char *name;
    int64_t low, high;
} ranges[] = {
    {"workers", 0, 1024},
    {"shared_listener", 0, 1},
    {"io_uring", 0, 1},
    {"half_close", 0, 1},
    {"pin_workers", 0, 1},
    {"backlog", 1, 65535},
    {"max_connections", 1, 1 << 24},
    {"head_bytes", 8192, 1 << 20},  // 256, but never less than target_bytes
    {"target_bytes", 64, 32768},    // but never more than head_bytes
    {"header_count", 1, 1024},
    {"trailer_bytes", 2, 1 << 20},
    {"chunk_line_bytes", 16, 1 << 16},
    {"http2", 0, 1},
    {"http2_head_bytes", 8192, 1 << 20},  // 256, but never less than http2_target_bytes
    {"http2_target_bytes", 64, 32768},    // but never more than http2_head_bytes
    {"http2_header_count", 1, 1024},
    {"http2_streams", 1, 1 << 16},
    {"http2_stream_window", 1024, INT32_MAX},
    {"http2_connection_window", 65535, INT32_MAX},
    {"http2_resets_burst", 1, 1 << 24},
    {"body_limit", 0, INT64_C(1) << 40},
    {"discard_limit", 0, INT64_C(1) << 40},
    {"output_limit", 4096, INT64_C(1) << 32},
    {"head_timeout_ms", 1, 86400000},
    {"body_timeout_ms", 1, 86400000},
    {"idle_timeout_ms", 1, 86400000},
    {"handler_timeout_ms", 1, 86400000},
    {"write_timeout_ms", 1, 86400000},
    {"linger_timeout_ms", 1, 86400000},
    {"drain_timeout_ms", 1, 86400000},
    {"stream_timeout_ms", 1, 86400000},
    {"proxy_protocol_timeout_ms", 1, 86400000},
    {"max_exchanges", 1, INT64_C(1) << 32},
    {"blocking_threads", 1, 4096},
    {"blocking_queue", 0, 1 << 24},
};

static flare_router *router;

// Whether a server can be made with this one setting. If not, the message must name it, or `also`.
static bool accepted(const char *name, int64_t value) {
    flare_config *config = flare_config_new();
    int32_t status = flare_config_set_number(config, name, value);
    flare_server *server = NULL;
    if (status == FLARE_OK) {
        server = flare_server_new(router, config);
    } else {
        CHECK_STATUS(status, FLARE_ERROR_INVALID_ARGUMENT);
    }
    if (!server) {
        // target_bytes is within head_bytes: a smaller head makes the target's setting the wrong one.
        bool named = strstr(last_error(), name) || (strstr(name, "head_bytes") && strstr(last_error(), "target_bytes"));
        check_that(named, last_error(), name, (int)value);
    }
    if (server) CHECK_STATUS(flare_server_free(server), FLARE_OK);
    CHECK_STATUS(flare_config_free(config), FLARE_OK);
    return server != NULL;
}

static void every_range(void) {
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        const int64_t good[] = {ranges[i].low, ranges[i].high};
        const int64_t wrong[] = {ranges[i].low - 1, ranges[i].high + 1, -1, INT64_MIN, INT64_MAX};
        for (size_t j = 0; j < sizeof good / sizeof good[0]; j++) {
            check_that(accepted(ranges[i].name, good[j]), "a good value was refused", ranges[i].name, (int)good[j]);
        }
        for (size_t j = 0; j < sizeof wrong / sizeof wrong[0]; j++) {
            check_that(!accepted(ranges[i].name, wrong[j]), "a wrong value was accepted", ranges[i].name, (int)wrong[j]);
        }
    }
}

static void names(void) {
    flare_config *config = flare_config_new();
    const char *wrong[] = {"", "worker", "WORKERS", "workers ", "server_name", "idle_timeout"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_STATUS(flare_config_set_number(config, wrong[i], 1), FLARE_ERROR_INVALID_ARGUMENT);
        CHECK(strstr(last_error(), wrong[i]) != NULL);
    }
    CHECK_STATUS(flare_config_set_number(config, NULL, 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_config_set_number(config, "\xff", 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_config_set_text(config, "workers", "1"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK(strstr(last_error(), "workers") != NULL);
    CHECK_STATUS(flare_config_set_text(config, NULL, "x"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_config_set_text(config, "server_name", NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_config_set_text(config, "server_name", "\xff"), FLARE_ERROR_INVALID_ARGUMENT);
    // Nothing that was refused changed anything.
    flare_server *server = flare_server_new(router, config);
    CHECK(server != NULL);
    CHECK_STATUS(flare_server_free(server), FLARE_OK);
    // A text that can't be a field value is found when the server is made.
    CHECK_STATUS(flare_config_set_text(config, "server_name", "a\r\nb"), FLARE_OK);
    CHECK(!flare_server_new(router, config));
    CHECK(strstr(last_error(), "server_name") != NULL);
    CHECK_STATUS(flare_config_free(config), FLARE_OK);
}

static void server_name(void) {
    const struct {
        const char *set, *sent;
    } all[] = {{NULL, "flare"}, {"mine/1.0", "mine/1.0"}, {"", NULL}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        flare_config *config = one_worker();
        if (all[i].set) CHECK_STATUS(flare_config_set_text(config, "server_name", all[i].set), FLARE_OK);
        app a;
        app_start(&a, flare_router_new(), config);
        reply r = ask(a.address, "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        CHECK_NUMBER(r.status, 404);
        CHECK_TEXT(reply_header(&r, "server"), all[i].sent);
        CHECK(reply_header(&r, "date") != NULL);
        reply_free(&r);
        app_stop(&a);
    }
}

static int32_t length_of_body(flare_request *request, flare_response *response, void *user) {
    (void)user;
    size_t length;
    char text[32];
    flare_request_body(request, &length);
    snprintf(text, sizeof text, "%zu", length);
    return flare_response_send_text(response, 200, text);
}

static void body_limits(void) {
    flare_config *config = one_worker();
    CHECK_STATUS(flare_config_set_number(config, "body_limit", 4), FLARE_OK);
    flare_router *routes = flare_router_new();
    route(routes, "POST", "/server", length_of_body, NULL);
    flare_route_options *options = flare_route_options_new();
    CHECK_STATUS(flare_route_options_set_number(options, "body_limit", -1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_router_add_with(routes, "POST", "/default", options, length_of_body, NULL, NULL), FLARE_OK);
    CHECK_STATUS(flare_route_options_set_number(options, "body_limit", 8), FLARE_OK);
    CHECK_STATUS(flare_router_add_with(routes, "POST", "/route", options, length_of_body, NULL, NULL), FLARE_OK);
    CHECK_STATUS(flare_route_options_free(options), FLARE_OK);
    app a;
    app_start(&a, routes, config);
#define POST(path, length, body) "POST " path " HTTP/1.1\r\nhost: a\r\ncontent-length: " length "\r\n\r\n" body
    expect(&a, POST("/server", "4", "1234"), 200, "4");
    expect(&a, POST("/server", "5", "12345"), 413, "Content Too Large");
    expect(&a, POST("/default", "5", "12345"), 413, "Content Too Large");
    expect(&a, POST("/route", "8", "12345678"), 200, "8");
    expect(&a, POST("/route", "9", "123456789"), 413, "Content Too Large");
    expect(&a, "POST /route HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n9\r\n123456789\r\n0\r\n\r\n", 413,
           "Content Too Large");
    app_stop(&a);
}

static void copies(void) {
    // A server keeps the settings that it was made with.
    flare_config *config = one_worker();
    flare_server *server = flare_server_new(router, config);
    CHECK_STATUS(flare_config_set_number(config, "workers", 2), FLARE_OK);
    app a;
    app_start_server(&a, server, "127.0.0.1:0");
    CHECK_NUMBER(flare_server_workers(server), 1);
    app_stop(&a);
    server = flare_server_new(router, config);
    CHECK_STATUS(flare_config_free(config), FLARE_OK);
    app_start_server(&a, server, "127.0.0.1:0");
    CHECK_NUMBER(flare_server_workers(server), 2);
    app_stop(&a);
}

int main(void) {
    router = flare_router_new();
    TEST("each number is taken at the ends of its range and not beyond, and the message names it");
    every_range();
    TEST("names that do not exist are refused");
    names();
    TEST("the server's name is sent, or no such field");
    server_name();
    TEST("content is limited by the server or by the route");
    body_limits();
    TEST("a server has a copy of its settings");
    copies();
    CHECK_STATUS(flare_router_free(router), FLARE_OK);
    return DONE();
}
