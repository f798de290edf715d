#include "kept.h"

#include <poll.h>

flare_request *kept_request;
flare_response *kept_response;
gate kept = GATE_INIT;

int32_t keep(flare_request *request, flare_response *response, void *user) {
    (void)user;
    CHECK_STATUS(flare_response_retain(response), FLARE_OK);
    kept_request = request;
    kept_response = response;
    gate_open(&kept);
    return FLARE_OK;
}

int32_t hello(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    return flare_response_send_text(response, 200, "hello");
}

void kept_begin(const app *a, client *c, const char *text) {
    int before = gate_count(&kept);
    CHECK(client_open(c, a->address));
    CHECK(client_send(c, text));
    CHECK(gate_wait(&kept, before + 1));
    expect(a, "GET / HTTP/1.1\r\nhost: a\r\n\r\n", 200, "hello");
}

int32_t kept_read(void *buffer, size_t capacity, size_t *length) {
    int32_t status = FLARE_ERROR_WOULD_BLOCK;
    for (long long until = now_ms() + patience() * 1000LL; status == FLARE_ERROR_WOULD_BLOCK && now_ms() < until;) {
        status = flare_request_read(kept_request, buffer, capacity, length);
        if (status == FLARE_ERROR_WOULD_BLOCK) poll(NULL, 0, 1);
    }
    return status;
}

void kept_end(client *c) {
    CHECK_STATUS(flare_response_release(kept_response), FLARE_OK);
    client_close(c);
}
