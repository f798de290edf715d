// What was agreed in the TLS handshake of the connection.
#include <stdio.h>

#include "routes.h"

int32_t get_tls(flare_request *request, flare_response *response, void *user) {
    (void)user;
    char version[16], suite[64], name[256], protocol[16], text[512];
    if (flare_request_tls(request, "version", version, sizeof version) == 0) {
        return flare_response_send_text(response, 200, "none\n");
    }
    flare_request_tls(request, "suite", suite, sizeof suite);
    flare_request_tls(request, "server_name", name, sizeof name);
    flare_request_tls(request, "alpn", protocol, sizeof protocol);
    size_t certificate;
    flare_request_peer_certificate(request, &certificate);
    int length = snprintf(text, sizeof text, "%s %s name=%s alpn=%s certificate=%zu early=%d\n", version, suite, name, protocol,
                          certificate, (int)flare_request_is_early(request));
    if (length < 0 || (size_t)length >= sizeof text) return FLARE_ERROR_INVALID_STATE;
    return flare_response_send(response, 200, text, (size_t)length);
}
