// What a handler can answer, and what arrives.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "app.h"

static app a;

// What the handler does with the next request. It may answer, and gives the status code of the handler.
static int32_t (*answer)(flare_response *);

static int32_t handler(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    return answer(response);
}

static reply get(int32_t (*with)(flare_response *)) {
    answer = with;
    return ask(a.address, "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
}

static void expect_answer(int32_t (*with)(flare_response *), int status, const char *type, const char *body) {
    reply r = get(with);
    CHECK_NUMBER(r.status, status);
    CHECK_TEXT(reply_header(&r, "content-type"), type);
    CHECK_TEXT(r.body, body);
    CHECK(reply_header(&r, "date") != NULL);
    CHECK_TEXT(reply_header(&r, "server"), "flare");
    char length[24];
    snprintf(length, sizeof length, "%zu", strlen(body));
    CHECK_TEXT(reply_header(&r, "content-length"), length);
    reply_free(&r);
}

static int32_t text(flare_response *response) { return flare_response_send_text(response, 201, "t\xc3\xa9xt"); }
static int32_t json(flare_response *response) { return flare_response_send_json(response, 400, "{\"a\":1}"); }
static int32_t bytes(flare_response *response) { return flare_response_send(response, 599, "ab", 2); }
static int32_t empty(flare_response *response) { return flare_response_send(response, 200, NULL, 0); }
static int32_t typed(flare_response *response) { return flare_response_send_as(response, 200, "text/x-test", "a,b", 3); }
static int32_t untyped(flare_response *response) { return flare_response_send_as(response, 200, NULL, "a", 1); }
static int32_t typed_before(flare_response *response) {
    CHECK_STATUS(flare_response_set_header(response, "Content-Type", "text/csv"), FLARE_OK);
    return flare_response_send_as(response, 200, "text/x-test", "a,b", 3);
}
static int32_t own_type(flare_response *response) {
    CHECK_STATUS(flare_response_set_header(response, "Content-Type", "text/csv"), FLARE_OK);
    return flare_response_send_text(response, 200, "a,b");
}
static int32_t own_json_type(flare_response *response) {
    CHECK_STATUS(flare_response_add_header(response, "content-type", "application/problem+json"), FLARE_OK);
    return flare_response_send_json(response, 200, "{}");
}

static int32_t fields(flare_response *response) {
    CHECK_STATUS(flare_response_add_header(response, "X-One", "1"), FLARE_OK);
    CHECK_STATUS(flare_response_add_header(response, "set-cookie", "a=1"), FLARE_OK);
    CHECK_STATUS(flare_response_add_header(response, "set-cookie", "b=2"), FLARE_OK);
    CHECK_STATUS(flare_response_set_header(response, "x-one", "2"), FLARE_OK);
    CHECK_STATUS(flare_response_add_header(response, "x-space", "  between  "), FLARE_OK);
    CHECK_STATUS(flare_response_add_header(response, "x-empty", ""), FLARE_OK);
    CHECK_STATUS(flare_response_add_header(response, "x-latin1", "caf\xe9"), FLARE_OK);
    return flare_response_send(response, 200, "x", 1);
}

typedef int32_t (*add)(flare_response *, const char *, const char *);

static int32_t bad_fields(flare_response *response) {
    const add all[] = {flare_response_add_header, flare_response_set_header, flare_response_add_trailer};
    const char *names[] = {"", " ", "a b", "a:", "a\r\nb", "\xc3\xa9", "\xff", "(a)", NULL};
    const char *values[] = {"a\r\nb: c", "a\nb", "a\rb", "a\x01", "\x7f", NULL};
    for (int i = 0; i < 3; i++) {
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++) {
            CHECK_STATUS(all[i](response, names[j], "v"), FLARE_ERROR_INVALID_ARGUMENT);
        }
        for (size_t j = 0; j < sizeof values / sizeof values[0]; j++) {
            CHECK_STATUS(all[i](response, "name", values[j]), FLARE_ERROR_INVALID_ARGUMENT);
        }
        // The former value stays when the new one is refused.
        CHECK_STATUS(flare_response_set_header(response, "kept", "yes"), FLARE_OK);
        CHECK_STATUS(flare_response_set_header(response, "kept", "\n"), FLARE_ERROR_INVALID_ARGUMENT);
    }
    return flare_response_send(response, 200, "x", 1);
}

static int32_t bad_arguments(flare_response *response) {
    const int32_t wrong[] = {INT32_MIN, -1, 0, 1, 99, 100, 101, 199, 600, 999, 65736, INT32_MAX};
    gate destroyed = GATE_INIT;
    int calls = 0;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_STATUS(flare_response_send(response, wrong[i], "x", 1), FLARE_ERROR_INVALID_ARGUMENT);
        CHECK(strstr(last_error(), "status") != NULL);
        CHECK_STATUS(flare_response_send_text(response, wrong[i], "x"), FLARE_ERROR_INVALID_ARGUMENT);
        CHECK_STATUS(flare_response_send_json(response, wrong[i], "1"), FLARE_ERROR_INVALID_ARGUMENT);
        CHECK_STATUS(flare_response_send_as(response, wrong[i], "a/b", "1", 1), FLARE_ERROR_INVALID_ARGUMENT);
        CHECK_STATUS(flare_response_send_borrowed(response, wrong[i], "x", 1, &destroyed, gate_destroy), FLARE_ERROR_INVALID_ARGUMENT);
        CHECK_NUMBER(gate_count(&destroyed), ++calls);
    }
    CHECK_STATUS(flare_response_send(response, 200, NULL, 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK(strstr(last_error(), "body") != NULL);
    CHECK_STATUS(flare_response_send(response, 200, "x", SIZE_MAX), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_send_text(response, 200, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_send_text(response, 200, "\xff"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_send_as(response, 200, "a/b", NULL, 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_send_as(response, 200, "a\nb", "x", 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_send_as(response, 200, "\xff", "x", 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_send_json(response, 200, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_send_json(response, 200, "\xff"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_send_borrowed(response, 200, NULL, 1, &destroyed, gate_destroy), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_NUMBER(gate_count(&destroyed), ++calls);
    CHECK_STATUS(flare_response_send_borrowed(response, 200, "x", SIZE_MAX, &destroyed, gate_destroy), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_NUMBER(gate_count(&destroyed), ++calls);
    // Nothing was answered yet.
    return flare_response_send_text(response, 200, "still good");
}

static int32_t twice(flare_response *response) {
    gate destroyed = GATE_INIT;
    CHECK_STATUS(flare_response_send_text(response, 200, "first"), FLARE_OK);
    CHECK_STATUS(flare_response_send_text(response, 500, "second"), FLARE_ERROR_FINISHED);
    CHECK_STATUS(flare_response_send_json(response, 500, "2"), FLARE_ERROR_FINISHED);
    CHECK_STATUS(flare_response_send_as(response, 500, "a/b", "x", 1), FLARE_ERROR_FINISHED);
    CHECK_STATUS(flare_response_send(response, 500, "x", 1), FLARE_ERROR_FINISHED);
    CHECK_STATUS(flare_response_send_borrowed(response, 500, "x", 1, &destroyed, gate_destroy), FLARE_ERROR_FINISHED);
    CHECK_NUMBER(gate_count(&destroyed), 1);
    CHECK_STATUS(flare_response_add_header(response, "a", "b"), FLARE_ERROR_FINISHED);
    CHECK_STATUS(flare_response_set_header(response, "a", "b"), FLARE_ERROR_FINISHED);
    CHECK_STATUS(flare_response_add_trailer(response, "a", "b"), FLARE_ERROR_FINISHED);
    return FLARE_OK;
}

static int32_t no_answer(flare_response *response) {
    CHECK_STATUS(flare_response_add_header(response, "x-lost", "1"), FLARE_OK);
    return FLARE_OK;
}
static int32_t error(flare_response *response) {
    CHECK_STATUS(flare_response_add_header(response, "x-lost", "1"), FLARE_OK);
    return FLARE_ERROR_IO;
}
static int32_t failed(flare_response *response) {
    CHECK_STATUS(flare_response_add_header(response, "x-lost", "1"), FLARE_OK);
    CHECK_STATUS(flare_response_fail(response, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_fail(response, "on purpose \xff"), FLARE_OK);
    CHECK_STATUS(flare_response_fail(response, "once more"), FLARE_ERROR_FINISHED);
    return FLARE_OK;
}
static int32_t unknown_error(flare_response *response) {
    (void)response;
    return 1;
}
static int32_t answer_and_error(flare_response *response) {
    CHECK_STATUS(flare_response_send_text(response, 200, "answered"), FLARE_OK);
    return FLARE_ERROR_IO;
}

static void expect_500(int32_t (*with)(flare_response *)) {
    reply r = get(with);
    CHECK_NUMBER(r.status, 500);
    CHECK_TEXT(r.body, "Internal Server Error");
    CHECK_TEXT(reply_header(&r, "x-lost"), NULL);
    reply_free(&r);
}

static int32_t trailers(flare_response *response) {
    CHECK_STATUS(flare_response_add_trailer(response, "X-Sum", "42"), FLARE_OK);
    CHECK_STATUS(flare_response_add_trailer(response, "x-more", "43"), FLARE_OK);
    return flare_response_send_text(response, 200, "with trailers");
}

static int32_t closing(flare_response *response) {
    CHECK_STATUS(flare_response_add_header(response, "connection", "close"), FLARE_OK);
    return flare_response_send_text(response, 200, "bye");
}

static int32_t status_204(flare_response *response) { return flare_response_send(response, 204, "dropped", 7); }
static int32_t status_304(flare_response *response) { return flare_response_send(response, 304, "dropped", 7); }

static void no_content(void) {
    // On one connection: bytes of a body would be read as the next answer.
    client c;
    CHECK(client_open(&c, a.address));
    int32_t (*const all[])(flare_response *) = {status_204, status_304, text};
    const int status[] = {204, 304, 201};
    for (int i = 0; i < 3; i++) {
        answer = all[i];
        CHECK(client_send(&c, "GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
        reply r = client_read(&c, false);
        CHECK_NUMBER(r.status, status[i]);
        if (status[i] == 204) CHECK_TEXT(reply_header(&r, "content-length"), NULL);
        reply_free(&r);
    }
    answer = text;
    CHECK(client_send(&c, "HEAD / HTTP/1.1\r\nhost: a\r\n\r\n"));
    reply r = client_read(&c, true);
    CHECK_NUMBER(r.status, 201);
    CHECK_TEXT(reply_header(&r, "content-length"), "5");
    reply_free(&r);
    CHECK(client_send(&c, "GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
    r = client_read(&c, false);
    CHECK_TEXT(r.body, "t\xc3\xa9xt");
    reply_free(&r);
    client_close(&c);
}

// A body of the test's own, with its destructor.
static struct {
    char *body;
    size_t length;
    gate destroyed;
} borrowed = {NULL, 0, GATE_INIT};

static void destroy_body(void *user) {
    CHECK(user == &borrowed);
    // If it were still read, a checker would tell.
    free(borrowed.body);
    borrowed.body = NULL;
    gate_open(&borrowed.destroyed);
}

static int32_t borrow(flare_response *response) {
    return flare_response_send_borrowed(response, 200, borrowed.body, borrowed.length, &borrowed, destroy_body);
}

static void borrow_of_size(const char *method, size_t length) {
    borrowed.body = malloc(length + 1);
    borrowed.length = length;
    for (size_t i = 0; i < length; i++) borrowed.body[i] = (char)(i * 13 + i / 256);
    int before = gate_count(&borrowed.destroyed);
    answer = borrow;
    char request[64];
    snprintf(request, sizeof request, "%s / HTTP/1.1\r\nhost: a\r\n\r\n", method);
    reply r = ask(a.address, request);
    CHECK_NUMBER(r.status, 200);
    char wanted[32];
    snprintf(wanted, sizeof wanted, "%zu", length);
    CHECK_TEXT(reply_header(&r, "content-length"), wanted);
    if (!strcmp(method, "GET") && CHECK_NUMBER(r.length, length)) {
        size_t wrong = 0;
        for (size_t i = 0; i < length; i++) wrong += r.body[i] != (char)(i * 13 + i / 256);
        CHECK_NUMBER(wrong, 0);
    }
    reply_free(&r);
    CHECK(gate_wait(&borrowed.destroyed, before + 1));
}

static int32_t borrow_static(flare_response *response) {
    static const char body[] = "for as long as the process lives";
    return flare_response_send_borrowed(response, 200, body, sizeof body - 1, NULL, NULL);
}

// The client reads nothing and leaves: the rest of the body must be let go.
static void borrow_and_leave(void) {
    borrowed.length = 32 << 20;
    borrowed.body = calloc(1, borrowed.length);
    int before = gate_count(&borrowed.destroyed);
    answer = borrow;
    client c;
    CHECK(client_open(&c, a.address));
    CHECK(client_send(&c, "GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
    // The answer has begun, and the rest of it fits into no buffer of the system.
    char first;
    CHECK_NUMBER(recv(c.fd, &first, 1, 0), 1);
    client_reset(&c);
    CHECK(gate_wait(&borrowed.destroyed, before + 1));
    CHECK(stat_becomes(&a, "open", 0));
}

static void pipelined(void) {
    client c;
    CHECK(client_open(&c, a.address));
    answer = text;
    CHECK(client_send(&c,
                      "GET / HTTP/1.1\r\nhost: a\r\n\r\nGET /none HTTP/1.1\r\nhost: a\r\n\r\n"
                      "HEAD / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n"));
    const int status[] = {201, 404, 201, 201};
    for (int i = 0; i < 4; i++) {
        reply r = client_read(&c, i == 2);
        CHECK_NUMBER(r.status, status[i]);
        reply_free(&r);
    }
    client_close(&c);
}

int main(void) {
    flare_router *router = flare_router_new();
    route(router, "*", "/", handler, NULL);
    app_start(&a, router, one_worker());

    TEST("status, content type and content arrive");
    expect_answer(text, 201, "text/plain; charset=utf-8", "t\xc3\xa9xt");
    expect_answer(json, 400, "application/json", "{\"a\":1}");
    expect_answer(bytes, 599, NULL, "ab");
    expect_answer(empty, 200, NULL, "");
    expect_answer(typed, 200, "text/x-test", "a,b");
    expect_answer(untyped, 200, NULL, "a");
    expect_answer(typed_before, 200, "text/csv", "a,b");
    expect_answer(own_type, 200, "text/csv", "a,b");
    expect_answer(own_json_type, 200, "application/problem+json", "{}");

    TEST("header fields are added, and set ones replace others");
    reply r = get(fields);
    CHECK_TEXT(reply_header(&r, "x-one"), "2");
    CHECK_TEXT(reply_header(&r, "set-cookie"), "a=1");
    CHECK(strstr(r.head, "set-cookie: b=2\r\n") != NULL);
    CHECK(strstr(r.head, "x-one: 1\r\n") == NULL);
    CHECK_TEXT(reply_header(&r, "x-space"), "between");
    CHECK_TEXT(reply_header(&r, "x-empty"), "");
    CHECK_TEXT(reply_header(&r, "x-latin1"), "caf\xe9");
    reply_free(&r);

    TEST("names and values that can't be sent are refused, and nothing of them is sent");
    r = get(bad_fields);
    CHECK_NUMBER(r.status, 200);
    CHECK_TEXT(reply_header(&r, "kept"), "yes");
    CHECK_TEXT(reply_header(&r, "name"), NULL);
    reply_free(&r);

    TEST("wrong status codes and bodies are refused, and the exchange stays open");
    expect_answer(bad_arguments, 200, "text/plain; charset=utf-8", "still good");

    TEST("the second answer is refused, and the first arrives");
    expect_answer(twice, 200, "text/plain; charset=utf-8", "first");

    TEST("no answer, or an error of the handler, is a 500 without what was prepared");
    expect_500(no_answer);
    expect_500(error);
    expect_500(unknown_error);
    expect_500(failed);
    expect_answer(answer_and_error, 200, "text/plain; charset=utf-8", "answered");

    TEST("trailers follow a chunked body; HTTP/1.0 does not get them");
    r = get(trailers);
    CHECK_TEXT(r.body, "with trailers");
    CHECK_TEXT(reply_header(&r, "transfer-encoding"), "chunked");
    CHECK_TEXT(reply_trailer(&r, "x-sum"), "42");
    CHECK_TEXT(reply_trailer(&r, "x-more"), "43");
    reply_free(&r);
    r = ask(a.address, "GET / HTTP/1.0\r\n\r\n");
    CHECK_TEXT(r.body, "with trailers");
    CHECK_TEXT(reply_header(&r, "transfer-encoding"), NULL);
    CHECK_TEXT(reply_header(&r, "x-sum"), NULL);
    reply_free(&r);

    TEST("HEAD, 204 and 304 have no content");
    no_content();

    TEST("connection: close closes");
    answer = closing;
    client c;
    CHECK(client_open(&c, a.address));
    CHECK(client_send(&c, "GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
    r = client_read(&c, false);
    CHECK_TEXT(r.body, "bye");
    CHECK_TEXT(reply_header(&r, "connection"), "close");
    reply_free(&r);
    CHECK(client_at_end(&c));
    client_close(&c);

    TEST("borrowed memory arrives, and is given back once");
    const size_t sizes[] = {0, 1, 1000, 16384, 16385, 65536, 8 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        borrow_of_size("GET", sizes[i]);
        borrow_of_size("HEAD", sizes[i]);
    }
    CHECK_NUMBER(gate_count(&borrowed.destroyed), 14);
    expect_answer(borrow_static, 200, NULL, "for as long as the process lives");

    TEST("borrowed memory is given back once when the client leaves");
    borrow_and_leave();
    CHECK_NUMBER(gate_count(&borrowed.destroyed), 15);

    TEST("pipelined requests are answered in their order");
    pipelined();

    app_stop(&a);
    return DONE();
}
