// Many streams on one connection: at once, beside a slow one, and every way to end.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"

enum { STREAMS = 1000, PIECE = 32 * 1024, PIECES = 64 };

// Both ends of a connection.
typedef struct {
    flare_mux_listener *listener;
    flare_mux *near, *far;
} pair;

static int64_t patience_ms(void) { return 1000 * (int64_t)patience(); }

static void pair_open(pair *p) {
    char address[64];
    CHECK_STATUS(flare_mux_listener_bind("127.0.0.1:0", &p->listener), FLARE_OK);
    CHECK(flare_mux_listener_address(p->listener, address, sizeof address) > 10);
    CHECK_STATUS(flare_mux_connect(address, patience_ms(), &p->near), FLARE_OK);
    CHECK_STATUS(flare_mux_listener_accept(p->listener, patience_ms(), &p->far), FLARE_OK);
}

static void pair_close(pair *p) {
    CHECK_STATUS(flare_mux_free(p->near), FLARE_OK);
    CHECK_STATUS(flare_mux_free(p->far), FLARE_OK);
    CHECK_STATUS(flare_mux_listener_free(p->listener), FLARE_OK);
}

// Both ends of a stream.
static void stream_open(pair *p, flare_mux_stream **near, flare_mux_stream **far) {
    CHECK_STATUS(flare_mux_open(p->near, near), FLARE_OK);
    CHECK_STATUS(flare_mux_accept(p->far, patience_ms(), far), FLARE_OK);
}

// Reads up to the end, or as much as fits. Gives the status of the last read.
static int32_t read_all(flare_mux_stream *stream, char *buffer, size_t capacity, size_t *total) {
    size_t length = 1;
    int32_t status = FLARE_OK;
    *total = 0;
    while (length > 0 && *total < capacity && status == FLARE_OK) {
        status = flare_mux_stream_read(stream, buffer + *total, capacity - *total, patience_ms(), &length);
        if (status == FLARE_OK) *total += length;
    }
    return status;
}

// Reads up to the end and forgets it. Gives how much it was; -1: it failed.
static int64_t count_all(flare_mux_stream *stream) {
    static _Thread_local char buffer[PIECE];
    int64_t total = 0;
    for (;;) {
        size_t length;
        if (flare_mux_stream_read(stream, buffer, sizeof buffer, patience_ms(), &length) != FLARE_OK) return -1;
        if (length == 0) return total;
        total += (int64_t)length;
    }
}

// Answers each stream with what it said, and an exclamation mark.
static void *answer_all(void *user) {
    flare_mux *mux = user;
    static flare_mux_stream *streams[STREAMS];
    for (int i = 0; i < STREAMS; i++) {
        if (!CHECK_STATUS(flare_mux_accept(mux, patience_ms(), &streams[i]), FLARE_OK)) return NULL;
    }
    for (int i = 0; i < STREAMS; i++) {
        char text[64];
        size_t length;
        CHECK_STATUS(read_all(streams[i], text, sizeof text - 1, &length), FLARE_OK);
        text[length] = '!';
        CHECK_STATUS(flare_mux_stream_write(streams[i], text, length + 1), FLARE_OK);
        CHECK_STATUS(flare_mux_stream_finish(streams[i]), FLARE_OK);
        CHECK_STATUS(flare_mux_stream_free(streams[i]), FLARE_OK);
    }
    return NULL;
}

static void many_streams(void) {
    pair p;
    pthread_t thread;
    static flare_mux_stream *streams[STREAMS];
    pair_open(&p);
    CHECK(!pthread_create(&thread, NULL, answer_all, p.far));
    for (int i = 0; i < STREAMS; i++) {
        char text[64];
        int length = snprintf(text, sizeof text, "stream %d", i);
        CHECK_STATUS(flare_mux_open(p.near, &streams[i]), FLARE_OK);
        CHECK_STATUS(flare_mux_stream_write_blocking(streams[i], text, (size_t)length, patience_ms()), FLARE_OK);
        CHECK_STATUS(flare_mux_stream_finish(streams[i]), FLARE_OK);
    }
    for (int i = 0; i < STREAMS; i++) {
        char wanted[64], text[64];
        size_t length;
        snprintf(wanted, sizeof wanted, "stream %d!", i);
        CHECK_STATUS(read_all(streams[i], text, sizeof text - 1, &length), FLARE_OK);
        text[length] = 0;
        CHECK_TEXT(text, wanted);
        CHECK_STATUS(flare_mux_stream_free(streams[i]), FLARE_OK);
    }
    pthread_join(thread, NULL);
    pair_close(&p);
}

static void *count_in_thread(void *user) {
    CHECK_NUMBER(count_all(user), (int64_t)PIECE * PIECES);
    return NULL;
}

static void slow_beside_fast(void) {
    static char piece[PIECE];
    pair p;
    flare_mux_stream *slow, *unread;
    pair_open(&p);
    stream_open(&p, &slow, &unread);
    int64_t sent = 0;
    int32_t status;
    // Up to what may wait here and what the peer may be sent unread.
    while ((status = flare_mux_stream_write_blocking(slow, piece, sizeof piece, 100)) == FLARE_OK) sent += PIECE;
    CHECK_STATUS(status, FLARE_ERROR_TIMEOUT);
    CHECK_STATUS(flare_mux_stream_write(slow, piece, sizeof piece), FLARE_ERROR_WOULD_BLOCK);
    CHECK(sent >= 64 * 1024 && sent <= 512 * 1024);
    for (int i = 0; i < 3; i++) {
        flare_mux_stream *near, *far;
        pthread_t reader;
        stream_open(&p, &near, &far);
        CHECK(!pthread_create(&reader, NULL, count_in_thread, far));
        for (int j = 0; j < PIECES; j++) {
            CHECK_STATUS(flare_mux_stream_write_blocking(near, piece, sizeof piece, patience_ms()), FLARE_OK);
        }
        CHECK_STATUS(flare_mux_stream_finish(near), FLARE_OK);
        pthread_join(reader, NULL);
        CHECK_STATUS(flare_mux_stream_free(near), FLARE_OK);
        CHECK_STATUS(flare_mux_stream_free(far), FLARE_OK);
    }
    CHECK_STATUS(flare_mux_stream_finish(slow), FLARE_OK);
    CHECK_NUMBER(count_all(unread), sent);
    CHECK_STATUS(flare_mux_stream_free(slow), FLARE_OK);
    CHECK_STATUS(flare_mux_stream_free(unread), FLARE_OK);
    pair_close(&p);
}

static void endings(void) {
    pair p;
    flare_mux_stream *near, *far;
    char buffer[16];
    size_t length = 77;
    pair_open(&p);
    stream_open(&p, &near, &far);
    CHECK_STATUS(flare_mux_stream_read(far, buffer, sizeof buffer, 0, &length), FLARE_ERROR_TIMEOUT);
    CHECK_NUMBER(length, 77);
    CHECK_STATUS(flare_mux_stream_error(near, "it broke"), FLARE_OK);
    CHECK_STATUS(flare_mux_stream_read(far, buffer, sizeof buffer, patience_ms(), &length), FLARE_ERROR_CANCELLED);
    CHECK(strstr(last_error(), "it broke") != NULL);
    CHECK_STATUS(flare_mux_stream_write(near, "x", 1), FLARE_ERROR_CANCELLED);
    CHECK_STATUS(flare_mux_stream_free(near), FLARE_OK);
    CHECK_STATUS(flare_mux_stream_free(far), FLARE_OK);

    stream_open(&p, &near, &far);
    CHECK_STATUS(flare_mux_stream_cancel(far), FLARE_OK);
    CHECK_STATUS(flare_mux_stream_read(near, buffer, sizeof buffer, patience_ms(), &length), FLARE_ERROR_CANCELLED);
    CHECK_STATUS(flare_mux_stream_finish(near), FLARE_ERROR_CANCELLED);
    CHECK_STATUS(flare_mux_stream_free(near), FLARE_OK);
    CHECK_STATUS(flare_mux_stream_free(far), FLARE_OK);

    // A free cancels, but what was finished arrives.
    stream_open(&p, &near, &far);
    CHECK_STATUS(flare_mux_stream_write(far, "last", 4), FLARE_OK);
    CHECK_STATUS(flare_mux_stream_finish(far), FLARE_OK);
    CHECK_STATUS(flare_mux_stream_finish(far), FLARE_ERROR_FINISHED);
    CHECK_STATUS(flare_mux_stream_write(far, "x", 1), FLARE_ERROR_FINISHED);
    CHECK_STATUS(flare_mux_stream_free(far), FLARE_OK);
    CHECK_NUMBER(count_all(near), 4);
    CHECK_STATUS(flare_mux_stream_free(near), FLARE_OK);
    stream_open(&p, &near, &far);
    CHECK_STATUS(flare_mux_stream_free(near), FLARE_OK);
    CHECK_STATUS(flare_mux_stream_read(far, buffer, sizeof buffer, patience_ms(), &length), FLARE_ERROR_CANCELLED);

    CHECK_STATUS(flare_mux_stream_read(far, NULL, 1, 0, &length), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_mux_stream_read(far, buffer, 0, 0, &length), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_mux_stream_read(far, buffer, 1, 0, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_mux_stream_write(far, NULL, 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_mux_stream_error(far, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_mux_open(p.near, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_mux_connect("nonsense", -1, &p.near), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_mux_listener_bind(NULL, &p.listener), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_mux_stream_free(far), FLARE_OK);
    pair_close(&p);
}

typedef struct {
    flare_mux *mux;
    flare_mux_listener *listener;
    flare_mux_stream *stream;
    int32_t status;
} waiter;

static gate waiting = GATE_INIT;

static void *wait_for_anything(void *user) {
    waiter *w = user;
    char buffer[16];
    size_t length;
    flare_mux *mux;
    flare_mux_stream *stream;
    gate_open(&waiting);
    if (w->stream) w->status = flare_mux_stream_read(w->stream, buffer, sizeof buffer, -1, &length);
    else if (w->mux) w->status = flare_mux_accept(w->mux, -1, &stream);
    else w->status = flare_mux_listener_accept(w->listener, -1, &mux);
    return NULL;
}

// Whether the threads wait already or are about to, a free ends it: a handle that was freed before is invalid.
static void frees_end_waits(void) {
    pair p;
    flare_mux_stream *near, *far;
    pair_open(&p);
    stream_open(&p, &near, &far);
    waiter waiters[] = {{.stream = near}, {.mux = p.near}, {.listener = p.listener}};
    pthread_t threads[3];
    int before = gate_count(&waiting);
    for (int i = 0; i < 3; i++) CHECK(!pthread_create(&threads[i], NULL, wait_for_anything, &waiters[i]));
    CHECK(gate_wait(&waiting, before + 3));
    CHECK_STATUS(flare_mux_stream_free(near), FLARE_OK);
    pair_close(&p);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        int32_t wanted = i == 0 ? FLARE_ERROR_CANCELLED : FLARE_ERROR_CLOSED;
        if (waiters[i].status != FLARE_ERROR_INVALID_HANDLE) CHECK_STATUS(waiters[i].status, wanted);
    }
    CHECK_STATUS(flare_mux_stream_free(far), FLARE_OK);
}

// A peer that is a plain socket: it says what it likes, and dies.
static void peer_dies(void) {
    char address[64], buffer[16];
    size_t length;
    flare_mux_listener *listener;
    flare_mux *mux;
    flare_mux_stream *stream, *none;
    client c;
    CHECK_STATUS(flare_mux_listener_bind("127.0.0.1:0", &listener), FLARE_OK);
    flare_mux_listener_address(listener, address, sizeof address);
    CHECK(client_open(&c, address));
    CHECK_STATUS(flare_mux_listener_accept(listener, patience_ms(), &mux), FLARE_OK);
    // OPEN 1 with "hi" in it.
    CHECK(client_send_bytes(&c, "\0\0\0\2\0\0\0\0\0\0\0\1\0hi", 15));
    CHECK_STATUS(flare_mux_accept(mux, patience_ms(), &stream), FLARE_OK);
    client_close(&c);
    CHECK_STATUS(flare_mux_stream_read(stream, buffer, sizeof buffer, patience_ms(), &length), FLARE_OK);
    CHECK_NUMBER(length, 2);
    CHECK_STATUS(flare_mux_stream_read(stream, buffer, sizeof buffer, patience_ms(), &length), FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_mux_stream_write(stream, "x", 1), FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_mux_accept(mux, -1, &none), FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_mux_open(mux, &none), FLARE_ERROR_CLOSED);
    CHECK_STATUS(flare_mux_stream_free(stream), FLARE_OK);
    CHECK_STATUS(flare_mux_free(mux), FLARE_OK);

    CHECK(client_open(&c, address));
    CHECK_STATUS(flare_mux_listener_accept(listener, patience_ms(), &mux), FLARE_OK);
    CHECK(client_send(&c, "GET / HTTP/1.1\r\n\r\n"));
    CHECK_STATUS(flare_mux_accept(mux, patience_ms(), &none), FLARE_ERROR_PROTOCOL);
    client_close(&c);
    CHECK_STATUS(flare_mux_free(mux), FLARE_OK);
    CHECK_STATUS(flare_mux_listener_accept(listener, 1, &mux), FLARE_ERROR_TIMEOUT);
    CHECK_STATUS(flare_mux_listener_free(listener), FLARE_OK);
}

int main(void) {
    TEST("a thousand streams at once, from two threads");
    many_streams();
    TEST("a slow stream stops itself and no other");
    slow_beside_fast();
    TEST("errors, cancels and frees reach the peer behind what came before");
    endings();
    TEST("a free ends the wait of other threads");
    frees_end_waits();
    TEST("everything ends with the peer, with the reason");
    peer_dies();
    return DONE();
}
