// Gives back what comes on each stream of a mux: what a sidecar does, on threads of its own beside the server.
#define _POSIX_C_SOURCE 200809L
#include "mux.h"

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

// More connections are closed at once. Of each so many streams are answered at a time; others wait for their turn.
enum { CONNECTIONS = 64, STREAMS = 4, PATIENCE_MS = 10 * 1000 };

struct connection {
    bool used;
    flare_mux *mux;  // freed by its thread, or by mux_stop(): a second time is refused
    pthread_t thread;
};

static struct {
    flare_mux_listener *listener;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    struct connection connections[CONNECTIONS];
    int count;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};

// Gives back the bytes of one stream as they come, and its end.
static int32_t answer(flare_mux_stream *stream) {
    char buffer[16384];
    for (;;) {
        size_t length;
        int32_t status = flare_mux_stream_read(stream, buffer, sizeof buffer, PATIENCE_MS, &length);
        if (status != FLARE_OK) return status;
        if (length == 0) return flare_mux_stream_finish(stream);
        status = flare_mux_stream_write_blocking(stream, buffer, length, PATIENCE_MS);
        if (status != FLARE_OK) return status;
    }
}

// Answers streams of a connection, one after the other, until it is over.
static void *serve_streams(void *mux) {
    flare_mux_stream *stream;
    while (flare_mux_accept(mux, -1, &stream) == FLARE_OK) {
        // Peers may cancel, or fall silent: then this stream is over, and nothing else.
        if (answer(stream) != FLARE_OK) flare_mux_stream_cancel(stream);
        flare_mux_stream_free(stream);
    }
    return NULL;
}

static void *serve_connection(void *argument) {
    struct connection *connection = argument;
    pthread_t helpers[STREAMS - 1];
    int started = 0;
    while (started < STREAMS - 1 && pthread_create(&helpers[started], NULL, serve_streams, connection->mux) == 0) started++;
    serve_streams(connection->mux);
    for (int i = 0; i < started; i++) pthread_join(helpers[i], NULL);
    flare_mux_free(connection->mux);
    pthread_mutex_lock(&all.lock);
    connection->used = false;
    all.count--;
    pthread_cond_signal(&all.ended);
    pthread_mutex_unlock(&all.lock);
    return NULL;
}

// Starts a thread for a connection, if there is room for one more.
static bool begin(flare_mux *mux) {
    bool began = false;
    pthread_mutex_lock(&all.lock);
    for (int i = 0; i < CONNECTIONS && !began; i++) {
        struct connection *connection = &all.connections[i];
        if (connection->used) continue;
        connection->mux = mux;
        if (pthread_create(&connection->thread, NULL, serve_connection, connection) != 0) break;
        pthread_detach(connection->thread);
        connection->used = began = true;
        all.count++;
    }
    pthread_mutex_unlock(&all.lock);
    return began;
}

static void *accept_all(void *listener) {
    flare_mux *mux;
    for (;;) {
        int32_t status = flare_mux_listener_accept(listener, -1, &mux);
        if (status == FLARE_ERROR_CLOSED || status == FLARE_ERROR_INVALID_HANDLE) return NULL;
        if (status != FLARE_OK) {
            nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);  // no descriptor is left, or the like
        } else if (!begin(mux)) {
            flare_mux_free(mux);
        }
    }
}

int32_t mux_start(const char *address) {
    int32_t status = flare_mux_listener_bind(address, &all.listener);
    if (status != FLARE_OK) return status;
    if (pthread_create(&all.thread, NULL, accept_all, all.listener) == 0) return FLARE_OK;
    flare_mux_listener_free(all.listener);
    all.listener = NULL;
    return FLARE_ERROR_IO;
}

void mux_stop(void) {
    if (all.listener == NULL) return;
    flare_mux_listener_free(all.listener);
    pthread_join(all.thread, NULL);
    pthread_mutex_lock(&all.lock);
    for (int i = 0; i < CONNECTIONS; i++) {
        if (all.connections[i].used) flare_mux_free(all.connections[i].mux);
    }
    while (all.count > 0) pthread_cond_wait(&all.ended, &all.lock);
    pthread_mutex_unlock(&all.lock);
}
