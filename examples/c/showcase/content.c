// Content of any kind and size: given back, counted, made.
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "routes.h"

#define LARGEST ((size_t)64 << 20)

// Gives the content back as it came, with its type.
int32_t any_echo(flare_request *request, flare_response *response, void *user) {
    (void)user;
    size_t length;
    const uint8_t *body = flare_request_body(request, &length);
    const char *type = flare_request_header(request, "content-type", NULL);
    if (type == NULL) type = "application/octet-stream";
    int32_t status = flare_response_add_header(response, "content-type", type);
    if (status == FLARE_ERROR_INVALID_ARGUMENT) return flare_response_send_text(response, 400, "the content type is not UTF-8\n");
    return status == FLARE_OK ? flare_response_send(response, 200, body, length) : status;
}

// The Internet checksum (RFC 1071). Its two bytes go to `sum` in the order of the content: the sum is the same in any byte
// order, so whole words of the machine are added, and nothing is swapped.
static void checksum(const uint8_t *data, size_t length, uint8_t sum[2]) {
    uint64_t word, low = 0, high = 0;
    for (; length >= sizeof word; data += sizeof word, length -= sizeof word) {
        memcpy(&word, data, sizeof word);
        low += word & UINT32_MAX;
        high += word >> 32;
    }
    word = 0;
    memcpy(&word, data, length);
    low += word & UINT32_MAX;
    high += word >> 32;
    uint64_t total = low + high;
    while (total > UINT16_MAX) total = (total & UINT16_MAX) + (total >> 16);
    uint16_t complement = (uint16_t)~total;
    memcpy(sum, &complement, sizeof complement);
}

// Reads it all, and says how much it was.
int32_t post_upload(flare_request *request, flare_response *response, void *user) {
    (void)user;
    size_t length;
    const uint8_t *body = flare_request_body(request, &length);
    uint8_t sum[2];
    checksum(body, length, sum);
    char text[64];
    int written = snprintf(text, sizeof text, "%zu bytes, checksum %02x%02x\n", length, sum[0], sum[1]);
    return written < 0 ? FLARE_ERROR_IO : flare_response_send_text(response, 200, text);
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

// A number from 0 to LARGEST in decimal digits; LARGEST + 1 for anything else.
static size_t size_of(const char *digits) {
    size_t size = *digits == '\0' ? LARGEST + 1 : 0;
    for (; *digits != '\0' && size <= LARGEST; digits++) {
        size = *digits >= '0' && *digits <= '9' ? size * 10 + (size_t)(*digits - '0') : LARGEST + 1;
    }
    return size;
}

int32_t get_bytes(flare_request *request, flare_response *response, void *user) {
    (void)user;
    const char *digits = flare_request_param(request, "n", NULL);
    size_t size = digits == NULL ? LARGEST + 1 : size_of(digits);
    if (size > LARGEST) return flare_response_send_text(response, 400, "not a number from 0 to 67108864\n");
    return send_letters(response, size);
}
