// Servers in the loop of a host: here epoll, on the thread of the test. Clients are threads.
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app.h"

#define GET(path) "GET " path " HTTP/1.1\r\nhost: a\r\n\r\n"

typedef struct {
    flare_server *server;
    char address[160];
} host;

static int32_t hello(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    return flare_response_send_text(response, 200, "hello");
}

// Takes the router, and settings that may be NULL.
static host host_new(flare_router *router, flare_config *config) {
    host h = {flare_server_new(router, config), ""};
    CHECK_STATUS(flare_router_free(router), FLARE_OK);
    if (config) CHECK_STATUS(flare_config_free(config), FLARE_OK);
    CHECK_STATUS(flare_server_listen(h.server, "127.0.0.1:0"), FLARE_OK);
    return h;
}

static host host_start(flare_router *router, flare_config *config) {
    host h = host_new(router, config);
    CHECK_STATUS(flare_server_host_start(h.server), FLARE_OK);
    CHECK(flare_server_address(h.server, 0, h.address, sizeof h.address) > 0);
    CHECK(flare_server_fd(h.server) >= 0);
    return h;
}

static flare_router *routes(void) {
    flare_router *router = flare_router_new();
    route(router, "GET", "/", hello, NULL);
    return router;
}

// The loop of the host: waits for the descriptors until the flag is set. False: the patience ended first.
static bool drive(host *hosts, int count, atomic_bool *until) {
    int loop = epoll_create1(0);
    for (int i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &hosts[i]};
        CHECK(epoll_ctl(loop, EPOLL_CTL_ADD, flare_server_fd(hosts[i].server), &event) == 0);
    }
    long long end = now_ms() + patience() * 1000LL;
    while (!atomic_load(until) && now_ms() < end) {
        struct epoll_event events[4];
        int ready = epoll_wait(loop, events, 4, 10);
        for (int i = 0; i < ready; i++) {
            host *h = events[i].data.ptr;
            CHECK(flare_server_poll(h->server, 0) >= 0);
        }
    }
    close(loop);
    return atomic_load(until);
}

// Whether the descriptor is readable now.
static bool readable(const host *h) {
    int loop = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    CHECK(epoll_ctl(loop, EPOLL_CTL_ADD, flare_server_fd(h->server), &event) == 0);
    int ready = epoll_wait(loop, &event, 1, 0);
    close(loop);
    return ready == 1;
}

// A client in a thread: asks once, and keeps the answer.
struct asking {
    const char *address, *request;
    reply answer;
    atomic_bool done;
};

static void *ask_thread(void *user) {
    struct asking *asking = user;
    asking->answer = ask(asking->address, asking->request);
    atomic_store(&asking->done, true);
    return NULL;
}

static void hosted_expect(host *hosts, int count, const char *address, const char *request, int status, const char *body) {
    struct asking asking = {.address = address, .request = request};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, ask_thread, &asking) == 0);
    CHECK(drive(hosts, count, &asking.done));
    pthread_join(thread, NULL);
    if (CHECK_NUMBER(asking.answer.status, status)) CHECK_TEXT(asking.answer.body, body);
    reply_free(&asking.answer);
}

static void answers(void) {
    host h = host_start(routes(), NULL);
    CHECK_NUMBER(flare_server_workers(h.server), 1);
    hosted_expect(&h, 1, h.address, GET("/"), 200, "hello");
    hosted_expect(&h, 1, h.address, GET("/none"), 404, "Not Found");
    CHECK_NUMBER(flare_server_stat(h.server, "requests"), 2);
    CHECK_STATUS(flare_server_free(h.server), FLARE_OK);
}

static void states(void) {
    host h = host_new(routes(), NULL);
    CHECK_NUMBER(flare_server_fd(h.server), FLARE_ERROR_INVALID_STATE);
    CHECK_NUMBER(flare_server_poll(h.server, 0), FLARE_ERROR_INVALID_STATE);
    CHECK_NUMBER(flare_server_drained(h.server), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_server_host_start(h.server), FLARE_OK);
    CHECK_STATUS(flare_server_host_start(h.server), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_server_start(h.server), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_server_run(h.server), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_server_wait(h.server), FLARE_ERROR_INVALID_STATE);
    CHECK_NUMBER(flare_server_poll(h.server, -1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_NUMBER(flare_server_drained(h.server), 0);
    // The first poll is wanted without a connection, for the start hooks.
    CHECK(readable(&h));
    while (flare_server_poll(h.server, 1) > 0) {}
    CHECK(!readable(&h));
    CHECK_STATUS(flare_server_free(h.server), FLARE_OK);

    app a;
    app_start(&a, routes(), NULL);
    CHECK_NUMBER(flare_server_fd(a.server), FLARE_ERROR_INVALID_STATE);
    CHECK_NUMBER(flare_server_poll(a.server, 0), FLARE_ERROR_INVALID_STATE);
    CHECK_NUMBER(flare_server_drained(a.server), 0);
    app_stop(&a);
}

static void deadlines(void) {
    flare_config *config = flare_config_new();
    CHECK_STATUS(flare_config_set_number(config, "head_timeout_ms", 50), FLARE_OK);
    host h = host_start(routes(), config);
    long long start = now_ms();
    struct asking asking = {.address = h.address, .request = "GET / HTT"};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, ask_thread, &asking) == 0);
    CHECK(drive(&h, 1, &asking.done));
    pthread_join(thread, NULL);
    CHECK_NUMBER(asking.answer.status, 408);
    CHECK(now_ms() - start >= 49);  // its clock and ours count whole milliseconds
    reply_free(&asking.answer);
    CHECK_STATUS(flare_server_free(h.server), FLARE_OK);
}

static host *inner;

static int32_t poll_inside(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    CHECK_NUMBER(flare_server_poll(inner->server, 0), FLARE_ERROR_INVALID_STATE);
    return flare_response_send_text(response, 200, last_error());
}

static void *poll_elsewhere(void *user) {
    host *h = user;
    CHECK_NUMBER(flare_server_poll(h->server, 0), FLARE_ERROR_INVALID_STATE);
    CHECK_TEXT(last_error(), "the server belongs to the thread that polled it first");
    return NULL;
}

static void misuse(void) {
    flare_router *router = routes();
    route(router, "GET", "/poll", poll_inside, NULL);
    host h = host_start(router, NULL);
    inner = &h;
    hosted_expect(&h, 1, h.address, GET("/poll"), 200, "a poll can't be made inside a worker");
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, poll_elsewhere, &h) == 0);
    pthread_join(thread, NULL);
    hosted_expect(&h, 1, h.address, GET("/"), 200, "hello");
    CHECK_STATUS(flare_server_free(h.server), FLARE_OK);
}

static flare_response *held;

static int32_t hold(flare_request *request, flare_response *response, void *user) {
    (void)request;
    CHECK_STATUS(flare_response_retain(response), FLARE_OK);
    held = response;
    atomic_store((atomic_bool *)user, true);
    return FLARE_OK;
}

static void drain(void) {
    atomic_bool holds = false;
    flare_router *router = routes();
    route(router, "GET", "/hold", hold, &holds);
    host h = host_start(router, NULL);
    struct asking asking = {.address = h.address, .request = GET("/hold")};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, ask_thread, &asking) == 0);
    CHECK(drive(&h, 1, &holds));
    CHECK_STATUS(flare_server_drain(h.server, 3600 * 1000), FLARE_OK);
    while (flare_server_poll(h.server, 1) > 0) {}
    CHECK_NUMBER(flare_server_drained(h.server), 0);
    CHECK_NUMBER(flare_server_stat(h.server, "drain_finished"), FLARE_ERROR_NOT_FOUND);
    // Between two polls, on the thread of the host.
    CHECK_STATUS(flare_response_send_text(held, 200, "last"), FLARE_OK);
    CHECK_STATUS(flare_response_release(held), FLARE_OK);
    CHECK(drive(&h, 1, &asking.done));
    pthread_join(thread, NULL);
    CHECK_TEXT(asking.answer.body, "last");
    reply_free(&asking.answer);
    for (long long end = now_ms() + patience() * 1000LL; flare_server_drained(h.server) == 0 && now_ms() < end;) {
        CHECK(flare_server_poll(h.server, 0) >= 0);
    }
    CHECK_NUMBER(flare_server_drained(h.server), 1);
    CHECK_NUMBER(flare_server_stat(h.server, "drain_finished"), 1);
    CHECK_NUMBER(flare_server_stat(h.server, "drain_aborted"), 0);
    CHECK(!readable(&h));
    CHECK_NUMBER(flare_server_poll(h.server, 0), 0);
    CHECK_STATUS(flare_server_drain_on_signals(h.server), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_server_free(h.server), FLARE_OK);
}

static void several(void) {
    host hosts[2] = {host_start(routes(), NULL), host_start(routes(), NULL)};
    for (int i = 0; i < 2; i++) hosted_expect(hosts, 2, hosts[i].address, GET("/"), 200, "hello");
    CHECK_STATUS(flare_server_free(hosts[0].server), FLARE_OK);
    hosted_expect(&hosts[1], 1, hosts[1].address, GET("/"), 200, "hello");
    CHECK_STATUS(flare_server_free(hosts[1].server), FLARE_OK);
}

static int32_t free_inside(flare_request *request, flare_response *response, void *user) {
    (void)request;
    CHECK_STATUS(flare_response_send_text(response, 200, "freed"), FLARE_OK);
    CHECK_STATUS(flare_server_free(((host *)user)->server), FLARE_OK);
    return FLARE_OK;
}

static void freed_by_its_handler(void) {
    static host h;
    gate destroyed = GATE_INIT;
    flare_router *router = flare_router_new();
    CHECK_STATUS(flare_router_add(router, "GET", "/", free_inside, &h, NULL), FLARE_OK);
    CHECK_STATUS(flare_router_add(router, "GET", "/other", hello, &destroyed, gate_destroy), FLARE_OK);
    h = host_start(router, NULL);
    client c;
    CHECK(client_open(&c, h.address));
    CHECK(client_send(&c, GET("/")));
    // One poll or the next finds that the server is no more, and no later one may be made.
    int32_t more = 0;
    for (long long end = now_ms() + patience() * 1000LL; more >= 0 && now_ms() < end;) more = flare_server_poll(h.server, 0);
    CHECK_NUMBER(more, FLARE_ERROR_INVALID_HANDLE);
    CHECK_NUMBER(gate_count(&destroyed), 1);
    client_close(&c);
}

// An upstream for one connection: reads a line, and sends it back twice.
static void *twice(void *user) {
    int listener = *(int *)user;
    int fd = accept(listener, NULL, NULL);
    char line[64];
    size_t length = 0;
    while (length < sizeof line && (length == 0 || line[length - 1] != '\n')) {
        ssize_t count = read(fd, line + length, sizeof line - length);
        if (count <= 0) break;
        length += (size_t)count;
    }
    CHECK(write(fd, line, length) == (ssize_t)length && write(fd, line, length) == (ssize_t)length);
    close(fd);
    return NULL;
}

static int32_t relay(flare_request *request, flare_response *response, void *user) {
    const char *nobody = "unix:/nonexistent/upstream.sock";
    if (strcmp(flare_request_path(request, NULL), "/nobody") == 0) {
        CHECK_STATUS(flare_response_relay(response, 200, "nonsense", NULL, 0, 0, 0, 0), FLARE_ERROR_INVALID_ARGUMENT);
        CHECK_STATUS(flare_response_relay(response, 99, nobody, NULL, 0, 0, 0, 0), FLARE_ERROR_INVALID_ARGUMENT);
        CHECK_STATUS(flare_response_relay(response, 200, nobody, NULL, 1, 0, 0, 0), FLARE_ERROR_INVALID_ARGUMENT);
        CHECK_STATUS(flare_response_relay(response, 200, nobody, NULL, 0, 0, 0, 2), FLARE_ERROR_INVALID_ARGUMENT);
        return flare_response_relay(response, 200, nobody, NULL, 0, 100, 100, 0);
    }
    CHECK_STATUS(flare_response_relay(response, 201, user, "again\n", 6, 0, 0, FLARE_RELAY_FORWARD), FLARE_OK);
    CHECK_STATUS(flare_response_relay(response, 200, user, NULL, 0, 0, 0, 0), FLARE_ERROR_FINISHED);
    return FLARE_OK;
}

static void relays(void) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    CHECK(bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 1) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    char to[32];
    snprintf(to, sizeof to, "127.0.0.1:%d", ntohs(address.sin_port));
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, twice, &listener) == 0);
    flare_router *router = flare_router_new();
    route(router, "GET", "/", relay, to);
    route(router, "GET", "/nobody", relay, to);
    app a;
    app_start(&a, router, one_worker());
    expect(&a, GET("/"), 201, "again\nagain\n");
    expect(&a, GET("/nobody"), 502, "Bad Gateway");
    pthread_join(thread, NULL);
    app_stop(&a);
    close(listener);
}

int main(void) {
    TEST("a host's loop answers requests");
    answers();
    TEST("what a hosted server can do in which state");
    states();
    TEST("deadlines make the descriptor readable");
    deadlines();
    TEST("a poll inside a handler or on another thread is refused");
    misuse();
    TEST("a drain returns at once, and reports at its end");
    drain();
    TEST("two servers share a thread");
    several();
    TEST("a handler may free its server");
    freed_by_its_handler();
    TEST("an upstream answers");
    relays();
    return DONE();
}
