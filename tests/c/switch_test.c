// Exchanges that become a byte stream of another protocol.
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "app.h"

#define GET(path) "GET " path " HTTP/1.1\r\nhost: a\r\n\r\n"
#define OFFER(path) "GET " path " HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: other, shout\r\n\r\n"

static app a;
static flare_request *request;
static flare_response *response;
static gate kept = GATE_INIT;

static int32_t keep(flare_request *req, flare_response *res, void *user) {
    (void)user;
    CHECK_STATUS(flare_response_retain(res), FLARE_OK);
    request = req;
    response = res;
    gate_open(&kept);
    return FLARE_OK;
}

static int32_t hello(flare_request *req, flare_response *res, void *user) {
    (void)req, (void)user;
    return flare_response_send_text(res, 200, "hello");
}

// Sends a head whose exchange is kept, and waits until the one worker has left the handler.
static void begin(client *c, const char *text) {
    int before = gate_count(&kept);
    CHECK(client_open(c, a.address));
    CHECK(client_send(c, text));
    CHECK(gate_wait(&kept, before + 1));
    expect(&a, GET("/"), 200, "hello");
}

static void end(client *c) {
    CHECK_STATUS(flare_response_release(response), FLARE_OK);
    client_close(c);
}

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
    begin(&c, OFFER("/keep"));
    CHECK_TEXT(flare_request_offered_protocol(request, NULL), "other, shout");
    CHECK_TEXT(flare_request_offered_protocol(request, &length), "other, shout");
    CHECK_NUMBER(length, 12);
    // What is refused leaves the exchange as it was.
    CHECK_STATUS(flare_response_switch_protocol(response, "third"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_switch_protocol(response, ""), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_switch_protocol(response, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_switch_protocol(response, "sh\xff"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_response_send_text(response, 200, "no"), FLARE_OK);
    CHECK_STATUS(flare_response_switch_protocol(response, "shout"), FLARE_ERROR_FINISHED);
    reply r = client_read(&c, false);
    if (CHECK_NUMBER(r.status, 200)) CHECK_TEXT(r.body, "no");
    reply_free(&r);
    end(&c);

    // Without an offer, or with one that is none.
    const char *none[] = {GET("/keep"), "GET /keep HTTP/1.1\r\nhost: a\r\nupgrade: shout\r\n\r\n"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        begin(&c, none[i]);
        length = 77;
        CHECK(!flare_request_offered_protocol(request, &length));
        CHECK_NUMBER(length, 0);
        CHECK_STATUS(flare_response_switch_protocol(response, "shout"), FLARE_ERROR_INVALID_ARGUMENT);
        end(&c);
    }
}

static void reads(void) {
    client c;
    begin(&c, OFFER("/keep"));
    CHECK_STATUS(flare_response_switch_protocol(response, "shout"), FLARE_OK);
    reply r = client_read(&c, false);
    CHECK_NUMBER(r.status, 101);
    reply_free(&r);
    CHECK(client_send(&c, "abc"));
    char buffer[16] = "";
    size_t length = 0;
    int32_t status = FLARE_ERROR_WOULD_BLOCK;
    for (long long until = now_ms() + patience() * 1000LL; status == FLARE_ERROR_WOULD_BLOCK && now_ms() < until;) {
        status = flare_request_read(request, buffer, sizeof buffer - 1, &length);
        if (status == FLARE_ERROR_WOULD_BLOCK) poll(NULL, 0, 1);
    }
    CHECK_STATUS(status, FLARE_OK);
    CHECK_TEXT(buffer, "abc");
    // The last release without a finish cuts the stream.
    CHECK_STATUS(flare_response_release(response), FLARE_OK);
    CHECK(recv(c.fd, buffer, 1, 0) <= 0);
    client_close(&c);
}

static void misuse(void) {
    client c;
    size_t length = 77;
    begin(&c, OFFER("/keep"));
    // The faces of an exchange are of different kinds.
    CHECK_STATUS(flare_response_switch_protocol((flare_response *)request, "shout"), FLARE_ERROR_WRONG_KIND);
    CHECK(!flare_request_offered_protocol((flare_request *)response, &length));
    CHECK_NUMBER(length, 0);
    end(&c);
    CHECK_STATUS(flare_response_switch_protocol(response, "shout"), FLARE_ERROR_INVALID_HANDLE);
    CHECK(!flare_request_offered_protocol(request, NULL));
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
