// What the programs share that have flare in their own loop: routes, start and end. The loop itself is what each of them shows.
#ifndef HOST_H
#define HOST_H

#include <flare.h>
#include <stdio.h>

static int32_t host_get(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    return flare_response_send_text(response, 200, "Hello from the loop!\n");
}

static int32_t host_post(flare_request *request, flare_response *response, void *user) {
    (void)user;
    char text[64];
    size_t length;
    flare_request_body(request, &length);
    snprintf(text, sizeof text, "%zu bytes\n", length);
    return flare_response_send_text(response, 200, text);
}

static int32_t host_serve(flare_server *server, const char *address, int32_t (*loop)(flare_server *server)) {
    char bound[128];
    int32_t status = flare_server_listen(server, address);
    if (status == FLARE_OK) status = flare_server_host_start(server);
    if (status == FLARE_OK) status = flare_server_drain_on_signals(server);
    if (status != FLARE_OK) return status;
    if (flare_server_address(server, 0, bound, sizeof bound) == 0) return FLARE_ERROR_NOT_FOUND;
    if (printf("listening on %s\n", bound) < 0 || fflush(stdout) != 0) return FLARE_ERROR_IO;
    return loop(server);
}

// Serves on the address that is the first argument, until SIGTERM or Ctrl-C has drained the server. `loop` returns then, or with an error.
static int host_run(int count, char **arguments, int32_t (*loop)(flare_server *server)) {
    flare_router *router = flare_router_new();
    int32_t status = flare_router_add(router, "GET", "/", host_get, NULL, NULL);
    if (status == FLARE_OK) status = flare_router_add(router, "POST", "/", host_post, NULL, NULL);
    flare_server *server = status == FLARE_OK ? flare_server_new(router, NULL) : NULL;
    if (status == FLARE_OK) status = host_serve(server, count > 1 ? arguments[1] : "127.0.0.1:8080", loop);
    if (status == FLARE_OK) status = flare_server_free(server);
    if (status == FLARE_OK) status = flare_router_free(router);
    if (status == FLARE_OK) return 0;
    char message[256];
    flare_last_error(message, sizeof message);
    fprintf(stderr, "%s: %s (%s)\n", arguments[0], message, flare_status_name(status));
    return 1;
}

#endif
