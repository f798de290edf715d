// Requests to a server: whole and in pieces, one after another and many at a time, for a thread that waits and for a loop.
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app.h"

static int64_t patience_ms(void) { return 1000 * (int64_t)patience(); }

static app a;
// Where the same server has TLS and HTTP/3.
static flare_connector *connector, *secure_connector;

static int32_t hello(flare_request *request, flare_response *response, void *user) {
    (void)user;
    const char *value = flare_request_header(request, "x-word", NULL);
    if (value) CHECK_STATUS(flare_response_set_header(response, "x-word", value), FLARE_OK);
    return flare_response_send_text(response, 200, flare_request_query(request, NULL) ? flare_request_query(request, NULL) : "hello");
}

static int32_t echo(flare_request *request, flare_response *response, void *user) {
    (void)user;
    size_t length;
    const uint8_t *body = flare_request_body(request, &length);
    return flare_response_send(response, 201, body, length);
}

// Two interim answers, and a final one with a trailer.
static int32_t slow(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    const char *names[] = {"link"}, *values[] = {"</a.css>"};
    CHECK_STATUS(flare_response_inform(response, 103, names, values, 1), FLARE_OK);
    CHECK_STATUS(flare_response_add_trailer(response, "x-sum", "42"), FLARE_OK);
    return flare_response_send_text(response, 200, "at last");
}

// Sends content back as it comes, and the client's trailer as one of its own.
static int32_t back(flare_request *request, flare_response *response, int32_t event, const uint8_t *data, size_t length, void *user) {
    (void)user;
    if (event == FLARE_EVENT_DATA) return flare_response_write(response, data, length);
    if (event == FLARE_EVENT_END) {
        const char *sum = flare_request_trailer(request, "x-sum", NULL);
        if (sum) CHECK_STATUS(flare_response_add_trailer(response, "x-sum", sum), FLARE_OK);
        CHECK_STATUS(flare_response_finish(response), FLARE_OK);
        CHECK_STATUS(flare_request_release(request), FLARE_OK);
    }
    return FLARE_OK;
}

static int32_t duplex(flare_request *request, flare_response *response, void *user) {
    (void)user;
    CHECK_STATUS(flare_request_retain(request), FLARE_OK);
    CHECK_STATUS(flare_response_start(response, 200), FLARE_OK);
    return flare_request_on_event(request, back, NULL, NULL);
}

static int32_t switch_over(flare_request *request, flare_response *response, void *user) {
    (void)user;
    CHECK_STATUS(flare_request_retain(request), FLARE_OK);
    CHECK_STATUS(flare_response_switch_protocol(response, "back"), FLARE_OK);
    return flare_request_on_event(request, back, NULL, NULL);
}

// Sends datagrams back, and ends when the client does.
static int32_t back_at_once(flare_request *request, flare_response *response, int32_t event, const uint8_t *data, size_t length, void *user) {
    (void)user;
    if (event == FLARE_EVENT_DATAGRAM) return flare_response_send_datagram(response, data, length);
    if (event == FLARE_EVENT_END) {
        CHECK_STATUS(flare_response_finish(response), FLARE_OK);
        CHECK_STATUS(flare_request_release(request), FLARE_OK);
    }
    return FLARE_OK;
}

static int32_t datagrams_back(flare_request *request, flare_response *response, void *user) {
    (void)user;
    CHECK_STATUS(flare_request_retain(request), FLARE_OK);
    CHECK_STATUS(flare_response_switch_to_datagrams(response, "back"), FLARE_OK);
    return flare_request_on_event(request, back_at_once, NULL, NULL);
}

static gate begun = GATE_INIT, left = GATE_INIT;

static int32_t hear_the_end(flare_request *request, flare_response *response, int32_t event, const uint8_t *data, size_t length, void *user) {
    (void)response, (void)data, (void)length, (void)user;
    if (event == FLARE_EVENT_CANCELLED) {
        CHECK_STATUS(flare_request_release(request), FLARE_OK);
        gate_open(&left);
    }
    return FLARE_OK;
}

// Keeps the exchange until the client has left.
static int32_t never(flare_request *request, flare_response *response, void *user) {
    (void)response, (void)user;
    CHECK_STATUS(flare_request_retain(request), FLARE_OK);
    int32_t status = flare_request_on_event(request, hear_the_end, NULL, NULL);
    gate_open(&begun);
    return status;
}

static flare_client *connected(int32_t version) {
    flare_client *client = NULL;
    int is_quic = version == 30;
    CHECK_STATUS(flare_client_connect(is_quic ? secure_connector : connector, is_quic ? a.secure_address : a.address, version, &client), FLARE_OK);
    CHECK_NUMBER(flare_client_version(client), version ? version : 11);
    return client;
}

static flare_request *get(const char *target) { return flare_request_new("GET", "a.test", target); }

static bool body_is(flare_response *response, const char *text) {
    size_t length;
    const uint8_t *body = flare_response_body(response, &length);
    return CHECK(body && length == strlen(text) && !memcmp(body, text, length));
}

static void whole(int32_t version) {
    flare_client *client = connected(version);
    for (int i = 0; i < 2; i++) {
        flare_request *request = get("/?some=thing");
        flare_response *response = NULL;
        size_t length = 77;
        CHECK_STATUS(flare_request_add_header(request, "X-Word", "one"), FLARE_OK);
        CHECK_STATUS(flare_request_set_header(request, "x-word", "two"), FLARE_OK);
        if (CHECK_STATUS(flare_client_fetch(client, request, NULL, 0, &response), FLARE_OK)) {
            CHECK_NUMBER(flare_response_status(response), 200);
            CHECK_NUMBER(flare_response_version(response), version);
            CHECK_TEXT(flare_response_header(response, "X-WORD", &length), "two");
            CHECK_NUMBER(length, 3);
            CHECK_TEXT(flare_response_header(response, "x-none", &length), NULL);
            CHECK_NUMBER(length, 0);
            bool found = false;
            for (size_t at = 0; at < flare_response_header_count(response); at++) {
                found |= !strcmp(flare_response_header_name_at(response, at, NULL), "x-word") &&
                         !strcmp(flare_response_header_value_at(response, at, NULL), "two");
            }
            CHECK(found);
            CHECK_TEXT(flare_response_header_name_at(response, 99, NULL), NULL);
            CHECK_STATUS(flare_response_cancelled(response), FLARE_OK);
            body_is(response, "some=thing");
        }
        // Sent once; what it got stays until the release.
        CHECK_STATUS(flare_client_fetch(client, request, NULL, 0, NULL), FLARE_ERROR_FINISHED);
        CHECK_STATUS(flare_request_add_header(request, "a", "b"), FLARE_ERROR_FINISHED);
        CHECK_STATUS(flare_request_write(request, "x", 1), FLARE_ERROR_INVALID_STATE);
        CHECK_STATUS(flare_request_release(request), FLARE_OK);
        CHECK_STATUS(flare_response_status(response), FLARE_ERROR_INVALID_HANDLE);
    }
    size_t much = 3 << 20;
    char *content = malloc(much);
    for (size_t i = 0; i < much; i++) content[i] = (char)(i % 253);
    flare_request *post = flare_request_new("POST", "a.test", "/echo");
    flare_response *answer = NULL;
    if (CHECK_STATUS(flare_client_fetch(client, post, content, much, &answer), FLARE_OK)) {
        size_t length;
        const uint8_t *body = flare_response_body(answer, &length);
        CHECK_NUMBER(flare_response_status(answer), 201);
        CHECK(length == much && !memcmp(body, content, much));
    }
    CHECK_STATUS(flare_request_release(post), FLARE_OK);
    flare_request *slow = get("/slow");
    if (CHECK_STATUS(flare_client_fetch(client, slow, NULL, 0, &answer), FLARE_OK)) {
        body_is(answer, "at last");
        CHECK_NUMBER(flare_response_trailer_count(answer), 1);
        CHECK_TEXT(flare_response_trailer(answer, "x-sum", NULL), "42");
        CHECK_TEXT(flare_response_trailer_name_at(answer, 0, NULL), "x-sum");
        CHECK_TEXT(flare_response_trailer_value_at(answer, 0, NULL), "42");
    }
    CHECK_STATUS(flare_request_release(slow), FLARE_OK);
    CHECK_STATUS(flare_client_set_number(client, "max_content", 1000), FLARE_OK);
    flare_request *large = flare_request_new("POST", "a.test", "/echo");
    CHECK_STATUS(flare_client_fetch(client, large, content, much, &answer), FLARE_ERROR_LIMIT);
    CHECK_STATUS(flare_request_release(large), FLARE_OK);
    free(content);
    CHECK_STATUS(flare_client_free(client), FLARE_OK);
}

// What came of one exchange.
typedef struct {
    char content[4096];
    size_t length;
    int informed, heads, ends, cancels, switches, datagrams;
    char early[64];
} story;

// Takes one event into the story that its tag leads to. Gives the status of the call.
static int32_t take(flare_client *client, int64_t timeout_ms, story *stories) {
    int32_t event;
    flare_response *response;
    uint64_t tag;
    const uint8_t *data;
    size_t length;
    int32_t status = flare_client_next(client, timeout_ms, &event, &response, &tag, &data, &length);
    if (status != FLARE_OK) return status;
    story *s = &stories[tag];
    CHECK((event == FLARE_EVENT_DATA || (event == FLARE_EVENT_DATAGRAM && length > 0)) == (data != NULL));
    if (event == FLARE_EVENT_INFORMATIONAL) {
        s->informed++;
        CHECK_NUMBER(flare_response_status(response), 103);
        snprintf(s->early, sizeof s->early, "%s", flare_response_header(response, "link", NULL));
        CHECK_STATUS(flare_response_send_text(response, 200, "x"), FLARE_ERROR_INVALID_STATE);
    } else if (event == FLARE_EVENT_HEAD) {
        s->heads++;
        CHECK_NUMBER(flare_response_status(response), 200);
    } else if (event == FLARE_EVENT_SWITCHED) {
        s->switches++;
    } else if ((event == FLARE_EVENT_DATA || event == FLARE_EVENT_DATAGRAM) && CHECK(s->length + length < sizeof s->content)) {
        if (length > 0) memcpy(s->content + s->length, data, length);
        s->length += length;
        s->datagrams += event == FLARE_EVENT_DATAGRAM;
    } else if (event == FLARE_EVENT_END) {
        s->ends++;
    } else if (event == FLARE_EVENT_CANCELLED) {
        s->cancels++;
    }
    return FLARE_OK;
}

static void pieces(int32_t version) {
    flare_client *client = connected(version);
    story s = {0};
    flare_request *request = flare_request_new("POST", "a.test", "/duplex");
    flare_response *response = NULL;
    CHECK_STATUS(flare_request_set_content_length(request, -2), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_request_set_content_length(request, -1), FLARE_OK);
    CHECK_STATUS(flare_request_write(request, "x", 1), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_request_cancel(request), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_client_open(client, request, 0, &response), FLARE_OK);
    CHECK_STATUS(flare_client_open(client, request, 0, NULL), FLARE_ERROR_FINISHED);
    CHECK_NUMBER(flare_response_status(response), 0);
    CHECK_NUMBER(flare_response_header_count(response), 0);
    for (int i = 0; i < 3; i++) CHECK_STATUS(flare_request_write(request, "piece ", 6), FLARE_OK);
    CHECK_STATUS(flare_request_write_blocking(request, "last", 4), FLARE_OK);
    CHECK_STATUS(flare_request_add_trailer(request, "content-length", "1"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_request_add_trailer(request, "x-sum", "17"), FLARE_OK);
    while (s.length < 22) {
        if (!CHECK_STATUS(take(client, patience_ms(), &s), FLARE_OK)) break;
    }
    CHECK_NUMBER(s.ends, 0);
    CHECK_STATUS(flare_request_finish(request), FLARE_OK);
    CHECK_STATUS(flare_request_finish(request), FLARE_ERROR_FINISHED);
    CHECK_STATUS(flare_request_write(request, "x", 1), FLARE_ERROR_FINISHED);
    while (!s.ends) {
        if (!CHECK_STATUS(take(client, patience_ms(), &s), FLARE_OK)) break;
    }
    CHECK_TEXT(s.content, "piece piece piece last");
    CHECK_TEXT(flare_response_trailer(response, "x-sum", NULL), "17");
    CHECK_NUMBER(flare_response_trailer_count(response), 1);
    CHECK_STATUS(flare_response_release(response), FLARE_OK);

    // Interim answers come before, with heads of their own.
    story slow = {0};
    request = get("/slow");
    CHECK_STATUS(flare_client_open(client, request, 0, &response), FLARE_OK);
    while (!slow.ends && CHECK_STATUS(take(client, patience_ms(), &slow), FLARE_OK)) {}
    CHECK_NUMBER(slow.informed, 1);
    CHECK_TEXT(slow.early, "</a.css>");
    CHECK_TEXT(slow.content, "at last");
    CHECK_STATUS(flare_request_release(request), FLARE_OK);

    // What was announced has to come.
    request = flare_request_new("POST", "a.test", "/echo");
    CHECK_STATUS(flare_request_set_content_length(request, 3), FLARE_OK);
    CHECK_STATUS(flare_client_open(client, request, 0, NULL), FLARE_OK);
    CHECK_STATUS(flare_request_write(request, "four", 4), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_request_write(request, "fo", 2), FLARE_OK);
    CHECK_STATUS(flare_request_finish(request), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_request_release(request), FLARE_OK);
    CHECK_STATUS(flare_client_free(client), FLARE_OK);
}

static void at_a_time(int32_t version) {
    flare_client *client = connected(version);
    enum { MANY = 20 };
    static story stories[MANY];
    memset(stories, 0, sizeof stories);
    flare_request *requests[MANY];
    for (int i = 0; i < MANY; i++) {
        char target[32];
        snprintf(target, sizeof target, "/?%d", i);
        requests[i] = get(target);
        CHECK_NUMBER(flare_client_can_open(client), 1);
        CHECK_STATUS(flare_client_open(client, requests[i], (uint64_t)i, NULL), FLARE_OK);
    }
    for (int ended = 0; ended < MANY;) {
        if (!CHECK_STATUS(take(client, patience_ms(), stories), FLARE_OK)) break;
        ended = 0;
        for (int i = 0; i < MANY; i++) ended += stories[i].ends;
    }
    for (int i = 0; i < MANY; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        CHECK_TEXT(stories[i].content, number);
        CHECK_NUMBER(stories[i].heads, 1);
        CHECK_STATUS(flare_request_release(requests[i]), FLARE_OK);
    }
    CHECK_STATUS(flare_client_free(client), FLARE_OK);
}

static void one_at_a_time(void) {
    flare_client *client = connected(11);
    flare_request *first = get("/"), *second = get("/");
    story s = {0};
    CHECK_STATUS(flare_client_open(client, first, 0, NULL), FLARE_OK);
    CHECK_NUMBER(flare_client_can_open(client), 0);
    CHECK_STATUS(flare_client_open(client, second, 0, NULL), FLARE_ERROR_WOULD_BLOCK);
    while (!s.ends && CHECK_STATUS(take(client, patience_ms(), &s), FLARE_OK)) {}
    CHECK_STATUS(flare_client_open(client, second, 0, NULL), FLARE_OK);
    while (s.ends < 2 && CHECK_STATUS(take(client, patience_ms(), &s), FLARE_OK)) {}
    CHECK_TEXT(s.content, "hellohello");
    CHECK_STATUS(flare_request_release(first), FLARE_OK);
    CHECK_STATUS(flare_request_release(second), FLARE_OK);
    CHECK_STATUS(flare_client_free(client), FLARE_OK);
}

// What a loop does with a client, and the end of it in peace. Frees it.
static void watched(flare_client *client, int32_t version) {
    story s = {0};
    flare_request *request = get("/slow");
    CHECK_STATUS(flare_client_open(client, request, 0, NULL), FLARE_OK);
    while (!s.ends) {
        int32_t status;
        while ((status = take(client, 0, &s)) == FLARE_OK) {}
        if (!CHECK_STATUS(status, FLARE_ERROR_WOULD_BLOCK)) break;
        struct pollfd watched = {.fd = flare_client_fd(client), .events = POLLIN};
        if (flare_client_wants_write(client)) watched.events |= POLLOUT;
        if (!s.ends && !CHECK(poll(&watched, 1, (int)patience_ms()) == 1)) break;
    }
    CHECK_TEXT(s.content, "at last");
    CHECK_STATUS(flare_request_release(request), FLARE_OK);

    // The end in peace.
    CHECK_STATUS(flare_client_close(client), FLARE_OK);
    CHECK_NUMBER(flare_client_can_open(client), 0);
    CHECK_STATUS(take(client, patience_ms(), &s), FLARE_ERROR_CLOSED);
    request = get("/");
    CHECK_STATUS(flare_client_open(client, request, 0, NULL), FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_client_free(client), FLARE_OK);
    // What was not sent can be sent elsewhere.
    client = connected(version);
    flare_response *response = NULL;
    CHECK_STATUS(flare_client_fetch(client, request, NULL, 0, &response), FLARE_OK);
    CHECK_STATUS(flare_client_free(client), FLARE_OK);
    body_is(response, "hello");
    CHECK_STATUS(flare_response_release(response), FLARE_OK);
}

static void loop(int32_t version) {
    // The connection is made first, and stays to be asked.
    flare_connection *connection = NULL;
    flare_client *client = NULL;
    char text[64] = "";
    CHECK_STATUS(flare_connector_connect(connector, a.address, &connection), FLARE_OK);
    CHECK_STATUS(flare_client_new(connection, 12, &client), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_client_new(connection, version, &client), FLARE_OK);
    CHECK_STATUS(flare_client_new(connection, version, &(flare_client *){NULL}), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_connection_write(connection, "x", 1, 0, NULL), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_connection_read(connection, text, 1, 0, &(size_t){0}), FLARE_ERROR_INVALID_STATE);
    CHECK(flare_connection_peer(connection, text, sizeof text) > 0);
    CHECK_TEXT(text, a.address);
    CHECK_NUMBER(flare_client_fd(client), flare_connection_fd(connection));
    CHECK_STATUS(flare_connection_free(connection), FLARE_OK);
    watched(client, version);
}

static int begun_before;

// Aborts when the server has the fourth exchange of ends(): its client waits by then, or is about to.
static void *abort_soon(void *user) {
    CHECK(gate_wait(&begun, begun_before + 4));
    CHECK_STATUS(flare_client_abort(user), FLARE_OK);
    return NULL;
}

static void ends(int32_t version) {
    flare_client *client = connected(version);
    story s = {0};
    int gone = gate_count(&left);
    begun_before = gate_count(&begun);
    CHECK_STATUS(flare_client_set_number(client, "timeout_ms", 0), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_client_set_number(client, "colour", 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_client_set_number(client, "max_content", -1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_client_set_number(client, "timeout_ms", 50), FLARE_OK);
    flare_request *request = get("/never");
    CHECK_STATUS(flare_client_fetch(client, request, NULL, 0, NULL), FLARE_ERROR_TIMEOUT);
    CHECK_STATUS(flare_request_release(request), FLARE_OK);
    CHECK(gate_wait(&left, gone + 1));
    // HTTP/2 let go of the exchange, HTTP/1.1 of the connection.
    CHECK_NUMBER(flare_client_can_open(client), version == 20);
    CHECK_STATUS(flare_client_free(client), FLARE_OK);

    client = connected(version);
    request = get("/never");
    CHECK_STATUS(flare_client_open(client, request, 0, NULL), FLARE_OK);
    CHECK_STATUS(take(client, 0, &s), FLARE_ERROR_WOULD_BLOCK);
    CHECK_STATUS(take(client, 20, &s), FLARE_ERROR_TIMEOUT);
    CHECK_STATUS(flare_request_cancelled(request), FLARE_OK);
    CHECK_STATUS(flare_request_cancel(request), FLARE_OK);
    CHECK_STATUS(flare_request_cancelled(request), FLARE_ERROR_CANCELLED);
    CHECK_STATUS(flare_request_write(request, "x", 1), FLARE_ERROR_FINISHED);
    CHECK_STATUS(flare_request_release(request), FLARE_OK);
    CHECK_STATUS(flare_client_free(client), FLARE_OK);
    CHECK(gate_wait(&left, gone + 2));

    // The last release lets go of it, too.
    client = connected(version);
    request = get("/never");
    CHECK_STATUS(flare_client_open(client, request, 0, NULL), FLARE_OK);
    CHECK_STATUS(take(client, 20, &s), FLARE_ERROR_TIMEOUT);
    CHECK_STATUS(flare_request_release(request), FLARE_OK);
    CHECK_STATUS(take(client, 0, &s), version == 20 ? FLARE_ERROR_WOULD_BLOCK : FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_client_free(client), FLARE_OK);
    CHECK(gate_wait(&left, gone + 3));
    CHECK_NUMBER(s.cancels, 0);

    // Another thread ends everything.
    client = connected(version);
    request = get("/never");
    flare_response *response = NULL;
    pthread_t other;
    CHECK_STATUS(flare_client_open(client, request, 0, &response), FLARE_OK);
    CHECK(pthread_create(&other, NULL, abort_soon, client) == 0);
    CHECK_STATUS(take(client, patience_ms(), &s), FLARE_OK);
    CHECK_NUMBER(s.cancels, 1);
    CHECK_STATUS(flare_response_cancelled(response), FLARE_ERROR_CLOSED);
    CHECK_STATUS(take(client, patience_ms(), &s), FLARE_ERROR_CLOSED);
    pthread_join(other, NULL);
    CHECK_STATUS(flare_client_free(client), FLARE_OK);
    CHECK_STATUS(flare_request_release(request), FLARE_OK);
    CHECK(gate_wait(&left, gone + 4));

    // Freed in the middle: the exchange is over, the handle stays.
    client = connected(version);
    request = get("/never");
    CHECK_STATUS(flare_client_open(client, request, 0, &response), FLARE_OK);
    CHECK_STATUS(flare_client_free(client), FLARE_OK);
    CHECK_STATUS(flare_response_cancelled(response), FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_request_write(request, "x", 1), FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_request_release(request), FLARE_OK);
}

static void *fetch_for_ever(void *client) {
    flare_request *request = get("/never");
    CHECK_STATUS(flare_client_fetch(client, request, NULL, 0, NULL), FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_request_release(request), FLARE_OK);
    return NULL;
}

// Several threads with one client: each waits for the others, and an abort for nobody.
static void threads(int32_t version) {
    flare_client *client = connected(version);
    int before = gate_count(&begun);
    pthread_t one, two;
    CHECK(pthread_create(&one, NULL, fetch_for_ever, client) == 0);
    CHECK(gate_wait(&begun, before + 1));
    CHECK(pthread_create(&two, NULL, fetch_for_ever, client) == 0);
    CHECK_STATUS(flare_client_abort(client), FLARE_OK);
    pthread_join(one, NULL);
    pthread_join(two, NULL);
    CHECK_STATUS(flare_client_free(client), FLARE_OK);

    // Freed while another thread is inside.
    client = connected(version);
    CHECK(pthread_create(&one, NULL, fetch_for_ever, client) == 0);
    CHECK(gate_wait(&begun, before + 2));
    CHECK_STATUS(flare_client_free(client), FLARE_OK);
    pthread_join(one, NULL);
}

// With TLS the version is what was agreed, and the scheme that of the connection.
static void agreed(void) {
    const char *offers[] = {"h2,http/1.1", "http/1.1"};
    for (int i = 0; i < 2; i++) {
        flare_client *client = NULL;
        flare_request *request = get("/");
        flare_response *response = NULL;
        CHECK_STATUS(flare_connector_set_text(secure_connector, "tls_alpn", offers[i]), FLARE_OK);
        CHECK_STATUS(flare_client_connect(secure_connector, a.secure_address, 0, &client), FLARE_OK);
        CHECK_NUMBER(flare_client_version(client), i ? 11 : 20);
        CHECK_STATUS(flare_client_fetch(client, request, NULL, 0, &response), FLARE_OK);
        body_is(response, "hello");
        CHECK_STATUS(flare_client_free(client), FLARE_OK);
        CHECK_STATUS(flare_request_release(request), FLARE_OK);
    }
}

// Without a thread that waits: with QUIC that is not woken.
static void quic_ends(void) {
    flare_client *client = connected(30);
    story s = {0};
    int gone = gate_count(&left);
    CHECK_STATUS(flare_client_set_number(client, "timeout_ms", 50), FLARE_OK);
    flare_request *request = get("/never");
    CHECK_STATUS(flare_client_fetch(client, request, NULL, 0, NULL), FLARE_ERROR_TIMEOUT);
    CHECK_STATUS(flare_client_open(client, request, 0, NULL), FLARE_OK);
    CHECK_STATUS(take(client, 20, &s), FLARE_ERROR_TIMEOUT);
    CHECK_STATUS(flare_request_release(request), FLARE_OK);
    CHECK(gate_wait(&left, gone + 2));
    flare_response *response = NULL;
    request = get("/never");
    CHECK_STATUS(flare_client_open(client, request, 0, &response), FLARE_OK);
    CHECK_STATUS(flare_client_abort(client), FLARE_OK);
    CHECK_STATUS(take(client, patience_ms(), &s), FLARE_OK);
    CHECK_NUMBER(s.cancels, 1);
    CHECK_STATUS(flare_response_cancelled(response), FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_client_free(client), FLARE_OK);
    CHECK_STATUS(flare_request_release(request), FLARE_OK);
}

static void switches(int32_t version) {
    flare_client *client = connected(version);
    story s = {0};
    if (version == 20) {
        // The server says by its settings whether it takes another protocol: they come with the first answer.
        flare_request *first = get("/");
        CHECK_STATUS(flare_client_fetch(client, first, NULL, 0, NULL), FLARE_OK);
        CHECK_STATUS(flare_request_release(first), FLARE_OK);
    }
    flare_request *request = get("/switch");
    CHECK_STATUS(flare_request_set_scheme(request, "http"), FLARE_OK);
    // The last offer counts: a stream of bytes, and not of datagrams.
    CHECK_STATUS(flare_request_offer_datagrams(request, "other"), FLARE_OK);
    CHECK_STATUS(flare_request_offer_protocol(request, "back"), FLARE_OK);
    CHECK_STATUS(flare_client_open(client, request, 0, NULL), FLARE_OK);
    while (!s.switches && CHECK_STATUS(take(client, patience_ms(), &s), FLARE_OK)) {}
    CHECK(flare_request_max_datagram_size(request) == 0);
    CHECK_STATUS(flare_request_write(request, "there", 5), FLARE_OK);
    while (s.length < 5 && CHECK_STATUS(take(client, patience_ms(), &s), FLARE_OK)) {}
    CHECK_STATUS(flare_request_finish(request), FLARE_OK);
    while (!s.ends && CHECK_STATUS(take(client, patience_ms(), &s), FLARE_OK)) {}
    CHECK_TEXT(s.content, "there");
    CHECK_STATUS(flare_request_release(request), FLARE_OK);
    CHECK_STATUS(flare_client_free(client), FLARE_OK);
}

static void datagrams(int32_t version) {
    flare_client *client = connected(version);
    story s = {0};
    // The server says by its settings what it takes: they come with the first answer.
    flare_request *first = get("/");
    CHECK_STATUS(flare_client_fetch(client, first, NULL, 0, NULL), FLARE_OK);
    CHECK_STATUS(flare_request_offer_datagrams(first, "back"), FLARE_ERROR_FINISHED);
    CHECK_STATUS(flare_request_release(first), FLARE_OK);
    flare_request *request = get("/datagrams");
    CHECK_STATUS(flare_request_set_scheme(request, version == 30 ? "https" : "http"), FLARE_OK);
    CHECK_STATUS(flare_request_offer_datagrams(request, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_request_offer_datagrams(request, "back"), FLARE_OK);
    CHECK_STATUS(flare_request_send_datagram(request, "x", 1), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_request_max_datagram_size(request), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_client_open(client, request, 0, NULL), FLARE_OK);
    CHECK_STATUS(flare_request_send_datagram(request, "x", 1), FLARE_ERROR_INVALID_ARGUMENT);
    while (!s.switches && CHECK_STATUS(take(client, patience_ms(), &s), FLARE_OK)) {}
    int32_t most = flare_request_max_datagram_size(request);
    CHECK(version == 30 ? most > 1000 && most < 1500 : most == 65536);
    static const char large[65537];
    CHECK_STATUS(flare_request_send_datagram(request, large, (size_t)most + 1), FLARE_ERROR_LIMIT);
    CHECK_STATUS(flare_request_send_datagram(request, NULL, 1), FLARE_ERROR_INVALID_ARGUMENT);
    const char *sent[] = {"there", "", "again"};
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(flare_request_send_datagram(request, sent[i], strlen(sent[i])), FLARE_OK);
        while (s.datagrams <= i && CHECK_STATUS(take(client, patience_ms(), &s), FLARE_OK)) {}
    }
    CHECK_TEXT(s.content, "thereagain");
    CHECK_STATUS(flare_request_finish(request), FLARE_OK);
    while (!s.ends && CHECK_STATUS(take(client, patience_ms(), &s), FLARE_OK)) {}
    CHECK(flare_request_send_datagram(request, "late", 4) != FLARE_OK);
    CHECK_STATUS(flare_request_release(request), FLARE_OK);
    CHECK_STATUS(flare_client_free(client), FLARE_OK);
}

static void misuse(void) {
    CHECK(flare_request_new(NULL, "a", "/") == NULL);
    CHECK(flare_request_new("GET", "a", NULL) == NULL);
    flare_client *client = connected(11);
    CHECK_STATUS(flare_client_connect(connector, a.address, 13, &(flare_client *){NULL}), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_client_connect(connector, "nonsense", 0, &(flare_client *){NULL}), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_client_next(client, 0, NULL, NULL, NULL, NULL, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    const char *wrong[][3] = {{"G T", "a", "/"}, {"GET", "a", "no path"}, {"GET", "a b", "/"}};
    for (int i = 0; i < 3; i++) {
        flare_request *request = flare_request_new(wrong[i][0], wrong[i][1], wrong[i][2]);
        CHECK_STATUS(flare_client_open(client, request, 0, NULL), FLARE_ERROR_INVALID_ARGUMENT);
        CHECK_STATUS(flare_client_fetch(client, request, NULL, 0, NULL), FLARE_ERROR_INVALID_ARGUMENT);
        CHECK_STATUS(flare_request_release(request), FLARE_OK);
    }
    // A client's request is written and its answer read.
    flare_request *request = get("/");
    size_t length = 77;
    CHECK_STATUS(flare_request_add_header(request, "a b", "c"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_request_add_header(request, "a", "b\nc"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_TEXT(flare_request_path(request, &length), NULL);
    CHECK_NUMBER(length, 0);
    CHECK_STATUS(flare_request_read(request, &length, 1, &length), FLARE_ERROR_INVALID_STATE);
    flare_response *response = NULL;
    CHECK_STATUS(flare_client_fetch(client, request, NULL, 0, &response), FLARE_OK);
    CHECK_STATUS(flare_response_send_text(response, 200, "x"), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_response_add_header(response, "a", "b"), FLARE_ERROR_INVALID_STATE);
    CHECK_TEXT(flare_response_header(response, NULL, NULL), NULL);
    CHECK(flare_response_body(response, NULL) == NULL);
    CHECK_STATUS(flare_request_release(request), FLARE_OK);
    CHECK_STATUS(flare_client_free(client), FLARE_OK);
}

// A server's exchange is read and answered.
static int32_t wrong_side(flare_request *request, flare_response *response, void *user) {
    (void)user;
    CHECK_STATUS(flare_request_add_header(request, "a", "b"), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_request_write(request, "x", 1), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_response_status(response), FLARE_ERROR_INVALID_STATE);
    CHECK_TEXT(flare_response_header(response, "a", NULL), NULL);
    CHECK_STATUS(flare_response_cancelled(response), FLARE_OK);
    return flare_response_send_text(response, 200, "right");
}

int main(void) {
    flare_router *router = flare_router_new();
    flare_route_options *streaming = flare_route_options_new();
    CHECK_STATUS(flare_route_options_set_number(streaming, "streaming", 1), FLARE_OK);
    flare_route_options *large = flare_route_options_new();
    CHECK_STATUS(flare_route_options_set_number(large, "body_limit", 64 << 20), FLARE_OK);
    route(router, "GET", "/", hello, NULL);
    route(router, "GET", "/slow", slow, NULL);
    route(router, "GET", "/never", never, NULL);
    route(router, "GET", "/wrong-side", wrong_side, NULL);
    route(router, "*", "/switch", switch_over, NULL);
    route(router, "*", "/datagrams", datagrams_back, NULL);
    CHECK_STATUS(flare_router_add_with(router, "POST", "/echo", large, echo, NULL, NULL), FLARE_OK);
    CHECK_STATUS(flare_router_add_with(router, "POST", "/duplex", streaming, duplex, NULL, NULL), FLARE_OK);
    CHECK_STATUS(flare_route_options_free(streaming), FLARE_OK);
    CHECK_STATUS(flare_route_options_free(large), FLARE_OK);
    flare_config *config = one_worker();
    CHECK_STATUS(flare_config_set_number(config, "half_close", 0), FLARE_OK);  // whoever leaves is noticed
    app_start_everywhere(&a, router, config);
    connector = flare_connector_new();
    secure_connector = flare_connector_new();
    CHECK_STATUS(flare_connector_set_text(secure_connector, "tls_server_name", "localhost"), FLARE_OK);
    CHECK_STATUS(flare_connector_set_number(secure_connector, "tls_insecure_any_certificate", 1), FLARE_OK);

    int32_t versions[] = {11, 20};
    for (int i = 0; i < 2; i++) {
        TEST(i ? "HTTP/2: whole answers, one after another" : "HTTP/1.1: whole answers, one after another");
        whole(versions[i]);
        TEST(i ? "HTTP/2: content in pieces, both ways" : "HTTP/1.1: content in pieces, both ways");
        pieces(versions[i]);
        TEST(i ? "HTTP/2: in a loop, on a connection that was made" : "HTTP/1.1: in a loop, on a connection that was made");
        loop(versions[i]);
        TEST(i ? "HTTP/2: what does not end is given up" : "HTTP/1.1: what does not end is given up");
        ends(versions[i]);
        TEST(i ? "HTTP/2: a stream of bytes" : "HTTP/1.1: a stream of bytes");
        switches(versions[i]);
        TEST(i ? "HTTP/2: datagrams" : "HTTP/1.1: datagrams");
        datagrams(versions[i]);
    }
    TEST("several threads with one client");
    threads(11);
    threads(20);
    TEST("TLS agrees on the version");
    agreed();
    TEST("HTTP/3: whole answers, one after another");
    whole(30);
    TEST("HTTP/3: content in pieces, both ways");
    pieces(30);
    TEST("HTTP/3: datagrams");
    datagrams(30);
    TEST("HTTP/3: in a loop, and the end in peace");
    watched(connected(30), 30);
    TEST("HTTP/3: what does not end is given up");
    quic_ends();
    TEST("several exchanges at a time, or one after another");
    at_a_time(20);
    at_a_time(30);
    one_at_a_time();
    TEST("misuse is an error, also the use of the other side");
    misuse();
    expect(&a, "GET /wrong-side HTTP/1.1\r\nhost: a\r\n\r\n", 200, "right");

    CHECK_STATUS(flare_connector_free(connector), FLARE_OK);
    CHECK_STATUS(flare_connector_free(secure_connector), FLARE_OK);
    app_stop(&a);
    return DONE();
}
