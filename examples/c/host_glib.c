// A server in a loop of GLib, as in GTK: a source of the main context watches its descriptor, and no thread is made for it.
#include "host.h"

#include <glib-unix.h>
#include <glib.h>

struct turn {
    flare_server *server;
    GMainLoop *loop;
    int32_t status;
};

static gboolean ready(gint fd, GIOCondition condition, gpointer user) {
    (void)fd, (void)condition;
    struct turn *turn = user;
    turn->status = flare_server_poll(turn->server, 0);
    if (turn->status >= 0 && flare_server_drained(turn->server) == 0) return G_SOURCE_CONTINUE;
    g_main_loop_quit(turn->loop);
    return G_SOURCE_REMOVE;
}

static int32_t loop(flare_server *server) {
    struct turn turn = {server, g_main_loop_new(NULL, FALSE), FLARE_OK};
    g_unix_fd_add(flare_server_fd(server), G_IO_IN, ready, &turn);
    g_main_loop_run(turn.loop);
    g_main_loop_unref(turn.loop);
    return turn.status < 0 ? turn.status : FLARE_OK;
}

int main(int count, char **arguments) { return host_run(count, arguments, loop); }
