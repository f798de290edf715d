// Functions of connectors, connections and clients, and good handles of them.
#pragma once

#include "handles/row.h"

CALL(connector_free, flare_connector_free(handle))
CALL(connector_set_number, flare_connector_set_number(handle, "timeout_ms", 1))
CALL(connector_set_text, flare_connector_set_text(handle, "tls_alpn", "x"))
CALL(connector_add_roots, flare_connector_add_roots(handle, "x", 1))
CALL(connector_set_certificate_files, flare_connector_set_certificate_files(handle, "x", "y"))
CALL(connector_set_certificate_pem, flare_connector_set_certificate_pem(handle, "x", 1, "y", 1))
static int64_t call_connector_connect(void *handle) {
    flare_connection *connection;
    return flare_connector_connect(handle, "127.0.0.1:1", &connection);
}
static int64_t call_connector_begin(void *handle) {
    flare_connecting *connecting;
    return flare_connector_begin(handle, "127.0.0.1:1", &connecting);
}
CALL(connecting_fd, flare_connecting_fd(handle))
static int64_t call_connecting_poll(void *handle) {
    flare_connection *connection;
    return flare_connecting_poll(handle, &connection);
}
CALL(connecting_cancel, flare_connecting_cancel(handle))
CALL(connecting_free, flare_connecting_free(handle))
static int64_t call_connection_read(void *handle) {
    char buffer[4];
    size_t length;
    return flare_connection_read(handle, buffer, sizeof buffer, 0, &length);
}
CALL(connection_write, flare_connection_write(handle, "x", 1, 0, NULL))
CALL(connection_flush, flare_connection_flush(handle, 0))
CALL(connection_close_write, flare_connection_close_write(handle))
CALL(connection_close, flare_connection_close(handle))
CALL(connection_free, flare_connection_free(handle))
CALL(connection_fd, flare_connection_fd(handle))
COPY_CALL(connection_peer, flare_connection_peer(handle, buffer, sizeof buffer))
COPY_CALL(connection_tls, flare_connection_tls(handle, "version", buffer, sizeof buffer))

CALL(client_new, flare_client_new(handle, 0, &(flare_client *){NULL}))
CALL(client_connect, flare_client_connect(handle, "127.0.0.1:1", 0, &(flare_client *){NULL}))
CALL(client_set_number, flare_client_set_number(handle, "timeout_ms", 1))
CALL(client_open, flare_client_open(handle, NULL, 0, NULL))
CALL(client_next, flare_client_next(handle, 0, &(int32_t){0}, NULL, NULL, NULL, NULL))
CALL(client_fetch, flare_client_fetch(handle, NULL, NULL, 0, NULL))
CALL(client_can_open, flare_client_can_open(handle))
CALL(client_version, flare_client_version(handle))
CALL(client_fd, flare_client_fd(handle))
CALL(client_wants_write, flare_client_wants_write(handle))
CALL(client_close, flare_client_close(handle))
CALL(client_abort, flare_client_abort(handle))
CALL(client_free, flare_client_free(handle))

CALL(websocket_opener_set_connector_connector, flare_websocket_opener_set_connector(good_opener, handle))

static const struct row connection_rows[] = {
    {"flare_connector_free", CONNECTOR, CODE, call_connector_free, false, false},
    {"flare_connector_set_number", CONNECTOR, CODE, call_connector_set_number, false, false},
    {"flare_connector_set_text", CONNECTOR, CODE, call_connector_set_text, false, false},
    {"flare_connector_add_roots", CONNECTOR, CODE, call_connector_add_roots, false, false},
    {"flare_connector_set_certificate_files", CONNECTOR, CODE, call_connector_set_certificate_files, false, false},
    {"flare_connector_set_certificate_pem", CONNECTOR, CODE, call_connector_set_certificate_pem, false, false},
    {"flare_connector_connect", CONNECTOR, CODE, call_connector_connect, false, false},
    {"flare_connector_begin", CONNECTOR, CODE, call_connector_begin, false, false},
    {"flare_connecting_fd", CONNECTING, CODE, call_connecting_fd, false, false},
    {"flare_connecting_poll", CONNECTING, CODE, call_connecting_poll, false, false},
    {"flare_connecting_cancel", CONNECTING, CODE, call_connecting_cancel, false, false},
    {"flare_connecting_free", CONNECTING, CODE, call_connecting_free, false, false},
    {"flare_connection_read", CONNECTION, CODE, call_connection_read, false, false},
    {"flare_connection_write", CONNECTION, CODE, call_connection_write, false, false},
    {"flare_connection_flush", CONNECTION, CODE, call_connection_flush, false, false},
    {"flare_connection_close_write", CONNECTION, CODE, call_connection_close_write, false, false},
    {"flare_connection_close", CONNECTION, CODE, call_connection_close, false, false},
    {"flare_connection_free", CONNECTION, CODE, call_connection_free, false, false},
    {"flare_connection_fd", CONNECTION, CODE, call_connection_fd, false, false},
    {"flare_connection_peer", CONNECTION, NOTHING, call_connection_peer, false, false},
    {"flare_connection_tls", CONNECTION, NOTHING, call_connection_tls, false, false},
    {"flare_client_new", CONNECTION, CODE, call_client_new, false, false},
    {"flare_client_connect", CONNECTOR, CODE, call_client_connect, false, false},
    {"flare_client_set_number", CLIENT, CODE, call_client_set_number, false, false},
    {"flare_client_open", CLIENT, CODE, call_client_open, false, false},
    {"flare_client_next", CLIENT, CODE, call_client_next, false, false},
    {"flare_client_fetch", CLIENT, CODE, call_client_fetch, false, false},
    {"flare_client_can_open", CLIENT, CODE, call_client_can_open, false, false},
    {"flare_client_version", CLIENT, CODE, call_client_version, false, false},
    {"flare_client_fd", CLIENT, CODE, call_client_fd, false, false},
    {"flare_client_wants_write", CLIENT, CODE, call_client_wants_write, false, false},
    {"flare_client_close", CLIENT, CODE, call_client_close, false, false},
    {"flare_client_abort", CLIENT, CODE, call_client_abort, false, false},
    {"flare_client_free", CLIENT, CODE, call_client_free, false, false},
    {"flare_websocket_opener_set_connector", CONNECTOR, CODE, call_websocket_opener_set_connector_connector, false, false},
};

// What connects, a connection that is being made, and one that was.
static flare_connector *connector;
static flare_connecting *connecting;
static flare_connection *connection;

static void connections_start(const char *address) {
    connector = flare_connector_new();
    CHECK_STATUS(flare_connector_begin(connector, address, &connecting), FLARE_OK);
    CHECK_STATUS(flare_connector_connect(connector, address, &connection), FLARE_OK);
    CHECK_STATUS(flare_client_connect(connector, address, 0, &asker), FLARE_OK);
}

static void connections_end(void) {
    CHECK_STATUS(flare_client_can_open(asker), 1);
    CHECK_STATUS(flare_client_free(asker), FLARE_OK);
    CHECK_STATUS(flare_connection_free(connection), FLARE_OK);
    CHECK_STATUS(flare_connecting_free(connecting), FLARE_OK);
    CHECK_STATUS(flare_connector_free(connector), FLARE_OK);
}
