// Answers that another server makes: it gets the content of the request, and what it sends is the content of the answer. The bytes
// never come here, and neither side is read faster than the other takes.
#include "routes.h"

int32_t any_proxy(flare_request *request, flare_response *response, void *user) {
    (void)request;
    const char *address = user;
    int32_t status = flare_response_set_header(response, "content-type", "application/octet-stream");
    return status == FLARE_OK ? flare_response_relay(response, 200, address, NULL, 0, 0, 0, FLARE_RELAY_FORWARD) : status;
}
