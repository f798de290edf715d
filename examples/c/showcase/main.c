// The demo server: all that flare does, in one program. GET / lists it.
#include <flare.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "later.h"
#include "mux.h"
#include "options.h"
#include "routes.h"

// Says which step failed, with flare's words for the last call that failed on this thread.
static int32_t failed(const char *step, int32_t status) {
    char message[256];
    flare_last_error(message, sizeof message);
    fprintf(stderr, "showcase: %s: %s (%s)\n", step, message, flare_status_name(status));
    return status;
}

// Certificates from files, or one for development.
static int32_t add_certificates(flare_tls *tls, const struct options *options) {
    if (options->cert != NULL) return flare_tls_add_files(tls, options->cert, options->key);
    fputs("showcase: no --cert: a certificate for development is made, which clients do not believe\n", stderr);
    return flare_tls_add_self_signed(tls, "localhost,127.0.0.1,::1");
}

static int32_t listen_tls_on(flare_server *server, const char *address, const struct options *options) {
    flare_tls *tls = flare_tls_new();
    int32_t status = add_certificates(tls, options);
    if (status == FLARE_OK && options->client_ca != NULL) {
        status = flare_tls_set_number(tls, "client_auth", 1);  // who has none is served too
        if (status == FLARE_OK) status = flare_tls_set_text(tls, "client_roots", options->client_ca);
    }
    // For safe methods only: others that come so early are answered with 425, and sent again. Nobody may come early twice with one session,
    // so sessions are kept here, and not in tickets.
    if (status == FLARE_OK) status = flare_tls_set_number(tls, "tickets", 0);
    if (status == FLARE_OK) status = flare_tls_set_number(tls, "early_data_limit", 16384);
    if (status == FLARE_OK) status = flare_server_listen_tls(server, address, tls);
    int32_t freed = flare_tls_free(tls);
    return status != FLARE_OK ? status : freed;
}

// The address of a port; NULL when it is too long.
static const char *address_of(char *address, size_t size, const struct options *options, unsigned port) {
    const char *form = strchr(options->host, ':') != NULL && options->host[0] != '[' ? "[%s]:%u" : "%s:%u";
    int length = snprintf(address, size, form, options->host, port);
    return length < 0 || (size_t)length >= size ? NULL : address;
}

// Listens for HTTPS and HTTP/3 on a port; -1 for none.
static int32_t listen_secure(flare_server *server, const struct options *options, int32_t port) {
    char address[300];
    if (port < 0) return FLARE_OK;
    if (address_of(address, sizeof address, options, (unsigned)port) == NULL) return FLARE_ERROR_INVALID_ARGUMENT;
    return listen_tls_on(server, address, options);
}

static int32_t listen_on(flare_server *server, const struct options *options) {
    char address[300];
    if (address_of(address, sizeof address, options, options->port) == NULL) return FLARE_ERROR_INVALID_ARGUMENT;
    int32_t status = flare_server_listen(server, address);
    return status != FLARE_OK ? status : listen_secure(server, options, options->tls_port);
}

// Suites wait for this line, so it comes last and at once.
static int32_t announce(flare_server *server, flare_server *retry, const struct options *options) {
    char address[300];
    // A name may stand for several addresses: those of HTTPS come behind those of HTTP.
    for (size_t i = 1; options->tls_port >= 0 && flare_server_address(server, i, address, sizeof address) > 0; i++) {
        if (printf("also on %s\n", address) < 0) return FLARE_ERROR_IO;
    }
    for (size_t i = 0; retry != NULL && flare_server_address(retry, i, address, sizeof address) > 0; i++) {
        if (printf("retry on %s\n", address) < 0) return FLARE_ERROR_IO;
    }
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

// Starts the server of the retry port, which has settings of its own and so is a second one. It ends when it is freed.
static int32_t start_retry(flare_server *retry, const struct options *options) {
    int32_t status = listen_secure(retry, options, options->retry_port);
    return status == FLARE_OK ? flare_server_start(retry) : status;
}

// From the address to the end of the last exchange. `retry` is NULL without a retry port.
static int32_t serve(flare_server *server, flare_server *retry, const struct options *options) {
    int32_t status;
    if ((status = listen_on(server, options)) != FLARE_OK) return failed("address", status);
    if (retry != NULL && (status = start_retry(retry, options)) != FLARE_OK) return failed("retry port", status);
    if (options->mux != NULL && (status = mux_start(options->mux)) != FLARE_OK) return failed("mux", status);
    if ((status = flare_server_start(server)) != FLARE_OK) return failed("start", status);
    if ((status = flare_server_drain_on_signals(server)) != FLARE_OK) return failed("signals", status);
    if ((status = announce(server, retry, options)) != FLARE_OK) return failed("listening", status);
    if ((status = flare_server_wait(server)) != FLARE_OK) return failed("wait", status);
    if ((status = report(server)) != FLARE_OK) return failed("report", status);
    return FLARE_OK;
}

// A server of all routes; NULL after a message. It shares what it needs of router and settings, so these end here.
static flare_server *make_server(const struct options *options, bool retry) {
    flare_server *server = NULL;
    int32_t status;
    flare_router *router = flare_router_new();
    flare_config *config = flare_config_new();
    if ((status = routes_add(router, options)) != FLARE_OK) {
        failed("routes", status);
    } else if ((status = flare_config_set_number(config, "workers", options->workers)) != FLARE_OK) {
        failed("workers", status);
    } else if ((status = flare_config_set_number(config, "io_uring", options->io_uring)) != FLARE_OK) {
        failed("io_uring", status);
    } else if ((status = flare_config_set_number(config, "http3", 1)) != FLARE_OK) {
        failed("http3", status);
    } else if ((status = flare_config_set_number(config, "http3_datagrams", 1)) != FLARE_OK) {
        failed("http3_datagrams", status);
    } else if (retry && (status = flare_config_set_text(config, "quic_retry", "always")) != FLARE_OK) {
        failed("retry", status);
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
    flare_server *server = make_server(&options, false);
    if (server == NULL) return 1;
    flare_server *retry = options.retry_port >= 0 ? make_server(&options, true) : NULL;
    int error = later_start();
    if (error != 0) fprintf(stderr, "showcase: a thread: %s\n", strerror(error));
    bool made = error == 0 && (retry != NULL || options.retry_port < 0);
    int32_t served = made ? serve(server, retry, &options) : FLARE_ERROR_IO;
    int32_t freed = retry != NULL ? flare_server_free(retry) : FLARE_OK;
    if (freed == FLARE_OK) freed = flare_server_free(server);
    if (freed != FLARE_OK) failed("end", freed);
    mux_stop();
    if (error == 0) later_stop();
    return served == FLARE_OK && freed == FLARE_OK ? 0 : 1;
}
