// A server in a loop of libuv, as in Node: uv_poll watches its descriptor, and no thread is made for it.
#define _POSIX_C_SOURCE 200809L
#include "host.h"

#include <uv.h>

struct turn {
    flare_server *server;
    int32_t status;
};

static void ready(uv_poll_t *watch, int error, int events) {
    (void)events;
    struct turn *turn = watch->data;
    turn->status = error < 0 ? FLARE_ERROR_IO : flare_server_poll(turn->server, 0);
    // The loop ends when nothing is watched any more.
    if (turn->status < 0 || flare_server_drained(turn->server) == 1) uv_close((uv_handle_t *)watch, NULL);
}

static int32_t loop(flare_server *server) {
    struct turn turn = {server, FLARE_OK};
    uv_poll_t watch;
    if (uv_poll_init(uv_default_loop(), &watch, flare_server_fd(server)) != 0) return FLARE_ERROR_IO;
    watch.data = &turn;
    if (uv_poll_start(&watch, UV_READABLE, ready) != 0) return FLARE_ERROR_IO;
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    uv_loop_close(uv_default_loop());
    return turn.status < 0 ? turn.status : FLARE_OK;
}

int main(int count, char **arguments) { return host_run(count, arguments, loop); }
