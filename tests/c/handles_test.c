// Every function of the API with handles that are none: NULL, freed, finished, foreign, of another kind.
//
// The rows, in handles/ by kind, are compared with capi/symbols, so a new function without a row fails the first test.
#include <stdlib.h>

#include "handles/connection.h"
#include "handles/exchange.h"
#include "handles/mux.h"
#include "handles/server.h"
#include "handles/websocket.h"

static const struct {
    const struct row *rows;
    size_t count;
} tables[] = {
#define TABLE(name) {name, sizeof name / sizeof name[0]}
    TABLE(server_rows), TABLE(exchange_rows), TABLE(mux_rows), TABLE(connection_rows), TABLE(websocket_rows),
};

// Every row by its number; NULL behind the last.
static const struct row *row_at(size_t number) {
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (number < tables[i].count) return &tables[i].rows[number];
        number -= tables[i].count;
    }
    return NULL;
}

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
    const struct row *row;
    for (size_t i = 0; (row = row_at(i)); i++) {
        if (row->kind == kind && !(row->optional && !handle)) refused(row, handle, code, what);
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
        for (size_t i = 0; row_at(i); i++) found |= !strcmp(row_at(i)->function, name);
        if (!found) check_text(NULL, name, "the row of a function in capi/symbols", __FILE__, __LINE__);
    }
    fclose(file);
    int rows_without_repeats = 0;
    for (size_t i = 0; row_at(i); i++) {
        bool repeats = false;
        for (size_t j = 0; j < i; j++) repeats |= !strcmp(row_at(i)->function, row_at(j)->function);
        rows_without_repeats += !repeats;
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
