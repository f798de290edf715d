// How a function is called with a handle that is none, and what has to come of it.
#pragma once

#include <stdint.h>
#include <stdio.h>
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

// Calls all functions of a kind with a handle that they must refuse with this code.
static void refused_by_all(enum kind kind, void *handle, int32_t code, const char *what);
