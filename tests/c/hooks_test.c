// Callbacks of a server that are no handlers: worker start and stop, tasks and timers, the log, the access log.
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "app.h"

#define GET(path) "GET " path " HTTP/1.1\r\nhost: a\r\n\r\n"
enum { WORKERS = 2 };

static int32_t hello(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    return flare_response_send_text(response, 200, "hello");
}

static flare_server *make(int workers) {
    flare_config *config = flare_config_new();
    CHECK_STATUS(flare_config_set_number(config, "workers", workers), FLARE_OK);
    flare_router *router = flare_router_new();
    route(router, "GET", "/", hello, NULL);
    flare_server *server = flare_server_new(router, config);
    CHECK(server != NULL);
    CHECK_STATUS(flare_router_free(router), FLARE_OK);
    CHECK_STATUS(flare_config_free(config), FLARE_OK);
    return server;
}

// What happened to a hook or a task.
struct seen {
    gate called, destroyed;
    atomic_int on[WORKERS], elsewhere;
};
#define SEEN_INIT {GATE_INIT, GATE_INIT, {0}, 0}

static void see(uint32_t worker, void *user) {
    struct seen *seen = user;
    atomic_fetch_add(worker < WORKERS ? &seen->on[worker] : &seen->elsewhere, 1);
    gate_open(&seen->called);
}

static void seen_destroy(void *user) { gate_open(&((struct seen *)user)->destroyed); }

static void each_worker_once(struct seen *seen, int times) {
    CHECK(gate_wait(&seen->called, times * WORKERS));
    for (int i = 0; i < WORKERS; i++) CHECK_NUMBER(atomic_load(&seen->on[i]), times);
    CHECK_NUMBER(atomic_load(&seen->elsewhere), 0);
}

static void start_and_stop(void) {
    struct seen start = SEEN_INIT, second = SEEN_INIT, stop = SEEN_INIT;
    flare_server *server = make(WORKERS);
    CHECK_STATUS(flare_server_on_worker_start(server, see, &start, seen_destroy), FLARE_OK);
    CHECK_STATUS(flare_server_on_worker_start(server, see, &second, seen_destroy), FLARE_OK);
    CHECK_STATUS(flare_server_on_worker_stop(server, see, &stop, seen_destroy), FLARE_OK);
    CHECK_STATUS(flare_server_on_worker_start(server, NULL, &start, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    app a;
    app_start_server(&a, server, "127.0.0.1:0");
    each_worker_once(&start, 1);
    each_worker_once(&second, 1);
    CHECK_NUMBER(gate_count(&stop.called), 0);
    expect(&a, GET("/"), 200, "hello");
    CHECK_STATUS(flare_server_drain(server, 0), FLARE_OK);
    CHECK_STATUS(flare_server_wait(server), FLARE_OK);
    each_worker_once(&stop, 1);
    CHECK_NUMBER(gate_count(&stop.destroyed), 0);  // the server is still there
    CHECK_STATUS(flare_server_free(server), FLARE_OK);
    CHECK_NUMBER(gate_count(&start.destroyed), 1);
    CHECK_NUMBER(gate_count(&second.destroyed), 1);
    CHECK_NUMBER(gate_count(&stop.destroyed), 1);
    each_worker_once(&start, 1);
}

// A start hook may use the server: here to post a task to its own worker.
static flare_server *hooked;
static struct seen posted_by_hook = SEEN_INIT;

static void post_from_hook(uint32_t worker, void *user) {
    (void)user;
    char address[64];
    CHECK_NUMBER(flare_server_workers(hooked), WORKERS);
    CHECK(flare_server_address(hooked, 0, address, sizeof address) > 0);
    CHECK_STATUS(flare_server_post(hooked, worker, 0, see, &posted_by_hook, seen_destroy), FLARE_OK);
}

static void hooks_use_the_server(void) {
    hooked = make(WORKERS);
    CHECK_STATUS(flare_server_on_worker_start(hooked, post_from_hook, NULL, NULL), FLARE_OK);
    app a;
    app_start_server(&a, hooked, "127.0.0.1:0");
    each_worker_once(&posted_by_hook, 1);
    CHECK(gate_wait(&posted_by_hook.destroyed, WORKERS));
    app_stop(&a);
    CHECK_NUMBER(gate_count(&posted_by_hook.destroyed), WORKERS);
}

// The order in which tasks ran on the one worker.
static char order[8];
static atomic_int ran;

static void note(uint32_t worker, void *user) {
    (void)worker;
    order[atomic_fetch_add(&ran, 1)] = *(char *)user;
}

static void tasks(void) {
    struct seen now = SEEN_INIT, later = SEEN_INIT, never = SEEN_INIT, refused = SEEN_INIT;
    app a;
    app_start_server(&a, make(WORKERS), "127.0.0.1:0");
    for (uint32_t worker = 0; worker < WORKERS; worker++) {
        CHECK_STATUS(flare_server_post(a.server, worker, 0, see, &now, seen_destroy), FLARE_OK);
    }
    each_worker_once(&now, 1);
    CHECK(gate_wait(&now.destroyed, WORKERS));
    const uint32_t nobody[] = {WORKERS, WORKERS + 1, UINT32_MAX};
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(flare_server_post(a.server, nobody[i], 0, see, &refused, seen_destroy), FLARE_ERROR_NOT_FOUND);
        CHECK_NUMBER(gate_count(&refused.destroyed), i + 1);
    }
    CHECK_STATUS(flare_server_post(a.server, 0, 0, NULL, &refused, seen_destroy), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_NUMBER(gate_count(&refused.destroyed), 4);
    // A timer never comes early, and tasks keep their order.
    long long began = now_ms();
    CHECK_STATUS(flare_server_post(a.server, 0, 40, see, &later, seen_destroy), FLARE_OK);
    CHECK_STATUS(flare_server_post(a.server, 1, 60, note, "d", NULL), FLARE_OK);
    CHECK_STATUS(flare_server_post(a.server, 1, 20, note, "c", NULL), FLARE_OK);
    CHECK_STATUS(flare_server_post(a.server, 1, 0, note, "a", NULL), FLARE_OK);
    CHECK_STATUS(flare_server_post(a.server, 1, 0, note, "b", NULL), FLARE_OK);
    CHECK(gate_wait(&later.called, 1));
    CHECK(now_ms() - began >= 40);
    CHECK_STATUS(flare_server_post(a.server, 1, 80, see, &later, seen_destroy), FLARE_OK);
    CHECK(gate_wait(&later.called, 2));
    CHECK_TEXT(order, "abcd");
    CHECK(gate_wait(&later.destroyed, 2));
    // Those whose time does not come are dropped with their worker.
    const uint64_t waits[] = {3600 * 1000, UINT32_MAX, INT64_MAX, UINT64_MAX};
    for (int i = 0; i < 4; i++) {
        CHECK_STATUS(flare_server_post(a.server, 0, waits[i], see, &never, seen_destroy), FLARE_OK);
    }
    app_stop(&a);
    CHECK_NUMBER(gate_count(&never.called), 0);
    CHECK_NUMBER(gate_count(&never.destroyed), 4);
    CHECK_NUMBER(gate_count(&refused.called), 0);
    CHECK_NUMBER(gate_count(&later.called), 2);
}

// Tasks may post tasks: one that posts itself until it is enough.
static flare_server *reposting;
static struct seen reposted = SEEN_INIT;

static void repost(uint32_t worker, void *user) {
    see(worker, user);
    if (gate_count(&reposted.called) < 100) {
        uint64_t delay = gate_count(&reposted.called) % 10 == 0;
        CHECK_STATUS(flare_server_post(reposting, worker, delay, repost, user, seen_destroy), FLARE_OK);
    }
}

static void tasks_post_tasks(void) {
    app a;
    app_start_server(&a, make(1), "127.0.0.1:0");
    reposting = a.server;
    CHECK_STATUS(flare_server_post(a.server, 0, 0, repost, &reposted, seen_destroy), FLARE_OK);
    CHECK(gate_wait(&reposted.called, 100));
    app_stop(&a);
    CHECK_NUMBER(gate_count(&reposted.called), 100);
    CHECK_NUMBER(gate_count(&reposted.destroyed), 100);
}

// What the log said.
struct lines {
    pthread_mutex_t lock;
    char text[4096];
    int level_sum, worst, count;
    gate destroyed;
};
#define LINES_INIT {PTHREAD_MUTEX_INITIALIZER, "", 0, 99, 0, GATE_INIT}

static void keep_line(int32_t level, const char *message, void *user) {
    struct lines *lines = user;
    pthread_mutex_lock(&lines->lock);
    size_t used = strlen(lines->text);
    snprintf(lines->text + used, sizeof lines->text - used, "%d %s\n", level, message);
    if (level < lines->worst) lines->worst = level;
    lines->count++;
    pthread_mutex_unlock(&lines->lock);
}

static void lines_destroy(void *user) { gate_open(&((struct lines *)user)->destroyed); }

static int32_t unsendable(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    CHECK_STATUS(flare_response_add_header(response, "content-length", "99"), FLARE_OK);
    return flare_response_send_text(response, 200, "not 99 bytes");
}

static int32_t failing(flare_request *request, flare_response *response, void *user) {
    (void)user;
    CHECK_STATUS(flare_request_log_error(request, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_request_log_error(request, "before \xff"), FLARE_OK);
    return flare_response_fail(response, "on purpose \xff");
}

static void logged_at(int32_t level, bool wants_debug) {
    struct lines lines = LINES_INIT;
    flare_router *router = flare_router_new();
    route(router, "GET", "/", unsendable, NULL);
    route(router, "GET", "/fail", failing, NULL);
    flare_config *config = one_worker();
    flare_server *server = flare_server_new(router, config);
    CHECK_STATUS(flare_router_free(router), FLARE_OK);
    CHECK_STATUS(flare_config_free(config), FLARE_OK);
    CHECK_STATUS(flare_server_set_log(server, level, keep_line, &lines, lines_destroy), FLARE_OK);
    app a;
    app_start_server(&a, server, "127.0.0.1:0");
    expect(&a, GET("/"), 500, "Internal Server Error");  // an error in the log
    expect(&a, GET("/fail"), 500, "Internal Server Error");
    reply r = ask(a.address, "nonsense\r\n\r\n");  // a detail
    CHECK_NUMBER(r.status, 400);
    reply_free(&r);
    app_stop(&a);
    CHECK_NUMBER(gate_count(&lines.destroyed), 1);
    CHECK_NUMBER(lines.worst, FLARE_LOG_ERROR);
    CHECK(strstr(lines.text, "1 answer can't be sent: ") != NULL);
    CHECK(strstr(lines.text, "1 handler failed: before \xef\xbf\xbd\n") != NULL);
    CHECK(strstr(lines.text, "1 handler failed: on purpose \xef\xbf\xbd\n") != NULL);
    CHECK((strstr(lines.text, "4 bad request: 127.0.0.1:") != NULL) == wants_debug);
}

static void log_levels(void) {
    logged_at(FLARE_LOG_ERROR, false);
    logged_at(FLARE_LOG_INFO, false);
    logged_at(FLARE_LOG_DEBUG, true);
    gate destroyed = GATE_INIT;
    flare_server *server = make(1);
    const int32_t wrong[] = {INT32_MIN, -1, 0, 5, INT32_MAX};
    for (int i = 0; i < 5; i++) {
        CHECK_STATUS(flare_server_set_log(server, wrong[i], keep_line, &destroyed, gate_destroy), FLARE_ERROR_INVALID_ARGUMENT);
        CHECK_NUMBER(gate_count(&destroyed), i + 1);
    }
    CHECK_STATUS(flare_server_set_log(server, FLARE_LOG_INFO, NULL, &destroyed, gate_destroy), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_server_set_access_log(server, NULL, &destroyed, gate_destroy), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_NUMBER(gate_count(&destroyed), 7);
    CHECK_STATUS(flare_server_free(server), FLARE_OK);
}

// Of an event that repeats, only some are told, and then how many were not.
static void log_is_limited(void) {
    struct lines lines = LINES_INIT;
    flare_server *server = make(1);
    CHECK_STATUS(flare_server_set_log(server, FLARE_LOG_DEBUG, keep_line, &lines, lines_destroy), FLARE_OK);
    app a;
    app_start_server(&a, server, "127.0.0.1:0");
    long long began = now_ms();
    for (int i = 0; i < 60; i++) {
        reply r = ask(a.address, "nonsense\r\n\r\n");
        reply_free(&r);
    }
    long long seconds = (now_ms() - began) / 1000 + 1;
    CHECK_NUMBER(flare_server_stat(a.server, "bad_requests"), 60);
    app_stop(&a);
    CHECK(lines.count >= 10);
    if (seconds < 5) CHECK(lines.count < 60);
}

static char accesses[4096];
static gate accessed = GATE_INIT;

static void keep_access(const char *peer, const char *method, const char *path, int32_t status, uint64_t body_bytes,
                        uint64_t duration_ms, void *user) {
    (void)user;
    CHECK(!strncmp(peer, "127.0.0.1:", 10));
    CHECK(duration_ms < (uint64_t)patience() * 1000);
    size_t used = strlen(accesses);
    snprintf(accesses + used, sizeof accesses - used, "%s %s %d %d\n", method, path, status, (int)body_bytes);
    gate_open(&accessed);
}

static void access_log(void) {
    gate destroyed = GATE_INIT;
    flare_server *server = make(1);
    CHECK_STATUS(flare_server_set_access_log(server, keep_access, &destroyed, gate_destroy), FLARE_OK);
    app a;
    app_start_server(&a, server, "127.0.0.1:0");
    expect(&a, GET("/?query=1"), 200, "hello");
    expect(&a, GET("/none"), 404, "Not Found");
    reply r = ask(a.address, "HEAD / HTTP/1.1\r\nhost: a\r\n\r\n");
    CHECK_NUMBER(r.status, 200);
    reply_free(&r);
    CHECK(gate_wait(&accessed, 3));
    app_stop(&a);
    CHECK_NUMBER(gate_count(&accessed), 3);
    CHECK_NUMBER(gate_count(&destroyed), 1);
    CHECK(!strncmp(accesses, "GET / 200 5\nGET /none 404 9\nHEAD / 200 ", 39));
}

int main(void) {
    TEST("hooks run once on each worker, and are destroyed with the server");
    start_and_stop();
    TEST("a start hook may use the server");
    hooks_use_the_server();
    TEST("tasks run on their worker, in order, and not too early");
    tasks();
    TEST("tasks may post tasks");
    tasks_post_tasks();
    TEST("the log has what its level asks for");
    log_levels();
    TEST("an event that repeats does not fill the log");
    log_is_limited();
    TEST("the access log has each exchange");
    access_log();
    return DONE();
}
