// WebSockets: an echo at `/`, and a chat at `/chat`, with a page for browsers at the same place.
#include <stdlib.h>
#include <string.h>

#include "run.h"

#define ROOM "chat"

static const char PAGE[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<meta charset=\"utf-8\">\n"
    "<title>flare chat</title>\n"
    "<h1>Chat</h1>\n"
    "<form><input name=\"text\" autofocus autocomplete=\"off\"> <button>Send</button></form>\n"
    "<ul></ul>\n"
    "<script>\n"
    "  const socket = new WebSocket(location.href.replace(/^http/, 'ws'));\n"
    "  const show = (text) => document.querySelector('ul').append(Object.assign(document.createElement('li'), { textContent: text }));\n"
    "  socket.onopen = () => show('connected');\n"
    "  socket.onmessage = ({ data }) => show(data);\n"
    "  socket.onclose = ({ code }) => show(`closed: ${code}`);\n"
    "  document.forms[0].onsubmit = (event) => {\n"
    "    event.preventDefault();\n"
    "    const { text } = event.target.elements;\n"
    "    socket.send(text.value);\n"
    "    text.value = '';\n"
    "  };\n"
    "</script>\n";

static int32_t get_page(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    int32_t status = flare_response_set_header(response, "content-type", "text/html; charset=utf-8");
    return status == FLARE_OK ? flare_response_send(response, 200, PAGE, sizeof PAGE - 1) : status;
}

// Sends each message back. One reply for each is never refused: while the client does not read, no more messages come.
static int32_t echo(flare_websocket *socket, int32_t kind, const uint8_t *data, size_t length, void *user) {
    (void)user;
    int32_t status = flare_websocket_send(socket, kind, data, length);
    // Closed: nobody waits for the echo.
    return status == FLARE_ERROR_CLOSED ? FLARE_OK : status;
}

static int digit(char c) {
    static const char digits[] = "0123456789abcdef";
    const char *found = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c);
    return found == NULL ? -1 : (int)(found - digits);
}

// The value of `name` in a query, decoded, as text that belongs to the caller.
static char *name_of(const char *query) {
    static const char key[] = "name=";
    while (query != NULL && strncmp(query, key, sizeof key - 1) != 0) {
        query = strchr(query, '&');
        if (query != NULL) query++;
    }
    const char *from = query == NULL ? "somebody" : query + sizeof key - 1;
    char *name = malloc(strlen(from) + 1);
    char *to = name;
    for (; name != NULL && *from != '\0' && *from != '&'; from++) {
        int high = *from == '%' ? digit(from[1]) : -1;
        int low = high >= 0 ? digit(from[2]) : -1;
        *to++ = low >= 0 ? (char)(high * 16 + low) : *from == '+' ? ' ' : *from;
        if (low >= 0) from += 2;
    }
    if (name != NULL) *to = '\0';
    return name;
}

static int32_t say(flare_websocket *socket, const char *words, size_t length) {
    const char *name = flare_websocket_data(socket);
    size_t before = strlen(name) + 2;
    char *said = malloc(before + length + 1);
    if (said == NULL) return FLARE_ERROR_OUT_OF_MEMORY;
    snprintf(said, before + 1, "%s: ", name);
    memcpy(said + before, words, length);
    // It reaches the sockets of all workers, this one too.
    int32_t status = flare_websocket_publish(socket, ROOM, FLARE_WEBSOCKET_TEXT, said, before + length);
    free(said);
    // Too much waits already: it is not said.
    return status == FLARE_ERROR_WOULD_BLOCK ? FLARE_OK : status;
}

static int32_t enter(flare_websocket *socket, void *user) {
    (void)user;
    flare_request *request = flare_websocket_request(socket);
    if (request == NULL) return FLARE_ERROR_CLOSED;
    char *name = name_of(flare_request_query(request, NULL));
    flare_request_release(request);
    if (name == NULL) return FLARE_ERROR_OUT_OF_MEMORY;
    // From here on the name belongs to the socket.
    int32_t status = flare_websocket_set_data(socket, name, free);
    if (status == FLARE_OK) status = flare_websocket_subscribe(socket, ROOM);
    return status == FLARE_OK ? say(socket, "hello", 5) : status;
}

static int32_t hear(flare_websocket *socket, int32_t kind, const uint8_t *data, size_t length, void *user) {
    (void)user;
    if (kind == FLARE_WEBSOCKET_TEXT) return say(socket, data == NULL ? "" : (const char *)data, length);
    int32_t status = flare_websocket_close(socket, 1003, "text only");
    return status == FLARE_ERROR_CLOSED ? FLARE_OK : status;
}

static void leave(flare_websocket *socket, int32_t code, const char *reason, void *user) {
    (void)code, (void)reason, (void)user;
    // Without a name it never came in.
    if (flare_websocket_data(socket) != NULL) say(socket, "bye", 3);
}

static int32_t add_echo(flare_router *router) {
    flare_websocket_options *options = flare_websocket_options_new();
    int32_t status = flare_websocket_options_set_number(options, "message_limit", 16 << 20);
    if (status == FLARE_OK) status = flare_websocket_options_set_number(options, "deflate", 1);
    if (status == FLARE_OK) status = flare_router_ws(router, "/", options, NULL, echo, NULL, NULL, NULL, NULL);
    int32_t freed = flare_websocket_options_free(options);
    return status == FLARE_OK ? freed : status;
}

static int32_t add_chat(flare_router *router) {
    flare_websocket_options *options = flare_websocket_options_new();
    int32_t status = flare_websocket_options_set_otherwise(options, get_page, NULL, NULL);
    if (status == FLARE_OK) status = flare_router_ws(router, "/chat", options, enter, hear, NULL, leave, NULL, NULL);
    int32_t freed = flare_websocket_options_free(options);
    return status == FLARE_OK ? freed : status;
}

int main(int count, char **arguments) {
    flare_router *router = flare_router_new();
    int32_t status = add_echo(router);
    if (status == FLARE_OK) status = add_chat(router);
    return run(router, status, count, arguments);
}
