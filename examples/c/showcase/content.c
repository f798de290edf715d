// Content of any kind and size: given back, made.
#include <pthread.h>
#include <string.h>

#include "number.h"
#include "routes.h"

#define LARGEST ((size_t)64 << 20)

// Gives the content back as it came, with its type.
int32_t post_page(flare_request *request, flare_response *response, void *user) {
    (void)user;
    size_t length;
    const uint8_t *body = flare_request_body(request, &length);
    const char *type = flare_request_header(request, "content-type", NULL);
    if (type == NULL) type = "application/octet-stream";
    int32_t status = flare_response_add_header(response, "content-type", type);
    if (status == FLARE_ERROR_INVALID_ARGUMENT) return flare_response_send_text(response, 400, "the content type is not UTF-8\n");
    return status == FLARE_OK ? flare_response_send(response, 200, body, length) : status;
}

// Static memory, which flare may send from where it is. It becomes real only as far as somebody asks for it.
static const char *letters(size_t length) {
    static char memory[LARGEST];
    static size_t filled;
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    if (pthread_mutex_lock(&lock) != 0) return NULL;
    if (filled < length) {
        memset(memory + filled, 'x', length - filled);
        filled = length;
    }
    return pthread_mutex_unlock(&lock) == 0 ? memory : NULL;
}

static int32_t send_letters(flare_response *response, size_t length) {
    const char *body = letters(length);
    if (body == NULL) return FLARE_ERROR_INVALID_STATE;
    int32_t status = flare_response_add_header(response, "content-type", "application/octet-stream");
    return status == FLARE_OK ? flare_response_send_borrowed(response, 200, body, length, NULL, NULL) : status;
}

int32_t get_64k(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    return send_letters(response, (size_t)64 << 10);
}

int32_t get_1m(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    return send_letters(response, (size_t)1 << 20);
}

int32_t get_bytes(flare_request *request, flare_response *response, void *user) {
    (void)user;
    size_t size;
    if (!number_read(flare_request_param(request, "n", NULL), LARGEST, &size)) {
        return flare_response_send_text(response, 400, "not a number from 0 to 67108864\n");
    }
    return send_letters(response, size);
}
