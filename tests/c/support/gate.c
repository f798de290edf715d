#include "gate.h"

#include <stdlib.h>
#include <time.h>

int patience(void) { return getenv("FLARE_TEST_SLOW") ? 120 : 20; }

void gate_open(gate *g) {
    pthread_mutex_lock(&g->lock);
    g->count++;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

void gate_destroy(void *user) { gate_open(user); }

int gate_count(gate *g) {
    pthread_mutex_lock(&g->lock);
    int count = g->count;
    pthread_mutex_unlock(&g->lock);
    return count;
}

bool gate_wait(gate *g, int count) { return gate_wait_ms(g, count, patience() * 1000L); }

bool gate_wait_ms(gate *g, int count, long milliseconds) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += milliseconds % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&g->lock);
    while (g->count < count && pthread_cond_timedwait(&g->changed, &g->lock, &until) == 0) {}
    bool reached = g->count >= count;
    pthread_mutex_unlock(&g->lock);
    return reached;
}

long long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}
