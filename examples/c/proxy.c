// A proxy: the content of an answer comes from another server, here one in a thread of this program. The bytes go through flare alone:
// when the client stops reading the other server is not read either, and when the client leaves it is hung up on.
#define _POSIX_C_SOURCE 200809L // fdopen
#include <flare.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// The other server: "count N" is answered with N lines, "shout" and text up to its end with that text in upper case.
static void serve_upstream(FILE *in, FILE *out) {
    char line[64];
    int character;
    if (fgets(line, sizeof line, in) == NULL) return;
    if (strncmp(line, "count ", 6) == 0) {
        unsigned long n = strtoul(line + 6, NULL, 10);
        for (unsigned long i = 1; i <= n && fprintf(out, "%lu\n", i) > 0; i++) continue;
    } else {
        while ((character = fgetc(in)) != EOF && fputc(toupper(character), out) != EOF) continue;
    }
}

static void *run_upstream(void *user) {
    int listener = *(int *)user;
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;) {
        FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
        if (in != NULL && out != NULL) serve_upstream(in, out);
        if (out != NULL) fclose(out);
        if (in != NULL) fclose(in);
    }
    return NULL;
}

static int32_t relay(flare_response *response, const char *address, const char *prologue, uint32_t flags) {
    int32_t status = flare_response_set_header(response, "content-type", "text/plain; charset=utf-8");
    if (status != FLARE_OK) return status;
    return flare_response_relay(response, 200, address, prologue, strlen(prologue), 1000, 0, flags);
}

static int32_t get_count(flare_request *request, flare_response *response, void *address) {
    char *end, prologue[64];
    const char *text = flare_request_param(request, "n", NULL);
    unsigned long n = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || n > 1000000) {
        return flare_response_send_text(response, 400, "not a number from 0 to 1000000\n");
    }
    snprintf(prologue, sizeof prologue, "count %lu\n", n);
    return relay(response, address, prologue, 0);
}

static int32_t post_shout(flare_request *request, flare_response *response, void *address) {
    (void)request;
    return relay(response, address, "shout\n", FLARE_RELAY_FORWARD);
}

static int32_t get_nobody(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    return relay(response, "unix:/nonexistent/upstream.sock", "", 0);
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

static int32_t run(char *upstream, const char *address) {
    flare_router *router = flare_router_new();
    flare_route_options *streaming = flare_route_options_new();
    // The content of a request goes on while it comes.
    int32_t status = flare_route_options_set_number(streaming, "streaming", 1);
    if (status == FLARE_OK) status = flare_router_add(router, "GET", "/count/:n", get_count, upstream, NULL);
    if (status == FLARE_OK) status = flare_router_add_with(router, "POST", "/shout", streaming, post_shout, upstream, NULL);
    if (status == FLARE_OK) status = flare_router_add(router, "GET", "/nobody", get_nobody, NULL, NULL);
    flare_server *server = status == FLARE_OK ? flare_server_new(router, NULL) : NULL;
    if (status == FLARE_OK) status = serve(server, address);
    if (status == FLARE_OK) status = flare_server_free(server);
    if (status == FLARE_OK) status = flare_route_options_free(streaming);
    if (status == FLARE_OK) status = flare_router_free(router);
    return status;
}

int main(int count, char **arguments) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    pthread_t thread;
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, length) != 0 || listen(listener, 128) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &length) != 0 || pthread_create(&thread, NULL, run_upstream, &listener) != 0) {
        perror("proxy: the other server");
        return 1;
    }
    char upstream[32], message[256];
    snprintf(upstream, sizeof upstream, "127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
    int32_t status = run(upstream, count > 1 ? arguments[1] : "127.0.0.1:8080");
    if (status == FLARE_OK) return 0;
    flare_last_error(message, sizeof message);
    fprintf(stderr, "proxy: %s (%s)\n", message, flare_status_name(status));
    return 1;
}
