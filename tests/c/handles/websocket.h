// Functions of WebSockets of both sides, and good handles of them.
#pragma once

#include "handles/row.h"

CALL(websocket_close, flare_websocket_close(handle, 1000, NULL))
CALL(websocket_data, (intptr_t)flare_websocket_data(handle))
CALL(websocket_is_open, flare_websocket_is_open(handle))
CALL(websocket_log_error, flare_websocket_log_error(handle, "why"))
CALL(websocket_missed, flare_websocket_missed(handle))
CALL(websocket_ping, flare_websocket_ping(handle, NULL, 0))
CALL(websocket_protocol, flare_websocket_protocol(handle, NULL, 0))
CALL(websocket_publish, flare_websocket_publish(handle, "t", FLARE_WEBSOCKET_TEXT, "x", 1))
CALL(websocket_release, flare_websocket_release(handle))
CALL(websocket_request, (intptr_t)flare_websocket_request(handle))
CALL(websocket_retain, flare_websocket_retain(handle))
CALL(websocket_send, flare_websocket_send(handle, FLARE_WEBSOCKET_TEXT, "x", 1))
CALL(websocket_send_fragment, flare_websocket_send_fragment(handle, FLARE_WEBSOCKET_TEXT, "x", 1, 1))
CALL(websocket_send_text, flare_websocket_send_text(handle, "x"))
CALL(websocket_set_data, flare_websocket_set_data(handle, USER))
CALL(websocket_subscribe, flare_websocket_subscribe(handle, "t"))
CALL(websocket_unsubscribe, flare_websocket_unsubscribe(handle, "t"))
CALL(router_ws_options, flare_router_ws(router, "/none", handle, unused_opening, NULL, NULL, NULL, USER))
CALL(websocket_options_free, flare_websocket_options_free(handle))
CALL(websocket_options_set_number, flare_websocket_options_set_number(handle, "ping_ms", 1))
CALL(websocket_options_set_text, flare_websocket_options_set_text(handle, "origins", "any"))
CALL(websocket_options_set_otherwise, flare_websocket_options_set_otherwise(handle, unused_handler, USER))

CALL(websocket_opener_free, flare_websocket_opener_free(handle))
CALL(websocket_opener_set_number, flare_websocket_opener_set_number(handle, "attempts", 1))
CALL(websocket_opener_set_text, flare_websocket_opener_set_text(handle, "target", ""))
CALL(websocket_opener_add_header, flare_websocket_opener_add_header(handle, "a", "b"))
CALL(websocket_opener_set_connector, flare_websocket_opener_set_connector(handle, NULL))
static int64_t call_websocket_opener_open(void *handle) {
    flare_websocket_client *client;
    return flare_websocket_opener_open(handle, "ws://127.0.0.1:1/", &client, NULL);
}
static int64_t call_websocket_opener_begin(void *handle) {
    flare_websocket_opening *opening;
    return flare_websocket_opener_begin(handle, "ws://127.0.0.1:1/", &opening);
}
CALL(websocket_opening_fd, flare_websocket_opening_fd(handle))
static int64_t call_websocket_opening_poll(void *handle) {
    flare_websocket_client *client;
    return flare_websocket_opening_poll(handle, &client, NULL);
}
CALL(websocket_opening_cancel, flare_websocket_opening_cancel(handle))
CALL(websocket_opening_free, flare_websocket_opening_free(handle))
static int64_t call_websocket_client_receive(void *handle) {
    flare_websocket_event *event;
    return flare_websocket_client_receive(handle, 0, &event);
}
CALL(websocket_client_send, flare_websocket_client_send(handle, FLARE_WEBSOCKET_TEXT, "x", 1, 0))
CALL(websocket_client_send_text, flare_websocket_client_send_text(handle, "x", 0))
CALL(websocket_client_ping, flare_websocket_client_ping(handle, NULL, 0))
CALL(websocket_client_close, flare_websocket_client_close(handle, 1000, NULL))
CALL(websocket_client_free, flare_websocket_client_free(handle))
CALL(websocket_client_fd, flare_websocket_client_fd(handle))
CALL(websocket_client_is_open, flare_websocket_client_is_open(handle))
CALL(websocket_client_http, flare_websocket_client_http(handle))
COPY_CALL(websocket_client_protocol, flare_websocket_client_protocol(handle, buffer, sizeof buffer))
COPY_CALL(websocket_client_header, flare_websocket_client_header(handle, "a", buffer, sizeof buffer))
CALL(websocket_event_kind, flare_websocket_event_kind(handle))
TEXT_CALL(websocket_event_data, flare_websocket_event_data(handle, &length))
CALL(websocket_event_code, flare_websocket_event_code(handle))
CALL(websocket_event_is_clean, flare_websocket_event_is_clean(handle))
CALL(websocket_event_free, flare_websocket_event_free(handle))

static const struct row websocket_rows[] = {
    {"flare_router_ws", WEBSOCKET_OPTIONS, CODE, call_router_ws_options, true, true},
    {"flare_websocket_close", WEBSOCKET, CODE, call_websocket_close, false, false},
    {"flare_websocket_data", WEBSOCKET, NOTHING, call_websocket_data, false, false},
    {"flare_websocket_is_open", WEBSOCKET, CODE, call_websocket_is_open, false, false},
    {"flare_websocket_log_error", WEBSOCKET, CODE, call_websocket_log_error, false, false},
    {"flare_websocket_missed", WEBSOCKET, NOTHING, call_websocket_missed, false, false},
    {"flare_websocket_ping", WEBSOCKET, CODE, call_websocket_ping, false, false},
    {"flare_websocket_protocol", WEBSOCKET, NOTHING, call_websocket_protocol, false, false},
    {"flare_websocket_publish", WEBSOCKET, CODE, call_websocket_publish, false, false},
    {"flare_websocket_release", WEBSOCKET, CODE, call_websocket_release, false, false},
    {"flare_websocket_request", WEBSOCKET, NOTHING, call_websocket_request, false, false},
    {"flare_websocket_retain", WEBSOCKET, CODE, call_websocket_retain, false, false},
    {"flare_websocket_send", WEBSOCKET, CODE, call_websocket_send, false, false},
    {"flare_websocket_send_fragment", WEBSOCKET, CODE, call_websocket_send_fragment, false, false},
    {"flare_websocket_send_text", WEBSOCKET, CODE, call_websocket_send_text, false, false},
    {"flare_websocket_set_data", WEBSOCKET, CODE, call_websocket_set_data, true, false},
    {"flare_websocket_subscribe", WEBSOCKET, CODE, call_websocket_subscribe, false, false},
    {"flare_websocket_unsubscribe", WEBSOCKET, CODE, call_websocket_unsubscribe, false, false},
    {"flare_websocket_options_free", WEBSOCKET_OPTIONS, CODE, call_websocket_options_free, false, false},
    {"flare_websocket_options_set_number", WEBSOCKET_OPTIONS, CODE, call_websocket_options_set_number, false, false},
    {"flare_websocket_options_set_text", WEBSOCKET_OPTIONS, CODE, call_websocket_options_set_text, false, false},
    {"flare_websocket_options_set_otherwise", WEBSOCKET_OPTIONS, CODE, call_websocket_options_set_otherwise, true, false},
    {"flare_websocket_opener_free", WEBSOCKET_OPENER, CODE, call_websocket_opener_free, false, false},
    {"flare_websocket_opener_set_number", WEBSOCKET_OPENER, CODE, call_websocket_opener_set_number, false, false},
    {"flare_websocket_opener_set_text", WEBSOCKET_OPENER, CODE, call_websocket_opener_set_text, false, false},
    {"flare_websocket_opener_add_header", WEBSOCKET_OPENER, CODE, call_websocket_opener_add_header, false, false},
    {"flare_websocket_opener_set_connector", WEBSOCKET_OPENER, CODE, call_websocket_opener_set_connector, false, false},
    {"flare_websocket_opener_open", WEBSOCKET_OPENER, CODE, call_websocket_opener_open, false, false},
    {"flare_websocket_opener_begin", WEBSOCKET_OPENER, CODE, call_websocket_opener_begin, false, false},
    {"flare_websocket_opening_fd", WEBSOCKET_OPENING, CODE, call_websocket_opening_fd, false, false},
    {"flare_websocket_opening_poll", WEBSOCKET_OPENING, CODE, call_websocket_opening_poll, false, false},
    {"flare_websocket_opening_cancel", WEBSOCKET_OPENING, CODE, call_websocket_opening_cancel, false, false},
    {"flare_websocket_opening_free", WEBSOCKET_OPENING, CODE, call_websocket_opening_free, false, false},
    {"flare_websocket_client_receive", WEBSOCKET_CLIENT, CODE, call_websocket_client_receive, false, false},
    {"flare_websocket_client_send", WEBSOCKET_CLIENT, CODE, call_websocket_client_send, false, false},
    {"flare_websocket_client_send_text", WEBSOCKET_CLIENT, CODE, call_websocket_client_send_text, false, false},
    {"flare_websocket_client_ping", WEBSOCKET_CLIENT, CODE, call_websocket_client_ping, false, false},
    {"flare_websocket_client_close", WEBSOCKET_CLIENT, CODE, call_websocket_client_close, false, false},
    {"flare_websocket_client_free", WEBSOCKET_CLIENT, CODE, call_websocket_client_free, false, false},
    {"flare_websocket_client_fd", WEBSOCKET_CLIENT, CODE, call_websocket_client_fd, false, false},
    {"flare_websocket_client_is_open", WEBSOCKET_CLIENT, CODE, call_websocket_client_is_open, false, false},
    {"flare_websocket_client_http", WEBSOCKET_CLIENT, CODE, call_websocket_client_http, false, false},
    {"flare_websocket_client_protocol", WEBSOCKET_CLIENT, NOTHING, call_websocket_client_protocol, false, false},
    {"flare_websocket_client_header", WEBSOCKET_CLIENT, NOTHING, call_websocket_client_header, false, false},
    {"flare_websocket_event_kind", WEBSOCKET_EVENT, CODE, call_websocket_event_kind, false, false},
    {"flare_websocket_event_data", WEBSOCKET_EVENT, NOTHING, call_websocket_event_data, false, false},
    {"flare_websocket_event_code", WEBSOCKET_EVENT, CODE, call_websocket_event_code, false, false},
    {"flare_websocket_event_is_clean", WEBSOCKET_EVENT, CODE, call_websocket_event_is_clean, false, false},
    {"flare_websocket_event_free", WEBSOCKET_EVENT, CODE, call_websocket_event_free, false, false},
};

// A socket of a route that keeps it, and its client.
static flare_websocket *websocket;
static gate websocket_opened = GATE_INIT;
static client websocket_client;

static int32_t keep_websocket(flare_websocket *socket, void *user) {
    (void)user;
    CHECK_STATUS(flare_websocket_retain(socket), FLARE_OK);
    websocket = socket;
    gate_open(&websocket_opened);
    return FLARE_OK;
}

static void websocket_start(const char *address) {
    CHECK(client_open(&websocket_client, address));
    CHECK(client_send(&websocket_client,
                      "GET /ws HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                      "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
    CHECK(gate_wait(&websocket_opened, 1));
}

static void websocket_end(void) {
    CHECK_STATUS(flare_websocket_is_open(websocket), 1);
    CHECK_STATUS(flare_websocket_release(websocket), FLARE_OK);
    client_close(&websocket_client);
}

// What opens sockets, one that is being opened, one that was, and its first event.
static flare_websocket_opener *websocket_opener;
static flare_websocket_opening *websocket_opening;
static flare_websocket_client *websocket_to_server;
static flare_websocket_event *websocket_event;

static void websocket_client_start(const char *address) {
    char uri[200];
    snprintf(uri, sizeof uri, "ws://%s/hello", address);
    websocket_opener = flare_websocket_opener_new();
    CHECK_STATUS(flare_websocket_opener_begin(websocket_opener, uri, &websocket_opening), FLARE_OK);
    CHECK_STATUS(flare_websocket_opener_open(websocket_opener, uri, &websocket_to_server, NULL), FLARE_OK);
    CHECK_STATUS(flare_websocket_client_receive(websocket_to_server, -1, &websocket_event), FLARE_OK);
}

static void websocket_client_end(void) {
    CHECK_NUMBER(flare_websocket_event_kind(websocket_event), FLARE_WEBSOCKET_TEXT);
    CHECK_STATUS(flare_websocket_event_free(websocket_event), FLARE_OK);
    CHECK_NUMBER(flare_websocket_client_is_open(websocket_to_server), 1);
    CHECK_STATUS(flare_websocket_client_free(websocket_to_server), FLARE_OK);
    CHECK_STATUS(flare_websocket_opening_free(websocket_opening), FLARE_OK);
    CHECK_STATUS(flare_websocket_opener_free(websocket_opener), FLARE_OK);
    refused_by_all(WEBSOCKET_EVENT, websocket_event, FLARE_ERROR_INVALID_HANDLE, "a freed handle");
    refused_by_all(WEBSOCKET_CLIENT, websocket_to_server, FLARE_ERROR_INVALID_HANDLE, "a freed handle");
    refused_by_all(WEBSOCKET_OPENING, websocket_opening, FLARE_ERROR_INVALID_HANDLE, "a freed handle");
    refused_by_all(WEBSOCKET_OPENER, websocket_opener, FLARE_ERROR_INVALID_HANDLE, "a freed handle");
}

static int32_t say_hello(flare_websocket *socket, void *user) {
    (void)user;
    return flare_websocket_send_text(socket, "hello");
}
