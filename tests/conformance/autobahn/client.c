// The client that Autobahn judges: client ws://HOST:PORT. It goes through all cases, and sends back each message as it came.
#include <flare.h>
#include <stdio.h>
#include <stdlib.h>

#define PATIENCE_MS 120000

static int32_t failed(const char *what) {
    char message[256];
    flare_last_error(message, sizeof message);
    fprintf(stderr, "%s: %s\n", what, message);
    return 1;
}

// Opens a socket at a path of the suite. NULL: it can't.
static flare_websocket_client *opened(flare_websocket_opener *opener, const char *base, const char *path) {
    char uri[256];
    flare_websocket_client *client = NULL;
    snprintf(uri, sizeof uri, "%s%s", base, path);
    if (flare_websocket_opener_open(opener, uri, &client, NULL) != FLARE_OK) failed(uri);
    return client;
}

// Sends back what comes, until the socket is closed. The number of the last text, for the count of cases.
static long echo(flare_websocket_client *client, int answers) {
    long number = 0;
    flare_websocket_event *event;
    for (int closed = 0; !closed;) {
        if (flare_websocket_client_receive(client, PATIENCE_MS, &event) != FLARE_OK) {
            failed("receive");
            break;
        }
        int32_t kind = flare_websocket_event_kind(event);
        size_t length = 0;
        const void *data = flare_websocket_event_data(event, &length);
        closed = kind == FLARE_WEBSOCKET_CLOSED;
        if (kind == FLARE_WEBSOCKET_TEXT || kind == FLARE_WEBSOCKET_BINARY) {
            char text[16];
            snprintf(text, sizeof text, "%.*s", length < sizeof text ? (int)length : 0, data ? (const char *)data : "");
            number = strtol(text, NULL, 10);
            // It may be closing already, which is the next event.
            if (answers) flare_websocket_client_send(client, kind, data, length, PATIENCE_MS);
        }
        flare_websocket_event_free(event);
    }
    flare_websocket_client_free(client);
    return number;
}

int main(int count, char **arguments) {
    if (count != 2) return 2;
    const char *base = arguments[1];
    flare_websocket_opener *opener = flare_websocket_opener_new();
    int32_t status = flare_websocket_opener_set_number(opener, "message_limit", 16 << 20);
    if (status == FLARE_OK) status = flare_websocket_opener_set_number(opener, "deflate", 1);
    if (status == FLARE_OK) status = flare_websocket_opener_set_number(opener, "deflate_takeover", 1);
    if (status != FLARE_OK) return failed("settings");
    flare_websocket_client *client = opened(opener, base, "/getCaseCount");
    if (!client) return 1;
    long cases = echo(client, 0);
    printf("%ld cases\n", cases);
    for (long number = 1; number <= cases; number++) {
        char path[64];
        snprintf(path, sizeof path, "/runCase?case=%ld&agent=flare", number);
        client = opened(opener, base, path);
        if (!client) return 1;
        echo(client, 1);
    }
    client = opened(opener, base, "/updateReports?agent=flare");
    if (!client) return 1;
    echo(client, 0);
    flare_websocket_opener_free(opener);
    return cases > 0 ? 0 : 1;
}
