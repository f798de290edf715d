// Connections to others: blocking and in a loop, with TLS and without, and every way that they fail.
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app.h"

static int64_t patience_ms(void) { return 1000 * (int64_t)patience(); }

static int32_t hello(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    return flare_response_send_text(response, 200, "hello");
}

// The text has these words.
static bool says(const char *text, const char *words) {
    bool said = strstr(text, words) != NULL;
    check_that(said, text, __FILE__, __LINE__);
    return said;
}

// A listener of the system, which accepts nobody by itself.
static int listener(char *address, size_t capacity) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof to;
    CHECK(bind(fd, (struct sockaddr *)&to, sizeof to) == 0 && listen(fd, 16) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&to, &length) == 0);
    snprintf(address, capacity, "127.0.0.1:%d", ntohs(to.sin_port));
    return fd;
}

// Asks for / and reads to the end. Gives the status of the last read.
static int32_t converse(flare_connection *connection, char *answer, size_t capacity) {
    const char *question = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    size_t written = 0, total = 0, length = 1;
    CHECK_STATUS(flare_connection_write(connection, question, strlen(question), patience_ms(), &written), FLARE_OK);
    CHECK_NUMBER(written, strlen(question));
    int32_t status = FLARE_OK;
    while (status == FLARE_OK && length > 0 && total < capacity - 1) {
        status = flare_connection_read(connection, answer + total, capacity - 1 - total, patience_ms(), &length);
        if (status == FLARE_OK) total += length;
    }
    answer[total] = '\0';
    return status;
}

// What a loop does: waits for the descriptor, and polls.
static int32_t watch(flare_connecting *connecting, flare_connection **connection) {
    for (;;) {
        int32_t status = flare_connecting_poll(connecting, connection);
        if (status != FLARE_ERROR_WOULD_BLOCK) return status;
        struct pollfd watched = {.fd = flare_connecting_fd(connecting), .events = POLLIN};
        if (!CHECK(poll(&watched, 1, (int)patience_ms()) == 1)) return status;
    }
}

static void plain(void) {
    TEST("a connection is made, asked and ended");
    app a;
    flare_router *router = flare_router_new();
    route(router, "GET", "/", hello, NULL);
    app_start(&a, router, one_worker());
    flare_connector *connector = flare_connector_new();
    char answer[1024], by_name[64], text[64];
    snprintf(by_name, sizeof by_name, "localhost:%s", strrchr(a.address, ':') + 1);
    const char *targets[] = {a.address, by_name};
    for (int i = 0; i < 2; i++) {
        flare_connection *connection = NULL;
        if (!CHECK_STATUS(flare_connector_connect(connector, targets[i], &connection), FLARE_OK)) continue;
        CHECK(flare_connection_fd(connection) >= 0);
        CHECK(flare_connection_peer(connection, text, sizeof text) > 0);
        CHECK_TEXT(text, a.address);
        CHECK_NUMBER(flare_connection_tls(connection, "version", text, sizeof text), 0);
        CHECK_STATUS(flare_connection_read(connection, answer, 1, 0, &(size_t){0}), FLARE_ERROR_WOULD_BLOCK);
        CHECK_STATUS(flare_connection_read(connection, answer, 1, 20, &(size_t){0}), FLARE_ERROR_TIMEOUT);
        CHECK_STATUS(flare_connection_read(connection, answer, 0, 0, &(size_t){0}), FLARE_ERROR_INVALID_ARGUMENT);
        CHECK_STATUS(flare_connection_read(connection, NULL, 1, 0, &(size_t){0}), FLARE_ERROR_INVALID_ARGUMENT);
        CHECK_STATUS(flare_connection_flush(connection, 0), FLARE_OK);
        CHECK_STATUS(converse(connection, answer, sizeof answer), FLARE_OK);
        says(answer, "\r\n\r\nhello");
        CHECK_STATUS(flare_connection_free(connection), FLARE_OK);
    }

    TEST("in a loop too");
    flare_connecting *connecting = NULL;
    flare_connection *connection = NULL;
    CHECK_STATUS(flare_connector_begin(connector, by_name, &connecting), FLARE_OK);
    CHECK_STATUS(watch(connecting, &connection), FLARE_OK);
    CHECK_STATUS(flare_connecting_poll(connecting, &connection), FLARE_ERROR_FINISHED);
    CHECK_STATUS(flare_connecting_free(connecting), FLARE_OK);
    CHECK_STATUS(converse(connection, answer, sizeof answer), FLARE_OK);
    says(answer, "\r\n\r\nhello");
    CHECK_STATUS(flare_connection_free(connection), FLARE_OK);

    TEST("from an address of this host, to those of one family");
    CHECK_STATUS(flare_connector_set_text(connector, "local_address", "127.0.0.9"), FLARE_OK);
    CHECK_STATUS(flare_connector_set_number(connector, "keep_alive_ms", 5000), FLARE_OK);
    CHECK_STATUS(flare_connector_connect(connector, by_name, &connection), FLARE_OK);
    struct sockaddr_in own;
    socklen_t size = sizeof own;
    int on = 0;
    CHECK(getsockname(flare_connection_fd(connection), (struct sockaddr *)&own, &size) == 0);
    CHECK(own.sin_addr.s_addr == htonl(0x7f000009));
    size = sizeof on;
    CHECK(getsockopt(flare_connection_fd(connection), SOL_SOCKET, SO_KEEPALIVE, &on, &size) == 0 && on == 1);
    CHECK_STATUS(flare_connection_free(connection), FLARE_OK);
    CHECK_STATUS(flare_connector_set_text(connector, "family", "ipv6"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_connector_set_text(connector, "local_address", ""), FLARE_OK);
    CHECK_STATUS(flare_connector_set_text(connector, "family", "ipv6"), FLARE_OK);
    CHECK_STATUS(flare_connector_connect(connector, a.address, &connection), FLARE_ERROR_NOT_FOUND);
    says(last_error(), "it has no ipv6 address");
    CHECK_STATUS(flare_connector_free(connector), FLARE_OK);
    app_stop(&a);
}

static void failures(void) {
    TEST("a failure says which step, and for whom");
    flare_connector *connector = flare_connector_new();
    flare_connection *connection = NULL;
    const char *nonsense[] = {"", "a", "a b:80", "127.1:80", "unix:"};
    for (int i = 0; i < 5; i++) {
        CHECK_STATUS(flare_connector_connect(connector, nonsense[i], &connection), FLARE_ERROR_INVALID_ARGUMENT);
    }
    CHECK_STATUS(flare_connector_connect(connector, NULL, &connection), FLARE_ERROR_INVALID_ARGUMENT);
    char address[64], words[256];
    int fd = listener(address, sizeof address);
    CHECK_STATUS(flare_connector_connect(connector, address, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    close(fd);
    CHECK_STATUS(flare_connector_connect(connector, address, &connection), FLARE_ERROR_IO);
    snprintf(words, sizeof words, "can't connect to %s: %s: Connection refused", address, address);
    says(last_error(), words);
    CHECK_STATUS(flare_connector_connect(connector, "unix:/no/such/socket", &connection), FLARE_ERROR_NOT_FOUND);
    CHECK(connection == NULL);

    TEST("settings are taken by name, and wrong ones are named");
    CHECK_STATUS(flare_connector_set_number(connector, "timeout_ms", 0), FLARE_ERROR_INVALID_ARGUMENT);
    says(last_error(), "setting timeout_ms: 0 is not within");
    CHECK_STATUS(flare_connector_set_number(connector, "colour", 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_connector_set_number(connector, NULL, 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_connector_set_text(connector, "colour", "red"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_connector_add_roots(connector, "nonsense", 8), FLARE_ERROR_INVALID_ARGUMENT);
    says(last_error(), "has no PEM block");
    CHECK_STATUS(flare_connector_set_certificate_files(connector, "/no/such.pem", "/no/such.key"), FLARE_ERROR_INVALID_ARGUMENT);
    says(last_error(), "/no/such.pem");
    CHECK_STATUS(flare_connector_set_certificate_pem(connector, "x", 1, "y", 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_connector_set_text(connector, "tls_roots", "/no/such.pem"), FLARE_OK);
    CHECK_STATUS(flare_connector_connect(connector, "127.0.0.1:1", &connection), FLARE_ERROR_INVALID_ARGUMENT);
    says(last_error(), "/no/such.pem");
    CHECK_STATUS(flare_connector_free(connector), FLARE_OK);
}

static void silence(void) {
    TEST("silence ends at the deadline, or by a cancel of another thread");
    char address[64];
    int fd = listener(address, sizeof address);
    flare_connector *connector = flare_connector_new();
    CHECK_STATUS(flare_connector_set_number(connector, "tls", 1), FLARE_OK);
    CHECK_STATUS(flare_connector_set_number(connector, "tls_insecure_any_certificate", 1), FLARE_OK);
    CHECK_STATUS(flare_connector_set_number(connector, "timeout_ms", 100), FLARE_OK);
    flare_connection *connection = NULL;
    CHECK_STATUS(flare_connector_connect(connector, address, &connection), FLARE_ERROR_TIMEOUT);
    says(last_error(), "can't speak TLS to ");
    CHECK_STATUS(flare_connector_set_number(connector, "timeout_ms", patience_ms()), FLARE_OK);
    flare_connecting *connecting = NULL;
    CHECK_STATUS(flare_connector_begin(connector, address, &connecting), FLARE_OK);
    CHECK_STATUS(flare_connecting_poll(connecting, &connection), FLARE_ERROR_WOULD_BLOCK);
    CHECK_STATUS(flare_connecting_cancel(connecting), FLARE_OK);
    CHECK_STATUS(watch(connecting, &connection), FLARE_ERROR_CANCELLED);
    CHECK_STATUS(flare_connecting_free(connecting), FLARE_OK);
    // Freed in the middle.
    CHECK_STATUS(flare_connector_begin(connector, address, &connecting), FLARE_OK);
    CHECK_STATUS(flare_connecting_free(connecting), FLARE_OK);
    CHECK_STATUS(flare_connector_free(connector), FLARE_OK);
    close(fd);
}

static void *read_to_the_end(void *user) {
    char byte;
    size_t length = 1;
    CHECK_STATUS(flare_connection_read(user, &byte, 1, patience_ms(), &length), FLARE_OK);
    CHECK_NUMBER(length, 0);
    return NULL;
}

static void ends(void) {
    TEST("the end of one side and of both");
    char address[64], word[8] = "";
    int fd = listener(address, sizeof address);
    flare_connector *connector = flare_connector_new();
    flare_connection *connection = NULL;
    size_t length = 0, written = 77;
    CHECK_STATUS(flare_connector_connect(connector, address, &connection), FLARE_OK);
    int other = accept(fd, NULL, NULL);
    CHECK_STATUS(flare_connection_write(connection, "ping", 4, -1, NULL), FLARE_OK);
    CHECK_STATUS(flare_connection_close_write(connection), FLARE_OK);
    CHECK_STATUS(flare_connection_write(connection, "x", 1, 0, &written), FLARE_ERROR_CLOSED);
    CHECK_NUMBER(written, 0);
    CHECK(recv(other, word, sizeof word, MSG_WAITALL) == 4);
    CHECK(send(other, "pong", 4, 0) == 4);
    CHECK_STATUS(flare_connection_read(connection, word, sizeof word, patience_ms(), &length), FLARE_OK);
    CHECK_NUMBER(length, 4);
    pthread_t reader;
    CHECK(pthread_create(&reader, NULL, read_to_the_end, connection) == 0);
    CHECK_STATUS(flare_connection_close(connection), FLARE_OK);
    pthread_join(reader, NULL);
    CHECK_STATUS(flare_connection_free(connection), FLARE_OK);
    close(other);

    TEST("a write that is not to wait says how far it came");
    CHECK_STATUS(flare_connector_connect(connector, address, &connection), FLARE_OK);
    other = accept(fd, NULL, NULL);
    size_t much = 64 << 20;
    char *bytes = calloc(1, much);
    CHECK_STATUS(flare_connection_write(connection, bytes, much, 0, &written), FLARE_ERROR_WOULD_BLOCK);
    CHECK(written > 0 && written < much);
    CHECK_STATUS(flare_connection_write(connection, bytes, much, 20, &written), FLARE_ERROR_TIMEOUT);
    CHECK(written < much);
    free(bytes);
    close(other);
    CHECK_STATUS(flare_connection_free(connection), FLARE_OK);
    CHECK_STATUS(flare_connector_free(connector), FLARE_OK);
    close(fd);
}

static void tls(void) {
    TEST("TLS: nobody is believed by default, anybody only by name");
    app a;
    flare_router *router = flare_router_new();
    route(router, "GET", "/", hello, NULL);
    flare_config *config = one_worker();
    flare_server *server = flare_server_new(router, config);
    CHECK_STATUS(flare_config_free(config), FLARE_OK);
    flare_tls *settings = flare_tls_new();
    CHECK_STATUS(flare_tls_add_self_signed(settings, "localhost"), FLARE_OK);
    CHECK_STATUS(flare_tls_set_text(settings, "alpn", "http/1.1"), FLARE_OK);
    CHECK_STATUS(flare_server_listen_tls(server, "127.0.0.1:0", settings), FLARE_OK);
    CHECK_STATUS(flare_server_start(server), FLARE_OK);
    flare_server_address(server, 0, a.address, sizeof a.address);
    flare_connector *connector = flare_connector_new();
    flare_connection *connection = NULL;
    char answer[1024], text[64];
    CHECK_STATUS(flare_connector_set_text(connector, "tls_server_name", "localhost"), FLARE_OK);
    CHECK_STATUS(flare_connector_connect(connector, a.address, &connection), FLARE_ERROR_PROTOCOL);
    says(last_error(), "the certificate of the peer");
    CHECK_STATUS(flare_connector_set_number(connector, "tls_insecure_any_certificate", 1), FLARE_OK);
    CHECK_STATUS(flare_connector_set_text(connector, "tls_alpn", "x, http/1.1"), FLARE_OK);
    for (int i = 0; i < 2; i++) {
        if (!CHECK_STATUS(flare_connector_connect(connector, a.address, &connection), FLARE_OK)) break;
        CHECK(flare_connection_tls(connection, "version", text, sizeof text) == 7);
        CHECK_TEXT(text, "TLSv1.3");
        flare_connection_tls(connection, "alpn", text, sizeof text);
        CHECK_TEXT(text, "http/1.1");
        flare_connection_tls(connection, "resumed", text, sizeof text);
        CHECK_TEXT(text, i ? "1" : "0");
        CHECK(flare_connection_tls(connection, "suite", text, sizeof text) > 4);
        CHECK_NUMBER(flare_connection_tls(connection, "colour", text, sizeof text), 0);
        CHECK_STATUS(converse(connection, answer, sizeof answer), FLARE_OK);
        says(answer, "\r\n\r\nhello");
        CHECK_STATUS(flare_connection_free(connection), FLARE_OK);
    }
    flare_connecting *connecting = NULL;
    CHECK_STATUS(flare_connector_begin(connector, a.address, &connecting), FLARE_OK);
    CHECK_STATUS(watch(connecting, &connection), FLARE_OK);
    CHECK_STATUS(flare_connecting_free(connecting), FLARE_OK);
    CHECK_STATUS(converse(connection, answer, sizeof answer), FLARE_OK);
    CHECK_STATUS(flare_connection_free(connection), FLARE_OK);
    CHECK_STATUS(flare_connector_free(connector), FLARE_OK);
    CHECK_STATUS(flare_server_drain(server, 0), FLARE_OK);
    CHECK_STATUS(flare_server_wait(server), FLARE_OK);
    CHECK_STATUS(flare_server_free(server), FLARE_OK);
    CHECK_STATUS(flare_tls_free(settings), FLARE_OK);
    CHECK_STATUS(flare_router_free(router), FLARE_OK);
}

int main(void) {
    plain();
    failures();
    silence();
    ends();
    tls();
    return DONE();
}
