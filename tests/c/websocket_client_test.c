// WebSockets to others: blocking and in a loop, what is sent by several threads, refusals, ends, misuse.
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"

static app a;
static char uri[200];

static int64_t patience_ms(void) { return 1000 * (int64_t)patience(); }

static const char *at(const char *path) {
    snprintf(uri, sizeof uri, "ws://%s%s", a.address, path);
    return uri;
}

static int32_t echo(flare_websocket *socket, int32_t kind, const uint8_t *data, size_t length, void *user) {
    (void)user;
    return flare_websocket_send(socket, kind, data, length);
}

static int32_t leave(flare_websocket *socket, void *user) {
    (void)user;
    return flare_websocket_close(socket, 4002, "not today");
}

static int32_t locked(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    return flare_response_send_text(response, 401, "who?");
}

static flare_websocket_client *opened(flare_websocket_opener *opener, const char *path) {
    flare_websocket_client *client = NULL;
    int32_t status = -1;
    CHECK_STATUS(flare_websocket_opener_open(opener, at(path), &client, &status), FLARE_OK);
    CHECK_NUMBER(status, 0);
    return client;
}

// The next event is of this kind and holds this.
static void receives(flare_websocket_client *client, int32_t kind, const char *text) {
    flare_websocket_event *event = NULL;
    if (!CHECK_STATUS(flare_websocket_client_receive(client, patience_ms(), &event), FLARE_OK)) return;
    CHECK_NUMBER(flare_websocket_event_kind(event), kind);
    size_t length = 77;
    const char *data = flare_websocket_event_data(event, &length);
    CHECK_NUMBER(length, strlen(text));
    CHECK(length == 0 ? !data : data && !memcmp(data, text, length));
    CHECK(flare_websocket_event_data(event, NULL) == data);
    if (kind != FLARE_WEBSOCKET_CLOSED) {
        CHECK_NUMBER(flare_websocket_event_code(event), 0);
        CHECK_NUMBER(flare_websocket_event_is_clean(event), 0);
    }
    CHECK_STATUS(flare_websocket_event_free(event), FLARE_OK);
}

// The next event is the end.
static void ends(flare_websocket_client *client, int32_t code, int32_t clean) {
    flare_websocket_event *event = NULL;
    if (!CHECK_STATUS(flare_websocket_client_receive(client, patience_ms(), &event), FLARE_OK)) return;
    CHECK_NUMBER(flare_websocket_event_kind(event), FLARE_WEBSOCKET_CLOSED);
    CHECK_NUMBER(flare_websocket_event_code(event), code);
    CHECK_NUMBER(flare_websocket_event_is_clean(event), clean);
    CHECK_STATUS(flare_websocket_event_free(event), FLARE_OK);
}

static void talks(flare_websocket_opener *opener, int32_t http) {
    flare_websocket_client *client = opened(opener, "/echo");
    CHECK_NUMBER(flare_websocket_client_http(client), http);
    char text[32];
    CHECK_NUMBER(flare_websocket_client_protocol(client, text, sizeof text), 2);
    CHECK_TEXT(text, "v1");
    CHECK(flare_websocket_client_header(client, "Date", text, sizeof text) > 0);
    CHECK_NUMBER(flare_websocket_client_header(client, "x-none", text, sizeof text), 0);
    CHECK_STATUS(flare_websocket_client_send_text(client, "caf\xc3\xa9", patience_ms()), FLARE_OK);
    receives(client, FLARE_WEBSOCKET_TEXT, "caf\xc3\xa9");
    CHECK_STATUS(flare_websocket_client_send(client, FLARE_WEBSOCKET_BINARY, "\xff", 1, 0), FLARE_OK);
    receives(client, FLARE_WEBSOCKET_BINARY, "\xff");
    CHECK_STATUS(flare_websocket_client_send(client, FLARE_WEBSOCKET_TEXT, NULL, 0, -1), FLARE_OK);
    receives(client, FLARE_WEBSOCKET_TEXT, "");
    CHECK_STATUS(flare_websocket_client_ping(client, "p", 1), FLARE_OK);
    receives(client, FLARE_WEBSOCKET_PONG, "p");
    flare_websocket_event *event = NULL;
    CHECK_STATUS(flare_websocket_client_receive(client, 0, &event), FLARE_ERROR_WOULD_BLOCK);
    CHECK_STATUS(flare_websocket_client_receive(client, 20, &event), FLARE_ERROR_TIMEOUT);
    CHECK_STATUS(flare_websocket_client_close(client, 1000, "bye"), FLARE_OK);
    CHECK_NUMBER(flare_websocket_client_is_open(client), 0);
    ends(client, 1000, 1);
    ends(client, 1000, 1);
    CHECK_STATUS(flare_websocket_client_send_text(client, "x", 0), FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_websocket_client_close(client, 1000, NULL), FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_websocket_client_free(client), FLARE_OK);
}

static void refusals(flare_websocket_opener *opener) {
    flare_websocket_client *client = NULL;
    int32_t status = -1;
    CHECK_STATUS(flare_websocket_opener_open(opener, at("/locked"), &client, &status), FLARE_ERROR_REJECTED);
    CHECK_NUMBER(status, 401);
    CHECK(strstr(last_error(), "answered with 401") != NULL);
    CHECK_STATUS(flare_websocket_opener_open(opener, at("/nowhere"), &client, NULL), FLARE_ERROR_REJECTED);
    CHECK_STATUS(flare_websocket_opener_open(opener, "http://a/", &client, &status), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_NUMBER(status, 0);
    CHECK_STATUS(flare_websocket_opener_open(opener, "ws://-a-/", &client, &status), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_opener_open(opener, NULL, &client, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_opener_open(opener, at("/echo"), NULL, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK(!client);
}

static void settings(void) {
    flare_websocket_opener *opener = flare_websocket_opener_new();
    CHECK_STATUS(flare_websocket_opener_set_number(opener, "attempts", 0), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_opener_set_number(opener, "message_limit", 0), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_opener_set_number(opener, "http", 3), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_opener_set_number(opener, "none", 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_opener_set_number(opener, NULL, 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_opener_set_number(opener, "connect_timeout_ms", 5000), FLARE_OK);
    CHECK_STATUS(flare_websocket_opener_set_number(opener, "tls_min_version", 13), FLARE_OK);
    CHECK_STATUS(flare_websocket_opener_set_text(opener, "none", "x"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_opener_set_text(opener, "target", NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_opener_add_header(opener, "a b", "x"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_opener_add_header(opener, "a", "x\r\ny: z"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_opener_set_text(opener, "target", a.address), FLARE_OK);
    CHECK_STATUS(flare_websocket_opener_add_header(opener, "x-user", "me"), FLARE_OK);
    flare_websocket_client *client = NULL;
    CHECK_STATUS(flare_websocket_opener_open(opener, "ws://elsewhere.test/echo", &client, NULL), FLARE_OK);
    CHECK_STATUS(flare_websocket_client_free(client), FLARE_OK);
    // A field of the handshake is found when the opener is made.
    CHECK_STATUS(flare_websocket_opener_add_header(opener, "upgrade", "x"), FLARE_OK);
    CHECK_STATUS(flare_websocket_opener_open(opener, at("/echo"), &client, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_opener_free(opener), FLARE_OK);
}

// Waits until the descriptor is readable.
static bool readable(int fd) {
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    return CHECK(fd >= 0) && CHECK(poll(&watched, 1, (int)patience_ms()) == 1);
}

static void looping(flare_websocket_opener *opener) {
    flare_websocket_opening *opening = NULL;
    flare_websocket_client *client = NULL;
    CHECK_STATUS(flare_websocket_opener_begin(opener, at("/echo"), &opening), FLARE_OK);
    int32_t status;
    while ((status = flare_websocket_opening_poll(opening, &client, NULL)) == FLARE_ERROR_WOULD_BLOCK) {
        if (!readable(flare_websocket_opening_fd(opening))) return;
    }
    CHECK_STATUS(status, FLARE_OK);
    CHECK_STATUS(flare_websocket_opening_poll(opening, &client, NULL), FLARE_ERROR_FINISHED);
    CHECK_STATUS(flare_websocket_opening_free(opening), FLARE_OK);

    size_t size = 1 << 20, came = 0, sent = 0;
    char *data = calloc(1, size);
    bool writable = false;
    while (sent < 100 && (status = flare_websocket_client_send(client, FLARE_WEBSOCKET_BINARY, data, size, 0)) == FLARE_OK) sent++;
    CHECK_STATUS(status, FLARE_ERROR_WOULD_BLOCK);
    while (came < sent) {
        flare_websocket_event *event;
        while (flare_websocket_client_receive(client, 0, &event) == FLARE_OK) {
            size_t length = 0;
            flare_websocket_event_data(event, &length);
            if (flare_websocket_event_kind(event) == FLARE_WEBSOCKET_BINARY) came += length == size;
            writable |= flare_websocket_event_kind(event) == FLARE_WEBSOCKET_WRITABLE;
            flare_websocket_event_free(event);
        }
        if (came < sent && !readable(flare_websocket_client_fd(client))) break;
    }
    CHECK(writable);
    free(data);
    CHECK_STATUS(flare_websocket_client_free(client), FLARE_OK);

    TEST("an opening can be cancelled");
    CHECK_STATUS(flare_websocket_opener_begin(opener, at("/echo"), &opening), FLARE_OK);
    CHECK_STATUS(flare_websocket_opening_cancel(opening), FLARE_OK);
    readable(flare_websocket_opening_fd(opening));
    CHECK_STATUS(flare_websocket_opening_poll(opening, &client, NULL), FLARE_ERROR_CANCELLED);
    CHECK_STATUS(flare_websocket_opening_free(opening), FLARE_OK);
}

enum { SENDERS = 3, EACH = 200 };

static void *send_many(void *client) {
    for (int i = 0; i < EACH; i++) CHECK_STATUS(flare_websocket_client_send_text(client, "from a thread", -1), FLARE_OK);
    return NULL;
}

static void *receive_end(void *client) {
    flare_websocket_event *event = NULL;
    int32_t status = flare_websocket_client_receive(client, -1, &event);
    // The handle may be gone before the thread comes to use it.
    if (status == FLARE_OK) {
        CHECK_NUMBER(flare_websocket_event_kind(event), FLARE_WEBSOCKET_CLOSED);
        flare_websocket_event_free(event);
    } else {
        CHECK_STATUS(status, FLARE_ERROR_INVALID_HANDLE);
    }
    return NULL;
}

static void threads(flare_websocket_opener *opener) {
    flare_websocket_client *client = opened(opener, "/echo");
    pthread_t senders[SENDERS], receiver;
    for (int i = 0; i < SENDERS; i++) CHECK(pthread_create(&senders[i], NULL, send_many, client) == 0);
    for (int i = 0; i < SENDERS * EACH; i++) receives(client, FLARE_WEBSOCKET_TEXT, "from a thread");
    for (int i = 0; i < SENDERS; i++) pthread_join(senders[i], NULL);
    CHECK(pthread_create(&receiver, NULL, receive_end, client) == 0);
    CHECK_STATUS(flare_websocket_client_free(client), FLARE_OK);
    pthread_join(receiver, NULL);
}

static void misuse(flare_websocket_opener *opener) {
    flare_websocket_client *client = opened(opener, "/echo");
    CHECK_STATUS(flare_websocket_client_receive(client, 0, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_client_send(client, 3, "x", 1, 0), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_client_send(client, FLARE_WEBSOCKET_TEXT, "\xff", 1, 0), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_client_send(client, FLARE_WEBSOCKET_TEXT, NULL, 1, 0), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_client_send_text(client, NULL, 0), FLARE_ERROR_INVALID_ARGUMENT);
    char long_ping[126] = {0};
    CHECK_STATUS(flare_websocket_client_ping(client, long_ping, sizeof long_ping), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_client_close(client, 1005, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_client_close(client, -1, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_client_close(client, 65536 + 1000, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_NUMBER(flare_websocket_client_header(client, NULL, NULL, 0), 0);
    CHECK_STATUS(flare_websocket_client_send_text(client, "still there", 0), FLARE_OK);
    receives(client, FLARE_WEBSOCKET_TEXT, "still there");
    CHECK_STATUS(flare_websocket_client_free(client), FLARE_OK);
}

static void again(flare_websocket_opener *opener) {
    CHECK_STATUS(flare_websocket_opener_set_text(opener, "target", "unix:/no/such/socket"), FLARE_OK);
    CHECK_STATUS(flare_websocket_opener_set_number(opener, "attempts", 3), FLARE_OK);
    CHECK_STATUS(flare_websocket_opener_set_number(opener, "attempt_wait_ms", 20), FLARE_OK);
    flare_websocket_client *client = NULL;
    long long begun = now_ms();
    CHECK_STATUS(flare_websocket_opener_open(opener, at("/echo"), &client, NULL), FLARE_ERROR_NOT_FOUND);
    // Half of 20 ms, and half of 40, at least.
    CHECK(now_ms() - begun >= 30);
}

int main(void) {
    flare_websocket_options *options = flare_websocket_options_new();
    flare_websocket_options_set_text(options, "protocols", "v1");
    flare_websocket_options_set_number(options, "message_limit", 4 << 20);
    flare_router *router = flare_router_new();
    route(router, "GET", "/locked", locked, NULL);
    CHECK_STATUS(flare_router_ws(router, "/echo", options, NULL, echo, NULL, NULL, NULL, NULL), FLARE_OK);
    CHECK_STATUS(flare_router_ws(router, "/leave", NULL, leave, NULL, NULL, NULL, NULL, NULL), FLARE_OK);
    flare_websocket_options_free(options);
    app_start(&a, router, NULL);
    flare_websocket_opener *opener = flare_websocket_opener_new();
    flare_websocket_opener_set_text(opener, "protocols", "v0, v1");
    flare_websocket_opener_set_number(opener, "message_limit", 4 << 20);

    TEST("messages go both ways on HTTP/1.1");
    talks(opener, 1);
    TEST("and on HTTP/2");
    flare_websocket_opener_set_number(opener, "http", 2);
    talks(opener, 2);
    flare_websocket_opener_set_number(opener, "http", 0);

    TEST("the server closes");
    flare_websocket_client *client = opened(opener, "/leave");
    receives(client, FLARE_WEBSOCKET_CLOSED, "not today");
    ends(client, 4002, 1);
    CHECK_STATUS(flare_websocket_client_free(client), FLARE_OK);

    TEST("a server that refuses says why");
    refusals(opener);
    TEST("settings are checked");
    settings();
    TEST("connections as those of a connector");
    flare_connector *connector = flare_connector_new();
    CHECK_STATUS(flare_connector_set_number(connector, "timeout_ms", 4000), FLARE_OK);
    CHECK_STATUS(flare_websocket_opener_set_connector(opener, connector), FLARE_OK);
    CHECK_STATUS(flare_connector_free(connector), FLARE_OK);
    talks(opener, 1);
    TEST("a loop is never blocked");
    looping(opener);
    TEST("one thread receives while others send, and a free ends what waits");
    threads(opener);
    TEST("misuse is refused");
    misuse(opener);
    TEST("attempts that follow");
    again(opener);

    CHECK_STATUS(flare_websocket_opener_free(opener), FLARE_OK);
    app_stop(&a);
    return DONE();
}
