// What a handler can read of a request that came over a socket.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "app.h"

// What the handler is to check, and whether it ran.
static void (*examine)(flare_request *);
static gate examined = GATE_INIT;

static int32_t handler(flare_request *request, flare_response *response, void *user) {
    (void)user;
    examine(request);
    gate_open(&examined);
    return flare_response_send(response, 204, NULL, 0);
}

static void check_field(const char *found, size_t length, const char *wanted, int line) {
    check_text(found, wanted, "a text of the request", __FILE__, line);
    check_number((int64_t)length, wanted ? (int64_t)strlen(wanted) : 0, "its length", __FILE__, line);
}

// Reads a text with and without a length: the same, terminated behind its length, and NULL with length 0.
#define CHECK_FIELD(call, wanted, ...)                       \
    do {                                                     \
        size_t length = 77;                                  \
        const char *found = call(__VA_ARGS__, &length);      \
        check_field(found, length, wanted, __LINE__);        \
        CHECK(call(__VA_ARGS__, NULL) == found);             \
    } while (0)

static app a;

// Sends a request whose handler examines it, and checks that it did.
static void examine_request(void (*with)(flare_request *), const char *text) {
    int before = gate_count(&examined);
    examine = with;
    reply r = ask(a.address, text);
    CHECK_NUMBER(r.status, 204);
    CHECK_NUMBER(gate_count(&examined), before + 1);
    reply_free(&r);
}

static void plain(flare_request *request) {
    CHECK_FIELD(flare_request_method, "GET", request);
    CHECK_FIELD(flare_request_path, "/a/b%20c/", request);
    CHECK_FIELD(flare_request_query, "x=1&y=%41?", request);
    CHECK_FIELD(flare_request_authority, "example.org:8080", request);
    CHECK_NUMBER(flare_request_version(request), 11);
    CHECK_STATUS(flare_request_cancelled(request), FLARE_OK);
    size_t length = 77;
    CHECK(flare_request_body(request, &length) != NULL);
    CHECK_NUMBER(length, 0);
}

static void bare(flare_request *request) {
    CHECK_FIELD(flare_request_path, "/", request);
    CHECK_FIELD(flare_request_query, NULL, request);
    CHECK_FIELD(flare_request_authority, "", request);
    CHECK_NUMBER(flare_request_version(request), 10);
    CHECK_NUMBER(flare_request_header_count(request), 0);
    CHECK_FIELD(flare_request_header, NULL, request, "host");
    CHECK_FIELD(flare_request_header_name_at, NULL, request, 0);
    CHECK_FIELD(flare_request_header_value_at, NULL, request, 0);
}

static void empty_query(flare_request *request) { CHECK_FIELD(flare_request_query, "", request); }

static void absolute(flare_request *request) {
    CHECK_FIELD(flare_request_authority, "other.example", request);
    CHECK_FIELD(flare_request_path, "/p", request);
    CHECK_FIELD(flare_request_query, "q", request);
}

static void extension_method(flare_request *request) { CHECK_FIELD(flare_request_method, "Brew-it", request); }

static void headers(flare_request *request) {
    CHECK_NUMBER(flare_request_header_count(request), 6);
    CHECK_FIELD(flare_request_header, "a", request, "host");
    CHECK_FIELD(flare_request_header, "first", request, "x-twice");
    CHECK_FIELD(flare_request_header, "first", request, "X-TWICE");
    CHECK_FIELD(flare_request_header, "", request, "x-empty");
    CHECK_FIELD(flare_request_header, "in \t between", request, "x-space");
    CHECK_FIELD(flare_request_header, "caf\xe9", request, "x-latin1");
    CHECK_FIELD(flare_request_header, NULL, request, "x-none");
    CHECK_FIELD(flare_request_header, NULL, request, "");
    CHECK_FIELD(flare_request_header, NULL, request, "x-twice:");
    static const char *const all[6][2] = {{"host", "a"},        {"x-twice", "first"},  {"x-empty", ""},
                                          {"x-space", "in \t between"}, {"x-twice", "second"}, {"x-latin1", "caf\xe9"}};
    for (size_t i = 0; i < 6; i++) {
        CHECK_FIELD(flare_request_header_name_at, all[i][0], request, i);
        CHECK_FIELD(flare_request_header_value_at, all[i][1], request, i);
    }
    const size_t beyond[] = {6, 7, 1 << 20, SIZE_MAX};
    for (size_t i = 0; i < 4; i++) {
        CHECK_FIELD(flare_request_header_name_at, NULL, request, beyond[i]);
        CHECK_FIELD(flare_request_header_value_at, NULL, request, beyond[i]);
    }
    // Names that can't be: an error with a message, not another answer.
    size_t length = 77;
    CHECK(!flare_request_header(request, NULL, &length));
    CHECK_NUMBER(length, 0);
    CHECK(strstr(last_error(), "name") != NULL);
    CHECK(!flare_request_header(request, "\xff", NULL));
    CHECK(!flare_request_trailer(request, NULL, NULL));
    CHECK(!flare_request_param(request, NULL, NULL));
}

static void params(flare_request *request) {
    CHECK_FIELD(flare_request_param, "a/b c\xc3\xa9", request, "one");
    CHECK_FIELD(flare_request_param, "x/y%2Fz", request, "rest");
    CHECK_FIELD(flare_request_param, NULL, request, "One");
    CHECK_FIELD(flare_request_param, NULL, request, "two");
    CHECK_FIELD(flare_request_param, NULL, request, "");
    CHECK_FIELD(flare_request_path, "/p/a%2Fb%20c%C3%A9/r/x/y%2Fz", request);
}

static void short_body(flare_request *request) {
    size_t length = 77;
    const uint8_t *body = flare_request_body(request, &length);
    if (CHECK_NUMBER(length, 5)) CHECK(!memcmp(body, "a\0b\xff\n", 5));
    CHECK(!flare_request_body(request, NULL));
    CHECK(strstr(last_error(), "length") != NULL);
    CHECK_FIELD(flare_request_trailer, NULL, request, "x-sum");
    CHECK_NUMBER(flare_request_trailer_count(request), 0);
}

static void chunked(flare_request *request) {
    size_t length = 77;
    const uint8_t *body = flare_request_body(request, &length);
    if (CHECK_NUMBER(length, 8)) CHECK(!memcmp(body, "abcdefgh", 8));
    CHECK_FIELD(flare_request_trailer, "42", request, "x-sum");
    CHECK_FIELD(flare_request_trailer, "42", request, "X-Sum");
    CHECK_FIELD(flare_request_trailer, "", request, "x-empty");
    CHECK_FIELD(flare_request_trailer, NULL, request, "x-none");
    CHECK_FIELD(flare_request_trailer, NULL, request, "x-head");
    // Trailers are no header fields, and those that may not be trailers are dropped (RFC 9110, 6.5.1).
    CHECK_FIELD(flare_request_header, NULL, request, "x-sum");
    CHECK_FIELD(flare_request_header, "1", request, "x-head");
    CHECK_FIELD(flare_request_trailer, NULL, request, "content-length");
    CHECK_NUMBER(flare_request_trailer_count(request), 2);
    CHECK_FIELD(flare_request_trailer_name_at, "x-sum", request, 0);
    CHECK_FIELD(flare_request_trailer_value_at, "42", request, 0);
    CHECK_FIELD(flare_request_trailer_name_at, "x-empty", request, 1);
    CHECK_FIELD(flare_request_trailer_value_at, "", request, 1);
    CHECK_FIELD(flare_request_trailer_name_at, NULL, request, 2);
    CHECK_FIELD(flare_request_trailer_value_at, NULL, request, SIZE_MAX);
}

enum { LARGE = 3 << 20 };

static void large_body(flare_request *request) {
    size_t length = 77, wrong = 0;
    const uint8_t *body = flare_request_body(request, &length);
    if (!CHECK_NUMBER(length, LARGE)) return;
    for (size_t i = 0; i < length; i++) wrong += body[i] != (uint8_t)(i * 7 + i / 251);
    CHECK_NUMBER(wrong, 0);
}

static void send_large(void) {
    char *body = malloc(LARGE), head[128];
    for (size_t i = 0; i < LARGE; i++) body[i] = (char)(i * 7 + i / 251);
    snprintf(head, sizeof head, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n", LARGE);
    examine = large_body;
    client c;
    CHECK(client_open(&c, a.address));
    CHECK(client_send(&c, head) && client_send_bytes(&c, body, LARGE));
    reply r = client_read(&c, false);
    CHECK_NUMBER(r.status, 204);
    reply_free(&r);
    client_close(&c);
    free(body);
}

// Each byte leaves in a packet of its own.
static void send_slowly(const char *text) {
    client c;
    CHECK(client_open(&c, a.address));
    for (const char *at = text; *at; at++) CHECK(client_send_bytes(&c, at, 1));
    reply r = client_read(&c, false);
    CHECK_NUMBER(r.status, 204);
    reply_free(&r);
    client_close(&c);
}

static char peer[64], local[64];

static void read_peer(flare_request *request) {
    size_t length = flare_request_peer(request, peer, sizeof peer);
    CHECK_NUMBER(strlen(peer), length);
    CHECK_NUMBER(flare_request_peer(request, NULL, 0), length);
    CHECK_NUMBER(flare_request_peer(request, NULL, 99), length);
    char cut[4] = "xxx";
    CHECK_NUMBER(flare_request_peer(request, cut, 3), length);
    CHECK(!memcmp(cut, peer, 2) && cut[2] == 0 && cut[3] == 0);
    length = flare_request_local_address(request, local, sizeof local);
    CHECK_NUMBER(strlen(local), length);
    CHECK_NUMBER(flare_request_local_address(request, NULL, 0), length);
}

static void check_peer(void) {
    client c;
    CHECK(client_open(&c, a.address));
    struct sockaddr_in own;
    socklen_t size = sizeof own;
    CHECK(!getsockname(c.fd, (struct sockaddr *)&own, &size));
    char wanted[64];
    snprintf(wanted, sizeof wanted, "127.0.0.1:%d", ntohs(own.sin_port));
    examine = read_peer;
    CHECK(client_send(&c, "GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
    reply r = client_read(&c, false);
    CHECK_NUMBER(r.status, 204);
    CHECK_TEXT(peer, wanted);
    CHECK_TEXT(local, a.address);
    reply_free(&r);
    client_close(&c);
}

static void check_unix_peer(flare_router *router) {
    char folder[] = "/tmp/flare-test-XXXXXX", address[64];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(address, sizeof address, "unix:%s/socket", folder);
    app b;
    app_start_server(&b, flare_server_new(router, NULL), address);
    examine = read_peer;
    expect(&b, "GET / HTTP/1.1\r\nhost: a\r\n\r\n", 204, "");
    CHECK_TEXT(peer, "unix:");
    CHECK_TEXT(local, address);
    app_stop(&b);
    CHECK(!remove(folder));
}

// The last line of the log; a server that has ended writes no more.
static char last_line[160];

static void keep_line(int32_t level, const char *message, void *user) {
    (void)level, (void)user;
    snprintf(last_line, sizeof last_line, "%s", message);
}

// What a proxy tells in front of its connections, and what becomes of those that tell nothing.
static void check_proxied(flare_router *router) {
    flare_config *config = one_worker();
    CHECK_STATUS(flare_config_set_text(config, "proxy_protocol_from", "10.0.0.0/33"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK(strstr(last_error(), "proxy_protocol_from") && strstr(last_error(), "10.0.0.0/33"));
    CHECK_STATUS(flare_config_set_text(config, "proxy_protocol_from", "127.0.0.0/8, unix"), FLARE_OK);
    flare_server *server = flare_server_new(router, config);
    CHECK_STATUS(flare_config_free(config), FLARE_OK);
    CHECK_STATUS(flare_server_set_log(server, FLARE_LOG_WARN, keep_line, NULL, NULL), FLARE_OK);
    app b;
    app_start_server(&b, server, "127.0.0.1:0");
    examine = read_peer;
    expect(&b, "PROXY TCP4 192.0.2.1 198.51.100.2 50000 443\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", 204, "");
    CHECK_TEXT(peer, "192.0.2.1:50000");
    CHECK_TEXT(local, "198.51.100.2:443");
    client c;
    CHECK(client_open(&c, b.address));
    CHECK(client_send(&c, "GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
    CHECK(client_at_end(&c));
    client_close(&c);
    app_stop(&b);
    CHECK(strstr(last_line, "PROXY header refused: from 127.0.0.1:") && strstr(last_line, ": no PROXY header"));
}

static void head_of_get(flare_request *request) { CHECK_FIELD(flare_request_method, "HEAD", request); }

static int32_t by_route(flare_request *request, flare_response *response, void *user) {
    (void)request;
    return flare_response_send_text(response, 200, user);
}

// Which route takes which path. The names are the patterns.
static void routes(void) {
    static const char *const patterns[] = {"/",         "/text",   "/:name",        "/text/:name", "/text/fixed",
                                           "/rest/*rest", "/slash/", "/enc%20oded", "/:name/deep"};
    flare_router *router = flare_router_new(), *inner = flare_router_new();
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        route(router, "GET", patterns[i], by_route, (void *)patterns[i]);
    }
    route(router, "*", "/any/method", by_route, "any");
    route(inner, "GET", "/", by_route, "mount /");
    route(inner, "GET", "/in", by_route, "mount /in");
    CHECK_STATUS(flare_router_mount(router, "/mount", inner), FLARE_OK);
    CHECK_STATUS(flare_router_free(inner), FLARE_OK);

    // What is refused, and leaves the router as it is.
    gate destroyed = GATE_INIT;
    const struct {
        const char *method, *pattern;
        int32_t status;
    } wrong[] = {
        {"GET", "/:other", FLARE_ERROR_CONFLICT},     {"GET", "/text", FLARE_ERROR_CONFLICT},
        {"GET", "", FLARE_ERROR_INVALID_ARGUMENT},    {"GET", "text", FLARE_ERROR_INVALID_ARGUMENT},
        {"GET", "/a//b", FLARE_ERROR_INVALID_ARGUMENT}, {"GET", "/*rest/more", FLARE_ERROR_INVALID_ARGUMENT},
        {"GET", "/:", FLARE_ERROR_INVALID_ARGUMENT},  {"GET", "/:a/:a", FLARE_ERROR_INVALID_ARGUMENT},
        {"GET", "/a?b", FLARE_ERROR_INVALID_ARGUMENT}, {"GET", "/%zz", FLARE_ERROR_INVALID_ARGUMENT},
        {"G T", "/x", FLARE_ERROR_INVALID_ARGUMENT},  {"", "/x", FLARE_ERROR_INVALID_ARGUMENT},
        {NULL, "/x", FLARE_ERROR_INVALID_ARGUMENT},   {"GET", NULL, FLARE_ERROR_INVALID_ARGUMENT},
        {"\xff", "/x", FLARE_ERROR_INVALID_ARGUMENT}, {"GET", "/\xff", FLARE_ERROR_INVALID_ARGUMENT},
    };
    int count = (int)(sizeof wrong / sizeof wrong[0]);
    for (int i = 0; i < count; i++) {
        CHECK_STATUS(flare_router_add(router, wrong[i].method, wrong[i].pattern, by_route, &destroyed, gate_destroy), wrong[i].status);
        CHECK_NUMBER(gate_count(&destroyed), i + 1);
    }
    CHECK_STATUS(flare_router_add(router, "GET", "/x", NULL, &destroyed, gate_destroy), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_NUMBER(gate_count(&destroyed), count + 1);
    CHECK_STATUS(flare_router_mount(router, "/mount/", router), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_router_mount(router, NULL, router), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_router_mount(router, "/", router), FLARE_ERROR_CONFLICT);
    CHECK_STATUS(flare_router_mount(router, "/again", router), FLARE_OK);  // in itself: a copy

    app b;
    app_start(&b, router, one_worker());
#define GET(path) "GET " path " HTTP/1.1\r\nhost: a\r\n\r\n"
    expect(&b, GET("/"), 200, "/");
    expect(&b, GET("/text"), 200, "/text");
    expect(&b, GET("/te%78t"), 200, "/text");
    expect(&b, GET("/other"), 200, "/:name");
    expect(&b, GET("/text/fixed"), 200, "/text/fixed");
    expect(&b, GET("/text/x"), 200, "/text/:name");
    expect(&b, GET("/text%2Fx"), 200, "/:name");
    expect(&b, GET("/x/deep"), 200, "/:name/deep");
    expect(&b, GET("/rest/a/b/c"), 200, "/rest/*rest");
    expect(&b, GET("/slash/"), 200, "/slash/");
    expect(&b, GET("/enc%20oded"), 200, "/enc%20oded");
    expect(&b, GET("/mount"), 200, "mount /");
    expect(&b, GET("/mount/in"), 200, "mount /in");
    expect(&b, GET("/again/mount/in"), 200, "mount /in");
    expect(&b, GET("/text/x/y"), 404, "Not Found");
    expect(&b, GET("/any/method"), 200, "any");
    expect(&b, "BREW /any/method HTTP/1.1\r\nhost: a\r\n\r\n", 200, "any");
    expect(&b, GET("/%zz"), 400, "Bad Request");
    reply r = ask(b.address, "POST /text HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n");
    CHECK_NUMBER(r.status, 405);
    CHECK_TEXT(reply_header(&r, "allow"), "GET, HEAD, OPTIONS");
    reply_free(&r);
    r = ask(b.address, "OPTIONS /text HTTP/1.1\r\nhost: a\r\n\r\n");
    CHECK_NUMBER(r.status, 204);
    CHECK_TEXT(reply_header(&r, "allow"), "GET, HEAD, OPTIONS");
    reply_free(&r);
    app_stop(&b);
}

int main(void) {
    flare_router *router = flare_router_new();
    route(router, "*", "/", handler, NULL);
    route(router, "*", "/p/:one/r/*rest", handler, NULL);
    route(router, "*", "/*rest", handler, NULL);
    app_start_server(&a, flare_server_new(router, NULL), "127.0.0.1:0");

    TEST("method, path, query, authority and version are as they were sent");
    examine_request(plain, "GET /a/b%20c/?x=1&y=%41? HTTP/1.1\r\nHost: example.org:8080\r\n\r\n");
    TEST("what is not there is NULL, or empty");
    examine_request(bare, "GET / HTTP/1.0\r\n\r\n");
    examine_request(empty_query, "GET /? HTTP/1.1\r\nHost: a\r\n\r\n");
    TEST("an absolute target comes before Host");
    examine_request(absolute, "GET http://other.example/p?q HTTP/1.1\r\nHost: a\r\n\r\n");
    TEST("methods are case-sensitive words, and HEAD reaches the handler as HEAD");
    examine_request(extension_method, "Brew-it / HTTP/1.1\r\nHost: a\r\n\r\n");
    examine_request(head_of_get, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    TEST("header fields are found by name and by place");
    examine_request(headers,
                    "GET / HTTP/1.1\r\nHost: a\r\nX-Twice: first\r\nX-Empty:\r\nX-Space: \t in \t between  \r\n"
                    "x-twice: second\r\nX-Latin1: caf\xe9\r\n\r\n");
    TEST("parameters are decoded, and an encoded slash does not separate");
    examine_request(params, "GET /p/a%2Fb%20c%C3%A9/r/x/y%2Fz HTTP/1.1\r\nHost: a\r\n\r\n");
    TEST("a body is bytes with a length");
    examine = short_body;
    client c;
    static const char with_nul[] = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\na\0b\xff\n";
    CHECK(client_open(&c, a.address));
    CHECK(client_send_bytes(&c, with_nul, sizeof with_nul - 1));
    reply r = client_read(&c, false);
    CHECK_NUMBER(r.status, 204);
    reply_free(&r);
    client_close(&c);
    TEST("a chunked body is put together, and its trailers can be read");
    static const char in_chunks[] =
        "POST / HTTP/1.1\r\nhost: a\r\nx-head: 1\r\ntransfer-encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n5;name=value\r\ndefgh\r\n0\r\nX-Sum: 42\r\nx-empty:\r\ncontent-length: 3\r\n\r\n";
    examine_request(chunked, in_chunks);
    TEST("it does not matter how the bytes arrive");
    examine = chunked;
    send_slowly(in_chunks);
    TEST("a large body arrives whole");
    send_large();
    TEST("the peer is the address of the client");
    check_peer();
    check_unix_peer(router);
    TEST("a proxy tells both ends of its client's connection");
    check_proxied(router);

    CHECK_STATUS(flare_router_free(router), FLARE_OK);
    app_stop(&a);

    TEST("routes are found by the rules, and wrong ones refused");
    routes();
    return DONE();
}
