// Functions of what a server is made of: settings, routes, middleware, queues, TLS; and those that are given no handle.
#pragma once

#include "handles/row.h"

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
CALL(middleware_free, flare_middleware_free(handle))
CALL(middleware_set_number, flare_middleware_set_number(handle, "trust_incoming", 1))
CALL(middleware_set_text, flare_middleware_set_text(handle, "realm", "x"))
CALL(middleware_add_token, flare_middleware_add_token(handle, "a", "b"))
CALL(middleware_on_line, flare_middleware_on_line(handle, unused_line, USER))
CALL(middleware_on_token, flare_middleware_on_token(handle, unused_check, USER))
CALL(router_add_middleware, flare_router_add_middleware(handle, middleware))
CALL(router_add_middleware_middleware, flare_router_add_middleware(router, handle))
CALL(route_options_add_middleware, flare_route_options_add_middleware(handle, middleware))

CALL(queue_free, flare_queue_free(handle))
CALL(queue_close, flare_queue_close(handle))
CALL(queue_watch, flare_queue_watch(handle, kept_request, 1))
static int64_t call_queue_next(void *handle) {
    int32_t event;
    flare_request *request;
    return flare_queue_next(handle, 0, &event, &request, NULL, NULL);
}

CALL(router_ws, flare_router_ws(handle, "/none", NULL, unused_opening, NULL, NULL, NULL, USER))
CALL(server_publish, flare_server_publish(handle, "t", FLARE_WEBSOCKET_TEXT, "x", 1))

static const struct row server_rows[] = {
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

    {"flare_queue_free", QUEUE, CODE, call_queue_free, false, false},
    {"flare_queue_close", QUEUE, CODE, call_queue_close, false, false},
    {"flare_queue_next", QUEUE, CODE, call_queue_next, false, false},
    {"flare_queue_watch", QUEUE, CODE, call_queue_watch, false, false},
    {"flare_router_add_queue", QUEUE, CODE, call_router_add_queue_queue, false, false},

    {"flare_connector_new", NONE, CODE, NULL, false, false},

    {"flare_router_ws", ROUTER, CODE, call_router_ws, true, false},
    {"flare_server_publish", SERVER, CODE, call_server_publish, false, false},

    {"flare_websocket_options_new", NONE, CODE, NULL, false, false},

    {"flare_request_new", NONE, CODE, NULL, false, false},

    {"flare_websocket_opener_new", NONE, CODE, NULL, false, false},
};
