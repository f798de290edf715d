// WebSockets: callbacks, what is sent from elsewhere, topics, ends, misuse.
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "app.h"

#define OFFER(path) \
    "GET " path " HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n" \
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: v1\r\n\r\n"
// Masked with zeros, so that the text can be read.
#define SAY_HI "\x81\x82\0\0\0\0hi"
#define SAY_BYE "\x88\x85\0\0\0\0\x0f\xa1" "bye"

static app a;
static gate opened = GATE_INIT, closed = GATE_INIT, freed = GATE_INIT, data_freed = GATE_INIT;
static flare_websocket *kept;
static flare_request *kept_request;
static int32_t close_code;
static char close_reason[32];

static int32_t on_open(flare_websocket *socket, void *user) {
    CHECK(user == &freed);
    char protocol[8];
    CHECK_NUMBER(flare_websocket_protocol(socket, protocol, sizeof protocol), 2);
    CHECK_TEXT(protocol, "v1");
    CHECK_STATUS(flare_websocket_set_data(socket, &data_freed, gate_destroy), FLARE_OK);
    CHECK_STATUS(flare_websocket_subscribe(socket, "all"), FLARE_OK);
    CHECK_STATUS(flare_websocket_retain(socket), FLARE_OK);
    kept = socket;
    kept_request = flare_websocket_request(socket);
    CHECK(kept_request);
    gate_open(&opened);
    return FLARE_OK;
}

static int32_t on_message(flare_websocket *socket, int32_t kind, const uint8_t *data, size_t length, void *user) {
    CHECK(user == &freed);
    CHECK(flare_websocket_data(socket) == &data_freed);
    return flare_websocket_send(socket, kind, data, length);
}

static void on_close(flare_websocket *socket, int32_t code, const char *reason, void *user) {
    CHECK(user == &freed && socket == kept);
    close_code = code;
    snprintf(close_reason, sizeof close_reason, "%s", reason);
    gate_open(&closed);
}

static int32_t failing(flare_websocket *socket, int32_t kind, const uint8_t *data, size_t length, void *user) {
    (void)socket, (void)kind, (void)data, (void)length, (void)user;
    return FLARE_ERROR_IO;
}

static int32_t home(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    return flare_response_send_text(response, 200, "home");
}

static bool receives(client *c, const char *bytes, size_t length) {
    char buffer[128];
    size_t have = 0;
    while (have < length) {
        ssize_t got = recv(c->fd, buffer + have, length - have, 0);
        if (got <= 0) return false;
        have += (size_t)got;
    }
    return !memcmp(buffer, bytes, length);
}

static void enter(client *c, const char *offer) {
    CHECK(client_open(c, a.address));
    CHECK(client_send(c, offer));
    reply r = client_read(c, false);
    CHECK_NUMBER(r.status, 101);
    CHECK_TEXT(reply_header(&r, "sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    reply_free(&r);
}

static void echoes(client *c) {
    CHECK(client_send_bytes(c, SAY_HI, 8));
    CHECK(receives(c, "\x81\x02hi", 4));
}

static void sends(client *c) {
    CHECK_NUMBER(flare_websocket_is_open(kept), 1);
    CHECK_STATUS(flare_websocket_send_text(kept, "there"), FLARE_OK);
    CHECK_STATUS(flare_websocket_ping(kept, "p", 1), FLARE_OK);
    CHECK(receives(c, "\x81\x05there\x89\x01p", 10));
    CHECK(!flare_websocket_request(kept));
    char words[80];
    flare_last_error(words, sizeof words);
    CHECK(strstr(words, "keep it there"));
    CHECK_TEXT(flare_request_path(kept_request, NULL), "/ws");
    CHECK_STATUS(flare_request_release(kept_request), FLARE_OK);
    CHECK_STATUS(flare_websocket_log_error(kept, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_log_error(kept, "why \xff"), FLARE_OK);
}

static void sends_in_fragments(client *c) {
    CHECK_STATUS(flare_websocket_send_fragment(kept, FLARE_WEBSOCKET_TEXT, "one", 3, 0), FLARE_OK);
    CHECK_STATUS(flare_websocket_send_text(kept, "other"), FLARE_ERROR_WOULD_BLOCK);
    CHECK_STATUS(flare_websocket_send_fragment(kept, FLARE_WEBSOCKET_BINARY, "x", 1, 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_send_fragment(kept, FLARE_WEBSOCKET_TEXT, "x", 1, 2), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_send_fragment(kept, FLARE_WEBSOCKET_TEXT, NULL, 0, 1), FLARE_OK);
    CHECK(receives(c, "\x01\x03one\x80\x00", 7));
}

static void publishes(client *c) {
    CHECK_STATUS(flare_websocket_publish(kept, "all", FLARE_WEBSOCKET_BINARY, "\1", 1), FLARE_OK);
    CHECK(receives(c, "\x82\x01\1", 3));
    CHECK_STATUS(flare_server_publish(a.server, "all", FLARE_WEBSOCKET_TEXT, "x", 1), FLARE_OK);
    CHECK(receives(c, "\x81\x01x", 3));
    CHECK_STATUS(flare_websocket_unsubscribe(kept, "all"), FLARE_OK);
    CHECK_STATUS(flare_server_publish(a.server, "all", FLARE_WEBSOCKET_TEXT, "y", 1), FLARE_OK);
    echoes(c);
    CHECK_NUMBER(flare_websocket_missed(kept), 0);
}

static void ends(client *c) {
    CHECK(client_send_bytes(c, SAY_BYE, 11));
    CHECK(receives(c, "\x88\x02\x0f\xa1", 4));
    CHECK(client_at_end(c));
    client_close(c);
    CHECK(gate_wait(&closed, 1));
    CHECK_NUMBER(close_code, 4001);
    CHECK_TEXT(close_reason, "bye");
    CHECK_NUMBER(flare_websocket_is_open(kept), 0);
    CHECK_STATUS(flare_websocket_send_text(kept, "late"), FLARE_ERROR_CLOSED);
    CHECK_NUMBER(gate_count(&data_freed), 0);
    CHECK_STATUS(flare_websocket_release(kept), FLARE_OK);
    CHECK(gate_wait(&data_freed, 1));
}

static void misuse(client *c) {
    CHECK_STATUS(flare_websocket_send(kept, 3, "x", 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_send(kept, FLARE_WEBSOCKET_TEXT, "\xff", 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_send(kept, FLARE_WEBSOCKET_TEXT, NULL, 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_send_text(kept, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    char long_ping[126] = {0};
    CHECK_STATUS(flare_websocket_ping(kept, long_ping, sizeof long_ping), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_close(kept, 1005, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_close(kept, -1, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_subscribe(kept, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_unsubscribe(kept, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_publish(kept, NULL, FLARE_WEBSOCKET_TEXT, "x", 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_router_ws((flare_router *)kept, "/x", NULL, NULL, NULL, NULL, NULL, NULL, NULL), FLARE_ERROR_WRONG_KIND);
    echoes(c);
}

static void no_handles(void) {
    CHECK_STATUS(flare_websocket_retain(NULL), FLARE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(flare_websocket_release(NULL), FLARE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(flare_websocket_send(NULL, FLARE_WEBSOCKET_TEXT, "x", 1), FLARE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(flare_websocket_is_open(NULL), FLARE_ERROR_INVALID_HANDLE);
    CHECK(!flare_websocket_request(NULL));
    CHECK(!flare_websocket_data(NULL));
    CHECK_NUMBER(flare_websocket_missed(NULL), 0);
    gate unused = GATE_INIT;
    CHECK_STATUS(flare_websocket_set_data(NULL, &unused, gate_destroy), FLARE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(flare_router_ws(NULL, "/ws", NULL, NULL, NULL, NULL, NULL, &unused, gate_destroy), FLARE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(flare_websocket_options_set_otherwise(NULL, home, &unused, gate_destroy), FLARE_ERROR_INVALID_HANDLE);
    CHECK_NUMBER(gate_count(&unused), 3);
    CHECK_STATUS(flare_server_publish(NULL, "all", FLARE_WEBSOCKET_TEXT, "x", 1), FLARE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(flare_websocket_options_free(NULL), FLARE_ERROR_INVALID_HANDLE);
}

static void options(flare_router *router) {
    flare_websocket_options *options = flare_websocket_options_new();
    CHECK_STATUS(flare_websocket_options_set_number(options, "message_limit", 10), FLARE_OK);
    CHECK_STATUS(flare_websocket_options_set_number(options, "message_limit", 0), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_options_set_number(options, "ping_interval_ms", -1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_options_set_number(options, "nothing", 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_options_set_text(options, "protocols", "v2, v1"), FLARE_OK);
    CHECK_STATUS(flare_websocket_options_set_text(options, "origins", "*"), FLARE_OK);
    CHECK_STATUS(flare_websocket_options_set_text(options, "nothing", "x"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_options_set_otherwise(options, NULL, NULL, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_websocket_options_set_otherwise(options, home, NULL, NULL), FLARE_OK);
    int32_t status = flare_router_ws(router, "/ws", options, on_open, on_message, NULL, on_close, &freed, gate_destroy);
    CHECK_STATUS(status, FLARE_OK);
    CHECK_STATUS(flare_router_ws(router, "/ws", options, NULL, NULL, NULL, NULL, NULL, NULL), FLARE_ERROR_CONFLICT);
    CHECK_STATUS(flare_router_ws(router, "/fail", NULL, NULL, failing, NULL, NULL, NULL, NULL), FLARE_OK);
    CHECK_STATUS(flare_websocket_options_free(options), FLARE_OK);
}

int main(void) {
    TEST("options");
    flare_router *router = flare_router_new();
    options(router);
    app_start(&a, router, one_worker());
    TEST("handles that are none");
    no_handles();
    TEST("who does not ask for a WebSocket");
    expect(&a, "GET /ws HTTP/1.1\r\nhost: a\r\n\r\n", 200, "home");
    client c;
    TEST("a message comes back");
    enter(&c, OFFER("/ws"));
    CHECK(gate_wait(&opened, 1));
    echoes(&c);
    TEST("another thread sends");
    sends(&c);
    TEST("a message in fragments");
    sends_in_fragments(&c);
    TEST("topics");
    publishes(&c);
    TEST("misuse changes nothing");
    misuse(&c);
    TEST("the client closes");
    ends(&c);
    TEST("a callback that fails closes with 1011");
    enter(&c, OFFER("/fail"));
    CHECK(client_send_bytes(&c, SAY_HI, 8));
    CHECK(receives(&c, "\x88\x02\x03\xf3", 4));
    CHECK(client_send_bytes(&c, SAY_BYE, 11));
    CHECK(client_at_end(&c));
    client_close(&c);
    app_stop(&a);
    TEST("the user data is freed once");
    CHECK(gate_wait(&freed, 1));
    CHECK_NUMBER(gate_count(&freed), 1);
    return DONE();
}
