// Content that flows: requests that are read as they come, answers that are written bit by bit.
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kept.h"

#define GET(path) "GET " path " HTTP/1.1\r\nhost: a\r\n\r\n"

static app a;

static void reads(void) {
    client c;
    char buffer[16] = "";
    size_t length = 77;
    kept_begin(&a, &c, "POST /stream HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\n");
    CHECK_STATUS(flare_request_read(kept_request, NULL, 1, &length), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_request_read(kept_request, buffer, 0, &length), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_request_read(kept_request, buffer, 1, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_request_read(kept_request, buffer, sizeof buffer, &length), FLARE_ERROR_WOULD_BLOCK);
    CHECK_NUMBER(length, 77);
    CHECK(client_send(&c, "abc"));
    CHECK_STATUS(kept_read(buffer, 2, &length), FLARE_OK);
    CHECK(length == 2 && !memcmp(buffer, "ab", 2) && buffer[2] == 0);
    CHECK_STATUS(kept_read(buffer, 16, &length), FLARE_OK);
    CHECK(length == 1 && buffer[0] == 'c');
    CHECK(client_send(&c, "def"));
    CHECK_STATUS(kept_read(buffer, 16, &length), FLARE_OK);
    CHECK(length == 3 && !memcmp(buffer, "def", 3));
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(kept_read(buffer, 16, &length), FLARE_OK);
        CHECK_NUMBER(length, 0);
    }
    CHECK_STATUS(flare_response_send_text(kept_response, 200, "read"), FLARE_OK);
    expect_reply(&c, 200, "read");
    kept_end(&c);
}

static void trailers(void) {
    client c;
    char buffer[16];
    size_t length;
    kept_begin(&a, &c, "POST /stream HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    CHECK_TEXT(flare_request_trailer(kept_request, "x-sum", NULL), NULL);
    CHECK(client_send(&c, "3\r\nabc\r\n0\r\nx-sum: 42\r\n\r\n"));
    CHECK_STATUS(kept_read(buffer, 16, &length), FLARE_OK);
    CHECK_NUMBER(length, 3);
    CHECK_STATUS(kept_read(buffer, 16, &length), FLARE_OK);
    CHECK_NUMBER(length, 0);
    CHECK_TEXT(flare_request_trailer(kept_request, "x-sum", NULL), "42");
    CHECK_STATUS(flare_response_send_text(kept_response, 200, "read"), FLARE_OK);
    expect_reply(&c, 200, "read");
    kept_end(&c);
}

// Whether bytes wait to be received.
static bool has_input(client *c, int ms) {
    struct pollfd entry = {.fd = c->fd, .events = POLLIN};
    return poll(&entry, 1, ms) == 1;
}

static void continue_100(void) {
    client c;
    char buffer[16];
    size_t length;
    kept_begin(&a, &c, "POST /stream HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n");
    CHECK(!has_input(&c, 0));
    CHECK_STATUS(flare_request_read(kept_request, buffer, 16, &length), FLARE_ERROR_WOULD_BLOCK);
    expect_reply(&c, 100, "");
    CHECK(client_send(&c, "ok"));
    CHECK_STATUS(kept_read(buffer, 16, &length), FLARE_OK);
    CHECK_NUMBER(length, 2);
    CHECK_STATUS(flare_response_send_text(kept_response, 200, "done"), FLARE_OK);
    expect_reply(&c, 200, "done");
    kept_end(&c);
}

// What an event callback heard.
static struct {
    char data[64];
    gate events[6], destroyed;
    atomic_int returns;  // what the callback returns
} heard = {.events = {GATE_INIT, GATE_INIT, GATE_INIT, GATE_INIT, GATE_INIT, GATE_INIT}, .destroyed = GATE_INIT};

static int32_t hear(flare_request *req, flare_response *res, int32_t event, const uint8_t *data, size_t length, void *user) {
    CHECK(user == &heard && req == kept_request && res == kept_response);
    CHECK((event == FLARE_EVENT_DATA) == (data != NULL) && (data != NULL) == (length > 0));
    if (data) strncat(heard.data, (const char *)data, length);
    // Before the gate, behind which the test changes it.
    int32_t returns = atomic_load(&heard.returns);
    if (CHECK(event > FLARE_EVENT_REQUEST && event < FLARE_EVENT_READABLE)) gate_open(&heard.events[event]);
    return returns;
}

static void hear_destroy(void *user) { gate_open(&((__typeof__(heard) *)user)->destroyed); }

static void hear_again(int32_t returns) {
    heard.data[0] = 0;
    for (int i = 0; i < 6; i++) heard.events[i].count = 0;
    heard.destroyed.count = 0;
    atomic_store(&heard.returns, returns);
    CHECK_STATUS(flare_request_on_event(kept_request, hear, &heard, hear_destroy), FLARE_OK);
}

static void events(void) {
    client c;
    kept_begin(&a, &c, "POST /stream HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n");
    gate unused = GATE_INIT;
    CHECK_STATUS(flare_request_on_event(kept_request, NULL, &unused, gate_destroy), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_NUMBER(gate_count(&unused), 1);
    // One callback replaces the other.
    CHECK_STATUS(flare_request_on_event(kept_request, hear, &unused, gate_destroy), FLARE_OK);
    hear_again(FLARE_OK);
    CHECK(gate_wait(&unused, 2));
    CHECK(client_send(&c, "abc"));
    CHECK(gate_wait(&heard.events[FLARE_EVENT_DATA], 1));
    atomic_store(&heard.returns, FLARE_PAUSE);
    CHECK(client_send(&c, "def"));
    CHECK(gate_wait(&heard.events[FLARE_EVENT_DATA], 2));
    CHECK(client_send(&c, "ghi"));
    expect(&a, GET("/"), 200, "hello");  // the worker has had a turn since
    CHECK_NUMBER(gate_count(&heard.events[FLARE_EVENT_DATA]), 2);
    CHECK_NUMBER(gate_count(&heard.events[FLARE_EVENT_END]), 0);
    atomic_store(&heard.returns, FLARE_OK);
    CHECK_STATUS(flare_request_resume(kept_request), FLARE_OK);
    CHECK(gate_wait(&heard.events[FLARE_EVENT_END], 1));
    CHECK_TEXT(heard.data, "abcdefghi");
    CHECK_STATUS(flare_response_send_text(kept_response, 200, "heard"), FLARE_OK);
    expect_reply(&c, 200, "heard");
    CHECK(gate_wait(&heard.destroyed, 1));
    CHECK_NUMBER(gate_count(&heard.events[FLARE_EVENT_CANCELLED]), 0);
    kept_end(&c);
    CHECK_NUMBER(gate_count(&heard.destroyed), 1);
}

static void client_leaves(void) {
    client c;
    kept_begin(&a, &c, "POST /stream HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n");
    hear_again(FLARE_OK);
    CHECK(client_send(&c, "abc"));
    CHECK(gate_wait(&heard.events[FLARE_EVENT_DATA], 1));
    client_reset(&c);
    CHECK(gate_wait(&heard.events[FLARE_EVENT_CANCELLED], 1));
    CHECK(gate_wait(&heard.destroyed, 1));
    CHECK_STATUS(flare_request_cancelled(kept_request), FLARE_ERROR_CLOSED);
    char buffer[4];
    size_t length;
    CHECK_STATUS(flare_request_read(kept_request, buffer, 4, &length), FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_response_write(kept_response, "x", 1), FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_response_write_blocking(kept_response, "x", 1), FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_response_finish(kept_response), FLARE_ERROR_CLOSED);
    // A callback that comes too late is not called, and destroyed at once.
    gate unused = GATE_INIT;
    CHECK_STATUS(flare_request_on_event(kept_request, hear, &unused, gate_destroy), FLARE_OK);
    CHECK_NUMBER(gate_count(&unused), 1);
    CHECK_STATUS(flare_response_release(kept_response), FLARE_OK);
    CHECK_NUMBER(gate_count(&heard.events[FLARE_EVENT_CANCELLED]), 1);
}

static void callback_gives_up(void) {
    client c;
    kept_begin(&a, &c, "POST /stream HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n");
    hear_again(FLARE_ERROR_IO);
    CHECK(client_send(&c, "abc"));
    reply r = client_read(&c, false);
    CHECK_NUMBER(r.status, 0);
    reply_free(&r);
    CHECK(gate_wait(&heard.destroyed, 1));
    CHECK(flare_response_send_text(kept_response, 200, "x") != FLARE_OK);
    kept_end(&c);
}

static void writes(void) {
    client c;
    kept_begin(&a, &c, GET("/keep"));
    CHECK_STATUS(flare_response_start(kept_response, 199), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_start(kept_response, 600), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_set_header(kept_response, "x-one", "1"), FLARE_OK);
    CHECK_STATUS(flare_response_start(kept_response, 202), FLARE_OK);
    CHECK_STATUS(flare_response_start(kept_response, 202), FLARE_ERROR_FINISHED);
    CHECK_STATUS(flare_response_set_header(kept_response, "x-two", "2"), FLARE_ERROR_FINISHED);
    CHECK_STATUS(flare_response_send_text(kept_response, 200, "x"), FLARE_ERROR_FINISHED);
    CHECK_STATUS(flare_response_write(kept_response, NULL, 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_write(kept_response, "x", SIZE_MAX), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_write(kept_response, "one", 3), FLARE_OK);
    CHECK_STATUS(flare_response_write(kept_response, NULL, 0), FLARE_OK);
    CHECK_STATUS(flare_response_flush(kept_response), FLARE_OK);
    CHECK_STATUS(flare_response_write_blocking(kept_response, " two", 4), FLARE_OK);
    CHECK_STATUS(flare_response_add_trailer(kept_response, "x-sum", "42"), FLARE_OK);
    CHECK_STATUS(flare_response_finish(kept_response), FLARE_OK);
    CHECK_STATUS(flare_response_finish(kept_response), FLARE_ERROR_FINISHED);
    CHECK_STATUS(flare_response_write(kept_response, "x", 1), FLARE_ERROR_FINISHED);
    reply r = client_read(&c, false);
    CHECK_NUMBER(r.status, 202);
    CHECK_TEXT(r.body, "one two");
    CHECK_TEXT(reply_header(&r, "x-one"), "1");
    CHECK_TEXT(reply_header(&r, "transfer-encoding"), "chunked");
    CHECK_TEXT(reply_trailer(&r, "x-sum"), "42");
    reply_free(&r);
    kept_end(&c);

    // A length that is known.
    kept_begin(&a, &c, GET("/keep"));
    CHECK_STATUS(flare_response_set_header(kept_response, "content-length", "6"), FLARE_OK);
    CHECK_STATUS(flare_response_write(kept_response, "abc", 3), FLARE_OK);
    CHECK_STATUS(flare_response_write(kept_response, "def", 3), FLARE_OK);
    CHECK_STATUS(flare_response_finish(kept_response), FLARE_OK);
    r = client_read(&c, false);
    CHECK_TEXT(r.body, "abcdef");
    CHECK_TEXT(reply_header(&r, "content-length"), "6");
    reply_free(&r);
    kept_end(&c);

    // No content at all.
    kept_begin(&a, &c, GET("/keep"));
    CHECK_STATUS(flare_response_set_header(kept_response, "x-one", "1"), FLARE_OK);
    CHECK_STATUS(flare_response_finish(kept_response), FLARE_OK);
    r = client_read(&c, false);
    CHECK_NUMBER(r.status, 200);
    CHECK_TEXT(reply_header(&r, "x-one"), "1");
    CHECK_TEXT(reply_header(&r, "content-length"), "0");
    reply_free(&r);
    kept_end(&c);

    // The last release of an answer that was started and not ended cuts it: the client must see that it is not whole.
    kept_begin(&a, &c, GET("/keep"));
    CHECK_STATUS(flare_response_write(kept_response, "part", 4), FLARE_OK);
    CHECK_STATUS(flare_response_release(kept_response), FLARE_OK);
    r = client_read(&c, false);
    CHECK_NUMBER(r.status, 0);
    reply_free(&r);
    client_close(&c);
}

static void reset(void) {
    client c;
    kept_begin(&a, &c, GET("/keep"));
    CHECK_STATUS(flare_response_write(kept_response, "part", 4), FLARE_OK);
    CHECK_STATUS(flare_response_reset(kept_response), FLARE_OK);
    reply r = client_read(&c, false);
    CHECK_NUMBER(r.status, 0);
    reply_free(&r);
    CHECK(flare_response_write(kept_response, "x", 1) != FLARE_OK);
    CHECK(flare_response_finish(kept_response) != FLARE_OK);
    kept_end(&c);
}

enum { PIECE = 64 << 10, MANY = 16 << 20 };
static char piece[PIECE];

// Writes until a write is refused, and lets the client take it all.
static void backpressure(void) {
    client c;
    kept_begin(&a, &c, GET("/keep"));
    hear_again(FLARE_OK);
    size_t written = 0;
    int32_t status = FLARE_OK;
    // What the system buffers is a few megabytes at most.
    while (written < MANY && (status = flare_response_write(kept_response, piece, PIECE)) == FLARE_OK) written += PIECE;
    CHECK_STATUS(status, FLARE_ERROR_WOULD_BLOCK);
    CHECK_NUMBER(gate_count(&heard.events[FLARE_EVENT_WRITABLE]), 0);
    size_t received = 0;
    char buffer[16384];
    while (received < written) {
        ssize_t got = recv(c.fd, buffer, sizeof buffer, 0);
        if (!CHECK(got > 0)) break;
        received += (size_t)got;
    }
    CHECK(gate_wait(&heard.events[FLARE_EVENT_WRITABLE], 1));
    CHECK_STATUS(flare_response_write(kept_response, "x", 1), FLARE_OK);
    CHECK_STATUS(flare_response_finish(kept_response), FLARE_OK);
    kept_end(&c);
    CHECK(gate_wait(&heard.destroyed, 1));
}

static void *write_much(void *unused) {
    (void)unused;
    for (size_t written = 0; written < MANY; written += PIECE) {
        if (!CHECK_STATUS(flare_response_write_blocking(kept_response, piece, PIECE), FLARE_OK)) break;
    }
    CHECK_STATUS(flare_response_finish(kept_response), FLARE_OK);
    return NULL;
}

static void blocking_writes(void) {
    client c;
    pthread_t thread;
    kept_begin(&a, &c, GET("/keep"));
    CHECK(!pthread_create(&thread, NULL, write_much, NULL));
    reply r = client_read(&c, false);
    CHECK_NUMBER(r.length, MANY);
    reply_free(&r);
    pthread_join(thread, NULL);
    kept_end(&c);
}

// On a worker a blocking write must not wait.
static int32_t write_on_worker(flare_request *req, flare_response *res, void *user) {
    (void)req, (void)user;
    size_t written = 0;
    int32_t status = FLARE_OK;
    while (written < MANY && (status = flare_response_write_blocking(res, piece, PIECE)) == FLARE_OK) written += PIECE;
    CHECK_STATUS(status, FLARE_ERROR_INVALID_ARGUMENT);
    return flare_response_finish(res);
}

static void blocking_write_on_worker(void) {
    client c;
    CHECK(client_open(&c, a.address));
    CHECK(client_send(&c, GET("/write-on-worker")));
    reply r = client_read(&c, false);
    CHECK_NUMBER(r.status, 200);
    CHECK(r.length > 0 && r.length < MANY);
    reply_free(&r);
    client_close(&c);
}

static void inform(void) {
    const char *names[] = {"link", "x-early"}, *values[] = {"</style.css>; rel=preload", "caf\xe9"};
    const char *bad[] = {"a b", "x"};
    client c;
    kept_begin(&a, &c, GET("/keep"));
    const int32_t wrong[] = {-1, 0, 99, 100, 101, 200, 500, 65639};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_STATUS(flare_response_inform(kept_response, wrong[i], NULL, NULL, 0), FLARE_ERROR_INVALID_ARGUMENT);
    }
    CHECK_STATUS(flare_response_inform(kept_response, 103, NULL, values, 2), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_inform(kept_response, 103, names, NULL, 2), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_inform(kept_response, 103, bad, values, 2), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_inform(kept_response, 102, NULL, NULL, 0), FLARE_OK);
    CHECK_STATUS(flare_response_inform(kept_response, 103, names, values, 2), FLARE_OK);
    CHECK_STATUS(flare_response_send_text(kept_response, 200, "final"), FLARE_OK);
    CHECK_STATUS(flare_response_inform(kept_response, 103, names, values, 2), FLARE_ERROR_FINISHED);
    expect_reply(&c, 102, "");
    reply r = client_read(&c, false);
    CHECK_NUMBER(r.status, 103);
    CHECK_TEXT(reply_header(&r, "link"), values[0]);
    CHECK_TEXT(reply_header(&r, "x-early"), values[1]);
    reply_free(&r);
    expect_reply(&c, 200, "final");
    kept_end(&c);
}

int main(void) {
    memset(piece, 'p', sizeof piece);
    flare_route_options *options = flare_route_options_new();
    CHECK_STATUS(flare_route_options_set_number(options, "streaming", 1), FLARE_OK);
    flare_router *router = flare_router_new();
    CHECK_STATUS(flare_router_add_with(router, "POST", "/stream", options, keep, NULL, NULL), FLARE_OK);
    CHECK_STATUS(flare_route_options_free(options), FLARE_OK);
    route(router, "GET", "/keep", keep, NULL);
    route(router, "GET", "/write-on-worker", write_on_worker, NULL);
    route(router, "GET", "/", hello, NULL);
    app_start(&a, router, one_worker());

    TEST("content is read as it comes, up to its end");
    reads();
    TEST("trailers can be read after the end of the content");
    trailers();
    TEST("100 Continue is sent when content is asked for");
    continue_100();
    TEST("a callback hears of content, pauses it and goes on");
    events();
    TEST("a callback hears that the client left, and nothing after that");
    client_leaves();
    TEST("a callback may give the exchange up");
    callback_gives_up();
    TEST("an answer is written bit by bit");
    writes();
    TEST("an answer that is given up is cut");
    reset();
    TEST("a write that would wait is refused, and taken later");
    backpressure();
    TEST("a blocking write waits for the client, but not on a worker");
    blocking_writes();
    blocking_write_on_worker();
    TEST("interim answers come before the final one");
    inform();

    app_stop(&a);
    return DONE();
}
