// TLS settings and what is said about wrong ones; an address with TLS, and its exchange. Handshakes are in tests/tls.
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app.h"

static int32_t about_tls(flare_request *request, flare_response *response, void *user) {
    (void)user;
    char version[16] = "x";
    size_t length = 1;
    CHECK(flare_request_tls(request, "version", version, sizeof version) == 0 && version[0] == '\0');
    CHECK(flare_request_peer_certificate(request, &length) == NULL && length == 0);
    CHECK(flare_request_is_early(request) == 0);
    CHECK(flare_request_tls(request, "colour", version, sizeof version) == 0);
    CHECK(flare_request_peer_certificate(request, NULL) == NULL);
    return flare_response_send_text(response, 200, "plain");
}

static bool says(const char *words) {
    bool said = strstr(last_error(), words) != NULL;
    check_that(said, last_error(), __FILE__, __LINE__);
    return said;
}

static void settings(void) {
    TEST("settings are taken by name, and wrong ones are named");
    flare_tls *tls = flare_tls_new();
    CHECK(tls != NULL);
    CHECK_STATUS(flare_tls_set_number(tls, "min_version", 13), FLARE_OK);
    CHECK_STATUS(flare_tls_set_number(tls, "handshake_timeout_ms", 5000), FLARE_OK);
    CHECK_STATUS(flare_tls_set_number(tls, "min_version", 11), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK(says("min_version"));
    CHECK_STATUS(flare_tls_set_number(tls, "colour", 1), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_tls_set_text(tls, "names", "a.test"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK(says("needs an identity first"));
    CHECK_STATUS(flare_tls_set_text(tls, NULL, "x"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_tls_add_self_signed(tls, "localhost,127.0.0.1"), FLARE_OK);
    CHECK_STATUS(flare_tls_set_text(tls, "names", "a.test, *.b.test"), FLARE_OK);
    CHECK_STATUS(flare_tls_add_self_signed(tls, "not a name\xc3\xa4"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_tls_free(tls), FLARE_OK);
}

static void files(void) {
    TEST("a file that is wrong is named, and nothing is added");
    flare_tls *tls = flare_tls_new();
    CHECK_STATUS(flare_tls_add_files(tls, "/no/such.pem", "/no/such.key"), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK(says("/no/such.pem") && says("can't be read"));
    CHECK_STATUS(flare_tls_add_pem(tls, "nonsense", 8, "", 0), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK(says("identity.chain") && says("has no PEM block"));
    CHECK_STATUS(flare_tls_add_pem(tls, NULL, 5, NULL, 0), FLARE_ERROR_INVALID_ARGUMENT);
    flare_router *router = flare_router_new();
    flare_server *server = flare_server_new(router, NULL);
    CHECK_STATUS(flare_server_listen_tls(server, "127.0.0.1:0", tls), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK(says("identities"));
    CHECK_STATUS(flare_tls_add_self_signed(tls, "localhost"), FLARE_OK);
    CHECK_STATUS(flare_server_listen_tls(server, "nonsense", tls), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_server_reload_tls(server), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_server_replace_tls(server, 0, tls), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_server_listen_tls(server, "127.0.0.1:0", tls), FLARE_OK);
    CHECK_STATUS(flare_server_free(server), FLARE_OK);
    CHECK_STATUS(flare_router_free(router), FLARE_OK);
    CHECK_STATUS(flare_tls_free(tls), FLARE_OK);
}

static void misuse(void) {
    TEST("bad handles are refused");
    flare_tls *tls = flare_tls_new();
    flare_config *config = flare_config_new();
    CHECK_STATUS(flare_tls_free((flare_tls *)config), FLARE_ERROR_WRONG_KIND);
    CHECK_STATUS(flare_config_set_number((flare_config *)tls, "workers", 1), FLARE_ERROR_WRONG_KIND);
    CHECK_STATUS(flare_tls_set_number((flare_tls *)config, "tickets", 1), FLARE_ERROR_WRONG_KIND);
    CHECK_STATUS(flare_tls_free(tls), FLARE_OK);
    CHECK_STATUS(flare_tls_free(tls), FLARE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(flare_tls_free(NULL), FLARE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(flare_tls_set_number(tls, "tickets", 1), FLARE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(flare_tls_set_text(tls, "alpn", "h2"), FLARE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(flare_tls_add_self_signed(tls, "localhost"), FLARE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(flare_server_listen_tls(NULL, "127.0.0.1:0", tls), FLARE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(flare_server_reload_tls(NULL), FLARE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(flare_server_replace_tls(NULL, 0, NULL), FLARE_ERROR_INVALID_HANDLE);
    CHECK_STATUS(flare_request_is_early(NULL), FLARE_ERROR_INVALID_HANDLE);
    CHECK(flare_request_tls(NULL, "version", NULL, 0) == 0);
    CHECK_STATUS(flare_config_free(config), FLARE_OK);
}

static void serving(void) {
    TEST("an address with TLS beside one without");
    flare_router *router = flare_router_new();
    route(router, "GET", "/", about_tls, NULL);
    flare_config *config = one_worker();
    flare_server *server = flare_server_new(router, config);
    CHECK_STATUS(flare_router_free(router), FLARE_OK);
    CHECK_STATUS(flare_config_free(config), FLARE_OK);
    flare_tls *tls = flare_tls_new();
    CHECK_STATUS(flare_tls_add_self_signed(tls, "localhost"), FLARE_OK);
    app a;
    CHECK_STATUS(flare_server_listen_tls(server, "127.0.0.1:0", tls), FLARE_OK);
    app_start_server(&a, server, "127.0.0.1:0");
    char secure[100], plain[100];
    CHECK(flare_server_address(server, 0, secure, sizeof secure) > 0);
    CHECK(flare_server_address(server, 1, plain, sizeof plain) > 0);
    reply r = ask(plain, "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    CHECK(r.status == 200 && strcmp(r.body, "plain") == 0);
    reply_free(&r);
    r = ask(secure, "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    CHECK(r.status == 400 && strstr(r.body, "HTTPS") != NULL);
    reply_free(&r);
    CHECK(stat_becomes(&a, "tls_failed", 1));
    CHECK_STATUS(flare_server_reload_tls(server), FLARE_OK);
    CHECK_STATUS(flare_server_replace_tls(server, 0, tls), FLARE_OK);
    CHECK_STATUS(flare_server_replace_tls(server, 1, tls), FLARE_ERROR_INVALID_STATE);
    CHECK_STATUS(flare_tls_free(tls), FLARE_OK);
    app_stop(&a);
}

// What resolver() was asked, and what it answers.
struct certificates {
    flare_tls *dynamic;
    flare_tls *none;
    atomic_int calls;
    atomic_int nameless;
};

static const flare_tls *resolver(const char *server_name, void *user) {
    struct certificates *certificates = user;
    atomic_fetch_add(&certificates->calls, 1);
    if (server_name == NULL) {
        atomic_fetch_add(&certificates->nameless, 1);
        return NULL;
    }
    if (strcmp(server_name, "refused.test") == 0) return certificates->none;
    return strcmp(server_name, "dynamic.test") == 0 ? certificates->dynamic : NULL;
}

static gate resolver_destroyed = GATE_INIT;
static void destroy_resolver(void *user) {
    (void)user;
    gate_open(&resolver_destroyed);
}

// Whether a client that asks for `name` ("": for none) is shown a certificate for `expected`.
static bool shown(const char *address, const char *name, const char *expected) {
    char command[300], line[300], found[300] = "";
    const char *option = name[0] == '\0' ? "-noservername" : "-servername";
    snprintf(command, sizeof command,
             "openssl s_client -connect %s %s %s </dev/null 2>&1 | openssl x509 -noout -ext subjectAltName 2>&1", address, option, name);
    FILE *output = popen(command, "r");
    CHECK(output != NULL);
    while (fgets(line, sizeof line, output) != NULL) snprintf(found, sizeof found, "%s", line);
    CHECK(pclose(output) == 0);
    bool good = strstr(found, expected) != NULL;
    check_that(good, found, __FILE__, __LINE__);
    return good;
}

// Whether a client that asks for `name` is shown no certificate at all.
static bool refused(const char *address, const char *name) {
    char command[300], line[300];
    snprintf(command, sizeof command, "openssl s_client -connect %s -servername %s </dev/null 2>&1", address, name);
    FILE *output = popen(command, "r");
    CHECK(output != NULL);
    bool told = false;
    while (fgets(line, sizeof line, output) != NULL) told = told || strstr(line, "no peer certificate available") != NULL;
    return pclose(output) != 0 && told;
}

static void resolving(void) {
    TEST("a resolver is asked for certificates");
    struct certificates certificates = {.dynamic = flare_tls_new(), .none = flare_tls_new()};
    CHECK_STATUS(flare_tls_add_self_signed(certificates.dynamic, "dynamic.test"), FLARE_OK);
    flare_tls *tls = flare_tls_new();
    CHECK_STATUS(flare_tls_add_self_signed(tls, "static.test"), FLARE_OK);
    CHECK_STATUS(flare_tls_set_resolver(tls, resolver, &certificates, destroy_resolver), FLARE_OK);
    flare_router *router = flare_router_new();
    flare_config *config = one_worker();
    flare_server *server = flare_server_new(router, config);
    CHECK_STATUS(flare_router_free(router), FLARE_OK);
    CHECK_STATUS(flare_config_free(config), FLARE_OK);
    CHECK_STATUS(flare_server_listen_tls(server, "127.0.0.1:0", tls), FLARE_OK);
    app a;
    app_start_server(&a, server, "127.0.0.1:0");
    char address[100];
    CHECK(flare_server_address(server, 0, address, sizeof address) > 0);
    CHECK(shown(address, "dynamic.test", "DNS:dynamic.test"));
    CHECK(shown(address, "static.test", "DNS:static.test"));
    CHECK(shown(address, "", "DNS:static.test"));
    CHECK(atomic_load(&certificates.calls) == 3 && atomic_load(&certificates.nameless) == 1);
    CHECK(refused(address, "refused.test"));
    CHECK(stat_becomes(&a, "tls_failed", 1));
    // A handle that is freed is no answer: the certificates of the server are.
    CHECK_STATUS(flare_tls_free(certificates.none), FLARE_OK);
    CHECK_STATUS(flare_tls_free(certificates.dynamic), FLARE_OK);
    CHECK(shown(address, "dynamic.test", "DNS:static.test"));
    CHECK_STATUS(flare_tls_free(tls), FLARE_OK);
    app_stop(&a);
    CHECK(gate_wait(&resolver_destroyed, 1));

    TEST("a resolver is taken away again, and destroyed when it is refused");
    tls = flare_tls_new();
    CHECK_STATUS(flare_tls_set_resolver(tls, resolver, NULL, destroy_resolver), FLARE_OK);
    CHECK_STATUS(flare_tls_set_resolver(tls, NULL, NULL, NULL), FLARE_OK);
    CHECK(gate_wait(&resolver_destroyed, 2));
    CHECK_STATUS(flare_tls_free(tls), FLARE_OK);
    CHECK_STATUS(flare_tls_set_resolver(tls, resolver, NULL, destroy_resolver), FLARE_ERROR_INVALID_HANDLE);
    CHECK(gate_wait(&resolver_destroyed, 3));
}

int main(void) {
    settings();
    files();
    misuse();
    serving();
    resolving();
    return DONE();
}
