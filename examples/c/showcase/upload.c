// Content that is counted while it comes: nothing is kept of it, so its size does not matter.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routes.h"

struct upload {
    flare_response *response;
    uint64_t length;
    uint64_t sum;
};

// A vector of two words, which every compiler for C that we know has: it halves the time of the sum.
typedef uint64_t pair __attribute__((vector_size(2 * sizeof(uint64_t))));

// The sum of whole words in the order of the machine. `length` is a multiple of 8.
static uint64_t sum_of_words(const uint8_t *data, size_t length) {
    pair even = {0}, odd = {0}, first, second;
    for (; length >= 2 * sizeof(pair); data += 2 * sizeof(pair), length -= 2 * sizeof(pair)) {
        memcpy(&first, data, sizeof first);
        memcpy(&second, data + sizeof first, sizeof second);
        even += first;
        odd += second;
    }
    uint64_t word, sum = even[0] + even[1] + odd[0] + odd[1];
    for (; length > 0; data += sizeof word, length -= sizeof word) {
        memcpy(&word, data, sizeof word);
        sum += word;
    }
    return sum;
}

// The sum of all 64-bit words of the content, modulo 2^64, the first byte of each the lowest (as on x86 and Arm) and the last one
// filled up with zeros. So it does not matter how the content comes apart.
static void add(struct upload *upload, const uint8_t *data, size_t length) {
    for (; length > 0 && upload->length % 8 != 0; length--) upload->sum += (uint64_t)*data++ << 8 * (upload->length++ % 8);
    size_t whole = length - length % 8;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    upload->sum += sum_of_words(data, whole);
    upload->length += whole;
    data += whole;
    length -= whole;
#endif
    for (; length > 0; length--) upload->sum += (uint64_t)*data++ << 8 * (upload->length++ % 8);
}

static int32_t on_event(flare_request *request, flare_response *response, int32_t event, const uint8_t *data, size_t length,
                        void *user) {
    (void)request;
    struct upload *upload = user;
    if (event == FLARE_EVENT_DATA) add(upload, data, length);
    if (event != FLARE_EVENT_END) return FLARE_OK;
    char text[80];
    snprintf(text, sizeof text, "%" PRIu64 " bytes, sum %016" PRIx64 "\n", upload->length, upload->sum);
    return flare_response_send_text(response, 200, text);
}

// When the exchange has ended, also because the client left.
static void end(void *user) {
    struct upload *upload = user;
    flare_response_release(upload->response);
    free(upload);
}

int32_t post_upload(flare_request *request, flare_response *response, void *user) {
    (void)user;
    struct upload *upload = malloc(sizeof *upload);
    if (upload == NULL) return FLARE_ERROR_OUT_OF_MEMORY;
    *upload = (struct upload){response, 0, 0};
    int32_t status = flare_response_retain(response);
    if (status == FLARE_OK) return flare_request_on_event(request, on_event, upload, end);
    free(upload);
    return status;
}
