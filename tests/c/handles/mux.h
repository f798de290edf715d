// Functions of the mux, and good handles of it.
#pragma once

#include "handles/row.h"

CALL(mux_free, flare_mux_free(handle))
static int64_t call_mux_open(void *handle) {
    flare_mux_stream *stream;
    return flare_mux_open(handle, &stream);
}
static int64_t call_mux_accept(void *handle) {
    flare_mux_stream *stream;
    return flare_mux_accept(handle, 0, &stream);
}
CALL(mux_stream_free, flare_mux_stream_free(handle))
CALL(mux_stream_write, flare_mux_stream_write(handle, "x", 1))
CALL(mux_stream_write_blocking, flare_mux_stream_write_blocking(handle, "x", 1, 0))
static int64_t call_mux_stream_read(void *handle) {
    char buffer[8];
    size_t length;
    return flare_mux_stream_read(handle, buffer, sizeof buffer, 0, &length);
}
CALL(mux_stream_finish, flare_mux_stream_finish(handle))
CALL(mux_stream_error, flare_mux_stream_error(handle, "x"))
CALL(mux_stream_cancel, flare_mux_stream_cancel(handle))
CALL(mux_listener_free, flare_mux_listener_free(handle))
COPY_CALL(mux_listener_address, flare_mux_listener_address(handle, buffer, sizeof buffer))
static int64_t call_mux_listener_accept(void *handle) {
    flare_mux *mux;
    return flare_mux_listener_accept(handle, 0, &mux);
}

static const struct row mux_rows[] = {
    {"flare_mux_free", MUX, CODE, call_mux_free, false, false},
    {"flare_mux_open", MUX, CODE, call_mux_open, false, false},
    {"flare_mux_accept", MUX, CODE, call_mux_accept, false, false},

    {"flare_mux_stream_free", MUX_STREAM, CODE, call_mux_stream_free, false, false},
    {"flare_mux_stream_write", MUX_STREAM, CODE, call_mux_stream_write, false, false},
    {"flare_mux_stream_write_blocking", MUX_STREAM, CODE, call_mux_stream_write_blocking, false, false},
    {"flare_mux_stream_read", MUX_STREAM, CODE, call_mux_stream_read, false, false},
    {"flare_mux_stream_finish", MUX_STREAM, CODE, call_mux_stream_finish, false, false},
    {"flare_mux_stream_error", MUX_STREAM, CODE, call_mux_stream_error, false, false},
    {"flare_mux_stream_cancel", MUX_STREAM, CODE, call_mux_stream_cancel, false, false},

    {"flare_mux_listener_free", MUX_LISTENER, CODE, call_mux_listener_free, false, false},
    {"flare_mux_listener_address", MUX_LISTENER, NOTHING, call_mux_listener_address, false, false},
    {"flare_mux_listener_accept", MUX_LISTENER, CODE, call_mux_listener_accept, false, false},
};

// A listener, a connection to it, and a stream on that.
static flare_mux_listener *mux_listener;
static flare_mux *mux;
static flare_mux_stream *mux_stream;

static void mux_start(void) {
    char address[64];
    CHECK_STATUS(flare_mux_listener_bind("127.0.0.1:0", &mux_listener), FLARE_OK);
    flare_mux_listener_address(mux_listener, address, sizeof address);
    CHECK_STATUS(flare_mux_connect(address, -1, &mux), FLARE_OK);
    CHECK_STATUS(flare_mux_open(mux, &mux_stream), FLARE_OK);
}

static void mux_end(void) {
    CHECK_STATUS(flare_mux_stream_free(mux_stream), FLARE_OK);
    CHECK_STATUS(flare_mux_free(mux), FLARE_OK);
    CHECK_STATUS(flare_mux_listener_free(mux_listener), FLARE_OK);
}
