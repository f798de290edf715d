// The life of a server: made, started, drained, waited for and freed, in every order.
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "app.h"

#define GET(path) "GET " path " HTTP/1.1\r\nhost: a\r\n\r\n"

static int32_t hello(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    return flare_response_send_text(response, 200, "hello");
}

// Keeps the exchange: who waits for `arrived` answers `response`.
static flare_response *waiting;
static gate arrived = GATE_INIT;

static int32_t wait_for_main(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    CHECK_STATUS(flare_response_retain(response), FLARE_OK);
    waiting = response;
    gate_open(&arrived);
    return FLARE_OK;
}

static void nothing(uint32_t worker, void *user) { (void)worker, (void)user; }
static void no_log(int32_t level, const char *message, void *user) { (void)level, (void)message, (void)user; }
static void no_access(const char *peer, const char *method, const char *path, int32_t status, uint64_t bytes, uint64_t ms,
                      void *user) {
    (void)peer, (void)method, (void)path, (void)status, (void)bytes, (void)ms, (void)user;
}

// A server with all routes of this file and no address; its handlers' user data opens `destroyed` when it goes.
static flare_server *made(flare_config *config, gate *destroyed) {
    flare_router *router = flare_router_new();
    CHECK_STATUS(flare_router_add(router, "GET", "/", hello, destroyed, destroyed ? gate_destroy : NULL), FLARE_OK);
    route(router, "GET", "/wait", wait_for_main, NULL);
    flare_server *server = flare_server_new(router, config);
    CHECK(server != NULL);
    CHECK_STATUS(flare_router_free(router), FLARE_OK);
    if (config) CHECK_STATUS(flare_config_free(config), FLARE_OK);
    return server;
}

// Checks that settings can't be changed any more, and that the destructors run all the same.
static void refuses_settings(flare_server *server) {
    gate destroyed = GATE_INIT;
    CHECK_STATUS(flare_server_listen(server, "127.0.0.1:0"), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_server_set_log(server, FLARE_LOG_INFO, no_log, &destroyed, gate_destroy), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_server_set_access_log(server, no_access, &destroyed, gate_destroy), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_server_on_worker_start(server, nothing, &destroyed, gate_destroy), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_server_on_worker_stop(server, nothing, &destroyed, gate_destroy), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_server_start(server), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_server_run(server), FLARE_ERROR_INVALID_STATE);
    CHECK_NUMBER(gate_count(&destroyed), 4);
}

static void calls_in_each_state(void) {
    gate destroyed = GATE_INIT;
    char text[64];
    flare_server *server = made(one_worker(), &destroyed);
    // Made.
    CHECK_STATUS(flare_server_wait(server), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_server_drain(server, 0), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_server_drain_on_signals(server), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_server_stat(server, "requests"), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_server_workers(server), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_server_post(server, 0, 0, nothing, &destroyed, gate_destroy), FLARE_ERROR_INVALID_STATE);
    CHECK_NUMBER(gate_count(&destroyed), 1);
    CHECK_NUMBER(flare_server_address(server, 0, text, sizeof text), 0);
    // Running.
    app a;
    app_start_server(&a, server, "127.0.0.1:0");
    expect(&a, GET("/"), 200, "hello");
    refuses_settings(server);
    expect(&a, GET("/"), 200, "hello");
    CHECK_NUMBER(flare_server_workers(server), 1);
    CHECK_STATUS(flare_server_stat(server, "no such number"), FLARE_ERROR_NOT_FOUND);
    CHECK_STATUS(flare_server_stat(server, "drain_finished"), FLARE_ERROR_NOT_FOUND);
    CHECK_STATUS(flare_server_stat(server, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_NUMBER(flare_server_address(server, 1, text, sizeof text), 0);
    CHECK_TEXT(text, "");
    CHECK_NUMBER(flare_server_address(server, SIZE_MAX, NULL, 0), 0);
    // Ended.
    CHECK_STATUS(flare_server_drain(server, 0), FLARE_OK);
    CHECK_STATUS(flare_server_wait(server), FLARE_OK);
    CHECK_STATUS(flare_server_wait(server), FLARE_OK);
    refuses_settings(server);
    CHECK_STATUS(flare_server_drain(server, 1000), FLARE_OK);
    CHECK_STATUS(flare_server_drain_on_signals(server), FLARE_ERROR_INVALID_STATE);
    CHECK_NUMBER(flare_server_stat(server, "requests"), 2);
    CHECK_NUMBER(flare_server_stat(server, "drain_aborted"), 0);
    CHECK_NUMBER(flare_server_workers(server), 1);
    CHECK_NUMBER(flare_server_address(server, 0, text, sizeof text), 0);
    CHECK_STATUS(flare_server_post(server, 0, 0, nothing, &destroyed, gate_destroy), FLARE_ERROR_NOT_FOUND);
    CHECK_NUMBER(gate_count(&destroyed), 2);
    client c;
    CHECK(!client_open(&c, a.address));
    CHECK_STATUS(flare_server_free(server), FLARE_OK);
    CHECK_NUMBER(gate_count(&destroyed), 3);
}

static void addresses(void) {
    flare_server *server = made(one_worker(), NULL);
    const char *wrong[] = {"", "80", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "[::1]", "::1:80", "unix:", "a b:1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_STATUS(flare_server_listen(server, wrong[i]), FLARE_ERROR_INVALID_ARGUMENT);
        CHECK(wrong[i][0] == 0 || strstr(last_error(), wrong[i]) != NULL);
    }
    CHECK_STATUS(flare_server_listen(server, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_server_listen(server, "\xff:80"), FLARE_ERROR_INVALID_ARGUMENT);
    // What was refused left the server as it was. It may have several addresses.
    CHECK_STATUS(flare_server_listen(server, "127.0.0.1:0"), FLARE_OK);
    app a;
    app_start_server(&a, server, "127.0.0.1:0");
    expect(&a, GET("/"), 200, "hello");
    char second[64], cut[5];
    size_t length = flare_server_address(server, 1, second, sizeof second);
    CHECK(length > strlen("127.0.0.1:") && !strncmp(second, "127.0.0.1:", 10));
    CHECK(strcmp(second, a.address) && strcmp(second, "127.0.0.1:0"));
    CHECK_NUMBER(flare_server_address(server, 1, cut, sizeof cut), length);
    CHECK_TEXT(cut, "127.");
    CHECK_NUMBER(flare_server_address(server, 1, NULL, 99), length);
    reply r = ask(second, GET("/"));
    CHECK_NUMBER(r.status, 200);
    reply_free(&r);
    app_stop(&a);
}

static void starts_that_fail(void) {
    gate destroyed = GATE_INIT;
    flare_server *server = made(one_worker(), &destroyed);
    CHECK_STATUS(flare_server_start(server), FLARE_ERROR_INVALID_STATE);
    CHECK(strstr(last_error(), "address") != NULL);
    CHECK_STATUS(flare_server_wait(server), FLARE_ERROR_INVALID_STATE);
    // Nothing is lost: with an address it starts.
    CHECK_STATUS(flare_server_listen(server, "127.0.0.1:0"), FLARE_OK);
    CHECK_STATUS(flare_server_start(server), FLARE_OK);
    CHECK_STATUS(flare_server_start(server), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_server_free(server), FLARE_OK);
    CHECK_NUMBER(gate_count(&destroyed), 1);

    // One taken address is enough, and the free one is given back.
    app a;
    app_start_server(&a, made(one_worker(), NULL), "127.0.0.1:0");
    server = made(one_worker(), &destroyed);
    CHECK_STATUS(flare_server_listen(server, "127.0.0.1:0"), FLARE_OK);
    CHECK_STATUS(flare_server_listen(server, a.address), FLARE_OK);
    CHECK_STATUS(flare_server_start(server), FLARE_ERROR_ADDRESS_IN_USE);
    CHECK(strstr(last_error(), a.address) != NULL);
    CHECK_STATUS(flare_server_run(server), FLARE_ERROR_ADDRESS_IN_USE);
    CHECK_NUMBER(gate_count(&destroyed), 1);
    // When the address is free again, it starts.
    app_stop(&a);
    CHECK_STATUS(flare_server_start(server), FLARE_OK);
    expect(&a, GET("/"), 200, "hello");
    CHECK_STATUS(flare_server_free(server), FLARE_OK);
    CHECK_NUMBER(gate_count(&destroyed), 2);
    flare_router *router = flare_router_new();
    CHECK_STATUS(flare_serve(router, "nonsense"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_serve(router, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_serve(router, "unix:/no such folder/socket"), FLARE_ERROR_NOT_FOUND);
    CHECK_STATUS(flare_serve(router, "192.0.2.1:0"), FLARE_ERROR_IO);  // not an address of this machine (RFC 5737)
    CHECK_STATUS(flare_router_free(router), FLARE_OK);

    // The address is free again.
    app b;
    app_start_server(&b, made(one_worker(), NULL), a.address);
    CHECK_TEXT(b.address, a.address);
    expect(&b, GET("/"), 200, "hello");
    app_stop(&b);
}

static void free_in_every_state(void) {
    gate destroyed = GATE_INIT;
    flare_server *server = made(NULL, &destroyed);
    CHECK_STATUS(flare_server_set_log(server, FLARE_LOG_INFO, no_log, &destroyed, gate_destroy), FLARE_OK);
    CHECK_STATUS(flare_server_set_log(server, FLARE_LOG_INFO, no_log, &destroyed, gate_destroy), FLARE_OK);
    CHECK_NUMBER(gate_count(&destroyed), 1);  // the first log was replaced
    CHECK_STATUS(flare_server_set_access_log(server, no_access, &destroyed, gate_destroy), FLARE_OK);
    CHECK_STATUS(flare_server_on_worker_start(server, nothing, &destroyed, gate_destroy), FLARE_OK);
    CHECK_STATUS(flare_server_on_worker_stop(server, nothing, &destroyed, gate_destroy), FLARE_OK);
    CHECK_NUMBER(gate_count(&destroyed), 1);
    CHECK_STATUS(flare_server_free(server), FLARE_OK);
    CHECK_NUMBER(gate_count(&destroyed), 6);

    // Running, with an exchange that is cut.
    app a;
    client c;
    app_start_server(&a, made(NULL, &destroyed), "127.0.0.1:0");
    int before = gate_count(&arrived);
    CHECK(client_open(&c, a.address));
    CHECK(client_send(&c, GET("/wait")));
    CHECK(gate_wait(&arrived, before + 1));
    CHECK_STATUS(flare_server_free(a.server), FLARE_OK);
    reply r = client_read(&c, false);
    CHECK_NUMBER(r.status, 0);
    reply_free(&r);
    client_close(&c);
    CHECK_STATUS(flare_response_send_text(waiting, 200, "late"), FLARE_ERROR_CANCELLED);
    CHECK_STATUS(flare_response_release(waiting), FLARE_OK);
    CHECK_NUMBER(gate_count(&destroyed), 7);
}

static void *run_server(void *server) { return (void *)(intptr_t)flare_server_run(server); }

static void run_and_free(void) {
    gate destroyed = GATE_INIT;
    flare_server *server = made(one_worker(), &destroyed);
    CHECK_STATUS(flare_server_listen(server, "127.0.0.1:0"), FLARE_OK);
    pthread_t thread;
    CHECK(!pthread_create(&thread, NULL, run_server, server));
    app a = {.server = server};
    while (!flare_server_address(server, 0, a.address, sizeof a.address)) poll(NULL, 0, 1);
    expect(&a, GET("/"), 200, "hello");
    // The other thread is in flare_server_run: the end is left to it.
    CHECK_STATUS(flare_server_free(server), FLARE_OK);
    void *status;
    pthread_join(thread, &status);
    CHECK_STATUS((int32_t)(intptr_t)status, FLARE_OK);
    CHECK_NUMBER(gate_count(&destroyed), 1);
    CHECK_STATUS(flare_server_free(server), FLARE_ERROR_INVALID_HANDLE);
}

static void *wait_server(void *server) { return (void *)(intptr_t)flare_server_wait(server); }

static void two_waits(void) {
    app a;
    app_start_server(&a, made(NULL, NULL), "127.0.0.1:0");
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) CHECK(!pthread_create(&threads[i], NULL, wait_server, a.server));
    // One of them is refused at once; which one is theirs to find out.
    expect(&a, GET("/"), 200, "hello");
    CHECK_STATUS(flare_server_drain(a.server, 1000), FLARE_OK);
    int64_t sum = 0;
    for (int i = 0; i < 2; i++) {
        void *status;
        pthread_join(threads[i], &status);
        sum += (intptr_t)status;
    }
    // The second wait may come after the end: then it is good too.
    CHECK(sum == FLARE_ERROR_INVALID_STATE || sum == FLARE_OK);
    CHECK_STATUS(flare_server_free(a.server), FLARE_OK);
}

static void two_servers(void) {
    app a, b;
    app_start_server(&a, made(one_worker(), NULL), "127.0.0.1:0");
    app_start_server(&b, made(NULL, NULL), "127.0.0.1:0");
    for (int i = 0; i < 3; i++) {
        expect(&a, GET("/"), 200, "hello");
        expect(&b, GET("/"), 200, "hello");
    }
    CHECK(stat_becomes(&a, "open", 0));
    CHECK_NUMBER(flare_server_stat(a.server, "requests"), 3);
    CHECK_NUMBER(flare_server_stat(a.server, "accepted"), 3);
    CHECK_NUMBER(flare_server_stat(a.server, "answers_2xx"), 3);
    CHECK_NUMBER(flare_server_stat(a.server, "answers_4xx"), 0);
    app_stop(&a);
    expect(&b, GET("/"), 200, "hello");
    expect(&b, GET("/none"), 404, "Not Found");
    CHECK_NUMBER(flare_server_stat(b.server, "requests"), 5);
    CHECK_NUMBER(flare_server_stat(b.server, "answers_4xx"), 1);
    app_stop(&b);
}

static void unix_socket(void) {
    char folder[] = "/tmp/flare-test-XXXXXX", address[64];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(address, sizeof address, "unix:%s/socket", folder);
    const char *path = address + 5;
    // A file that a dead process left behind is replaced.
    struct sockaddr_un stale = {.sun_family = AF_UNIX};
    snprintf(stale.sun_path, sizeof stale.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(!bind(fd, (struct sockaddr *)&stale, sizeof stale));
    close(fd);
    app a;
    app_start_server(&a, made(NULL, NULL), address);
    CHECK_TEXT(a.address, address);
    for (int i = 0; i < 4; i++) expect(&a, GET("/"), 200, "hello");
    // One that is alive is not.
    flare_server *second = made(one_worker(), NULL);
    CHECK_STATUS(flare_server_listen(second, address), FLARE_OK);
    CHECK_STATUS(flare_server_start(second), FLARE_ERROR_ADDRESS_IN_USE);
    CHECK_STATUS(flare_server_free(second), FLARE_OK);
    expect(&a, GET("/"), 200, "hello");
    app_stop(&a);
    CHECK(access(path, F_OK) != 0);
    // Longer than an address of this family can be.
    char too_long[300] = "unix:/tmp/";
    memset(too_long + 10, 'a', sizeof too_long - 11);
    second = made(one_worker(), NULL);
    CHECK_STATUS(flare_server_listen(second, too_long), FLARE_OK);
    CHECK_STATUS(flare_server_start(second), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_server_free(second), FLARE_OK);
    CHECK(!rmdir(folder));
}

static void drain_reports(void) {
    // In time: the exchange gets its answer, and the connection closes.
    app a;
    client c;
    app_start_server(&a, made(one_worker(), NULL), "127.0.0.1:0");
    int before = gate_count(&arrived);
    CHECK(client_open(&c, a.address));
    CHECK(client_send(&c, GET("/wait")));
    CHECK(gate_wait(&arrived, before + 1));
    expect(&a, GET("/"), 200, "hello");  // the one worker can answer: it has left the handler of the other request
    CHECK(stat_becomes(&a, "open", 1));
    CHECK_STATUS(flare_server_drain(a.server, UINT64_MAX), FLARE_OK);
    CHECK_STATUS(flare_response_send_text(waiting, 200, "in time"), FLARE_OK);
    CHECK_STATUS(flare_response_release(waiting), FLARE_OK);
    reply r = client_read(&c, false);
    CHECK_TEXT(r.body, "in time");
    CHECK_TEXT(reply_header(&r, "connection"), "close");
    reply_free(&r);
    CHECK(client_at_end(&c));
    client_close(&c);
    CHECK_STATUS(flare_server_wait(a.server), FLARE_OK);
    CHECK_NUMBER(flare_server_stat(a.server, "drain_finished"), 1);
    CHECK_NUMBER(flare_server_stat(a.server, "drain_aborted"), 0);
    CHECK_STATUS(flare_server_free(a.server), FLARE_OK);

    // Too late: a second drain shortens the first, and the exchange is cut.
    app_start_server(&a, made(one_worker(), NULL), "127.0.0.1:0");
    before = gate_count(&arrived);
    CHECK(client_open(&c, a.address));
    CHECK(client_send(&c, GET("/wait")));
    CHECK(gate_wait(&arrived, before + 1));
    CHECK_STATUS(flare_server_drain(a.server, 3600 * 1000), FLARE_OK);
    CHECK_STATUS(flare_server_drain(a.server, 10), FLARE_OK);
    CHECK_STATUS(flare_server_wait(a.server), FLARE_OK);
    CHECK_NUMBER(flare_server_stat(a.server, "drain_finished"), 0);
    CHECK_NUMBER(flare_server_stat(a.server, "drain_aborted"), 1);
    CHECK_STATUS(flare_response_send_text(waiting, 200, "late"), FLARE_ERROR_CANCELLED);
    CHECK_STATUS(flare_response_release(waiting), FLARE_OK);
    CHECK(client_at_end(&c));
    client_close(&c);
    CHECK_STATUS(flare_server_free(a.server), FLARE_OK);
}

static gate served = GATE_INIT;

static void *serve(void *address) {
    flare_router *router = flare_router_new();
    route(router, "GET", "/", hello, NULL);
    CHECK_STATUS(flare_serve(router, address), FLARE_OK);
    CHECK_STATUS(flare_router_free(router), FLARE_OK);
    gate_open(&served);
    return NULL;
}

static void signals(void) {
    // A server that watches for signals all the time: until the other one does too, a signal must not end this process.
    app a;
    app_start_server(&a, made(one_worker(), NULL), "127.0.0.1:0");
    CHECK_STATUS(flare_server_drain_on_signals(a.server), FLARE_OK);
    CHECK_STATUS(flare_server_drain_on_signals(a.server), FLARE_OK);
    char folder[] = "/tmp/flare-test-XXXXXX", address[64];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(address, sizeof address, "unix:%s/socket", folder);
    pthread_t thread;
    CHECK(!pthread_create(&thread, NULL, serve, address));
    reply r = {0};
    for (long long until = now_ms() + patience() * 1000LL; r.status == 0 && now_ms() < until; poll(NULL, 0, 1)) {
        reply_free(&r);
        r = ask(address, GET("/"));
    }
    CHECK_TEXT(r.body, "hello");
    reply_free(&r);
    // When flare_serve begins to watch can't be seen from outside: so it is asked until it ends.
    kill(getpid(), SIGTERM);
    for (long long until = now_ms() + patience() * 1000LL; !gate_wait_ms(&served, 1, 500) && now_ms() < until;) {
        kill(getpid(), SIGTERM);
    }
    if (CHECK(gate_count(&served) == 1)) pthread_join(thread, NULL);
    CHECK(!rmdir(folder));
    CHECK_STATUS(flare_server_wait(a.server), FLARE_OK);
    CHECK_STATUS(flare_server_free(a.server), FLARE_OK);
}

int main(void) {
    TEST("each call is good or refused in each state of a server");
    calls_in_each_state();
    TEST("addresses are checked, and port 0 becomes a port");
    addresses();
    TEST("a start that fails says why, and leaves nothing behind");
    starts_that_fail();
    TEST("a server can be freed in every state, and destructors run once");
    free_in_every_state();
    TEST("a server that another thread runs can be freed");
    run_and_free();
    TEST("only one thread can wait for a server");
    two_waits();
    TEST("two servers in one process do not know each other");
    two_servers();
    TEST("a Unix socket serves, and its file comes and goes");
    unix_socket();
    TEST("a drain lets exchanges end in time, and cuts them after it");
    drain_reports();
    TEST("signals drain all servers that watch for them");
    signals();
    return DONE();
}
