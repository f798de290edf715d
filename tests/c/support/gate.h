// A counter that threads wait for: how tests learn that something happened on another thread.
#ifndef GATE_H
#define GATE_H

#include <pthread.h>
#include <stdbool.h>

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count;
} gate;

#define GATE_INIT {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0}

// How many seconds a test waits before it gives up: more under a checker.
int patience(void);

// Adds one.
void gate_open(gate *g);

// The same as a flare_destroy: counts how often a destructor was called.
void gate_destroy(void *user);

int gate_count(gate *g);

// Waits until the count is at least this. False: the patience ended first.
bool gate_wait(gate *g, int count);

// As gate_wait, for so many milliseconds.
bool gate_wait_ms(gate *g, int count, long milliseconds);

// Milliseconds of a clock that never goes back.
long long now_ms(void);

#endif
