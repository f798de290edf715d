// Requests and events that threads of the program pull.
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"

#define GET(path) "GET " path " HTTP/1.1\r\nhost: a\r\n\r\n"
enum { THREADS = 3, ASKERS = 3, REQUESTS = 50 };

static int32_t hello(flare_request *req, flare_response *res, void *user) {
    (void)req, (void)user;
    return flare_response_send_text(res, 200, "hello");
}

static void start(app *a, flare_queue *queue) {
    flare_route_options *streaming = flare_route_options_new();
    CHECK_STATUS(flare_route_options_set_number(streaming, "streaming", 1), FLARE_OK);
    flare_router *router = flare_router_new();
    CHECK_STATUS(flare_router_add_queue(router, "GET", "/queue/:name", NULL, queue, 7), FLARE_OK);
    CHECK_STATUS(flare_router_add_queue(router, "POST", "/stream", streaming, queue, UINT64_MAX), FLARE_OK);
    CHECK_STATUS(flare_router_add_queue(router, "GET", "/queue/:other", NULL, queue, 7), FLARE_ERROR_CONFLICT);
    CHECK_STATUS(flare_router_add_queue(router, "GET", "no slash", NULL, queue, 7), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_router_add_queue(router, NULL, "/", NULL, queue, 7), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_route_options_free(streaming), FLARE_OK);
    route(router, "GET", "/", hello, NULL);
    app_start(a, router, one_worker());
}

static int64_t longest(void) { return (int64_t)patience() * 1000; }

static void pulls(app *a, flare_queue *queue) {
    int32_t event = 77;
    flare_request *request = NULL;
    flare_response *response = NULL;
    uint64_t tag = 0;
    CHECK_STATUS(flare_queue_next(queue, 0, NULL, &request, &response, &tag), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_queue_next(queue, 0, &event, NULL, &response, &tag), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_queue_next(queue, 0, &event, &request, &response, &tag), FLARE_ERROR_TIMEOUT);
    long long began = now_ms();
    CHECK_STATUS(flare_queue_next(queue, 30, &event, &request, &response, &tag), FLARE_ERROR_TIMEOUT);
    CHECK(now_ms() - began >= 30);
    CHECK(event == 77 && !request && !response && tag == 0);

    client c;
    CHECK(client_open(&c, a->address));
    CHECK(client_send(&c, GET("/queue/x")));
    CHECK_STATUS(flare_queue_next(queue, longest(), &event, &request, &response, &tag), FLARE_OK);
    CHECK_NUMBER(event, FLARE_EVENT_REQUEST);
    CHECK_NUMBER(tag, 7);
    CHECK_TEXT(flare_request_param(request, "name", NULL), "x");
    CHECK_STATUS(flare_response_send_text(response, 200, "pulled"), FLARE_OK);
    expect_reply(&c, 200, "pulled");
    CHECK_STATUS(flare_request_release(request), FLARE_OK);
    CHECK_STATUS(flare_response_release(response), FLARE_ERROR_INVALID_HANDLE);

    // Released without an answer.
    CHECK(client_send(&c, GET("/queue/y")));
    CHECK_STATUS(flare_queue_next(queue, -1, &event, &request, NULL, NULL), FLARE_OK);
    CHECK_TEXT(flare_request_param(request, "name", NULL), "y");
    CHECK_STATUS(flare_request_release(request), FLARE_OK);
    expect_reply(&c, 500, "Internal Server Error");

    // A client that left before anybody took its request.
    CHECK(client_send(&c, GET("/queue/z")));
    CHECK(stat_becomes(a, "requests", 3));
    client_reset(&c);
    CHECK(stat_becomes(a, "open", 0));
    CHECK_STATUS(flare_queue_next(queue, longest(), &event, &request, &response, NULL), FLARE_OK);
    CHECK_STATUS(flare_request_cancelled(request), FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_response_send_text(response, 200, "nobody"), FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_response_release(response), FLARE_OK);
}

// Takes the next event, and checks which it is and whose.
static flare_request *next_event(flare_queue *queue, int32_t wanted, uint64_t wanted_tag) {
    int32_t event = 77;
    flare_request *request = NULL;
    uint64_t tag = 0;
    CHECK_STATUS(flare_queue_next(queue, longest(), &event, &request, NULL, &tag), FLARE_OK);
    CHECK_NUMBER(event, wanted);
    CHECK_NUMBER(tag, wanted_tag);
    return request;
}

static void watches(app *a, flare_queue *queue) {
    client c;
    char buffer[16];
    size_t length;
    CHECK(client_open(&c, a->address));
    CHECK(client_send(&c, "POST /stream HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\n"));
    flare_request *request = next_event(queue, FLARE_EVENT_REQUEST, UINT64_MAX);
    CHECK_STATUS(flare_queue_watch(queue, request, 99), FLARE_OK);
    CHECK(client_send(&c, "abc"));
    CHECK(next_event(queue, FLARE_EVENT_READABLE, 99) == request);
    CHECK_STATUS(flare_request_read(request, buffer, 16, &length), FLARE_OK);
    CHECK(length == 3 && !memcmp(buffer, "abc", 3));
    CHECK_STATUS(flare_request_read(request, buffer, 16, &length), FLARE_ERROR_WOULD_BLOCK);
    CHECK(client_send(&c, "def"));
    // The end may come with the content, or behind it.
    CHECK(next_event(queue, FLARE_EVENT_READABLE, 99) == request);
    CHECK_STATUS(flare_request_read(request, buffer, 16, &length), FLARE_OK);
    CHECK(length == 3 && !memcmp(buffer, "def", 3));
    CHECK(next_event(queue, FLARE_EVENT_END, 99) == request);
    CHECK_STATUS(flare_request_read(request, buffer, 16, &length), FLARE_OK);
    CHECK_NUMBER(length, 0);
    CHECK_STATUS(flare_request_release(request), FLARE_OK);
    expect_reply(&c, 500, "Internal Server Error");

    // The end of an exchange is an event too.
    CHECK(client_send(&c, "POST /stream HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\n"));
    request = next_event(queue, FLARE_EVENT_REQUEST, UINT64_MAX);
    CHECK_STATUS(flare_queue_watch(queue, request, 100), FLARE_OK);
    client_reset(&c);
    CHECK(next_event(queue, FLARE_EVENT_CANCELLED, 100) == request);
    CHECK_STATUS(flare_request_release(request), FLARE_OK);
}

// Several threads pull at once; each request goes to one of them.
static flare_queue *shared_queue;
static atomic_int pulled, wrong;

static void *puller(void *unused) {
    (void)unused;
    int32_t event;
    flare_request *request;
    flare_response *response;
    int32_t status;
    while ((status = flare_queue_next(shared_queue, -1, &event, &request, &response, NULL)) == FLARE_OK) {
        if (event != FLARE_EVENT_REQUEST || flare_response_send_text(response, 200, flare_request_param(request, "name", NULL)) ||
            flare_response_release(response)) {
            atomic_fetch_add(&wrong, 1);
        }
        atomic_fetch_add(&pulled, 1);
    }
    if (status != FLARE_ERROR_CLOSED && status != FLARE_ERROR_INVALID_HANDLE) atomic_fetch_add(&wrong, 1);
    return NULL;
}

static void *asker(void *address) {
    client c;
    if (!client_open(&c, address)) return NULL;
    for (int i = 0; i < REQUESTS; i++) {
        char request[64], name[16];
        snprintf(name, sizeof name, "n%d", i);
        snprintf(request, sizeof request, "GET /queue/%s HTTP/1.1\r\nhost: a\r\n\r\n", name);
        client_send(&c, request);
        reply r = client_read(&c, false);
        if (r.status != 200 || strcmp(r.body, name)) atomic_fetch_add(&wrong, 1);
        reply_free(&r);
    }
    client_close(&c);
    return NULL;
}

static void many_threads(bool close_first) {
    app a;
    shared_queue = flare_queue_new();
    start(&a, shared_queue);
    atomic_store(&pulled, 0);
    pthread_t pullers[THREADS], askers[ASKERS];
    for (int i = 0; i < THREADS; i++) CHECK(!pthread_create(&pullers[i], NULL, puller, NULL));
    for (int i = 0; i < ASKERS; i++) CHECK(!pthread_create(&askers[i], NULL, asker, a.address));
    for (int i = 0; i < ASKERS; i++) pthread_join(askers[i], NULL);
    // The pullers wait in flare_queue_next() now, or are about to.
    if (close_first) CHECK_STATUS(flare_queue_close(shared_queue), FLARE_OK);
    if (!close_first) CHECK_STATUS(flare_queue_free(shared_queue), FLARE_OK);
    for (int i = 0; i < THREADS; i++) pthread_join(pullers[i], NULL);
    CHECK_NUMBER(atomic_load(&pulled), ASKERS * REQUESTS);
    CHECK_NUMBER(atomic_load(&wrong), 0);
    // Nobody takes requests any more.
    expect(&a, GET("/queue/x"), 500, "Internal Server Error");
    if (close_first) CHECK_STATUS(flare_queue_free(shared_queue), FLARE_OK);
    expect(&a, GET("/queue/x"), 500, "Internal Server Error");
    expect(&a, GET("/"), 200, "hello");
    app_stop(&a);
}

static void closing(void) {
    app a;
    client first, second;
    flare_queue *queue = flare_queue_new();
    start(&a, queue);
    CHECK(client_open(&first, a.address) && client_open(&second, a.address));
    CHECK(client_send(&first, GET("/queue/first")));
    CHECK(stat_becomes(&a, "requests", 1));
    CHECK(client_send(&second, GET("/queue/second")));
    CHECK(stat_becomes(&a, "requests", 2));
    CHECK_STATUS(flare_queue_close(queue), FLARE_OK);
    CHECK_STATUS(flare_queue_close(queue), FLARE_OK);
    // What was in it can still be taken.
    flare_request *request = next_event(queue, FLARE_EVENT_REQUEST, 7);
    CHECK_TEXT(flare_request_param(request, "name", NULL), "first");
    CHECK_STATUS(flare_request_release(request), FLARE_OK);
    expect_reply(&first, 500, "Internal Server Error");
    // And what is left when it is freed is answered.
    CHECK_STATUS(flare_queue_free(queue), FLARE_OK);
    expect_reply(&second, 500, "Internal Server Error");
    client_close(&first);
    client_close(&second);
    app_stop(&a);

    queue = flare_queue_new();
    int32_t event;
    CHECK_STATUS(flare_queue_close(queue), FLARE_OK);
    CHECK_STATUS(flare_queue_next(queue, -1, &event, &request, NULL, NULL), FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_queue_free(queue), FLARE_OK);
}

// The server ends while requests wait in the queue.
static void server_ends(void) {
    app a;
    client c;
    flare_queue *queue = flare_queue_new();
    start(&a, queue);
    CHECK(client_open(&c, a.address));
    CHECK(client_send(&c, GET("/queue/x")));
    CHECK(stat_becomes(&a, "requests", 1));
    CHECK_STATUS(flare_server_free(a.server), FLARE_OK);
    CHECK(client_at_end(&c));
    client_close(&c);
    int32_t event;
    flare_request *request;
    flare_response *response;
    CHECK_STATUS(flare_queue_next(queue, 0, &event, &request, &response, NULL), FLARE_OK);
    CHECK_STATUS(flare_request_cancelled(request), FLARE_ERROR_CANCELLED);
    CHECK_STATUS(flare_response_send_text(response, 200, "late"), FLARE_ERROR_CANCELLED);
    CHECK_STATUS(flare_response_release(response), FLARE_OK);
    CHECK_STATUS(flare_queue_free(queue), FLARE_OK);
}

int main(void) {
    app a;
    flare_queue *queue = flare_queue_new();
    start(&a, queue);
    TEST("requests are pulled, with the tag of their route");
    pulls(&a, queue);
    TEST("the events of an exchange are pulled");
    watches(&a, queue);
    app_stop(&a);
    CHECK_STATUS(flare_queue_free(queue), FLARE_OK);
    TEST("several threads may pull, and a close or a free ends their wait");
    many_threads(true);
    many_threads(false);
    TEST("what is in a closed queue can be taken, and the rest is answered");
    closing();
    TEST("requests of a server that has ended can be pulled");
    server_ends();
    return DONE();
}
