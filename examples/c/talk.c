// A client of WebSockets: sends each line of standard input as a message, and writes each message that comes to standard output, on a line of
// its own. One loop watches both, and nothing blocks it. When the input ends it closes, and ends with the socket.
//
//     talk [--http2] [--ca FILE | --insecure] [--deflate] [--protocol NAME] ws[s]://HOST[:PORT][/PATH]
#include <flare.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// What was read of the input, and is not sent yet.
static char input[64 * 1024];
static size_t input_length;
static int input_ended;

static int fails(void) {
    char message[512];
    flare_last_error(message, sizeof message);
    fprintf(stderr, "%s\n", message);
    return 1;
}

static int32_t set(flare_websocket_opener *opener, int count, char **words, const char **uri) {
    int32_t status = flare_websocket_opener_set_number(opener, "message_limit", 16 << 20);
    // A server that is not there yet, or has too much to do, is asked again.
    if (status == FLARE_OK) status = flare_websocket_opener_set_number(opener, "attempts", 3);
    for (int i = 1; i < count && status == FLARE_OK; i++) {
        const char *word = words[i], *value = i + 1 < count ? words[i + 1] : NULL;
        if (!strcmp(word, "--http2")) status = flare_websocket_opener_set_number(opener, "http", 2);
        else if (!strcmp(word, "--insecure")) status = flare_websocket_opener_set_number(opener, "tls_insecure_any_certificate", 1);
        else if (!strcmp(word, "--deflate")) status = flare_websocket_opener_set_number(opener, "deflate", 1);
        else if (!strcmp(word, "--ca")) status = flare_websocket_opener_set_text(opener, "tls_roots", value), i++;
        else if (!strcmp(word, "--protocol")) status = flare_websocket_opener_set_text(opener, "protocols", value), i++;
        else *uri = *uri ? "" : word;
    }
    return status;
}

// Sends the lines that are there, as far as they are taken; a message that is not is sent again when the socket says so.
static void send_lines(flare_websocket_client *client) {
    size_t sent = 0;
    for (;;) {
        char *begin = input + sent, *end = memchr(begin, '\n', input_length - sent);
        size_t rest = input_length - sent;
        // Behind the last line break, or too long for one message of this program.
        int is_last = !end && rest > 0 && (input_ended || (sent == 0 && rest == sizeof input));
        if (!end && !is_last) break;
        size_t length = end ? (size_t)(end - begin) : rest;
        int32_t status = flare_websocket_client_send(client, FLARE_WEBSOCKET_TEXT, begin, length, 0);
        if (status == FLARE_ERROR_WOULD_BLOCK) break;
        if (status != FLARE_OK) input_ended = 1, sent = input_length;
        else sent += length + (end != NULL);
    }
    memmove(input, input + sent, input_length - sent);
    input_length -= sent;
    if (input_ended && input_length == 0) flare_websocket_client_close(client, 1000, NULL);
}

static void read_input(void) {
    ssize_t got = read(STDIN_FILENO, input + input_length, sizeof input - input_length);
    if (got > 0) input_length += (size_t)got;
    else input_ended = 1;
}

// Takes what has come. 0: the socket has ended.
static int take_events(flare_websocket_client *client, int *clean) {
    flare_websocket_event *event;
    while (flare_websocket_client_receive(client, 0, &event) == FLARE_OK) {
        int32_t kind = flare_websocket_event_kind(event);
        size_t length;
        const void *data = flare_websocket_event_data(event, &length);
        if (kind == FLARE_WEBSOCKET_TEXT) fwrite(data ? data : "", 1, length, stdout), putchar('\n');
        if (kind == FLARE_WEBSOCKET_BINARY) printf("%zu bytes\n", length);
        if (kind == FLARE_WEBSOCKET_CLOSED) {
            fprintf(stderr, "closed: %d %.*s\n", flare_websocket_event_code(event), (int)length, data ? (const char *)data : "");
            *clean = flare_websocket_event_is_clean(event);
        }
        flare_websocket_event_free(event);
        if (kind == FLARE_WEBSOCKET_CLOSED) return 0;
    }
    fflush(stdout);
    return 1;
}

int main(int count, char **words) {
    const char *uri = NULL;
    flare_websocket_opener *opener = flare_websocket_opener_new();
    if (set(opener, count, words, &uri) != FLARE_OK) return fails();
    if (!uri || !*uri) {
        fprintf(stderr, "usage: talk [--http2] [--ca FILE | --insecure] [--deflate] [--protocol NAME] ws[s]://HOST[:PORT][/PATH]\n");
        return 1;
    }
    flare_websocket_client *client;
    if (flare_websocket_opener_open(opener, uri, &client, NULL) != FLARE_OK) return fails();
    flare_websocket_opener_free(opener);
    int clean = 0;
    for (;;) {
        send_lines(client);
        if (!take_events(client, &clean)) break;
        // With a full buffer, or behind its end, the input is not watched.
        int reads = !input_ended && input_length < sizeof input;
        struct pollfd watched[] = {{.fd = flare_websocket_client_fd(client), .events = POLLIN},
                                   {.fd = reads ? STDIN_FILENO : -1, .events = POLLIN}};
        if (poll(watched, 2, -1) < 0) return fails();
        if (watched[1].revents) read_input();
    }
    flare_websocket_client_free(client);
    return clean ? 0 : 1;
}
