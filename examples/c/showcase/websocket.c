// WebSockets: an echo, and a chat with a page for browsers.
#include "routes.h"

#define ROOM "chat"
#define MIB (INT64_C(1) << 20)

static const char CHAT[] =
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

static int32_t get_chat(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    int32_t status = flare_response_set_header(response, "content-type", "text/html; charset=utf-8");
    return status == FLARE_OK ? flare_response_send(response, 200, CHAT, sizeof CHAT - 1) : status;
}

// One reply to each message is never refused: while the client does not read, no more messages come.
static int32_t echo(flare_websocket *socket, int32_t kind, const uint8_t *data, size_t length, void *user) {
    (void)user;
    int32_t status = flare_websocket_send(socket, kind, data, length);
    return status == FLARE_ERROR_CLOSED ? FLARE_OK : status;
}

static int32_t enter(flare_websocket *socket, void *user) {
    (void)user;
    return flare_websocket_subscribe(socket, ROOM);
}

static int32_t say(flare_websocket *socket, int32_t kind, const uint8_t *data, size_t length, void *user) {
    (void)user;
    int32_t status = flare_websocket_publish(socket, ROOM, kind, data, length);
    // So much waits for the workers that nobody could follow: it is not said.
    return status == FLARE_ERROR_WOULD_BLOCK ? FLARE_OK : status;
}

// Where `otherwise` answers those who do not ask for a WebSocket; NULL: they are told to.
static int32_t add(flare_router *router, const char *pattern, int64_t limit, flare_websocket_callback open,
                   flare_websocket_message_callback message, flare_handler otherwise) {
    flare_websocket_options *options = flare_websocket_options_new();
    if (options == NULL) return FLARE_ERROR_OUT_OF_MEMORY;
    int32_t status = flare_websocket_options_set_number(options, "message_limit", limit);
    if (status == FLARE_OK) status = flare_websocket_options_set_number(options, "deflate", 1);
    if (status == FLARE_OK) status = flare_websocket_options_set_number(options, "deflate_takeover", 1);
    if (status == FLARE_OK && otherwise != NULL) {
        status = flare_websocket_options_set_otherwise(options, otherwise, NULL, NULL);
    }
    if (status == FLARE_OK) status = flare_router_ws(router, pattern, options, open, message, NULL, NULL, NULL, NULL);
    int32_t freed = flare_websocket_options_free(options);
    return status == FLARE_OK ? freed : status;
}

int32_t websockets_add(flare_router *router) {
    int32_t status = add(router, "/", 16 * MIB, NULL, echo, get_page);
    if (status == FLARE_OK) status = add(router, "/ws", 16 * MIB, NULL, echo, NULL);
    if (status == FLARE_OK) status = add(router, "/chat", 64 << 10, enter, say, get_chat);
    return status;
}
