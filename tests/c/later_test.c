// Exchanges that outlive their handler, answers from other threads, and handles freed in the middle of calls.
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kept.h"

#define GET(path) "GET " path " HTTP/1.1\r\nhost: a\r\n\r\n"

static void start(app *a, flare_config *config) {
    flare_router *router = flare_router_new();
    route(router, "*", "/keep/:name", keep, NULL);
    route(router, "GET", "/", hello, NULL);
    app_start(a, router, config);
}

static void *answer_on_a_thread(void *unused) {
    (void)unused;
    CHECK_TEXT(flare_request_param(kept_request, "name", NULL), "x");
    CHECK_STATUS(flare_response_add_header(kept_response, "x-later", "1"), FLARE_OK);
    CHECK_STATUS(flare_response_send_text(kept_response, 200, "later"), FLARE_OK);
    CHECK_STATUS(flare_response_release(kept_response), FLARE_OK);
    return NULL;
}

static void another_thread(app *a) {
    client c;
    kept_begin(a, &c, GET("/keep/x"));
    pthread_t thread;
    CHECK(!pthread_create(&thread, NULL, answer_on_a_thread, NULL));
    reply r = client_read(&c, false);
    CHECK_TEXT(r.body, "later");
    CHECK_TEXT(reply_header(&r, "x-later"), "1");
    reply_free(&r);
    pthread_join(thread, NULL);
    // The connection goes on.
    CHECK(client_send(&c, GET("/")));
    expect_reply(&c, 200, "hello");
    client_close(&c);
}

// What was read before is still there, at the same place.
static void read_after_the_answer(app *a) {
    client c;
    kept_begin(a, &c, "POST /keep/x?q HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody");
    size_t length;
    const char *path = flare_request_path(kept_request, NULL), *query = flare_request_query(kept_request, NULL);
    const uint8_t *body = flare_request_body(kept_request, &length);
    CHECK_STATUS(flare_response_send_text(kept_response, 200, "answered"), FLARE_OK);
    expect_reply(&c, 200, "answered");
    // The next exchange on the same connection does not touch this one.
    CHECK(client_send(&c, GET("/")));
    expect_reply(&c, 200, "hello");
    client_close(&c);
    CHECK(stat_becomes(a, "open", 0));
    CHECK_TEXT(path, "/keep/x");
    CHECK_TEXT(query, "q");
    CHECK(flare_request_path(kept_request, NULL) == path);
    CHECK_TEXT(flare_request_header(kept_request, "host", NULL), "a");
    CHECK(length == 4 && !memcmp(body, "body", 4));
    CHECK_STATUS(flare_response_send_text(kept_response, 200, "again"), FLARE_ERROR_FINISHED);
    CHECK_STATUS(flare_response_release(kept_response), FLARE_OK);
}

static void shared_count(app *a) {
    client c;
    kept_begin(a, &c, GET("/keep/x"));
    // One reference from the handler; three more through either face.
    CHECK_STATUS(flare_request_retain(kept_request), FLARE_OK);
    CHECK_STATUS(flare_response_retain(kept_response), FLARE_OK);
    CHECK_STATUS(flare_request_retain(kept_request), FLARE_OK);
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(i % 2 ? flare_request_release(kept_request) : flare_response_release(kept_response), FLARE_OK);
        CHECK_STATUS(flare_request_cancelled(kept_request), FLARE_OK);
    }
    // The last one answers.
    CHECK_STATUS(flare_request_release(kept_request), FLARE_OK);
    expect_reply(&c, 500, "Internal Server Error");
    // And one too many is refused, again and again.
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(flare_request_release(kept_request), FLARE_ERROR_INVALID_HANDLE);
        CHECK_STATUS(flare_response_release(kept_response), FLARE_ERROR_INVALID_HANDLE);
        CHECK_STATUS(flare_response_retain(kept_response), FLARE_ERROR_INVALID_HANDLE);
    }
    client_close(&c);
}

static void too_many_references(app *a) {
    client c;
    kept_begin(a, &c, GET("/keep/x"));
    int count = 0;
    while (count < 100000 && flare_request_retain(kept_request) == FLARE_OK) count++;
    CHECK_NUMBER(count, 65534);
    CHECK_STATUS(flare_request_retain(kept_request), FLARE_ERROR_LIMIT);
    CHECK_STATUS(flare_response_send_text(kept_response, 200, "many"), FLARE_OK);
    for (int i = 0; i <= count; i++) {
        if (!CHECK_STATUS(flare_response_release(kept_response), FLARE_OK)) break;
    }
    CHECK_STATUS(flare_response_release(kept_response), FLARE_ERROR_INVALID_HANDLE);
    expect_reply(&c, 200, "many");
    client_close(&c);
}

// A handler that releases what is only lent to it loses its handles, and nothing else.
static int32_t release_in_handler(flare_request *req, flare_response *res, void *user) {
    (void)user;
    CHECK_STATUS(flare_request_release(req), FLARE_OK);
    CHECK_STATUS(flare_request_release(req), FLARE_ERROR_INVALID_HANDLE);
    CHECK(!flare_request_path(req, NULL));
    return flare_response_send_text(res, 200, "x");
}

static void peer_leaves(app *a) {
    client c;
    kept_begin(a, &c, GET("/keep/x"));
    CHECK_STATUS(flare_request_cancelled(kept_request), FLARE_OK);
    client_reset(&c);
    for (long long until = now_ms() + patience() * 1000LL; now_ms() < until && !flare_request_cancelled(kept_request);) poll(NULL, 0, 1);
    CHECK_STATUS(flare_request_cancelled(kept_request), FLARE_ERROR_CLOSED);
    gate destroyed = GATE_INIT;
    CHECK_STATUS(flare_response_add_header(kept_response, "a", "b"), FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_response_send_text(kept_response, 200, "nobody"), FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_response_send_borrowed(kept_response, 200, "x", 1, &destroyed, gate_destroy), FLARE_ERROR_CLOSED);
    CHECK_NUMBER(gate_count(&destroyed), 1);
    CHECK_TEXT(flare_request_path(kept_request, NULL), "/keep/x");
    CHECK_STATUS(flare_response_release(kept_response), FLARE_OK);
    expect(a, GET("/"), 200, "hello");
}

// A client that has sent everything may say so and still wait.
static void half_closed(app *a) {
    client c;
    kept_begin(a, &c, GET("/keep/x"));
    client_half_close(&c);
    expect(a, GET("/"), 200, "hello");  // the worker has had a turn since
    CHECK_STATUS(flare_request_cancelled(kept_request), FLARE_OK);
    CHECK_STATUS(flare_response_send_text(kept_response, 200, "still there"), FLARE_OK);
    CHECK_STATUS(flare_response_release(kept_response), FLARE_OK);
    expect_reply(&c, 200, "still there");
    CHECK(client_at_end(&c));
    client_close(&c);
}

// The same client, where the settings say that it is lost.
static void half_closed_is_lost(void) {
    app a;
    flare_config *config = one_worker();
    CHECK_STATUS(flare_config_set_number(config, "half_close", 0), FLARE_OK);
    start(&a, config);
    client c;
    kept_begin(&a, &c, GET("/keep/x"));
    client_half_close(&c);
    CHECK(client_at_end(&c));
    CHECK_STATUS(flare_request_cancelled(kept_request), FLARE_ERROR_CLOSED);
    CHECK(flare_response_send_text(kept_response, 200, "nobody") != FLARE_OK);
    CHECK_STATUS(flare_response_release(kept_response), FLARE_OK);
    client_close(&c);
    app_stop(&a);
}

static void deadline(void) {
    app a;
    flare_config *config = one_worker();
    CHECK_STATUS(flare_config_set_number(config, "handler_timeout_ms", 30), FLARE_OK);
    start(&a, config);
    client c;
    kept_begin(&a, &c, GET("/keep/x"));
    reply r = client_read(&c, false);
    CHECK_NUMBER(r.status, 503);
    CHECK_TEXT(reply_header(&r, "retry-after"), "1");
    reply_free(&r);
    CHECK(client_at_end(&c));
    client_close(&c);
    CHECK_STATUS(flare_request_cancelled(kept_request), FLARE_ERROR_TIMEOUT);
    CHECK_STATUS(flare_response_send_text(kept_response, 200, "late"), FLARE_ERROR_TIMEOUT);
    CHECK_STATUS(flare_response_release(kept_response), FLARE_OK);
    CHECK_NUMBER(flare_server_stat(a.server, "timeouts"), 1);
    app_stop(&a);
}

// Kept beyond the server itself.
static void outlives_the_server(void) {
    app a;
    start(&a, one_worker());
    client c;
    kept_begin(&a, &c, GET("/keep/x"));
    CHECK_STATUS(flare_server_free(a.server), FLARE_OK);
    CHECK_STATUS(flare_request_cancelled(kept_request), FLARE_ERROR_CANCELLED);
    CHECK_TEXT(flare_request_param(kept_request, "name", NULL), "x");
    CHECK_STATUS(flare_response_send_text(kept_response, 200, "late"), FLARE_ERROR_CANCELLED);
    CHECK_STATUS(flare_response_release(kept_response), FLARE_OK);
    client_close(&c);
}

// Handles that callbacks free.
static struct {
    flare_router *router;
    flare_config *config;
    flare_server *server;
    gate freed, destroyed;
} victims = {NULL, NULL, NULL, GATE_INIT, GATE_INIT};

static int32_t free_all(flare_request *req, flare_response *res, void *user) {
    (void)req, (void)user;
    CHECK_STATUS(flare_config_free(victims.config), FLARE_OK);
    CHECK_STATUS(flare_router_free(victims.router), FLARE_OK);
    CHECK_STATUS(flare_server_wait(victims.server), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_server_free(victims.server), FLARE_OK);
    CHECK_STATUS(flare_server_free(victims.server), FLARE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(flare_server_drain(victims.server, 0), FLARE_ERROR_INVALID_HANDLE);
    int32_t status = flare_response_send_text(res, 200, "freed");
    gate_open(&victims.freed);
    return status;
}

static void free_task(uint32_t worker, void *user) {
    (void)worker, (void)user;
    CHECK_STATUS(flare_server_free(victims.server), FLARE_OK);
    gate_open(&victims.freed);
}

static void make_victims(int workers) {
    victims.config = flare_config_new();
    CHECK_STATUS(flare_config_set_number(victims.config, "workers", workers), FLARE_OK);
    victims.router = flare_router_new();
    CHECK_STATUS(flare_router_add(victims.router, "GET", "/", free_all, &victims.destroyed, gate_destroy), FLARE_OK);
    victims.server = flare_server_new(victims.router, victims.config);
}

static void free_in_callbacks(void) {
    for (int workers = 1; workers <= 2; workers++) {
        int freed = gate_count(&victims.freed), destroyed = gate_count(&victims.destroyed);
        make_victims(workers);
        app a;
        app_start_server(&a, victims.server, "127.0.0.1:0");
        reply r = ask(a.address, GET("/"));
        // The server ends at once, so the answer may or may not get out.
        CHECK(r.status == 200 || r.status == 0);
        reply_free(&r);
        CHECK(gate_wait(&victims.freed, freed + 1));
        // The routes go with the server, which another thread ends.
        CHECK(gate_wait(&victims.destroyed, destroyed + 1));

        make_victims(workers);
        CHECK_STATUS(flare_config_free(victims.config), FLARE_OK);
        CHECK_STATUS(flare_router_free(victims.router), FLARE_OK);
        app_start_server(&a, victims.server, "127.0.0.1:0");
        CHECK_STATUS(flare_server_post(victims.server, 0, 0, free_task, NULL, NULL), FLARE_OK);
        CHECK(gate_wait(&victims.destroyed, destroyed + 2));
    }
}

// Destructors may use the handle whose call failed, or that is being freed.
static flare_router *used_router;
static flare_server *used_server;
static gate used = GATE_INIT;

static void use_router(void *user) {
    (void)user;
    CHECK_STATUS(flare_router_add(used_router, "GET", "/from-a-destructor", hello, NULL, NULL), FLARE_OK);
    CHECK_STATUS(flare_router_free(used_router), FLARE_OK);
    gate_open(&used);
}

static void use_server(void *user) {
    (void)user;
    char text[8];
    flare_server_address(used_server, 0, text, sizeof text);
    flare_server_drain(used_server, 0);
    flare_server_listen(used_server, "127.0.0.1:0");
    flare_server_start(used_server);
    gate_open(&used);
}

static void unused_log(int32_t level, const char *message, void *user) { (void)level, (void)message, (void)user; }

static void destructors_use_handles(void) {
    used_router = flare_router_new();
    CHECK_STATUS(flare_router_add(used_router, "GET", "no slash", hello, NULL, use_router), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_NUMBER(gate_count(&used), 1);
    CHECK_STATUS(flare_router_free(used_router), FLARE_ERROR_INVALID_HANDLE);

    flare_router *router = flare_router_new();
    used_server = flare_server_new(router, NULL);
    CHECK_STATUS(flare_router_free(router), FLARE_OK);
    CHECK_STATUS(flare_server_set_log(used_server, FLARE_LOG_INFO, unused_log, NULL, use_server), FLARE_OK);
    CHECK_STATUS(flare_server_set_log(used_server, FLARE_LOG_INFO, unused_log, NULL, use_server), FLARE_OK);
    CHECK_NUMBER(gate_count(&used), 2);
    CHECK_STATUS(flare_server_listen(used_server, "unix:/no such folder/socket"), FLARE_OK);
    CHECK_STATUS(flare_server_start(used_server), FLARE_ERROR_NOT_FOUND);
    // It can be mended and started again, so it still has what it was given.
    CHECK_NUMBER(gate_count(&used), 2);
    CHECK_STATUS(flare_server_free(used_server), FLARE_OK);
    CHECK_NUMBER(gate_count(&used), 3);
}

int main(void) {
    app a;
    start(&a, one_worker());
    TEST("another thread answers, and the connection goes on");
    another_thread(&a);
    TEST("a kept request can be read after its answer and after its connection");
    read_after_the_answer(&a);
    TEST("request and response share one count, and its end answers 500");
    shared_count(&a);
    TEST("references have a limit");
    too_many_references(&a);
    TEST("a client that left shows in the request and refuses the answer");
    peer_leaves(&a);
    TEST("a client that has closed its half gets its answer");
    half_closed(&a);
    app_stop(&a);

    TEST("a handler that releases what it was lent gets a 500");
    flare_router *router = flare_router_new();
    route(router, "GET", "/", release_in_handler, NULL);
    app_start(&a, router, one_worker());
    for (int i = 0; i < 3; i++) expect(&a, GET("/"), 500, "Internal Server Error");
    app_stop(&a);

    TEST("a client that has closed its half is lost where the settings say so");
    half_closed_is_lost();
    TEST("an answer after the handler's deadline is refused");
    deadline();
    TEST("an exchange may outlive its server");
    outlives_the_server();
    TEST("handlers and tasks may free the server that calls them");
    free_in_callbacks();
    TEST("destructors may use the handles of the call that runs them");
    destructors_use_handles();
    return DONE();
}
