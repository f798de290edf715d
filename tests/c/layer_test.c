// Middleware: who sees what in which order, and what it may do.
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"

#define GET(path) "GET " path " HTTP/1.1\r\nhost: a\r\n\r\n"

static app a;

// What happened, one letter after the other. All of it on the one worker, but for what the tests read.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char story[256];

static void tell(const char *text) {
    pthread_mutex_lock(&lock);
    strncat(story, text, sizeof story - strlen(story) - 1);
    pthread_mutex_unlock(&lock);
}

static void expect_story(const char *wanted) {
    // The end of an exchange is told after its answer has left.
    for (long long until = now_ms() + patience() * 1000LL; now_ms() < until; poll(NULL, 0, 1)) {
        pthread_mutex_lock(&lock);
        bool over = strlen(story) >= strlen(wanted);
        pthread_mutex_unlock(&lock);
        if (over) break;
    }
    pthread_mutex_lock(&lock);
    CHECK_TEXT(story, wanted);
    story[0] = 0;
    pthread_mutex_unlock(&lock);
}

// A layer that tells its letter: lower case for the request, upper case for the head, the letter and a dot for the end.
static int32_t tell_request(flare_request *request, flare_response *response, void *letter) {
    (void)response;
    tell((const char[]){*(char *)letter, 0});
    // What one layer attaches, the next and the handler see.
    char seen[32], name[2] = {*(char *)letter, 0};
    flare_request_attribute(request, "seen", seen, sizeof seen - 2);
    strcat(seen, name);
    CHECK_STATUS(flare_request_set_attribute(request, "seen", seen), FLARE_OK);
    return FLARE_OK;
}

static void tell_head(flare_request *request, flare_response *response, int32_t status, void *letter) {
    (void)status;
    CHECK(flare_request_path(request, NULL) != NULL);
    tell((const char[]){(char)(*(char *)letter - 'a' + 'A'), 0});
    CHECK_STATUS(flare_response_add_header(response, "x-layer", letter), FLARE_OK);
}

static void tell_end(flare_request *request, int32_t status, uint64_t bytes, uint64_t ms, int32_t whole, void *letter) {
    (void)status, (void)bytes;
    CHECK(flare_request_path(request, NULL) != NULL);
    CHECK(ms < (uint64_t)patience() * 1000);
    tell((const char[]){*(char *)letter, whole ? '.' : '!', 0});
}

static int32_t tell_handler(flare_request *request, flare_response *response, void *user) {
    (void)user;
    tell("_");
    char seen[32];
    flare_request_attribute(request, "seen", seen, sizeof seen);
    return flare_response_send_text(response, 200, seen);
}

static void order(void) {
    flare_router *router = flare_router_new(), *inner = flare_router_new();
    // Before and after the routes: all are inside.
    CHECK_STATUS(flare_router_add_layer(router, tell_request, tell_head, tell_end, "a", NULL), FLARE_OK);
    route(router, "GET", "/", tell_handler, NULL);
    CHECK_STATUS(flare_router_add_layer(router, tell_request, tell_head, tell_end, "b", NULL), FLARE_OK);
    CHECK_STATUS(flare_router_add_layer(inner, tell_request, tell_head, tell_end, "c", NULL), FLARE_OK);
    route(inner, "GET", "/", tell_handler, NULL);
    // Around one route alone, inside all others.
    flare_route_options *options = flare_route_options_new();
    CHECK_STATUS(flare_route_options_add_layer(options, tell_request, tell_head, tell_end, "d", NULL), FLARE_OK);
    CHECK_STATUS(flare_router_add_with(inner, "GET", "/own", options, tell_handler, NULL, NULL), FLARE_OK);
    CHECK_STATUS(flare_route_options_free(options), FLARE_OK);
    CHECK_STATUS(flare_router_mount(router, "/inner", inner), FLARE_OK);
    CHECK_STATUS(flare_router_free(inner), FLARE_OK);
    app_start(&a, router, one_worker());
    reply r = ask(a.address, GET("/"));
    CHECK_TEXT(r.body, "ab");
    CHECK(strstr(r.head, "x-layer: b\r\nx-layer: a\r\n") != NULL);
    reply_free(&r);
    expect_story("ab_BAb.a.");
    expect(&a, GET("/inner"), 200, "abc");
    expect_story("abc_CBAc.b.a.");
    expect(&a, GET("/inner/own"), 200, "abcd");
    expect_story("abcd_DCBAd.c.b.a.");
    // Where no route is, the layers of the router are all the same.
    expect(&a, GET("/none"), 404, "Not Found");
    expect_story("abBAb.a.");
    app_stop(&a);
}

// A layer that does what the test says.
static int32_t (*on_request)(flare_request *, flare_response *);
static flare_request *request;
static flare_response *response;
static gate kept = GATE_INIT, layer_destroyed = GATE_INIT, ended = GATE_INIT;
static int32_t end_status, end_whole;
static uint64_t end_bytes;

static int32_t do_request(flare_request *req, flare_response *res, void *user) {
    CHECK(user == &layer_destroyed);
    return on_request(req, res);
}

static void note_end(flare_request *req, int32_t status, uint64_t bytes, uint64_t ms, int32_t whole, void *user) {
    (void)req, (void)ms, (void)user;
    end_status = status, end_bytes = bytes, end_whole = whole;
    gate_open(&ended);
}

static int32_t pass(flare_request *req, flare_response *res) {
    (void)req, (void)res;
    return FLARE_OK;
}
static int32_t refuse(flare_request *req, flare_response *res) {
    (void)req;
    CHECK_STATUS(flare_response_send_text(res, 401, "who?"), FLARE_OK);
    return FLARE_DONE;
}
static int32_t done_without_answer(flare_request *req, flare_response *res) {
    (void)req, (void)res;
    return FLARE_DONE;
}
static int32_t fail(flare_request *req, flare_response *res) {
    (void)req, (void)res;
    return FLARE_ERROR_IO;
}
static int32_t strange(flare_request *req, flare_response *res) {
    (void)req, (void)res;
    return 12345;
}
static int32_t answer_and_pass(flare_request *req, flare_response *res) {
    (void)req;
    CHECK_STATUS(flare_response_send_text(res, 202, "answered"), FLARE_OK);
    return FLARE_OK;
}
static int32_t keep(flare_request *req, flare_response *res) {
    CHECK_STATUS(flare_response_retain(res), FLARE_OK);
    request = req;
    response = res;
    gate_open(&kept);
    return FLARE_DONE;
}
static int32_t keep_and_pass(flare_request *req, flare_response *res) {
    keep(req, res);
    return FLARE_OK;
}

static int32_t hello(flare_request *req, flare_response *res, void *user) {
    (void)req, (void)user;
    return flare_response_send_text(res, 200, "hello");
}

static void expect_end(int32_t status, uint64_t bytes, int32_t whole) {
    static int seen;
    CHECK(gate_wait(&ended, ++seen));
    CHECK_NUMBER(gate_count(&ended), seen);
    CHECK_NUMBER(end_status, status);
    CHECK_NUMBER(end_bytes, bytes);
    CHECK_NUMBER(end_whole, whole);
}

static void with(int32_t (*layer)(flare_request *, flare_response *), int status, const char *body) {
    on_request = layer;
    expect(&a, GET("/"), status, body);
    expect_end(status, strlen(body), 1);
}

static void later(void) {
    // Kept and answered from here.
    client c;
    on_request = keep;
    CHECK(client_open(&c, a.address));
    CHECK(client_send(&c, GET("/")));
    CHECK(gate_wait(&kept, 1));
    CHECK_STATUS(flare_response_send_text(response, 403, "later"), FLARE_OK);
    CHECK_STATUS(flare_response_proceed(response), FLARE_ERROR_FINISHED);
    CHECK_STATUS(flare_response_release(response), FLARE_OK);
    reply r = client_read(&c, false);
    CHECK_NUMBER(r.status, 403);
    CHECK_TEXT(r.body, "later");
    reply_free(&r);
    expect_end(403, 5, 1);

    // Kept and sent on: the handler answers.
    CHECK(client_send(&c, GET("/")));
    CHECK(gate_wait(&kept, 2));
    CHECK_STATUS(flare_response_add_header(response, "x-early", "1"), FLARE_OK);
    CHECK_STATUS(flare_response_proceed(response), FLARE_OK);
    r = client_read(&c, false);
    CHECK_TEXT(r.body, "hello");
    CHECK_TEXT(reply_header(&r, "x-early"), "1");
    reply_free(&r);
    CHECK(flare_response_proceed(response) != FLARE_OK);
    CHECK(flare_response_send_text(response, 200, "x") != FLARE_OK);
    CHECK_TEXT(flare_request_path(request, NULL), "/");
    CHECK_STATUS(flare_response_release(response), FLARE_OK);
    expect_end(200, 5, 1);

    // Kept and let go: nobody answers.
    CHECK(client_send(&c, GET("/")));
    CHECK(gate_wait(&kept, 3));
    CHECK_STATUS(flare_response_release(response), FLARE_OK);
    r = client_read(&c, false);
    CHECK_NUMBER(r.status, 500);
    reply_free(&r);
    expect_end(500, 21, 1);

    // Kept, but passed on all the same: it can't be answered here any more.
    on_request = keep_and_pass;
    CHECK(client_send(&c, GET("/")));
    CHECK(gate_wait(&kept, 4));
    r = client_read(&c, false);
    CHECK_TEXT(r.body, "hello");
    reply_free(&r);
    CHECK(flare_response_send_text(response, 200, "x") != FLARE_OK);
    CHECK_STATUS(flare_response_release(response), FLARE_OK);
    CHECK_STATUS(flare_response_release(response), FLARE_ERROR_INVALID_HANDLE);
    expect_end(200, 5, 1);

    // Kept, and the client leaves.
    on_request = keep;
    CHECK(client_send(&c, GET("/")));
    CHECK(gate_wait(&kept, 5));
    client_reset(&c);
    CHECK(stat_becomes(&a, "open", 0));
    CHECK_STATUS(flare_response_proceed(response), FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_response_release(response), FLARE_OK);
    expect_end(0, 0, 0);
}

// The answer of a head can't be changed after the call, even if somebody keeps its handle.
static flare_request *head_request;
static flare_response *head_response;

static void look_at_head(flare_request *req, flare_response *res, int32_t status, void *user) {
    (void)user;
    CHECK_NUMBER(status, 200);
    CHECK_STATUS(flare_response_set_header(res, "content-type", "text/x-changed"), FLARE_OK);
    CHECK_STATUS(flare_response_add_header(res, "bad name", "x"), FLARE_ERROR_INVALID_ARGUMENT);
    // It is answered, so it can't be answered again.
    CHECK(flare_response_send_text(res, 200, "x") != FLARE_OK);
    CHECK(flare_response_write(res, "x", 1) != FLARE_OK);
    CHECK(flare_response_finish(res) != FLARE_OK);
    CHECK(flare_response_reset(res) != FLARE_OK);
    CHECK(flare_response_proceed(res) != FLARE_OK);
    head_request = req;
    head_response = res;
    CHECK_STATUS(flare_request_retain(req), FLARE_OK);
}

static void heads(void) {
    flare_router *router = flare_router_new();
    CHECK_STATUS(flare_router_add_layer(router, NULL, look_at_head, NULL, NULL, NULL), FLARE_OK);
    CHECK_STATUS(flare_router_add_layer(router, NULL, NULL, NULL, NULL, NULL), FLARE_OK);
    route(router, "GET", "/", hello, NULL);
    app_start(&a, router, one_worker());
    reply r = ask(a.address, GET("/"));
    CHECK_TEXT(r.body, "hello");
    CHECK_TEXT(reply_header(&r, "content-type"), "text/x-changed");
    reply_free(&r);
    CHECK_TEXT(flare_request_path(head_request, NULL), "/");
    CHECK(flare_response_add_header(head_response, "a", "b") != FLARE_OK);
    CHECK(flare_response_send_text(head_response, 200, "x") != FLARE_OK);
    CHECK_STATUS(flare_request_release(head_request), FLARE_OK);
    CHECK(!flare_request_path(head_request, NULL));
    app_stop(&a);
}

int main(void) {
    TEST("the first layer is outermost, and those of a mounted router are inside");
    order();

    flare_router *router = flare_router_new();
    CHECK_STATUS(flare_router_add_layer(router, do_request, NULL, note_end, &layer_destroyed, gate_destroy), FLARE_OK);
    route(router, "GET", "/", hello, NULL);
    app_start(&a, router, one_worker());
    TEST("a layer passes on, answers or fails");
    with(pass, 200, "hello");
    with(refuse, 401, "who?");
    with(done_without_answer, 500, "Internal Server Error");
    with(fail, 500, "Internal Server Error");
    with(strange, 500, "Internal Server Error");
    with(answer_and_pass, 202, "answered");
    TEST("a layer may answer, or pass on, later");
    later();
    TEST("a layer is destroyed once, with its server");
    CHECK_NUMBER(gate_count(&layer_destroyed), 0);
    app_stop(&a);
    CHECK_NUMBER(gate_count(&layer_destroyed), 1);

    TEST("the head of an answer can be changed during the call, and only then");
    heads();
    return DONE();
}
