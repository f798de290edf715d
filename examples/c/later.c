// An answer from another thread: slow work must not block a worker, so the handler keeps the exchange and returns.
#include <flare.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct job {
    flare_response *response;
    uint32_t below;
};

static bool is_prime(uint32_t n) {
    for (uint32_t i = 2; i <= n / i; i++) {
        if (n % i == 0) return false;
    }
    return n >= 2;
}

static void *count_primes(void *user) {
    struct job *job = user;
    uint32_t primes = 0;
    for (uint32_t n = 0; n < job->below; n++) primes += is_prime(n);
    char text[64];
    snprintf(text, sizeof text, "%u primes below %u\n", (unsigned)primes, (unsigned)job->below);
    int32_t status = flare_response_send_text(job->response, 200, text);
    if (status != FLARE_OK) fprintf(stderr, "later: nobody waits any more: %s\n", flare_status_name(status));
    status = flare_response_release(job->response);
    if (status != FLARE_OK) fprintf(stderr, "later: not released: %s\n", flare_status_name(status));
    free(job);
    return NULL;
}

static int32_t get_primes(flare_request *request, flare_response *response, void *user) {
    (void)user;
    char *end;
    const char *text = flare_request_param(request, "below", NULL);
    unsigned long below = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || below > 1000000) {
        return flare_response_send_text(response, 400, "not a number from 0 to 1000000\n");
    }
    struct job *job = malloc(sizeof *job);
    if (job == NULL) return FLARE_ERROR_OUT_OF_MEMORY;
    *job = (struct job){response, (uint32_t)below};
    // From here on the exchange lives until it is released, whatever becomes of the handler and the client.
    int32_t status = flare_response_retain(response);
    if (status == FLARE_OK) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, count_primes, job) == 0) {
            return pthread_detach(thread) == 0 ? FLARE_OK : FLARE_ERROR_LIMIT;
        }
        // No thread is left: the last release of an exchange without an answer answers 500.
        status = flare_response_release(response);
    }
    free(job);
    return status == FLARE_OK ? FLARE_ERROR_LIMIT : status;
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

int main(int count, char **arguments) {
    flare_router *router = flare_router_new();
    int32_t status = flare_router_add(router, "GET", "/primes/:below", get_primes, NULL, NULL);
    flare_server *server = status == FLARE_OK ? flare_server_new(router, NULL) : NULL;
    if (status == FLARE_OK) status = serve(server, count > 1 ? arguments[1] : "127.0.0.1:8080");
    if (status == FLARE_OK) status = flare_server_free(server);
    if (status == FLARE_OK) status = flare_router_free(router);
    if (status == FLARE_OK) return 0;
    char message[256];
    flare_last_error(message, sizeof message);
    fprintf(stderr, "later: %s (%s)\n", message, flare_status_name(status));
    return 1;
}
