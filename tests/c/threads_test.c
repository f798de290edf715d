// Servers with several workers, and programs with several threads at both ends: each wire, content, queues, topics, datagrams. What races here is
// seen by `make tsan`.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"

enum { WORKERS = 3, PULLERS = 3, CLIENTS = 3, REQUESTS = 20, SOCKETS = 4, PUBLISHERS = 3, ROUNDS = 20, DATAGRAMS = 20, CONTENT = 20000 };
// What the events of a queue belong to.
enum { WHOLE = 1, STREAM, DATAGRAM, STREAM_GOES_ON, DATAGRAM_GOES_ON };

static int64_t patience_ms(void) { return 1000 * (int64_t)patience(); }

static app a;
static flare_queue *queue;

static flare_request *get(const char *method, const char *target) { return flare_request_new(method, "a.test", target); }

// ---- the threads that pull requests, as the bindings of other languages do

// Events of an exchange are pulled in their order, by threads that overtake each other: so each reads all there is, under a lock.
static pthread_mutex_t reading = PTHREAD_MUTEX_INITIALIZER;

static void goes_on(flare_request *request, flare_response *response, uint64_t tag, bool ended) {
    uint8_t buffer[4096];
    size_t length;
    pthread_mutex_lock(&reading);
    if (tag == STREAM_GOES_ON) {
        int32_t status;
        while ((status = flare_request_read(request, buffer, sizeof buffer, &length)) == FLARE_OK && length > 0) {
            CHECK_STATUS(flare_response_write(response, buffer, length), FLARE_OK);
        }
        ended = status == FLARE_OK;
    } else {
        while (flare_request_read_datagram(request, buffer, sizeof buffer, &length) == FLARE_OK) {
            CHECK_STATUS(flare_response_send_datagram(response, buffer, length), FLARE_OK);
        }
    }
    if (ended) {
        CHECK_STATUS(flare_response_finish(response), FLARE_OK);
        CHECK_STATUS(flare_request_release(request), FLARE_OK);
    }
    pthread_mutex_unlock(&reading);
}

static void *puller(void *unused) {
    (void)unused;
    int32_t event;
    flare_request *request;
    flare_response *response;
    uint64_t tag;
    while (flare_queue_next(queue, -1, &event, &request, &response, &tag) == FLARE_OK) {
        if (event == FLARE_EVENT_REQUEST && tag == WHOLE) {
            CHECK_STATUS(flare_response_send_text(response, 200, flare_request_param(request, "name", NULL)), FLARE_OK);
            CHECK_STATUS(flare_response_release(response), FLARE_OK);
        } else if (event == FLARE_EVENT_REQUEST) {
            CHECK_STATUS(tag == STREAM ? flare_response_start(response, 200) : flare_response_switch_to_datagrams(response, "back"), FLARE_OK);
            CHECK_STATUS(flare_queue_watch(queue, request, tag == STREAM ? STREAM_GOES_ON : DATAGRAM_GOES_ON), FLARE_OK);
        } else if (event == FLARE_EVENT_READABLE || event == FLARE_EVENT_END) {
            goes_on(request, response, tag, event == FLARE_EVENT_END);
        }
    }
    return NULL;
}

// ---- each wire

// For versions 11, 20 and 30.
static flare_connector *connectors[3];

static void connectors_new(void) {
    const char *offers[] = {"http/1.1", "h2", NULL};
    for (int i = 0; i < 3; i++) {
        connectors[i] = flare_connector_new();
        CHECK_STATUS(flare_connector_set_text(connectors[i], "tls_server_name", "localhost"), FLARE_OK);
        CHECK_STATUS(flare_connector_set_number(connectors[i], "tls_insecure_any_certificate", 1), FLARE_OK);
        if (offers[i]) CHECK_STATUS(flare_connector_set_text(connectors[i], "tls_alpn", offers[i]), FLARE_OK);
    }
}

static flare_client *connected(int32_t version) {
    flare_client *client = NULL;
    CHECK_STATUS(flare_client_connect(connectors[version / 10 - 1], a.secure_address, version, &client), FLARE_OK);
    CHECK_NUMBER(flare_client_version(client), version);
    return client;
}

static void fetch(flare_client *client, flare_request *request, const void *content, size_t length, const void *wanted, size_t wanted_length) {
    flare_response *response = NULL;
    if (CHECK_STATUS(flare_client_fetch(client, request, content, length, &response), FLARE_OK)) {
        CHECK_NUMBER(flare_response_status(response), 200);
        size_t got;
        const uint8_t *body = flare_response_body(response, &got);
        CHECK(got == wanted_length && !memcmp(body, wanted, got));
    }
    CHECK_STATUS(flare_request_release(request), FLARE_OK);
}

static void *asker(void *version) {
    flare_client *client = connected((int32_t)(intptr_t)version);
    uint8_t *content = malloc(CONTENT);
    for (int i = 0; i < REQUESTS; i++) {
        char target[32];
        snprintf(target, sizeof target, "/queue/n%d", i);
        fetch(client, get("GET", target), NULL, 0, target + 7, strlen(target + 7));
        memset(content, i, CONTENT);
        fetch(client, get("POST", "/stream"), content, CONTENT, content, CONTENT);
        fetch(client, get("GET", "/now"), NULL, 0, "now", 3);
    }
    free(content);
    CHECK_STATUS(flare_client_free(client), FLARE_OK);
    return NULL;
}

static int32_t now(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    return flare_response_send_text(response, 200, "now");
}

// ---- topics

static gate subscribed = GATE_INIT, received[PUBLISHERS];

static int32_t on_open(flare_websocket *socket, void *user) {
    (void)user;
    int32_t status = flare_websocket_subscribe(socket, "all");
    gate_open(&subscribed);
    return status;
}

// What a socket says is published.
static int32_t on_message(flare_websocket *socket, int32_t kind, const uint8_t *data, size_t length, void *user) {
    (void)user;
    return flare_websocket_publish(socket, "all", kind, data, length);
}

// Each publication says who published, and its number: those of one publisher come in order.
static void *subscriber(void *socket) {
    int next[PUBLISHERS] = {0};
    for (int i = 0; i < PUBLISHERS * ROUNDS; i++) {
        flare_websocket_event *event = NULL;
        if (!CHECK_STATUS(flare_websocket_client_receive(socket, patience_ms(), &event), FLARE_OK)) break;
        size_t length;
        const uint8_t *data = flare_websocket_event_data(event, &length);
        if (CHECK(length == 2 && data[0] < PUBLISHERS) && CHECK_NUMBER(data[1], next[data[0]]++)) gate_open(&received[data[0]]);
        CHECK_STATUS(flare_websocket_event_free(event), FLARE_OK);
    }
    return NULL;
}

typedef struct {
    uint8_t number;
    flare_websocket_client *socket;  // NULL: publishes from outside
} publisher;

static void *publish(void *argument) {
    const publisher *p = argument;
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t message[2] = {p->number, (uint8_t)i};
        int32_t status = p->socket ? flare_websocket_client_send(p->socket, FLARE_WEBSOCKET_BINARY, message, 2, -1)
                                   : flare_server_publish(a.server, "all", FLARE_WEBSOCKET_BINARY, message, 2);
        CHECK_STATUS(status, FLARE_OK);
        // Whoever has taken what came before misses nothing.
        if (!CHECK(gate_wait(&received[p->number], (i + 1) * SOCKETS))) break;
    }
    return NULL;
}

static void topics(void) {
    pthread_t subscribers[SOCKETS], publishers[PUBLISHERS];
    flare_websocket_client *sockets[SOCKETS] = {0};
    flare_websocket_opener *opener = flare_websocket_opener_new();
    char uri[200];
    snprintf(uri, sizeof uri, "ws://%s/topic", a.address);
    int before = gate_count(&subscribed);
    for (int i = 0; i < SOCKETS; i++) CHECK_STATUS(flare_websocket_opener_open(opener, uri, &sockets[i], NULL), FLARE_OK);
    CHECK(gate_wait(&subscribed, before + SOCKETS));
    publisher all[PUBLISHERS];
    for (int i = 0; i < PUBLISHERS; i++) {
        received[i] = (gate)GATE_INIT;
        all[i] = (publisher){(uint8_t)i, i == 0 ? sockets[0] : NULL};
    }
    for (int i = 0; i < SOCKETS; i++) CHECK(!pthread_create(&subscribers[i], NULL, subscriber, sockets[i]));
    for (int i = 0; i < PUBLISHERS; i++) CHECK(!pthread_create(&publishers[i], NULL, publish, &all[i]));
    for (int i = 0; i < PUBLISHERS; i++) pthread_join(publishers[i], NULL);
    for (int i = 0; i < SOCKETS; i++) pthread_join(subscribers[i], NULL);
    for (int i = 0; i < SOCKETS; i++) CHECK_STATUS(flare_websocket_client_free(sockets[i]), FLARE_OK);
    CHECK_STATUS(flare_websocket_opener_free(opener), FLARE_OK);
}

// ---- datagrams

// Takes events until this one. False: it does not come.
static bool comes(flare_client *client, int32_t wanted, int64_t timeout_ms, const char *content, size_t content_length) {
    int32_t event;
    const uint8_t *data;
    size_t length;
    for (;;) {
        if (flare_client_next(client, timeout_ms, &event, NULL, NULL, &data, &length) != FLARE_OK) return false;
        if (event == wanted && (!content || (length == content_length && !memcmp(data, content, length)))) return true;
    }
}

static void *datagram_sender(void *version) {
    flare_client *client = connected((int32_t)(intptr_t)version);
    // The server says by its settings what it takes: they come with the first answer.
    fetch(client, get("GET", "/now"), NULL, 0, "now", 3);
    flare_request *request = get("GET", "/datagrams");
    CHECK_STATUS(flare_request_set_scheme(request, "https"), FLARE_OK);
    CHECK_STATUS(flare_request_offer_datagrams(request, "back"), FLARE_OK);
    CHECK_STATUS(flare_client_open(client, request, 0, NULL), FLARE_OK);
    if (CHECK(comes(client, FLARE_EVENT_SWITCHED, patience_ms(), NULL, 0))) {
        for (int i = 0; i < DATAGRAMS; i++) {
            char text[16];
            size_t length = (size_t)snprintf(text, sizeof text, "d%d", i);
            // They may get lost on the way.
            bool came = false;
            for (long long until = now_ms() + patience_ms(); !came && now_ms() < until;) {
                CHECK_STATUS(flare_request_send_datagram(request, text, length), FLARE_OK);
                came = comes(client, FLARE_EVENT_DATAGRAM, 1000, text, length);
            }
            CHECK(came);
        }
        CHECK_STATUS(flare_request_finish(request), FLARE_OK);
        CHECK(comes(client, FLARE_EVENT_END, patience_ms(), NULL, 0));
    }
    CHECK_STATUS(flare_request_release(request), FLARE_OK);
    CHECK_STATUS(flare_client_free(client), FLARE_OK);
    return NULL;
}

// ---- all of it

// Clients of each version.
static void at_once(void *(*run)(void *)) {
    static const int32_t versions[] = {11, 20, 30};
    pthread_t threads[3 * CLIENTS];
    for (int i = 0; i < 3 * CLIENTS; i++) CHECK(!pthread_create(&threads[i], NULL, run, (void *)(intptr_t)versions[i % 3]));
    for (int i = 0; i < 3 * CLIENTS; i++) pthread_join(threads[i], NULL);
}

static void start(int32_t io_uring) {
    flare_router *router = flare_router_new();
    flare_route_options *streaming = flare_route_options_new();
    CHECK_STATUS(flare_route_options_set_number(streaming, "streaming", 1), FLARE_OK);
    CHECK_STATUS(flare_router_add_queue(router, "GET", "/queue/:name", NULL, queue, WHOLE), FLARE_OK);
    CHECK_STATUS(flare_router_add_queue(router, "POST", "/stream", streaming, queue, STREAM), FLARE_OK);
    CHECK_STATUS(flare_router_add_queue(router, "*", "/datagrams", NULL, queue, DATAGRAM), FLARE_OK);
    CHECK_STATUS(flare_router_ws(router, "/topic", NULL, on_open, on_message, NULL, NULL, NULL, NULL), FLARE_OK);
    CHECK_STATUS(flare_route_options_free(streaming), FLARE_OK);
    route(router, "GET", "/now", now, NULL);
    flare_config *config = flare_config_new();
    CHECK_STATUS(flare_config_set_number(config, "workers", WORKERS), FLARE_OK);
    // Where the system refuses it, workers do without.
    CHECK_STATUS(flare_config_set_number(config, "io_uring", io_uring), FLARE_OK);
    app_start_everywhere(&a, router, config);
}

static void all(int32_t io_uring) {
    queue = flare_queue_new();
    start(io_uring);
    pthread_t pullers[PULLERS];
    for (int i = 0; i < PULLERS; i++) CHECK(!pthread_create(&pullers[i], NULL, puller, NULL));
    TEST(io_uring ? "io_uring: clients of every wire at once" : "clients of every wire at once, answered by threads that pull");
    at_once(asker);
    TEST(io_uring ? "io_uring: topics over all workers" : "topics over all workers, published from threads and from sockets");
    topics();
    TEST(io_uring ? "io_uring: datagrams of every wire at once" : "datagrams of every wire at once");
    at_once(datagram_sender);
    TEST(io_uring ? "io_uring: the end, while threads pull" : "the end, while threads pull");
    app_stop(&a);
    CHECK_STATUS(flare_queue_close(queue), FLARE_OK);
    for (int i = 0; i < PULLERS; i++) pthread_join(pullers[i], NULL);
    CHECK_STATUS(flare_queue_free(queue), FLARE_OK);
}

int main(void) {
    connectors_new();
    all(0);
    if (getenv("FLARE_TEST_NO_RING") == NULL) all(1);
    for (int i = 0; i < 3; i++) CHECK_STATUS(flare_connector_free(connectors[i]), FLARE_OK);
    return DONE();
}
