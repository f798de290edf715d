// The demo server: all that flare does, in one program. GET / lists it.
#include <flare.h>

#include <stdio.h>
#include <string.h>

#include "later.h"
#include "options.h"
#include "routes.h"

// Says which step failed, with flare's words for the last call that failed on this thread.
static int32_t failed(const char *step, int32_t status) {
    char message[256];
    flare_last_error(message, sizeof message);
    fprintf(stderr, "showcase: %s: %s (%s)\n", step, message, flare_status_name(status));
    return status;
}

static int32_t listen_on(flare_server *server, const struct options *options) {
    const char *form = strchr(options->host, ':') != NULL && options->host[0] != '[' ? "[%s]:%u" : "%s:%u";
    char address[300];
    int length = snprintf(address, sizeof address, form, options->host, (unsigned)options->port);
    if (length < 0 || (size_t)length >= sizeof address) return FLARE_ERROR_INVALID_ARGUMENT;
    return flare_server_listen(server, address);
}

// Suites wait for this line, so it comes last and at once.
static int32_t announce(flare_server *server) {
    char address[300];
    if (flare_server_address(server, 0, address, sizeof address) == 0) return FLARE_ERROR_NOT_FOUND;
    if (printf("listening on %s\n", address) < 0 || fflush(stdout) != 0) return FLARE_ERROR_IO;
    return FLARE_OK;
}

static int32_t report(flare_server *server) {
    static const char *const names[] = {
        "accepted",    "requests",     "answers_2xx", "answers_3xx",    "answers_4xx",
        "answers_5xx", "bad_requests", "timeouts",    "drain_finished", "drain_aborted",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int64_t value = flare_server_stat(server, names[i]);
        if (value < 0) return (int32_t)value;
        if (printf("%s%s %lld", i == 0 ? "" : ", ", names[i], (long long)value) < 0) return FLARE_ERROR_IO;
    }
    return puts("") < 0 || fflush(stdout) != 0 ? FLARE_ERROR_IO : FLARE_OK;
}

// From the address to the end of the last exchange.
static int32_t serve(flare_server *server, const struct options *options) {
    int32_t status;
    if ((status = listen_on(server, options)) != FLARE_OK) return failed("address", status);
    if ((status = flare_server_start(server)) != FLARE_OK) return failed("start", status);
    if ((status = flare_server_drain_on_signals(server)) != FLARE_OK) return failed("signals", status);
    if ((status = announce(server)) != FLARE_OK) return failed("listening", status);
    if ((status = flare_server_wait(server)) != FLARE_OK) return failed("wait", status);
    if ((status = report(server)) != FLARE_OK) return failed("report", status);
    return FLARE_OK;
}

// A server of all routes; NULL after a message. It shares what it needs of router and settings, so these end here.
static flare_server *make_server(const struct options *options) {
    flare_server *server = NULL;
    int32_t status;
    flare_router *router = flare_router_new();
    flare_config *config = flare_config_new();
    if ((status = routes_add(router, options)) != FLARE_OK) {
        failed("routes", status);
    } else if ((status = flare_config_set_number(config, "workers", options->workers)) != FLARE_OK) {
        failed("workers", status);
    } else if ((server = flare_server_new(router, config)) == NULL) {
        failed("server", FLARE_ERROR_INVALID_ARGUMENT);
    }
    if (config != NULL && (status = flare_config_free(config)) != FLARE_OK) failed("settings", status);
    if (router != NULL && (status = flare_router_free(router)) != FLARE_OK) failed("router", status);
    return server;
}

int main(int count, char **arguments) {
    struct options options;
    switch (options_read(&options, count, arguments)) {
    case OPTIONS_HELP: return 0;
    case OPTIONS_WRONG: return 2;
    case OPTIONS_RUN: break;
    }
    flare_server *server = make_server(&options);
    if (server == NULL) return 1;
    int error = later_start();
    if (error != 0) fprintf(stderr, "showcase: a thread: %s\n", strerror(error));
    int32_t served = error == 0 ? serve(server, &options) : FLARE_ERROR_IO;
    int32_t freed = flare_server_free(server);
    if (freed != FLARE_OK) failed("end", freed);
    if (error == 0) later_stop();
    return served == FLARE_OK && freed == FLARE_OK ? 0 : 1;
}
