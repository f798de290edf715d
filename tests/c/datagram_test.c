// Datagrams of a request (RFC 9297), as capsules of a byte stream.
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "kept.h"

#define OFFER(path) "GET " path " HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n"

static app a;

// Sends every datagram back, and says goodbye when the client closes its side.
static int32_t echo(flare_request *req, flare_response *res, int32_t event, const uint8_t *data, size_t length, void *user) {
    (void)user;
    CHECK(event != FLARE_EVENT_DATA);
    if (event == FLARE_EVENT_DATAGRAM) {
        CHECK(length > 0 || !data);
        CHECK_STATUS(flare_response_send_datagram(res, data, length), FLARE_OK);
    } else if (event == FLARE_EVENT_END) {
        CHECK_STATUS(flare_response_send_datagram(res, "bye", 3), FLARE_OK);
        CHECK_STATUS(flare_response_finish(res), FLARE_OK);
        CHECK_STATUS(flare_request_release(req), FLARE_OK);
    }
    return FLARE_OK;
}

static int32_t switch_to_echo(flare_request *req, flare_response *res, void *user) {
    (void)user;
    CHECK_STATUS(flare_response_switch_to_datagrams(res, "Echo"), FLARE_OK);
    CHECK_STATUS(flare_request_retain(req), FLARE_OK);
    return flare_request_on_event(req, echo, NULL, NULL);
}

static bool receives(client *c, const char *bytes, size_t length) {
    char buffer[64];
    size_t have = 0;
    if (!CHECK(length <= sizeof buffer)) return false;
    while (have < length) {
        ssize_t got = recv(c->fd, buffer + have, length - have, 0);
        if (got <= 0) return false;
        have += (size_t)got;
    }
    return !memcmp(buffer, bytes, length);
}

static bool sends(client *c, const char *bytes, size_t length) {
    return send(c->fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
}

#define RECEIVES(c, text) receives(c, text, sizeof(text) - 1)
#define SENDS(c, text) sends(c, text, sizeof(text) - 1)

static void echoes(void) {
    client c;
    CHECK(client_open(&c, a.address));
    CHECK(client_send(&c, OFFER("/echo")));
    reply r = client_read(&c, false);
    CHECK_NUMBER(r.status, 101);
    CHECK_TEXT(reply_header(&r, "capsule-protocol"), "?1");
    CHECK_TEXT(reply_header(&r, "upgrade"), "Echo");
    reply_free(&r);
    // A capsule of another kind between them, and one without content.
    CHECK(SENDS(&c, "\0\5hello\x21\1x\0\0"));
    CHECK(RECEIVES(&c, "\0\5hello\0\0"));
    client_half_close(&c);
    CHECK(RECEIVES(&c, "\0\3bye"));
    CHECK(client_at_end(&c));
    client_close(&c);
}

// Reads a datagram of the kept request: waits until one comes, or an error.
static int32_t read_datagram(void *buffer, size_t capacity, size_t *length) {
    int32_t status = FLARE_ERROR_WOULD_BLOCK;
    for (long long until = now_ms() + patience() * 1000LL; status == FLARE_ERROR_WOULD_BLOCK && now_ms() < until;) {
        status = flare_request_read_datagram(kept_request, buffer, capacity, length);
    }
    return status;
}

static void reads(void) {
    client c;
    char buffer[8] = "";
    size_t length = 77;
    kept_begin(&a, &c, OFFER("/keep"));
    CHECK_STATUS(flare_request_read_datagram(kept_request, buffer, sizeof buffer, &length), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_send_datagram(kept_response, "x", 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_NUMBER(flare_response_max_datagram_size(kept_response), 0);
    CHECK_STATUS(flare_response_switch_to_datagrams(kept_response, "other"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_switch_to_datagrams(kept_response, "echo"), FLARE_OK);
    CHECK_STATUS(flare_response_switch_to_datagrams(kept_response, "echo"), FLARE_ERROR_FINISHED);
    reply r = client_read(&c, false);
    CHECK_NUMBER(r.status, 101);
    reply_free(&r);
    CHECK_STATUS(flare_request_read_datagram(kept_request, buffer, sizeof buffer, &length), FLARE_ERROR_WOULD_BLOCK);

    CHECK(SENDS(&c, "\0\3abc\0\0\0\xbtoo long by\0\2de"));
    CHECK_STATUS(read_datagram(buffer, sizeof buffer, &length), FLARE_OK);
    CHECK_NUMBER(length, 3);
    CHECK(!memcmp(buffer, "abc", 3));
    CHECK_STATUS(read_datagram(NULL, 0, &length), FLARE_OK);
    CHECK_NUMBER(length, 0);
    // What does not fit is lost.
    memset(buffer, 0, sizeof buffer);
    CHECK_STATUS(read_datagram(buffer, 3, &length), FLARE_OK);
    CHECK_NUMBER(length, 11);
    CHECK_TEXT(buffer, "too");
    CHECK_STATUS(read_datagram(buffer, sizeof buffer, &length), FLARE_OK);
    CHECK_NUMBER(length, 2);

    int32_t most = flare_response_max_datagram_size(kept_response);
    CHECK_NUMBER(most, 65536);
    static const char large[65537];
    CHECK_STATUS(flare_response_send_datagram(kept_response, large, sizeof large), FLARE_ERROR_LIMIT);
    CHECK_TEXT(last_error(), "a datagram may have 65536 bytes here");
    // The stream is one of capsules, and takes nothing else.
    CHECK_STATUS(flare_response_write(kept_response, "x", 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_send_datagram(kept_response, NULL, 0), FLARE_OK);
    CHECK(RECEIVES(&c, "\0\0"));
    CHECK_STATUS(flare_response_finish(kept_response), FLARE_OK);
    CHECK_STATUS(flare_response_send_datagram(kept_response, "x", 1), FLARE_ERROR_FINISHED);
    kept_end(&c);
}

static void misuse(void) {
    client c;
    char byte;
    size_t length = 77;
    kept_begin(&a, &c, OFFER("/keep"));
    CHECK_STATUS(flare_response_switch_to_datagrams(kept_response, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_switch_to_datagrams(kept_response, "echo"), FLARE_OK);
    CHECK_STATUS(flare_response_send_datagram(kept_response, NULL, 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_request_read_datagram(kept_request, NULL, 1, &length), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_request_read_datagram(kept_request, &byte, 1, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    // The faces of an exchange are of different kinds.
    CHECK_STATUS(flare_response_send_datagram((flare_response *)kept_request, "x", 1), FLARE_ERROR_WRONG_KIND);
    CHECK_STATUS(flare_request_read_datagram((flare_request *)kept_response, &byte, 1, &length), FLARE_ERROR_WRONG_KIND);
    CHECK_STATUS(flare_response_max_datagram_size((flare_response *)kept_request), FLARE_ERROR_WRONG_KIND);
    kept_end(&c);
    CHECK_STATUS(flare_response_switch_to_datagrams(kept_response, "echo"), FLARE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(flare_response_send_datagram(kept_response, "x", 1), FLARE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(flare_response_max_datagram_size(NULL), FLARE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(flare_request_read_datagram(NULL, &byte, 1, &length), FLARE_ERROR_INVALID_HANDLE);
    CHECK_NUMBER(length, 77);
}

int main(void) {
    flare_router *router = flare_router_new();
    route(router, "GET", "/echo", switch_to_echo, NULL);
    route(router, "GET", "/keep", keep, NULL);
    route(router, "GET", "/", hello, NULL);
    app_start(&a, router, one_worker());

    TEST("an exchange becomes a stream of datagrams");
    echoes();
    TEST("datagrams can be read and sent from any thread");
    reads();
    TEST("misuse is an error");
    misuse();

    app_stop(&a);
    return DONE();
}
