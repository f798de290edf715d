// What the examples do around their routes: listen on the address that is their first argument, serve until SIGTERM or Ctrl-C, and
// say what failed.
#ifndef RUN_H
#define RUN_H

#include <flare.h>
#include <stdio.h>

static int32_t run_serve(flare_server *server, const char *address) {
    char bound[128];
    int32_t status = flare_server_listen(server, address);
    if (status == FLARE_OK) status = flare_server_start(server);
    if (status == FLARE_OK) status = flare_server_drain_on_signals(server);
    if (status != FLARE_OK) return status;
    if (flare_server_address(server, 0, bound, sizeof bound) == 0) return FLARE_ERROR_NOT_FOUND;
    if (printf("listening on %s\n", bound) < 0 || fflush(stdout) != 0) return FLARE_ERROR_IO;
    return flare_server_wait(server);
}

// Serves the routes of a router and frees it. `status`: whether adding them went well. Returns the status of the process.
static int run(flare_router *router, int32_t status, int count, char **arguments) {
    flare_server *server = status == FLARE_OK ? flare_server_new(router, NULL) : NULL;
    if (status == FLARE_OK) status = run_serve(server, count > 1 ? arguments[1] : "127.0.0.1:8080");
    if (status == FLARE_OK) status = flare_server_free(server);
    if (status == FLARE_OK) status = flare_router_free(router);
    if (status == FLARE_OK) return 0;
    char message[256];
    flare_last_error(message, sizeof message);
    fprintf(stderr, "%s: %s (%s)\n", arguments[0], message, flare_status_name(status));
    return 1;
}

#endif
