// Every function of the API with handles that are none: NULL, freed, finished, foreign, of another kind.
//
// The rows below are compared with capi/symbols, so a new function without a row fails the first test.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"

enum kind { NONE, CONFIG, ROUTER, SERVER, REQUEST, RESPONSE, ROUTE_OPTIONS, QUEUE, MUX, MUX_STREAM, MUX_LISTENER, MIDDLEWARE, TLS, CONNECTOR, CONNECTING, CONNECTION, WEBSOCKET, WEBSOCKET_OPTIONS, CLIENT, WEBSOCKET_OPENER, WEBSOCKET_OPENING, WEBSOCKET_CLIENT, WEBSOCKET_EVENT, KINDS };

// How a function tells that it refused the handle.
enum tells {
    CODE,     // it returns the status code
    NOTHING,  // it returns 0 or NULL; the message has the reason
};

struct row {
    const char *function;
    enum kind kind;
    enum tells tells;
    int64_t (*call)(void *handle);
    bool destroys;  // it is given user data, whose destructor must be called all the same
    bool optional;  // NULL is no error
};

// Good handles, for calls that are given a bad one beside them.
static flare_config *config;
static flare_router *router;
static flare_queue *queue;
static flare_middleware *middleware;
static flare_tls *tls;
// A client; NULL before.
static flare_client *asker;
static flare_websocket_opener *good_opener;
// The exchange that a handler kept; NULL before.
static flare_request *kept_request;
static flare_response *kept_response;

static gate destroyed = GATE_INIT;

static int32_t unused_handler(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)response, (void)user;
    return FLARE_OK;
}
static void unused_task(uint32_t worker, void *user) { (void)worker, (void)user; }
static void unused_log(int32_t level, const char *message, void *user) { (void)level, (void)message, (void)user; }
static void unused_access(const char *peer, const char *method, const char *path, int32_t status, uint64_t bytes, uint64_t ms,
                          void *user) {
    (void)peer, (void)method, (void)path, (void)status, (void)bytes, (void)ms, (void)user;
}

static int32_t unused_event(flare_request *request, flare_response *response, int32_t event, const uint8_t *data, size_t length,
                            void *user) {
    (void)request, (void)response, (void)event, (void)data, (void)length, (void)user;
    return FLARE_OK;
}
static const flare_tls *unused_resolver(const char *server_name, void *user) {
    (void)server_name, (void)user;
    return NULL;
}
static int32_t unused_opening(flare_websocket *socket, void *user) {
    (void)socket, (void)user;
    return FLARE_OK;
}
static void unused_line(const char *line, size_t length, void *user) { (void)line, (void)length, (void)user; }
static int32_t unused_check(const char *token, flare_request *request, char *name, size_t capacity, void *user) {
    (void)token, (void)request, (void)name, (void)capacity, (void)user;
    return FLARE_OK;
}
static int64_t unused_source(uint8_t *buffer, size_t capacity, void *user) {
    (void)buffer, (void)capacity, (void)user;
    return 0;
}

// A pointer that came back: 0 is what is wanted, and its length must then be 0 too.
static int64_t text(const void *pointer, size_t length) { return pointer ? (int64_t)(intptr_t)pointer : (int64_t)length; }

// What stands in `length` before a call, to see that it is written.
#define UNTOUCHED 77

#define CALL(name, expression) \
    static int64_t call_##name(void *handle) { return (int64_t)(expression); }
#define TEXT_CALL(name, expression)               \
    static int64_t call_##name(void *handle) {    \
        size_t length = UNTOUCHED;                \
        const void *pointer = (expression);       \
        return text(pointer, length);             \
    }
// Copied text: the buffer must be a string afterwards, whatever it was before.
#define COPY_CALL(name, expression)                              \
    static int64_t call_##name(void *handle) {                   \
        char buffer[8] = {'x', 'x', 'x', 'x', 'x', 'x', 'x', 0}; \
        size_t length = (expression);                            \
        return length ? (int64_t)length : (int64_t)strlen(buffer); \
    }
#define USER &destroyed, gate_destroy

CALL(config_free, flare_config_free(handle))
CALL(config_set_number, flare_config_set_number(handle, "workers", 1))
CALL(config_set_text, flare_config_set_text(handle, "server_name", "x"))

CALL(router_free, flare_router_free(handle))
CALL(router_add, flare_router_add(handle, "GET", "/", unused_handler, USER))
CALL(router_mount, flare_router_mount(handle, "/a", router))
CALL(router_mount_other, flare_router_mount(router, "/a", handle))
CALL(router_add_with, flare_router_add_with(handle, "GET", "/", NULL, unused_handler, USER))
CALL(router_add_with_options, flare_router_add_with(router, "GET", "/", handle, unused_handler, USER))
CALL(router_add_layer, flare_router_add_layer(handle, unused_handler, NULL, NULL, USER))
CALL(router_add_files, flare_router_add_files(handle, "/", ".", NULL, NULL))
CALL(router_add_files_options, flare_router_add_files(router, "/", ".", NULL, handle))
CALL(router_add_prepared, flare_router_add_prepared(handle, "GET", "/", 200, "text/plain", "x", 1))
CALL(router_add_queue, flare_router_add_queue(handle, "GET", "/", NULL, queue, 1))
CALL(router_add_queue_options, flare_router_add_queue(router, "GET", "/", handle, queue, 1))
CALL(router_add_queue_queue, flare_router_add_queue(router, "GET", "/", NULL, handle, 1))
CALL(serve, flare_serve(handle, "127.0.0.1:0"))

CALL(server_new_router, (intptr_t)flare_server_new(handle, config))
CALL(server_new_config, (intptr_t)flare_server_new(router, handle))
CALL(server_free, flare_server_free(handle))
CALL(server_listen, flare_server_listen(handle, "127.0.0.1:0"))
CALL(server_set_log, flare_server_set_log(handle, FLARE_LOG_INFO, unused_log, USER))
CALL(server_set_access_log, flare_server_set_access_log(handle, unused_access, USER))
CALL(server_on_worker_start, flare_server_on_worker_start(handle, unused_task, USER))
CALL(server_on_worker_stop, flare_server_on_worker_stop(handle, unused_task, USER))
CALL(server_start, flare_server_start(handle))
CALL(server_wait, flare_server_wait(handle))
CALL(server_run, flare_server_run(handle))
CALL(server_drain, flare_server_drain(handle, 0))
CALL(server_drain_on_signals, flare_server_drain_on_signals(handle))
COPY_CALL(server_address, flare_server_address(handle, 0, buffer, sizeof buffer))
CALL(server_stat, flare_server_stat(handle, "requests"))
CALL(server_workers, flare_server_workers(handle))
CALL(server_post, flare_server_post(handle, 0, 0, unused_task, USER))

CALL(server_host_start, flare_server_host_start(handle))
CALL(server_fd, flare_server_fd(handle))
CALL(server_poll, flare_server_poll(handle, 1))
CALL(server_drained, flare_server_drained(handle))

CALL(request_retain, flare_request_retain(handle))
CALL(request_release, flare_request_release(handle))
TEXT_CALL(request_method, flare_request_method(handle, &length))
TEXT_CALL(request_path, flare_request_path(handle, &length))
TEXT_CALL(request_query, flare_request_query(handle, &length))
TEXT_CALL(request_authority, flare_request_authority(handle, &length))
CALL(request_version, flare_request_version(handle))
COPY_CALL(request_peer, flare_request_peer(handle, buffer, sizeof buffer))
COPY_CALL(request_local_address, flare_request_local_address(handle, buffer, sizeof buffer))
TEXT_CALL(request_header, flare_request_header(handle, "host", &length))
CALL(request_header_count, flare_request_header_count(handle))
TEXT_CALL(request_header_name_at, flare_request_header_name_at(handle, 0, &length))
TEXT_CALL(request_header_value_at, flare_request_header_value_at(handle, 0, &length))
TEXT_CALL(request_trailer, flare_request_trailer(handle, "a", &length))
CALL(request_trailer_count, flare_request_trailer_count(handle))
TEXT_CALL(request_trailer_name_at, flare_request_trailer_name_at(handle, 0, &length))
TEXT_CALL(request_trailer_value_at, flare_request_trailer_value_at(handle, 0, &length))
TEXT_CALL(request_param, flare_request_param(handle, "a", &length))
TEXT_CALL(request_body, flare_request_body(handle, &length))
CALL(request_cancelled, flare_request_cancelled(handle))

CALL(response_retain, flare_response_retain(handle))
CALL(response_release, flare_response_release(handle))
CALL(response_add_header, flare_response_add_header(handle, "a", "b"))
CALL(response_set_header, flare_response_set_header(handle, "a", "b"))
CALL(response_add_trailer, flare_response_add_trailer(handle, "a", "b"))
CALL(response_send, flare_response_send(handle, 200, "x", 1))
CALL(response_send_as, flare_response_send_as(handle, 200, "a/b", "x", 1))
CALL(response_send_text, flare_response_send_text(handle, 200, "x"))
CALL(response_send_json, flare_response_send_json(handle, 200, "1"))
CALL(response_send_borrowed, flare_response_send_borrowed(handle, 200, "x", 1, USER))

CALL(request_on_event, flare_request_on_event(handle, unused_event, USER))
CALL(request_log_error, flare_request_log_error(handle, "why"))
CALL(request_resume, flare_request_resume(handle))
CALL(request_set_attribute, flare_request_set_attribute(handle, "a", "b"))
COPY_CALL(request_attribute, flare_request_attribute(handle, "a", buffer, sizeof buffer))
static int64_t call_request_read(void *handle) {
    char buffer[8];
    size_t length;
    return flare_request_read(handle, buffer, sizeof buffer, &length);
}
static int64_t call_request_read_datagram(void *handle) {
    char buffer[8];
    size_t length;
    return flare_request_read_datagram(handle, buffer, sizeof buffer, &length);
}

CALL(response_start, flare_response_start(handle, 200))
CALL(response_write, flare_response_write(handle, "x", 1))
CALL(response_write_blocking, flare_response_write_blocking(handle, "x", 1))
CALL(response_finish, flare_response_finish(handle))
CALL(response_flush, flare_response_flush(handle))
CALL(response_fail, flare_response_fail(handle, "why"))
CALL(response_reset, flare_response_reset(handle))
CALL(response_inform, flare_response_inform(handle, 103, NULL, NULL, 0))
CALL(response_relay, flare_response_relay(handle, 200, "127.0.0.1:1", "x", 1, 0, 0, 0))
CALL(response_proceed, flare_response_proceed(handle))
CALL(response_send_file, flare_response_send_file(handle, 200, "capi/symbols"))
CALL(response_send_source, flare_response_send_source(handle, 200, -1, unused_source, USER))

CALL(route_options_free, flare_route_options_free(handle))
CALL(route_options_add_layer, flare_route_options_add_layer(handle, unused_handler, NULL, NULL, USER))
CALL(route_options_set_number, flare_route_options_set_number(handle, "streaming", 1))

CALL(tls_free, flare_tls_free(handle))
CALL(tls_add_files, flare_tls_add_files(handle, "chain.pem", "key.pem"))
CALL(tls_add_pem, flare_tls_add_pem(handle, "x", 1, "x", 1))
CALL(tls_add_self_signed, flare_tls_add_self_signed(handle, "localhost"))
CALL(tls_set_number, flare_tls_set_number(handle, "tickets", 1))
CALL(tls_set_text, flare_tls_set_text(handle, "alpn", "http/1.1"))
CALL(tls_set_resolver, flare_tls_set_resolver(handle, unused_resolver, USER))
CALL(server_listen_tls, flare_server_listen_tls(handle, "127.0.0.1:0", tls))
CALL(server_reload_tls, flare_server_reload_tls(handle))
CALL(server_replace_tls, flare_server_replace_tls(handle, 0, tls))
CALL(request_tls, (int64_t)flare_request_tls(handle, "version", NULL, 0))
CALL(request_is_early, flare_request_is_early(handle))
static int64_t call_request_peer_certificate(void *handle) {
    size_t length = 0;
    return (int64_t)(intptr_t)flare_request_peer_certificate(handle, &length);
}
CALL(middleware_free, flare_middleware_free(handle))
CALL(middleware_set_number, flare_middleware_set_number(handle, "trust_incoming", 1))
CALL(middleware_set_text, flare_middleware_set_text(handle, "realm", "x"))
CALL(middleware_add_token, flare_middleware_add_token(handle, "a", "b"))
CALL(middleware_on_line, flare_middleware_on_line(handle, unused_line, USER))
CALL(middleware_on_token, flare_middleware_on_token(handle, unused_check, USER))
CALL(router_add_middleware, flare_router_add_middleware(handle, middleware))
CALL(router_add_middleware_middleware, flare_router_add_middleware(router, handle))
CALL(route_options_add_middleware, flare_route_options_add_middleware(handle, middleware))
COPY_CALL(request_id, flare_request_id(handle, buffer, sizeof buffer))
COPY_CALL(request_identity, flare_request_identity(handle, buffer, sizeof buffer))
COPY_CALL(request_client, flare_request_client(handle, buffer, sizeof buffer))

CALL(queue_free, flare_queue_free(handle))
CALL(queue_close, flare_queue_close(handle))
CALL(queue_watch, flare_queue_watch(handle, kept_request, 1))
CALL(queue_watch_request, flare_queue_watch(queue, handle, 1))
static int64_t call_queue_next(void *handle) {
    int32_t event;
    flare_request *request;
    return flare_queue_next(handle, 0, &event, &request, NULL, NULL);
}

CALL(mux_free, flare_mux_free(handle))
static int64_t call_mux_open(void *handle) {
    flare_mux_stream *stream;
    return flare_mux_open(handle, &stream);
}
static int64_t call_mux_accept(void *handle) {
    flare_mux_stream *stream;
    return flare_mux_accept(handle, 0, &stream);
}
CALL(mux_stream_free, flare_mux_stream_free(handle))
CALL(mux_stream_write, flare_mux_stream_write(handle, "x", 1))
CALL(mux_stream_write_blocking, flare_mux_stream_write_blocking(handle, "x", 1, 0))
static int64_t call_mux_stream_read(void *handle) {
    char buffer[8];
    size_t length;
    return flare_mux_stream_read(handle, buffer, sizeof buffer, 0, &length);
}
CALL(mux_stream_finish, flare_mux_stream_finish(handle))
CALL(mux_stream_error, flare_mux_stream_error(handle, "x"))
CALL(mux_stream_cancel, flare_mux_stream_cancel(handle))
CALL(mux_listener_free, flare_mux_listener_free(handle))
COPY_CALL(mux_listener_address, flare_mux_listener_address(handle, buffer, sizeof buffer))
static int64_t call_mux_listener_accept(void *handle) {
    flare_mux *mux;
    return flare_mux_listener_accept(handle, 0, &mux);
}


TEXT_CALL(request_offered_protocol, flare_request_offered_protocol(handle, &length))
CALL(response_switch_protocol, flare_response_switch_protocol(handle, "x"))
CALL(response_switch_to_datagrams, flare_response_switch_to_datagrams(handle, "x"))
CALL(response_send_datagram, flare_response_send_datagram(handle, "x", 1))
CALL(response_max_datagram_size, flare_response_max_datagram_size(handle))

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
CALL(router_ws, flare_router_ws(handle, "/none", NULL, unused_opening, NULL, NULL, NULL, USER))
CALL(router_ws_options, flare_router_ws(router, "/none", handle, unused_opening, NULL, NULL, NULL, USER))
CALL(server_publish, flare_server_publish(handle, "t", FLARE_WEBSOCKET_TEXT, "x", 1))
CALL(websocket_options_free, flare_websocket_options_free(handle))
CALL(websocket_options_set_number, flare_websocket_options_set_number(handle, "ping_ms", 1))
CALL(websocket_options_set_text, flare_websocket_options_set_text(handle, "origins", "any"))
CALL(websocket_options_set_otherwise, flare_websocket_options_set_otherwise(handle, unused_handler, USER))

CALL(client_new, flare_client_new(handle, 0, &(flare_client *){NULL}))
CALL(client_connect, flare_client_connect(handle, "127.0.0.1:1", 0, &(flare_client *){NULL}))
CALL(client_set_number, flare_client_set_number(handle, "timeout_ms", 1))
CALL(client_open, flare_client_open(handle, NULL, 0, NULL))
CALL(client_open_request, flare_client_open(asker, handle, 0, NULL))
CALL(client_next, flare_client_next(handle, 0, &(int32_t){0}, NULL, NULL, NULL, NULL))
CALL(client_fetch, flare_client_fetch(handle, NULL, NULL, 0, NULL))
CALL(client_fetch_request, flare_client_fetch(asker, handle, NULL, 0, NULL))
CALL(client_can_open, flare_client_can_open(handle))
CALL(client_version, flare_client_version(handle))
CALL(client_fd, flare_client_fd(handle))
CALL(client_wants_write, flare_client_wants_write(handle))
CALL(client_close, flare_client_close(handle))
CALL(client_abort, flare_client_abort(handle))
CALL(client_free, flare_client_free(handle))

CALL(request_add_header, flare_request_add_header(handle, "x", "y"))
CALL(request_set_header, flare_request_set_header(handle, "x", "y"))
CALL(request_add_trailer, flare_request_add_trailer(handle, "x", "y"))
CALL(request_set_scheme, flare_request_set_scheme(handle, "http"))
CALL(request_set_content_length, flare_request_set_content_length(handle, 1))
CALL(request_offer_protocol, flare_request_offer_protocol(handle, "x"))
CALL(request_offer_datagrams, flare_request_offer_datagrams(handle, "x"))
CALL(request_send_datagram, flare_request_send_datagram(handle, "x", 1))
CALL(request_max_datagram_size, flare_request_max_datagram_size(handle))
CALL(request_write, flare_request_write(handle, "x", 1))
CALL(request_write_blocking, flare_request_write_blocking(handle, "x", 1))
CALL(request_finish, flare_request_finish(handle))
CALL(request_cancel, flare_request_cancel(handle))

CALL(response_status, flare_response_status(handle))
CALL(response_version, flare_response_version(handle))
CALL(response_cancelled, flare_response_cancelled(handle))
TEXT_CALL(response_header, flare_response_header(handle, "x", &length))
CALL(response_header_count, flare_response_header_count(handle))
TEXT_CALL(response_header_name_at, flare_response_header_name_at(handle, 0, &length))
TEXT_CALL(response_header_value_at, flare_response_header_value_at(handle, 0, &length))
TEXT_CALL(response_trailer, flare_response_trailer(handle, "x", &length))
CALL(response_trailer_count, flare_response_trailer_count(handle))
TEXT_CALL(response_trailer_name_at, flare_response_trailer_name_at(handle, 0, &length))
TEXT_CALL(response_trailer_value_at, flare_response_trailer_value_at(handle, 0, &length))
TEXT_CALL(response_body, flare_response_body(handle, &length))

CALL(websocket_opener_free, flare_websocket_opener_free(handle))
CALL(websocket_opener_set_number, flare_websocket_opener_set_number(handle, "attempts", 1))
CALL(websocket_opener_set_text, flare_websocket_opener_set_text(handle, "target", ""))
CALL(websocket_opener_add_header, flare_websocket_opener_add_header(handle, "a", "b"))
CALL(websocket_opener_set_connector, flare_websocket_opener_set_connector(handle, NULL))
CALL(websocket_opener_set_connector_connector, flare_websocket_opener_set_connector(good_opener, handle))
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

static const struct row rows[] = {
    // No handle goes in: see error_test.c, and config_new and router_new everywhere.
    {"flare_abi_version", NONE, CODE, NULL, false, false},
    {"flare_config_new", NONE, CODE, NULL, false, false},
    {"flare_has_feature", NONE, CODE, NULL, false, false},
    {"flare_last_error", NONE, CODE, NULL, false, false},
    {"flare_mux_connect", NONE, CODE, NULL, false, false},
    {"flare_mux_listener_bind", NONE, CODE, NULL, false, false},
    {"flare_queue_new", NONE, CODE, NULL, false, false},
    {"flare_route_options_new", NONE, CODE, NULL, false, false},
    {"flare_router_new", NONE, CODE, NULL, false, false},
    {"flare_status_name", NONE, CODE, NULL, false, false},
    {"flare_version", NONE, CODE, NULL, false, false},

    {"flare_config_free", CONFIG, CODE, call_config_free, false, false},
    {"flare_config_set_number", CONFIG, CODE, call_config_set_number, false, false},
    {"flare_config_set_text", CONFIG, CODE, call_config_set_text, false, false},
    {"flare_server_new", CONFIG, NOTHING, call_server_new_config, false, true},

    {"flare_router_free", ROUTER, CODE, call_router_free, false, false},
    {"flare_router_add", ROUTER, CODE, call_router_add, true, false},
    {"flare_router_mount", ROUTER, CODE, call_router_mount, false, false},
    {"flare_router_mount", ROUTER, CODE, call_router_mount_other, false, false},
    {"flare_router_add_layer", ROUTER, CODE, call_router_add_layer, true, false},
    {"flare_router_add_files", ROUTER, CODE, call_router_add_files, false, false},
    {"flare_router_add_prepared", ROUTER, CODE, call_router_add_prepared, false, false},
    {"flare_router_add_queue", ROUTER, CODE, call_router_add_queue, false, false},
    {"flare_router_add_with", ROUTER, CODE, call_router_add_with, true, false},
    {"flare_serve", ROUTER, CODE, call_serve, false, false},
    {"flare_server_new", ROUTER, NOTHING, call_server_new_router, false, false},

    {"flare_server_free", SERVER, CODE, call_server_free, false, false},
    {"flare_server_listen", SERVER, CODE, call_server_listen, false, false},
    {"flare_server_set_log", SERVER, CODE, call_server_set_log, true, false},
    {"flare_server_set_access_log", SERVER, CODE, call_server_set_access_log, true, false},
    {"flare_server_on_worker_start", SERVER, CODE, call_server_on_worker_start, true, false},
    {"flare_server_on_worker_stop", SERVER, CODE, call_server_on_worker_stop, true, false},
    {"flare_server_start", SERVER, CODE, call_server_start, false, false},
    {"flare_server_wait", SERVER, CODE, call_server_wait, false, false},
    {"flare_server_run", SERVER, CODE, call_server_run, false, false},
    {"flare_server_drain", SERVER, CODE, call_server_drain, false, false},
    {"flare_server_drain_on_signals", SERVER, CODE, call_server_drain_on_signals, false, false},
    {"flare_server_address", SERVER, NOTHING, call_server_address, false, false},
    {"flare_server_stat", SERVER, CODE, call_server_stat, false, false},
    {"flare_server_workers", SERVER, CODE, call_server_workers, false, false},
    {"flare_server_host_start", SERVER, CODE, call_server_host_start, false, false},
    {"flare_server_fd", SERVER, CODE, call_server_fd, false, false},
    {"flare_server_poll", SERVER, CODE, call_server_poll, false, false},
    {"flare_server_drained", SERVER, CODE, call_server_drained, false, false},
    {"flare_server_post", SERVER, CODE, call_server_post, true, false},

    {"flare_request_retain", REQUEST, CODE, call_request_retain, false, false},
    {"flare_request_release", REQUEST, CODE, call_request_release, false, false},
    {"flare_request_method", REQUEST, NOTHING, call_request_method, false, false},
    {"flare_request_path", REQUEST, NOTHING, call_request_path, false, false},
    {"flare_request_query", REQUEST, NOTHING, call_request_query, false, false},
    {"flare_request_authority", REQUEST, NOTHING, call_request_authority, false, false},
    {"flare_request_version", REQUEST, CODE, call_request_version, false, false},
    {"flare_request_peer", REQUEST, NOTHING, call_request_peer, false, false},
    {"flare_request_local_address", REQUEST, NOTHING, call_request_local_address, false, false},
    {"flare_request_header", REQUEST, NOTHING, call_request_header, false, false},
    {"flare_request_header_count", REQUEST, NOTHING, call_request_header_count, false, false},
    {"flare_request_header_name_at", REQUEST, NOTHING, call_request_header_name_at, false, false},
    {"flare_request_header_value_at", REQUEST, NOTHING, call_request_header_value_at, false, false},
    {"flare_request_trailer", REQUEST, NOTHING, call_request_trailer, false, false},
    {"flare_request_trailer_count", REQUEST, NOTHING, call_request_trailer_count, false, false},
    {"flare_request_trailer_name_at", REQUEST, NOTHING, call_request_trailer_name_at, false, false},
    {"flare_request_trailer_value_at", REQUEST, NOTHING, call_request_trailer_value_at, false, false},
    {"flare_request_param", REQUEST, NOTHING, call_request_param, false, false},
    {"flare_request_body", REQUEST, NOTHING, call_request_body, false, false},
    {"flare_request_cancelled", REQUEST, CODE, call_request_cancelled, false, false},
    {"flare_request_on_event", REQUEST, CODE, call_request_on_event, true, false},
    {"flare_request_read", REQUEST, CODE, call_request_read, false, false},
    {"flare_request_read_datagram", REQUEST, CODE, call_request_read_datagram, false, false},
    {"flare_request_log_error", REQUEST, CODE, call_request_log_error, false, false},
    {"flare_request_resume", REQUEST, CODE, call_request_resume, false, false},
    {"flare_request_set_attribute", REQUEST, CODE, call_request_set_attribute, false, false},
    {"flare_request_attribute", REQUEST, NOTHING, call_request_attribute, false, false},
    {"flare_request_offered_protocol", REQUEST, NOTHING, call_request_offered_protocol, false, false},
    {"flare_queue_watch", REQUEST, CODE, call_queue_watch_request, false, false},

    {"flare_response_retain", RESPONSE, CODE, call_response_retain, false, false},
    {"flare_response_release", RESPONSE, CODE, call_response_release, false, false},
    {"flare_response_add_header", RESPONSE, CODE, call_response_add_header, false, false},
    {"flare_response_set_header", RESPONSE, CODE, call_response_set_header, false, false},
    {"flare_response_add_trailer", RESPONSE, CODE, call_response_add_trailer, false, false},
    {"flare_response_send", RESPONSE, CODE, call_response_send, false, false},
    {"flare_response_send_as", RESPONSE, CODE, call_response_send_as, false, false},
    {"flare_response_send_text", RESPONSE, CODE, call_response_send_text, false, false},
    {"flare_response_send_json", RESPONSE, CODE, call_response_send_json, false, false},
    {"flare_response_send_borrowed", RESPONSE, CODE, call_response_send_borrowed, true, false},
    {"flare_response_send_file", RESPONSE, CODE, call_response_send_file, false, false},
    {"flare_response_send_source", RESPONSE, CODE, call_response_send_source, true, false},
    {"flare_response_start", RESPONSE, CODE, call_response_start, false, false},
    {"flare_response_write", RESPONSE, CODE, call_response_write, false, false},
    {"flare_response_write_blocking", RESPONSE, CODE, call_response_write_blocking, false, false},
    {"flare_response_finish", RESPONSE, CODE, call_response_finish, false, false},
    {"flare_response_flush", RESPONSE, CODE, call_response_flush, false, false},
    {"flare_response_fail", RESPONSE, CODE, call_response_fail, false, false},
    {"flare_response_reset", RESPONSE, CODE, call_response_reset, false, false},
    {"flare_response_inform", RESPONSE, CODE, call_response_inform, false, false},
    {"flare_response_relay", RESPONSE, CODE, call_response_relay, false, false},
    {"flare_response_switch_protocol", RESPONSE, CODE, call_response_switch_protocol, false, false},
    {"flare_response_switch_to_datagrams", RESPONSE, CODE, call_response_switch_to_datagrams, false, false},
    {"flare_response_send_datagram", RESPONSE, CODE, call_response_send_datagram, false, false},
    {"flare_response_max_datagram_size", RESPONSE, CODE, call_response_max_datagram_size, false, false},
    {"flare_response_proceed", RESPONSE, CODE, call_response_proceed, false, false},

    {"flare_route_options_free", ROUTE_OPTIONS, CODE, call_route_options_free, false, false},
    {"flare_route_options_add_layer", ROUTE_OPTIONS, CODE, call_route_options_add_layer, true, false},
    {"flare_route_options_set_number", ROUTE_OPTIONS, CODE, call_route_options_set_number, false, false},
    {"flare_router_add_with", ROUTE_OPTIONS, CODE, call_router_add_with_options, true, true},
    {"flare_router_add_files", ROUTE_OPTIONS, CODE, call_router_add_files_options, false, true},
    {"flare_router_add_queue", ROUTE_OPTIONS, CODE, call_router_add_queue_options, false, true},

    {"flare_tls_new", NONE, CODE, NULL, false, false},
    {"flare_tls_free", TLS, CODE, call_tls_free, false, false},
    {"flare_tls_add_files", TLS, CODE, call_tls_add_files, false, false},
    {"flare_tls_add_pem", TLS, CODE, call_tls_add_pem, false, false},
    {"flare_tls_add_self_signed", TLS, CODE, call_tls_add_self_signed, false, false},
    {"flare_tls_set_number", TLS, CODE, call_tls_set_number, false, false},
    {"flare_tls_set_text", TLS, CODE, call_tls_set_text, false, false},
    {"flare_tls_set_resolver", TLS, CODE, call_tls_set_resolver, true, false},
    {"flare_server_listen_tls", SERVER, CODE, call_server_listen_tls, false, false},
    {"flare_server_reload_tls", SERVER, CODE, call_server_reload_tls, false, false},
    {"flare_server_replace_tls", SERVER, CODE, call_server_replace_tls, false, false},
    {"flare_request_tls", REQUEST, NOTHING, call_request_tls, false, false},
    {"flare_request_peer_certificate", REQUEST, NOTHING, call_request_peer_certificate, false, false},
    {"flare_request_is_early", REQUEST, CODE, call_request_is_early, false, false},
    {"flare_middleware_new", NONE, CODE, NULL, false, false},
    {"flare_middleware_free", MIDDLEWARE, CODE, call_middleware_free, false, false},
    {"flare_middleware_set_number", MIDDLEWARE, CODE, call_middleware_set_number, false, false},
    {"flare_middleware_set_text", MIDDLEWARE, CODE, call_middleware_set_text, false, false},
    {"flare_middleware_add_token", MIDDLEWARE, CODE, call_middleware_add_token, false, false},
    {"flare_middleware_on_line", MIDDLEWARE, CODE, call_middleware_on_line, true, false},
    {"flare_middleware_on_token", MIDDLEWARE, CODE, call_middleware_on_token, true, false},
    {"flare_router_add_middleware", MIDDLEWARE, CODE, call_router_add_middleware_middleware, false, false},
    {"flare_router_add_middleware", ROUTER, CODE, call_router_add_middleware, false, false},
    {"flare_route_options_add_middleware", ROUTE_OPTIONS, CODE, call_route_options_add_middleware, false, false},
    {"flare_request_id", REQUEST, NOTHING, call_request_id, false, false},
    {"flare_request_identity", REQUEST, NOTHING, call_request_identity, false, false},
    {"flare_request_client", REQUEST, NOTHING, call_request_client, false, false},

    {"flare_queue_free", QUEUE, CODE, call_queue_free, false, false},
    {"flare_queue_close", QUEUE, CODE, call_queue_close, false, false},
    {"flare_queue_next", QUEUE, CODE, call_queue_next, false, false},
    {"flare_queue_watch", QUEUE, CODE, call_queue_watch, false, false},
    {"flare_router_add_queue", QUEUE, CODE, call_router_add_queue_queue, false, false},

    {"flare_mux_free", MUX, CODE, call_mux_free, false, false},
    {"flare_mux_open", MUX, CODE, call_mux_open, false, false},
    {"flare_mux_accept", MUX, CODE, call_mux_accept, false, false},

    {"flare_mux_stream_free", MUX_STREAM, CODE, call_mux_stream_free, false, false},
    {"flare_mux_stream_write", MUX_STREAM, CODE, call_mux_stream_write, false, false},
    {"flare_mux_stream_write_blocking", MUX_STREAM, CODE, call_mux_stream_write_blocking, false, false},
    {"flare_mux_stream_read", MUX_STREAM, CODE, call_mux_stream_read, false, false},
    {"flare_mux_stream_finish", MUX_STREAM, CODE, call_mux_stream_finish, false, false},
    {"flare_mux_stream_error", MUX_STREAM, CODE, call_mux_stream_error, false, false},
    {"flare_mux_stream_cancel", MUX_STREAM, CODE, call_mux_stream_cancel, false, false},

    {"flare_mux_listener_free", MUX_LISTENER, CODE, call_mux_listener_free, false, false},
    {"flare_mux_listener_address", MUX_LISTENER, NOTHING, call_mux_listener_address, false, false},
    {"flare_mux_listener_accept", MUX_LISTENER, CODE, call_mux_listener_accept, false, false},

    {"flare_connector_new", NONE, CODE, NULL, false, false},
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

    {"flare_router_ws", ROUTER, CODE, call_router_ws, true, false},
    {"flare_router_ws", WEBSOCKET_OPTIONS, CODE, call_router_ws_options, true, true},
    {"flare_server_publish", SERVER, CODE, call_server_publish, false, false},
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

    {"flare_websocket_options_new", NONE, CODE, NULL, false, false},
    {"flare_websocket_options_free", WEBSOCKET_OPTIONS, CODE, call_websocket_options_free, false, false},
    {"flare_websocket_options_set_number", WEBSOCKET_OPTIONS, CODE, call_websocket_options_set_number, false, false},
    {"flare_websocket_options_set_text", WEBSOCKET_OPTIONS, CODE, call_websocket_options_set_text, false, false},
    {"flare_websocket_options_set_otherwise", WEBSOCKET_OPTIONS, CODE, call_websocket_options_set_otherwise, true, false},

    {"flare_request_new", NONE, CODE, NULL, false, false},
    {"flare_client_new", CONNECTION, CODE, call_client_new, false, false},
    {"flare_client_connect", CONNECTOR, CODE, call_client_connect, false, false},
    {"flare_client_set_number", CLIENT, CODE, call_client_set_number, false, false},
    {"flare_client_open", CLIENT, CODE, call_client_open, false, false},
    {"flare_client_open", REQUEST, CODE, call_client_open_request, false, false},
    {"flare_client_next", CLIENT, CODE, call_client_next, false, false},
    {"flare_client_fetch", CLIENT, CODE, call_client_fetch, false, false},
    {"flare_client_fetch", REQUEST, CODE, call_client_fetch_request, false, false},
    {"flare_client_can_open", CLIENT, CODE, call_client_can_open, false, false},
    {"flare_client_version", CLIENT, CODE, call_client_version, false, false},
    {"flare_client_fd", CLIENT, CODE, call_client_fd, false, false},
    {"flare_client_wants_write", CLIENT, CODE, call_client_wants_write, false, false},
    {"flare_client_close", CLIENT, CODE, call_client_close, false, false},
    {"flare_client_abort", CLIENT, CODE, call_client_abort, false, false},
    {"flare_client_free", CLIENT, CODE, call_client_free, false, false},
    {"flare_request_add_header", REQUEST, CODE, call_request_add_header, false, false},
    {"flare_request_set_header", REQUEST, CODE, call_request_set_header, false, false},
    {"flare_request_add_trailer", REQUEST, CODE, call_request_add_trailer, false, false},
    {"flare_request_set_scheme", REQUEST, CODE, call_request_set_scheme, false, false},
    {"flare_request_set_content_length", REQUEST, CODE, call_request_set_content_length, false, false},
    {"flare_request_offer_protocol", REQUEST, CODE, call_request_offer_protocol, false, false},
    {"flare_request_offer_datagrams", REQUEST, CODE, call_request_offer_datagrams, false, false},
    {"flare_request_send_datagram", REQUEST, CODE, call_request_send_datagram, false, false},
    {"flare_request_max_datagram_size", REQUEST, CODE, call_request_max_datagram_size, false, false},
    {"flare_request_write", REQUEST, CODE, call_request_write, false, false},
    {"flare_request_write_blocking", REQUEST, CODE, call_request_write_blocking, false, false},
    {"flare_request_finish", REQUEST, CODE, call_request_finish, false, false},
    {"flare_request_cancel", REQUEST, CODE, call_request_cancel, false, false},
    {"flare_response_status", RESPONSE, CODE, call_response_status, false, false},
    {"flare_response_version", RESPONSE, CODE, call_response_version, false, false},
    {"flare_response_cancelled", RESPONSE, CODE, call_response_cancelled, false, false},
    {"flare_response_header", RESPONSE, NOTHING, call_response_header, false, false},
    {"flare_response_header_count", RESPONSE, NOTHING, call_response_header_count, false, false},
    {"flare_response_header_name_at", RESPONSE, NOTHING, call_response_header_name_at, false, false},
    {"flare_response_header_value_at", RESPONSE, NOTHING, call_response_header_value_at, false, false},
    {"flare_response_trailer", RESPONSE, NOTHING, call_response_trailer, false, false},
    {"flare_response_trailer_count", RESPONSE, NOTHING, call_response_trailer_count, false, false},
    {"flare_response_trailer_name_at", RESPONSE, NOTHING, call_response_trailer_name_at, false, false},
    {"flare_response_trailer_value_at", RESPONSE, NOTHING, call_response_trailer_value_at, false, false},
    {"flare_response_body", RESPONSE, NOTHING, call_response_body, false, false},

    {"flare_websocket_opener_new", NONE, CODE, NULL, false, false},
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
    {"flare_websocket_opener_set_connector", CONNECTOR, CODE, call_websocket_opener_set_connector_connector, false, false},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

// What the messages say for the two codes; found by asking.
static char invalid_message[256], wrong_kind_message[256];

static void learn_messages(void) {
    CHECK_STATUS(flare_config_free(NULL), FLARE_ERROR_INVALID_HANDLE);
    snprintf(invalid_message, sizeof invalid_message, "%s", last_error());
    CHECK_STATUS(flare_config_free((flare_config *)router), FLARE_ERROR_WRONG_KIND);
    snprintf(wrong_kind_message, sizeof wrong_kind_message, "%s", last_error());
    CHECK(strcmp(invalid_message, wrong_kind_message) != 0);
}

// Calls a function with a handle that it must refuse with this code.
static void refused(const struct row *row, void *handle, int32_t code, const char *what) {
    char place[256];
    snprintf(place, sizeof place, "%s with %s (%p)", row->function, what, handle);
    // Another message than the one that is wanted, so that the call has to set it.
    flare_config_set_number(config, "planted", 0);
    int before = gate_count(&destroyed);
    int64_t found = row->call(handle);
    const char *message = code == FLARE_ERROR_WRONG_KIND ? wrong_kind_message : invalid_message;
    check_number(found, row->tells == CODE ? code : 0, place, __FILE__, __LINE__);
    check_text(last_error(), message, place, __FILE__, __LINE__);
    check_number(gate_count(&destroyed) - before, row->destroys ? 1 : 0, place, __FILE__, __LINE__);
}

static void refused_by_all(enum kind kind, void *handle, int32_t code, const char *what) {
    for (int i = 0; i < ROWS; i++) {
        if (rows[i].kind == kind && !(rows[i].optional && !handle)) refused(&rows[i], handle, code, what);
    }
}

static void every_function_has_a_row(void) {
    FILE *file = fopen("capi/symbols", "r");
    if (!CHECK(file != NULL)) return;
    char line[256], name[128];
    int listed = 0;
    while (fgets(line, sizeof line, file)) {
        if (line[0] == '#' || sscanf(line, "%127s", name) != 1) continue;
        listed++;
        bool found = false;
        for (int i = 0; i < ROWS; i++) found |= !strcmp(rows[i].function, name);
        if (!found) check_text(NULL, name, "the row of a function in capi/symbols", __FILE__, __LINE__);
    }
    fclose(file);
    int rows_without_repeats = ROWS;
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < i; j++) {
            if (!strcmp(rows[i].function, rows[j].function)) {
                rows_without_repeats--;
                break;
            }
        }
    }
    CHECK_NUMBER(rows_without_repeats, listed);
}

// A generator of numbers that are the same in each run (xorshift).
static uint64_t number(void) {
    static uint64_t state = 0x9E3779B97F4A7C15;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void foreign_handles(void) {
    int on_the_stack = 0;
    void *on_the_heap = malloc(64);
    static char in_the_data[64];
    for (enum kind kind = CONFIG; kind < KINDS; kind++) {
        refused_by_all(kind, &on_the_stack, FLARE_ERROR_INVALID_HANDLE, "a pointer to the stack");
        refused_by_all(kind, on_the_heap, FLARE_ERROR_INVALID_HANDLE, "a pointer to the heap");
        refused_by_all(kind, in_the_data, FLARE_ERROR_INVALID_HANDLE, "a pointer to data");
        refused_by_all(kind, (void *)(intptr_t)foreign_handles, FLARE_ERROR_INVALID_HANDLE, "a pointer to code");
        refused_by_all(kind, (void *)1, FLARE_ERROR_INVALID_HANDLE, "1");
        refused_by_all(kind, (void *)-1, FLARE_ERROR_INVALID_HANDLE, "-1");
        for (int i = 0; i < 100; i++) {
            refused_by_all(kind, (void *)(uintptr_t)number(), FLARE_ERROR_INVALID_HANDLE, "a random number");
        }
    }
    free(on_the_heap);
}

static gate kept = GATE_INIT;

// A listener, a connection to it, and a stream on that.
static flare_mux_listener *mux_listener;
static flare_mux *mux;
static flare_mux_stream *mux_stream;

static void mux_start(void) {
    char address[64];
    CHECK_STATUS(flare_mux_listener_bind("127.0.0.1:0", &mux_listener), FLARE_OK);
    flare_mux_listener_address(mux_listener, address, sizeof address);
    CHECK_STATUS(flare_mux_connect(address, -1, &mux), FLARE_OK);
    CHECK_STATUS(flare_mux_open(mux, &mux_stream), FLARE_OK);
}

static void mux_end(void) {
    CHECK_STATUS(flare_mux_stream_free(mux_stream), FLARE_OK);
    CHECK_STATUS(flare_mux_free(mux), FLARE_OK);
    CHECK_STATUS(flare_mux_listener_free(mux_listener), FLARE_OK);
}

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

static int32_t keep(flare_request *request, flare_response *response, void *user) {
    (void)user;
    CHECK_STATUS(flare_response_retain(response), FLARE_OK);
    kept_request = request;
    kept_response = response;
    gate_open(&kept);
    return FLARE_OK;
}

// Notes the handles and lets them end with the call.
static int32_t let_go(flare_request *request, flare_response *response, void *user) {
    (void)user;
    kept_request = request;
    kept_response = response;
    return flare_response_send_text(response, 200, "gone");
}

int main(void) {
    TEST("every function of capi/symbols has a row here");
    every_function_has_a_row();

    config = flare_config_new();
    router = flare_router_new();
    queue = flare_queue_new();
    middleware = flare_middleware_new("request_id");
    tls = flare_tls_new();
    CHECK_STATUS(flare_tls_add_self_signed(tls, "localhost"), FLARE_OK);
    flare_route_options *options = flare_route_options_new();
    good_opener = flare_websocket_opener_new();
    learn_messages();

    TEST("NULL is refused");
    for (enum kind kind = CONFIG; kind < KINDS; kind++) refused_by_all(kind, NULL, FLARE_ERROR_INVALID_HANDLE, "NULL");

    TEST("pointers and numbers that are no handles are refused");
    foreign_handles();

    TEST("freed handles are refused, also when their place is used again");
    flare_config *old_config = flare_config_new();
    flare_router *old_router = flare_router_new();
    flare_server *old_server = flare_server_new(router, NULL);
    CHECK_STATUS(flare_config_free(old_config), FLARE_OK);
    CHECK_STATUS(flare_router_free(old_router), FLARE_OK);
    CHECK_STATUS(flare_server_free(old_server), FLARE_OK);
    flare_route_options *old_options = flare_route_options_new();
    flare_queue *old_queue = flare_queue_new();
    CHECK_STATUS(flare_route_options_free(old_options), FLARE_OK);
    CHECK_STATUS(flare_queue_free(old_queue), FLARE_OK);
    flare_middleware *old_middleware = flare_middleware_new("request_id");
    CHECK_STATUS(flare_middleware_free(old_middleware), FLARE_OK);
    flare_tls *old_tls = flare_tls_new();
    CHECK_STATUS(flare_tls_free(old_tls), FLARE_OK);
    mux_start();
    mux_end();
    flare_config *others[16];
    for (int i = 0; i < 16; i++) others[i] = flare_config_new();
    refused_by_all(CONFIG, old_config, FLARE_ERROR_INVALID_HANDLE, "a freed handle");
    refused_by_all(ROUTER, old_router, FLARE_ERROR_INVALID_HANDLE, "a freed handle");
    refused_by_all(SERVER, old_server, FLARE_ERROR_INVALID_HANDLE, "a freed handle");
    refused_by_all(ROUTE_OPTIONS, old_options, FLARE_ERROR_INVALID_HANDLE, "a freed handle");
    refused_by_all(QUEUE, old_queue, FLARE_ERROR_INVALID_HANDLE, "a freed handle");
    refused_by_all(MIDDLEWARE, old_middleware, FLARE_ERROR_INVALID_HANDLE, "a freed handle");
    refused_by_all(TLS, old_tls, FLARE_ERROR_INVALID_HANDLE, "a freed handle");
    refused_by_all(MUX, mux, FLARE_ERROR_INVALID_HANDLE, "a freed handle");
    refused_by_all(MUX_STREAM, mux_stream, FLARE_ERROR_INVALID_HANDLE, "a freed handle");
    refused_by_all(MUX_LISTENER, mux_listener, FLARE_ERROR_INVALID_HANDLE, "a freed handle");
    for (int i = 0; i < 16; i++) CHECK_STATUS(flare_config_free(others[i]), FLARE_OK);

    TEST("handles of another kind are refused");
    app a;
    flare_router *routes = flare_router_new();
    route(routes, "GET", "/keep", keep, NULL);
    route(routes, "GET", "/let-go", let_go, NULL);
    CHECK_STATUS(flare_router_ws(routes, "/ws", NULL, keep_websocket, NULL, NULL, NULL, NULL, NULL), FLARE_OK);
    CHECK_STATUS(flare_router_ws(routes, "/hello", NULL, say_hello, NULL, NULL, NULL, NULL, NULL), FLARE_OK);
    app_start(&a, routes, one_worker());
    client c;
    CHECK(client_open(&c, a.address));
    CHECK(client_send(&c, "GET /keep HTTP/1.1\r\nhost: a\r\n\r\n"));
    if (!CHECK(gate_wait(&kept, 1))) return DONE();
    mux_start();
    connections_start(a.address);
    websocket_start(a.address);
    websocket_client_start(a.address);
    flare_websocket_options *websocket_options = flare_websocket_options_new();
    void *live[] = {NULL,          config,  router, a.server, kept_request, kept_response,
                    options,       queue,   mux,    mux_stream, mux_listener, middleware, tls, connector, connecting, connection, websocket, websocket_options, asker,
                    websocket_opener, websocket_opening, websocket_to_server, websocket_event};
    for (enum kind wanted = CONFIG; wanted < KINDS; wanted++) {
        for (enum kind given = CONFIG; given < KINDS; given++) {
            if (given != wanted) refused_by_all(wanted, live[given], FLARE_ERROR_WRONG_KIND, "a handle of another kind");
        }
    }

    TEST("one bit of a live handle changed makes it invalid");
    for (enum kind kind = CONFIG; kind < KINDS; kind++) {
        // The bits of the generation, and those above all kinds. The others may lead to another live handle.
        for (int bit = 24; bit < 64; bit++) {
            if (bit >= 56 && bit < 60) continue;
            void *changed = (void *)((uintptr_t)live[kind] ^ (uintptr_t)1 << bit);
            refused_by_all(kind, changed, FLARE_ERROR_INVALID_HANDLE, "a changed handle");
        }
    }

    TEST("all that was refused left the good handles alone");
    CHECK_TEXT(flare_request_path(kept_request, NULL), "/keep");
    CHECK_STATUS(flare_response_send_text(kept_response, 200, "kept"), FLARE_OK);
    reply r = client_read(&c, false);
    CHECK_TEXT(r.body, "kept");
    reply_free(&r);
    CHECK_STATUS(flare_mux_stream_write(mux_stream, "x", 1), FLARE_OK);
    mux_end();
    CHECK_STATUS(flare_connection_flush(connection, 0), FLARE_OK);
    connections_end();
    websocket_end();
    websocket_client_end();
    CHECK_STATUS(flare_websocket_options_free(websocket_options), FLARE_OK);
    refused_by_all(WEBSOCKET_OPTIONS, websocket_options, FLARE_ERROR_INVALID_HANDLE, "a freed handle");
    refused_by_all(CLIENT, asker, FLARE_ERROR_INVALID_HANDLE, "a freed handle");
    refused_by_all(CONNECTOR, connector, FLARE_ERROR_INVALID_HANDLE, "a freed handle");
    refused_by_all(CONNECTING, connecting, FLARE_ERROR_INVALID_HANDLE, "a freed handle");
    refused_by_all(CONNECTION, connection, FLARE_ERROR_INVALID_HANDLE, "a freed handle");

    TEST("the handles of an exchange are refused after its last release");
    CHECK_TEXT(flare_request_path(kept_request, NULL), "/keep");
    CHECK_STATUS(flare_response_release(kept_response), FLARE_OK);
    refused_by_all(REQUEST, kept_request, FLARE_ERROR_INVALID_HANDLE, "a released handle");
    refused_by_all(RESPONSE, kept_response, FLARE_ERROR_INVALID_HANDLE, "a released handle");

    TEST("the handles of an exchange that was not retained are refused after the handler");
    CHECK(client_send(&c, "GET /let-go HTTP/1.1\r\nhost: a\r\n\r\n"));
    r = client_read(&c, false);
    CHECK_TEXT(r.body, "gone");
    reply_free(&r);
    // The answer left before the handles ended: the worker does one after the other. A second exchange is behind both.
    expect(&a, "GET /none HTTP/1.1\r\nhost: a\r\n\r\n", 404, "Not Found");
    refused_by_all(REQUEST, kept_request, FLARE_ERROR_INVALID_HANDLE, "a finished handle");
    refused_by_all(RESPONSE, kept_response, FLARE_ERROR_INVALID_HANDLE, "a finished handle");
    client_close(&c);
    app_stop(&a);

    CHECK_STATUS(flare_websocket_opener_free(good_opener), FLARE_OK);
    CHECK_STATUS(flare_tls_free(tls), FLARE_OK);
    CHECK_STATUS(flare_middleware_free(middleware), FLARE_OK);
    CHECK_STATUS(flare_config_free(config), FLARE_OK);
    CHECK_STATUS(flare_router_free(router), FLARE_OK);
    CHECK_STATUS(flare_route_options_free(options), FLARE_OK);
    CHECK_STATUS(flare_queue_free(queue), FLARE_OK);
    return DONE();
}
