#define _POSIX_C_SOURCE 200809L
#include "later.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct job {
    uint64_t due;  // nanoseconds of the monotonic clock
    flare_response *response;
    uint32_t ms;
};

// A heap: jobs[i] is not due after jobs[2i + 1] and jobs[2i + 2], so jobs[0] is the first.
static struct job *jobs;
static size_t count, capacity;
static bool ending;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static pthread_t thread;

static uint64_t now(void) {
    struct timespec time;
    return clock_gettime(CLOCK_MONOTONIC, &time) == 0 ? (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec : 0;
}

static bool grow(void) {
    size_t wanted = capacity == 0 ? 64 : capacity * 2;
    struct job *more = realloc(jobs, wanted * sizeof *jobs);
    if (more == NULL) return false;
    jobs = more;
    capacity = wanted;
    return true;
}

static bool push(struct job job) {
    if (count == capacity && !grow()) return false;
    size_t at = count++;
    for (; at > 0 && jobs[(at - 1) / 2].due > job.due; at = (at - 1) / 2) jobs[at] = jobs[(at - 1) / 2];
    jobs[at] = job;
    return true;
}

static struct job pop(void) {
    struct job first = jobs[0], last = jobs[--count];
    size_t at = 0;
    for (size_t next = 1; next < count; at = next, next = 2 * at + 1) {
        if (next + 1 < count && jobs[next + 1].due < jobs[next].due) next++;
        if (jobs[next].due >= last.due) break;
        jobs[at] = jobs[next];
    }
    jobs[at] = last;
    return first;
}

static void answer(struct job job) {
    char text[40];
    snprintf(text, sizeof text, "answered after %u ms\n", (unsigned)job.ms);
    // The client may have left meanwhile; then nobody waits for the answer.
    flare_response_send_text(job.response, 200, text);
    flare_response_release(job.response);
}

static void *run(void *unused) {
    pthread_mutex_lock(&lock);
    while (!ending) {
        if (count == 0) {
            pthread_cond_wait(&changed, &lock);
        } else if (jobs[0].due > now()) {
            struct timespec due = {(time_t)(jobs[0].due / 1000000000), (long)(jobs[0].due % 1000000000)};
            pthread_cond_timedwait(&changed, &lock, &due);
        } else {
            struct job job = pop();
            pthread_mutex_unlock(&lock);
            answer(job);
            pthread_mutex_lock(&lock);
        }
    }
    pthread_mutex_unlock(&lock);
    return unused;
}

int later_start(void) {
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);
    if (error != 0) return error;
    error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (error == 0) error = pthread_cond_init(&changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return error == 0 ? pthread_create(&thread, NULL, run, NULL) : error;
}

int32_t later_answer(flare_response *response, uint32_t ms) {
    struct job job = {now() + (uint64_t)ms * 1000000, response, ms};
    int32_t status = flare_response_retain(response);
    if (status != FLARE_OK) return status;
    pthread_mutex_lock(&lock);
    bool taken = push(job);
    bool first = taken && jobs[0].response == response;
    pthread_mutex_unlock(&lock);
    if (first) pthread_cond_signal(&changed);
    if (!taken) flare_response_release(response);
    return taken ? FLARE_OK : FLARE_ERROR_OUT_OF_MEMORY;
}

void later_stop(void) {
    pthread_mutex_lock(&lock);
    ending = true;
    pthread_mutex_unlock(&lock);
    pthread_cond_signal(&changed);
    pthread_join(thread, NULL);
    while (count > 0) flare_response_release(pop().response);
    free(jobs);
}
