// Datagrams (RFC 9297): each that comes goes back, to clients that offer the protocol "echo".
#include "routes.h"

// What the client does not take, or what is too large for the way back, is lost: that is what datagrams are like.
static int32_t go_back(flare_response *response, const uint8_t *data, size_t length) {
    int32_t status = flare_response_send_datagram(response, data, length);
    return status == FLARE_ERROR_WOULD_BLOCK || status == FLARE_ERROR_LIMIT ? FLARE_OK : status;
}

static int32_t hear(flare_request *request, flare_response *response, int32_t event, const uint8_t *data, size_t length,
                    void *user) {
    (void)user;
    int32_t status = FLARE_OK;
    if (event == FLARE_EVENT_DATAGRAM) return go_back(response, data, length);
    if (event == FLARE_EVENT_END) status = flare_response_finish(response);
    if (event == FLARE_EVENT_END || event == FLARE_EVENT_CANCELLED) flare_request_release(request);
    return status;
}

int32_t any_datagrams(flare_request *request, flare_response *response, void *user) {
    (void)user;
    int32_t status = flare_response_switch_to_datagrams(response, "echo");
    if (status == FLARE_ERROR_INVALID_ARGUMENT) {
        return flare_response_send_text(response, 426, "This is for clients that offer the protocol \"echo\".\n");
    }
    if (status == FLARE_OK) status = flare_request_retain(request);
    return status == FLARE_OK ? flare_request_on_event(request, hear, NULL, NULL) : status;
}
