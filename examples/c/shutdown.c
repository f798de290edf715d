// The end of a server: SIGTERM or Ctrl-C stops it taking connections, running exchanges get ten seconds, then it reports.
#include <flare.h>

#include <stdio.h>

static int32_t get_home(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    return flare_response_send_text(response, 200, "still here\n");
}

static int32_t post_home(flare_request *request, flare_response *response, void *user) {
    (void)user;
    char text[64];
    size_t length;
    flare_request_body(request, &length);
    snprintf(text, sizeof text, "%zu bytes\n", length);
    return flare_response_send_text(response, 200, text);
}

static int32_t serve(flare_server *server, const char *address) {
    char bound[128];
    int32_t status = flare_server_listen(server, address);
    if (status == FLARE_OK) status = flare_server_start(server);
    if (status == FLARE_OK) status = flare_server_drain_on_signals(server);
    if (status != FLARE_OK) return status;
    if (flare_server_address(server, 0, bound, sizeof bound) == 0) return FLARE_ERROR_NOT_FOUND;
    if (printf("listening on %s\n", bound) < 0 || fflush(stdout) != 0) return FLARE_ERROR_IO;
    return flare_server_wait(server);
}

static int32_t report(flare_server *server) {
    int64_t requests = flare_server_stat(server, "requests");
    int64_t finished = flare_server_stat(server, "drain_finished");
    int64_t aborted = flare_server_stat(server, "drain_aborted");
    if (requests < 0 || finished < 0 || aborted < 0) return FLARE_ERROR_NOT_FOUND;
    int written = printf("%lld requests, %lld connections finished, %lld aborted\n", (long long)requests, (long long)finished,
                         (long long)aborted);
    return written < 0 ? FLARE_ERROR_IO : FLARE_OK;
}

int main(int count, char **arguments) {
    flare_router *router = flare_router_new();
    flare_config *config = flare_config_new();
    int32_t status = flare_router_add(router, "GET", "/", get_home, NULL, NULL);
    if (status == FLARE_OK) status = flare_router_add(router, "POST", "/", post_home, NULL, NULL);
    if (status == FLARE_OK) status = flare_config_set_number(config, "drain_timeout_ms", 10000);
    flare_server *server = status == FLARE_OK ? flare_server_new(router, config) : NULL;
    if (status == FLARE_OK) status = serve(server, count > 1 ? arguments[1] : "127.0.0.1:8080");
    if (status == FLARE_OK) status = report(server);
    if (status == FLARE_OK) status = flare_server_free(server);
    if (status == FLARE_OK) status = flare_config_free(config);
    if (status == FLARE_OK) status = flare_router_free(router);
    if (status == FLARE_OK) return 0;
    char message[256];
    flare_last_error(message, sizeof message);
    fprintf(stderr, "shutdown: %s (%s)\n", message, flare_status_name(status));
    return 1;
}
