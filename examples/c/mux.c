// A sidecar on one connection: many streams at once, each with its own answer. Here the sidecar is a thread; it upper-cases.
#include <flare.h>

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { STREAMS = 100, SECONDS = 10 * 1000 };

// Answers one stream as its bytes come.
static int32_t answer(flare_mux_stream *stream) {
    char buffer[4096];
    for (;;) {
        size_t length;
        int32_t status = flare_mux_stream_read(stream, buffer, sizeof buffer, SECONDS, &length);
        if (status != FLARE_OK) return status;
        if (length == 0) return flare_mux_stream_finish(stream);
        for (size_t i = 0; i < length; i++) buffer[i] = (char)toupper((unsigned char)buffer[i]);
        status = flare_mux_stream_write_blocking(stream, buffer, length, SECONDS);
        if (status != FLARE_OK) return status;
    }
}

// Serves one connection until the other end is gone.
static void *sidecar(void *listener) {
    flare_mux *mux;
    flare_mux_stream *stream;
    if (flare_mux_listener_accept(listener, SECONDS, &mux) != FLARE_OK) return NULL;
    while (flare_mux_accept(mux, -1, &stream) == FLARE_OK) {
        int32_t status = answer(stream);
        if (status != FLARE_OK) fprintf(stderr, "mux: a stream ended early: %s\n", flare_status_name(status));
        flare_mux_stream_free(stream);
    }
    flare_mux_free(mux);
    return NULL;
}

// Sends one line and says that it was all.
static int32_t ask(flare_mux *mux, int number, flare_mux_stream **stream) {
    char line[32];
    int length = snprintf(line, sizeof line, "stream %d", number);
    int32_t status = flare_mux_open(mux, stream);
    if (status == FLARE_OK) status = flare_mux_stream_write(*stream, line, (size_t)length);
    if (status == FLARE_OK) status = flare_mux_stream_finish(*stream);
    return status;
}

// Reads the answer to the end, and counts it if it is right.
static int32_t check(flare_mux_stream *stream, int number, int *right) {
    char wanted[32], text[32];
    size_t length = 1, total = 0;
    int32_t status = FLARE_OK;
    while (status == FLARE_OK && length > 0 && total < sizeof text) {
        status = flare_mux_stream_read(stream, text + total, sizeof text - total, SECONDS, &length);
        if (status == FLARE_OK) total += length;
    }
    int expected = snprintf(wanted, sizeof wanted, "STREAM %d", number);
    if (status == FLARE_OK && total == (size_t)expected && !memcmp(text, wanted, total)) ++*right;
    return status;
}

static int32_t ask_all(const char *address, int *right) {
    flare_mux *mux;
    flare_mux_stream *streams[STREAMS];
    int opened = 0;
    int32_t status = flare_mux_connect(address, SECONDS, &mux);
    if (status != FLARE_OK) return status;
    while (status == FLARE_OK && opened < STREAMS) {
        status = ask(mux, opened, &streams[opened]);
        if (status == FLARE_OK) opened++;
    }
    for (int i = 0; i < opened; i++) {
        if (status == FLARE_OK) status = check(streams[i], i, right);
        flare_mux_stream_free(streams[i]);
    }
    flare_mux_free(mux);
    return status;
}

int main(void) {
    char address[128], message[256];
    int right = 0;
    pthread_t thread;
    flare_mux_listener *listener;
    // Programs on one machine use "unix:/run/sidecar.sock" or the like.
    int32_t status = flare_mux_listener_bind("127.0.0.1:0", &listener);
    if (status == FLARE_OK) {
        flare_mux_listener_address(listener, address, sizeof address);
        if (pthread_create(&thread, NULL, sidecar, listener) != 0) return 1;
        status = ask_all(address, &right);
        if (status != FLARE_OK) flare_last_error(message, sizeof message);
        flare_mux_listener_free(listener);
        pthread_join(thread, NULL);
    } else {
        flare_last_error(message, sizeof message);
    }
    if (status != FLARE_OK) {
        fprintf(stderr, "mux: %s (%s)\n", message, flare_status_name(status));
        return 1;
    }
    printf("%d of %d streams were answered\n", right, STREAMS);
    return right == STREAMS ? 0 : 1;
}
