// Exchanges that become a byte stream of another protocol.
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "kept.h"

#define GET(path) "GET " path " HTTP/1.1\r\nhost: a\r\n\r\n"
#define OFFER(path) "GET " path " HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: other, shout\r\n\r\n"

static app a;

// Sends everything back in upper case, and says goodbye when the client closes its side.
static int32_t shout(flare_request *req, flare_response *res, int32_t event, const uint8_t *data, size_t length, void *user) {
    (void)user;
    if (event == FLARE_EVENT_DATA) {
        char loud[64];
        if (!CHECK(length <= sizeof loud)) return FLARE_ERROR_LIMIT;
        for (size_t i = 0; i < length; i++) loud[i] = data[i] >= 'a' && data[i] <= 'z' ? (char)(data[i] - 32) : (char)data[i];
        CHECK_STATUS(flare_response_write(res, loud, length), FLARE_OK);
    } else if (event == FLARE_EVENT_END) {
        CHECK_STATUS(flare_response_write(res, "BYE", 3), FLARE_OK);
        CHECK_STATUS(flare_response_finish(res), FLARE_OK);
        CHECK_STATUS(flare_request_release(req), FLARE_OK);
    }
    return FLARE_OK;
}

static int32_t switch_to_shout(flare_request *req, flare_response *res, void *user) {
    (void)user;
    CHECK_STATUS(flare_response_set_header(res, "x-loud", "yes"), FLARE_OK);
    CHECK_STATUS(flare_response_switch_protocol(res, "Shout"), FLARE_OK);
    CHECK_STATUS(flare_request_retain(req), FLARE_OK);
    return flare_request_on_event(req, shout, NULL, NULL);
}

static bool receives(client *c, const char *text) {
    char buffer[64];
    size_t have = 0, length = strlen(text);
    while (have < length) {
        ssize_t got = recv(c->fd, buffer + have, length - have, 0);
        if (got <= 0) return false;
        have += (size_t)got;
    }
    return !memcmp(buffer, text, length);
}

static void switches(void) {
    client c;
    CHECK(client_open(&c, a.address));
    CHECK(client_send(&c, OFFER("/shout")));
    reply r = client_read(&c, false);
    CHECK_NUMBER(r.status, 101);
    CHECK_TEXT(reply_header(&r, "upgrade"), "Shout");
    CHECK_TEXT(reply_header(&r, "connection"), "upgrade");
    CHECK_TEXT(reply_header(&r, "x-loud"), "yes");
    reply_free(&r);
    CHECK(client_send(&c, "hear, hear"));
    CHECK(receives(&c, "HEAR, HEAR"));
    client_half_close(&c);
    CHECK(receives(&c, "BYE"));
    CHECK(client_at_end(&c));
    client_close(&c);
}

static void offers(void) {
    client c;
    size_t length = 77;
    kept_begin(&a, &c, OFFER("/keep"));
    CHECK_TEXT(flare_request_offered_protocol(kept_request, NULL), "other, shout");
    CHECK_TEXT(flare_request_offered_protocol(kept_request, &length), "other, shout");
    CHECK_NUMBER(length, 12);
    // What is refused leaves the exchange as it was.
    CHECK_STATUS(flare_response_switch_protocol(kept_response, "third"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_switch_protocol(kept_response, ""), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_switch_protocol(kept_response, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_switch_protocol(kept_response, "sh\xff"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_send_text(kept_response, 200, "no"), FLARE_OK);
    CHECK_STATUS(flare_response_switch_protocol(kept_response, "shout"), FLARE_ERROR_FINISHED);
    reply r = client_read(&c, false);
    if (CHECK_NUMBER(r.status, 200)) CHECK_TEXT(r.body, "no");
    reply_free(&r);
    kept_end(&c);

    // Without an offer, or with one that is none.
    const char *none[] = {GET("/keep"), "GET /keep HTTP/1.1\r\nhost: a\r\nupgrade: shout\r\n\r\n"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        kept_begin(&a, &c, none[i]);
        length = 77;
        CHECK(!flare_request_offered_protocol(kept_request, &length));
        CHECK_NUMBER(length, 0);
        CHECK_STATUS(flare_response_switch_protocol(kept_response, "shout"), FLARE_ERROR_INVALID_ARGUMENT);
        CHECK_STATUS(flare_response_switch_protocol(kept_response, ""), FLARE_ERROR_INVALID_ARGUMENT);
        CHECK_STATUS(flare_response_switch_to_datagrams(kept_response, ""), FLARE_ERROR_INVALID_ARGUMENT);
        kept_end(&c);
    }
}

static void reads(void) {
    client c;
    kept_begin(&a, &c, OFFER("/keep"));
    CHECK_STATUS(flare_response_switch_protocol(kept_response, "shout"), FLARE_OK);
    reply r = client_read(&c, false);
    CHECK_NUMBER(r.status, 101);
    reply_free(&r);
    CHECK(client_send(&c, "abc"));
    char buffer[16] = "";
    size_t length = 0;
    CHECK_STATUS(kept_read(buffer, sizeof buffer - 1, &length), FLARE_OK);
    CHECK_TEXT(buffer, "abc");
    // The last release without a finish cuts the stream.
    CHECK_STATUS(flare_response_release(kept_response), FLARE_OK);
    CHECK(recv(c.fd, buffer, 1, 0) <= 0);
    client_close(&c);
}

static void misuse(void) {
    client c;
    size_t length = 77;
    kept_begin(&a, &c, OFFER("/keep"));
    // The faces of an exchange are of different kinds.
    CHECK_STATUS(flare_response_switch_protocol((flare_response *)kept_request, "shout"), FLARE_ERROR_WRONG_KIND);
    CHECK(!flare_request_offered_protocol((flare_request *)kept_response, &length));
    CHECK_NUMBER(length, 0);
    kept_end(&c);
    CHECK_STATUS(flare_response_switch_protocol(kept_response, "shout"), FLARE_ERROR_INVALID_HANDLE);
    CHECK(!flare_request_offered_protocol(kept_request, NULL));
    CHECK_STATUS(flare_response_switch_protocol(NULL, "shout"), FLARE_ERROR_INVALID_HANDLE);
    CHECK(!flare_request_offered_protocol(NULL, NULL));
}

int main(void) {
    flare_router *router = flare_router_new();
    route(router, "GET", "/shout", switch_to_shout, NULL);
    route(router, "GET", "/keep", keep, NULL);
    route(router, "GET", "/", hello, NULL);
    app_start(&a, router, one_worker());

    TEST("an exchange becomes a byte stream of another protocol");
    switches();
    TEST("only what the client offers is accepted");
    offers();
    TEST("what the client sends can be read from any thread");
    reads();
    TEST("misuse is an error");
    misuse();

    app_stop(&a);
    return DONE();
}
