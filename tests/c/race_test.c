// Threads that meet in one exchange, and in the end of a server.
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"

#define GET(path) "GET " path " HTTP/1.1\r\nhost: a\r\n\r\n"
enum { THREADS = 3, QUEUE = 256 };

// Fewer rounds under a checker, where each costs a hundred times as much.
static int rounds(int many) { return getenv("FLARE_TEST_SLOW") ? many / 20 + 1 : many; }

// Exchanges from the handler to the threads that answer them.
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    flare_response *waiting[QUEUE];
    int count;
    bool over;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int32_t enqueue(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    pthread_mutex_lock(&queue.lock);
    int32_t status = FLARE_ERROR_WOULD_BLOCK;
    if (queue.count < QUEUE && (status = flare_response_retain(response)) == FLARE_OK) queue.waiting[queue.count++] = response;
    pthread_cond_signal(&queue.changed);
    pthread_mutex_unlock(&queue.lock);
    return status;
}

static flare_response *dequeue(void) {
    pthread_mutex_lock(&queue.lock);
    while (!queue.count && !queue.over) pthread_cond_wait(&queue.changed, &queue.lock);
    flare_response *response = queue.count ? queue.waiting[--queue.count] : NULL;
    pthread_mutex_unlock(&queue.lock);
    return response;
}

static atomic_int answered, cancelled, other, destroyed;

static void count_destroyed(void *user) {
    free(user);
    atomic_fetch_add(&destroyed, 1);
}

static void *answerer(void *unused) {
    (void)unused;
    for (flare_response *response; (response = dequeue());) {
        flare_response_set_header(response, "x-thread", "1");
        char *body = strdup("answer");
        int32_t status = flare_response_send_borrowed(response, 200, body, 6, body, count_destroyed);
        if (status == FLARE_OK) {
            atomic_fetch_add(&answered, 1);
        } else {
            atomic_fetch_add(status == FLARE_ERROR_CANCELLED || status == FLARE_ERROR_CLOSED ? &cancelled : &other, 1);
        }
        if (flare_response_release(response) != FLARE_OK) atomic_fetch_add(&other, 1);
    }
    return NULL;
}

static atomic_int good_replies, cut, wrong_replies;
static char address[160];

// Asks until the server is gone.
static void *asker(void *unused) {
    (void)unused;
    for (;;) {
        client c;
        if (!client_open(&c, address)) return NULL;
        for (bool open = true; open;) {
            reply r = {0};
            if (client_send(&c, GET("/"))) r = client_read(&c, false);
            open = r.status != 0;
            if (!open) {
                atomic_fetch_add(&cut, 1);
            } else {
                atomic_fetch_add(r.status == 200 && !strcmp(r.body, "answer") ? &good_replies : &wrong_replies, 1);
                const char *connection = reply_header(&r, "connection");
                open = !connection || strcmp(connection, "close");
            }
            reply_free(&r);
        }
        client_close(&c);
    }
}

// While clients ask and threads answer, the server is drained and freed.
static void answers_against_the_end(uint64_t drain_ms, bool drain) {
    pthread_t answerers[THREADS], askers[THREADS];
    queue.over = false;
    for (int i = 0; i < THREADS; i++) CHECK(!pthread_create(&answerers[i], NULL, answerer, NULL));
    app a;
    flare_router *router = flare_router_new();
    route(router, "GET", "/", enqueue, NULL);
    app_start(&a, router, NULL);
    snprintf(address, sizeof address, "%s", a.address);
    int before = atomic_load(&answered);
    for (int i = 0; i < THREADS; i++) CHECK(!pthread_create(&askers[i], NULL, asker, NULL));
    while (atomic_load(&answered) < before + 20) poll(NULL, 0, 1);
    if (drain) {
        CHECK_STATUS(flare_server_drain(a.server, drain_ms), FLARE_OK);
        CHECK_STATUS(flare_server_wait(a.server), FLARE_OK);
        CHECK(flare_server_stat(a.server, "drain_aborted") <= THREADS);
    }
    CHECK_STATUS(flare_server_free(a.server), FLARE_OK);
    for (int i = 0; i < THREADS; i++) pthread_join(askers[i], NULL);
    pthread_mutex_lock(&queue.lock);
    queue.over = true;
    pthread_cond_broadcast(&queue.changed);
    pthread_mutex_unlock(&queue.lock);
    for (int i = 0; i < THREADS; i++) pthread_join(answerers[i], NULL);
}

// Several threads answer one exchange.
static flare_response *contested;
static gate arrived = GATE_INIT;
static pthread_barrier_t line;
static atomic_bool race_over;
static atomic_int winners, losers;

static int32_t contest(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    CHECK_STATUS(flare_response_retain(response), FLARE_OK);
    contested = response;
    gate_open(&arrived);
    return FLARE_OK;
}

enum { LARGE = 32 << 10 };
static atomic_int winner;

static void *racer(void *number) {
    char *body = malloc(LARGE + 1);
    memset(body, 'a' + (int)(intptr_t)number, LARGE);
    body[LARGE] = 0;
    for (;;) {
        pthread_barrier_wait(&line);
        if (atomic_load(&race_over)) break;
        int32_t status = flare_response_send_text(contested, 210 + (int)(intptr_t)number, body);
        if (status == FLARE_OK) atomic_store(&winner, (int)(intptr_t)number);
        atomic_fetch_add(status == FLARE_OK ? &winners : status == FLARE_ERROR_FINISHED ? &losers : &other, 1);
        pthread_barrier_wait(&line);
    }
    free(body);
    return NULL;
}

static void first_answer_counts(void) {
    app a;
    flare_router *router = flare_router_new();
    route(router, "GET", "/", contest, NULL);
    app_start(&a, router, NULL);
    pthread_t threads[THREADS];
    CHECK(!pthread_barrier_init(&line, NULL, THREADS + 1));
    for (int i = 0; i < THREADS; i++) CHECK(!pthread_create(&threads[i], NULL, racer, (void *)(intptr_t)i));
    client c;
    CHECK(client_open(&c, a.address));
    int count = rounds(1000), mixed = 0;
    for (int i = 0; i < count; i++) {
        CHECK(client_send(&c, GET("/")));
        CHECK(gate_wait(&arrived, i + 1));
        pthread_barrier_wait(&line);
        pthread_barrier_wait(&line);
        reply r = client_read(&c, false);
        if (!CHECK_NUMBER(r.length, LARGE)) break;
        int number = atomic_load(&winner);
        mixed += r.status != 210 + number || r.body[0] != 'a' + number || r.body[LARGE - 1] != 'a' + number;
        reply_free(&r);
        CHECK_STATUS(flare_response_release(contested), FLARE_OK);
    }
    atomic_store(&race_over, true);
    pthread_barrier_wait(&line);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&line);
    CHECK_NUMBER(atomic_load(&winners), count);
    CHECK_NUMBER(atomic_load(&losers), count * (THREADS - 1));
    // What arrived is what the thread sent that was told FLARE_OK.
    CHECK_NUMBER(mixed, 0);
    client_close(&c);
    app_stop(&a);
}

// Threads that make, use and free handles of their own, and of each other.
static _Atomic(flare_config *) shared[8];

static void *churn(void *seed) {
    uint64_t state = (uint64_t)(intptr_t)seed * 0x9E3779B97F4A7C15 + 1;
    for (int i = 0, count = rounds(20000); i < count; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        _Atomic(flare_config *) *place = &shared[state % 8];
        switch (state >> 8 & 3) {
        case 0: {
            // Whoever takes a handle out frees it: the only one who may.
            flare_config *old = atomic_exchange(place, flare_config_new());
            if (old && flare_config_free(old) != FLARE_OK) atomic_fetch_add(&other, 1);
            break;
        }
        default: {
            int32_t status = flare_config_set_number(atomic_load(place), "workers", 1);
            if (status != FLARE_OK && status != FLARE_ERROR_INVALID_HANDLE) atomic_fetch_add(&other, 1);
        }
        }
    }
    return NULL;
}

static void handles_of_other_threads(void) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) CHECK(!pthread_create(&threads[i], NULL, churn, (void *)(intptr_t)(i + 1)));
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < 8; i++) {
        flare_config *left = atomic_exchange(&shared[i], NULL);
        if (left) CHECK_STATUS(flare_config_free(left), FLARE_OK);
    }
    CHECK_NUMBER(atomic_load(&other), 0);
}

int main(void) {
    TEST("answers race a drain, a cut and a free, and nothing is lost or freed twice");
    for (int i = 0, count = rounds(20); i < count; i++) {
        answers_against_the_end(60000, true);
        answers_against_the_end(0, true);
        answers_against_the_end(0, false);
    }
    CHECK_NUMBER(atomic_load(&other), 0);
    CHECK_NUMBER(atomic_load(&wrong_replies), 0);
    CHECK_NUMBER(atomic_load(&destroyed), atomic_load(&answered) + atomic_load(&cancelled));
    CHECK(atomic_load(&good_replies) <= atomic_load(&answered));
    TEST("handles may be freed while other threads use them");
    handles_of_other_threads();
    TEST("of several answers the first one counts, whole");
    first_answer_counts();
    return DONE();
}
