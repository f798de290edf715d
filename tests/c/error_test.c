// The message of the last failure, the names of status codes, versions and features.
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "app.h"

static void names(void) {
    static const struct {
        int32_t code;
        const char *name;
    } all[] = {
        {FLARE_OK, "FLARE_OK"},
        {FLARE_ERROR_INVALID_HANDLE, "FLARE_ERROR_INVALID_HANDLE"},
        {FLARE_ERROR_WRONG_KIND, "FLARE_ERROR_WRONG_KIND"},
        {FLARE_ERROR_INVALID_ARGUMENT, "FLARE_ERROR_INVALID_ARGUMENT"},
        {FLARE_ERROR_INVALID_STATE, "FLARE_ERROR_INVALID_STATE"},
        {FLARE_ERROR_FINISHED, "FLARE_ERROR_FINISHED"},
        {FLARE_ERROR_CLOSED, "FLARE_ERROR_CLOSED"},
        {FLARE_ERROR_WOULD_BLOCK, "FLARE_ERROR_WOULD_BLOCK"},
        {FLARE_ERROR_NOT_FOUND, "FLARE_ERROR_NOT_FOUND"},
        {FLARE_ERROR_CONFLICT, "FLARE_ERROR_CONFLICT"},
        {FLARE_ERROR_ADDRESS_IN_USE, "FLARE_ERROR_ADDRESS_IN_USE"},
        {FLARE_ERROR_PERMISSION, "FLARE_ERROR_PERMISSION"},
        {FLARE_ERROR_IO, "FLARE_ERROR_IO"},
        {FLARE_ERROR_LIMIT, "FLARE_ERROR_LIMIT"},
        {FLARE_ERROR_TIMEOUT, "FLARE_ERROR_TIMEOUT"},
        {FLARE_ERROR_UNSUPPORTED, "FLARE_ERROR_UNSUPPORTED"},
        {FLARE_ERROR_PANIC, "FLARE_ERROR_PANIC"},
        {FLARE_ERROR_OUT_OF_MEMORY, "FLARE_ERROR_OUT_OF_MEMORY"},
        {FLARE_ERROR_CANCELLED, "FLARE_ERROR_CANCELLED"},
        {FLARE_ERROR_PROTOCOL, "FLARE_ERROR_PROTOCOL"},
        {FLARE_ERROR_REFUSED, "FLARE_ERROR_REFUSED"},
        {FLARE_ERROR_REJECTED, "FLARE_ERROR_REJECTED"},
    };
    int count = (int)(sizeof all / sizeof all[0]);
    for (int i = 0; i < count; i++) {
        CHECK_NUMBER(all[i].code, -i);  // published numbers: they never change
        CHECK_TEXT(flare_status_name(all[i].code), all[i].name);
    }
    const int32_t others[] = {1, 200, -count, -1000, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        CHECK_TEXT(flare_status_name(others[i]), "FLARE_ERROR_UNKNOWN");
    }
}

static void *fresh_thread(void *result) {
    char buffer[4] = "xyz";
    *(bool *)result = flare_last_error(buffer, sizeof buffer) == 0 && buffer[0] == 0;
    flare_router_free(NULL);  // its own failure, which the other thread must not see
    return NULL;
}

static void sizes(flare_config *config) {
    CHECK_STATUS(flare_config_set_number(config, "abc", 1), FLARE_ERROR_INVALID_ARGUMENT);
    char whole[256];
    size_t length = flare_last_error(whole, sizeof whole);
    CHECK(length > 10 && length < sizeof whole);
    CHECK_NUMBER(strlen(whole), length);
    CHECK(strstr(whole, "abc") != NULL);
    CHECK_NUMBER(flare_last_error(NULL, 0), length);
    CHECK_NUMBER(flare_last_error(NULL, 99), length);
    for (size_t capacity = 0; capacity <= length + 2; capacity++) {
        char part[256];
        memset(part, 'x', sizeof part);
        CHECK_NUMBER(flare_last_error(part, capacity), length);
        size_t kept = capacity == 0 ? 0 : capacity - 1 < length ? capacity - 1 : length;
        CHECK(!memcmp(part, whole, kept));
        CHECK_NUMBER(part[kept], capacity ? 0 : 'x');
        CHECK_NUMBER(part[capacity], 'x');  // the byte behind the buffer
    }
}

static void long_messages(flare_config *config) {
    // Two bytes a character: a cut at an odd place would split one.
    char name[4001];
    for (size_t i = 0; i < 4000; i += 2) memcpy(name + i, "\xc3\xa9", 2);
    name[4000] = 0;
    CHECK_STATUS(flare_config_set_number(config, name, 1), FLARE_ERROR_INVALID_ARGUMENT);
    char buffer[4096];
    size_t length = flare_last_error(buffer, sizeof buffer);
    CHECK(length > 1000 && length <= 1024);  // messages are bounded
    CHECK_NUMBER(strlen(buffer), length);
    CHECK_NUMBER((unsigned char)buffer[length - 1], 0xa9);
    for (size_t capacity = 100; capacity < 104; capacity++) {
        flare_last_error(buffer, capacity);
        CHECK((unsigned char)buffer[strlen(buffer) - 1] == 0xa9);
        CHECK(strlen(buffer) + 1 == capacity || strlen(buffer) + 2 == capacity);
    }
}

int main(void) {
    flare_config *config = flare_config_new();

    TEST("header and library have the same version of the ABI");
    CHECK_NUMBER(flare_abi_version(), FLARE_ABI_VERSION);
    CHECK(flare_abi_version() > 0);

    TEST("the version of the library is three numbers");
    unsigned major, minor, patch;
    CHECK_NUMBER(sscanf(flare_version(), "%u.%u.%u", &major, &minor, &patch), 3);

    TEST("features are found by name");
    CHECK_NUMBER(flare_has_feature("http1"), 1);
    CHECK_NUMBER(flare_has_feature("http"), 0);
    CHECK_NUMBER(flare_has_feature("HTTP1"), 0);
    CHECK_NUMBER(flare_has_feature(""), 0);
    CHECK_NUMBER(flare_has_feature("\xff"), 0);
    CHECK_NUMBER(flare_has_feature(NULL), 0);

    TEST("status codes keep their numbers and names");
    names();

    TEST("a message is cut to the buffer and terminated");
    sizes(config);

    TEST("a long message is cut between characters");
    long_messages(config);

    TEST("success leaves the message as it is");
    flare_config_free(NULL);
    char before[256], after[256];
    flare_last_error(before, sizeof before);
    CHECK_STATUS(flare_config_set_number(config, "workers", 1), FLARE_OK);
    flare_last_error(after, sizeof after);
    CHECK_TEXT(after, before);

    TEST("each thread has a message of its own");
    pthread_t thread;
    bool was_empty = false;
    CHECK(!pthread_create(&thread, NULL, fresh_thread, &was_empty));
    pthread_join(thread, NULL);
    CHECK(was_empty);
    CHECK_TEXT(last_error(), before);

    CHECK_STATUS(flare_config_free(config), FLARE_OK);
    return DONE();
}
