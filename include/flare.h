/*
 * flare: a networking stack behind a C ABI.
 *
 * Three words say who owns what. `new`/`free`: the caller owns the handle. `retain`/`release`: it is shared and counted.
 * Borrowed: valid as long as the comment says, and never freed by the caller.
 *
 * Functions that return int32_t return FLARE_OK (0) or a negative FLARE_ERROR_ code; flare_last_error() has the words.
 */

#ifndef FLARE_H
#define FLARE_H

/* Generated from capi/src by `make header`: do not edit. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * The final head of an answer has come; only from a client.
 */
#define FLARE_EVENT_HEAD 6

/**
 * An interim answer, 1xx, has come (RFC 9110, 15.2); only from a client.
 */
#define FLARE_EVENT_INFORMATIONAL 7

/**
 * The server went on to the protocol that was offered: the exchange is a stream of bytes from here on, both ways; only from a client.
 */
#define FLARE_EVENT_SWITCHED 8

/**
 * A datagram has come; not from a queue. See flare_response_switch_to_datagrams() and flare_request_offer_datagrams().
 */
#define FLARE_EVENT_DATAGRAM 9

/**
 * What a middleware returns that answered the exchange, or keeps it.
 */
#define FLARE_DONE 1

/**
 * The content of the request goes to the upstream, behind the prologue and without its framing; behind its end the stream to the
 * upstream is closed in that direction. On a streaming route it flows while the client sends it.
 */
#define FLARE_RELAY_FORWARD 1

/**
 * A request came; only from a queue.
 */
#define FLARE_EVENT_REQUEST 0

/**
 * Some content of the request; not from a queue.
 */
#define FLARE_EVENT_DATA 1

/**
 * The request has ended; its trailers can be read.
 */
#define FLARE_EVENT_END 2

/**
 * Writes are taken again, after one was refused.
 */
#define FLARE_EVENT_WRITABLE 3

/**
 * The exchange is over; flare_request_cancelled() says why. The last event.
 */
#define FLARE_EVENT_CANCELLED 4

/**
 * flare_request_read() finds content, or flare_request_read_datagram() a datagram; only from a queue.
 */
#define FLARE_EVENT_READABLE 5

/**
 * What an event callback returns to get no more content until flare_request_resume().
 */
#define FLARE_PAUSE 1

/**
 * Something failed that should not fail.
 */
#define FLARE_LOG_ERROR 1

/**
 * Something is wrong outside, and was handled.
 */
#define FLARE_LOG_WARN 2

/**
 * The life of the server.
 */
#define FLARE_LOG_INFO 3

/**
 * Details for those who look for a fault.
 */
#define FLARE_LOG_DEBUG 4

/**
 * The call did what it was asked.
 */
#define FLARE_OK 0

/**
 * The handle is NULL, already freed, or was never a handle. Nothing was read or changed.
 */
#define FLARE_ERROR_INVALID_HANDLE -1

/**
 * The handle is alive but of another kind, as a response where a request belongs.
 */
#define FLARE_ERROR_WRONG_KIND -2

/**
 * An argument is NULL, not UTF-8, out of range or malformed. The message names the argument.
 */
#define FLARE_ERROR_INVALID_ARGUMENT -3

/**
 * The object cannot do this now, as a setting changed after the server has started.
 */
#define FLARE_ERROR_INVALID_STATE -4

/**
 * The exchange has its answer already.
 */
#define FLARE_ERROR_FINISHED -5

/**
 * The peer, or the server, is gone.
 */
#define FLARE_ERROR_CLOSED -6

/**
 * Taking this now would pass a limit that drains by itself. Nothing was taken; try again later.
 */
#define FLARE_ERROR_WOULD_BLOCK -7

/**
 * What was asked for does not exist.
 */
#define FLARE_ERROR_NOT_FOUND -8

/**
 * It contradicts what is there already, as a second handler for one route.
 */
#define FLARE_ERROR_CONFLICT -9

/**
 * The address to listen on is taken.
 */
#define FLARE_ERROR_ADDRESS_IN_USE -10

/**
 * The operating system forbids it to this process.
 */
#define FLARE_ERROR_PERMISSION -11

/**
 * The operating system reported any other error.
 */
#define FLARE_ERROR_IO -12

/**
 * A fixed limit is reached, as the number of handles or of references to one.
 */
#define FLARE_ERROR_LIMIT -13

/**
 * A deadline passed.
 */
#define FLARE_ERROR_TIMEOUT -14

/**
 * This build, or this system, cannot do it.
 */
#define FLARE_ERROR_UNSUPPORTED -15

/**
 * A bug in flare: a panic was stopped at the border. The object may be unusable; the process is sound.
 */
#define FLARE_ERROR_PANIC -16

/**
 * Memory could not be allocated.
 */
#define FLARE_ERROR_OUT_OF_MEMORY -17

/**
 * It was cancelled before it was done.
 */
#define FLARE_ERROR_CANCELLED -18

/**
 * The peer broke the rules of the protocol.
 */
#define FLARE_ERROR_PROTOCOL -19

/**
 * The server did nothing about the request: it can be sent again, whatever its method.
 */
#define FLARE_ERROR_REFUSED -20

/**
 * The server answered, and not with what was asked for.
 */
#define FLARE_ERROR_REJECTED -21

/**
 * The version of the ABI that a program was compiled for. It is raised when a change breaks programs that are not compiled
 * again. Compare it with `flare_abi_version`.
 */
#define FLARE_ABI_VERSION 1

/**
 * A message is text: UTF-8.
 */
#define FLARE_WEBSOCKET_TEXT 1

/**
 * A message is bytes.
 */
#define FLARE_WEBSOCKET_BINARY 2

/**
 * An event: the server's Ping, which is answered already.
 */
#define FLARE_WEBSOCKET_PING 3

/**
 * An event: a Pong.
 */
#define FLARE_WEBSOCKET_PONG 4

/**
 * An event: messages are taken again, after one was refused.
 */
#define FLARE_WEBSOCKET_WRITABLE 5

/**
 * An event: the socket is closed. Every later receive gives it again.
 */
#define FLARE_WEBSOCKET_CLOSED 6

/**
 * A connection to a server, ready for requests. Made by flare_client_new() or flare_client_connect(), freed by flare_client_free(). One thread
 * uses it at a time, others wait for it; flare_client_abort() never waits.
 */
typedef struct flare_client flare_client;

/**
 * Settings of a server. Made by flare_config_new(), freed by flare_config_free().
 */
typedef struct flare_config flare_config;

/**
 * A connection that is being made. Made by flare_connector_begin(), freed by flare_connecting_free(). One thread at a time polls it, any
 * other may cancel it.
 */
typedef struct flare_connecting flare_connecting;

/**
 * A connection that was made, encrypted or not. Made by flare_connector_connect() or flare_connecting_poll(), freed by
 * flare_connection_free(). Any thread may use it, and one may read while another writes. When a client was made of it, the client reads and
 * writes; FLARE_ERROR_INVALID_STATE is the answer to others.
 */
typedef struct flare_connection flare_connection;

/**
 * Settings of connections to others, and what makes them. Made by flare_connector_new(), freed by flare_connector_free(). Any thread may use
 * it.
 */
typedef struct flare_connector flare_connector;

/**
 * Settings of a middleware that comes with flare. Made by flare_middleware_new(), freed by flare_middleware_free(). Any thread may use
 * it.
 */
typedef struct flare_middleware flare_middleware;

/**
 * One end of a connection that carries many streams. Made by flare_mux_connect() or flare_mux_listener_accept(), freed by
 * flare_mux_free(). Any thread may use it.
 */
typedef struct flare_mux flare_mux;

/**
 * Waits for connections that carry many streams. Made by flare_mux_listener_bind(), freed by flare_mux_listener_free(). Several threads
 * may accept.
 */
typedef struct flare_mux_listener flare_mux_listener;

/**
 * One stream of bytes, both ways. Made by flare_mux_open() or flare_mux_accept(), freed by flare_mux_stream_free(). Any thread may use
 * it, and one may read while another writes.
 */
typedef struct flare_mux_stream flare_mux_stream;

/**
 * Events that are pulled. Made by flare_queue_new(), freed by flare_queue_free(). Any number of threads may pull; each event goes to
 * one of them.
 */
typedef struct flare_queue flare_queue;

/**
 * The request of an exchange. Borrowed in a handler; kept with flare_request_retain(). What it gives is immutable and valid until
 * the last release (without a retain: until the handler returns); any thread may read it.
 */
typedef struct flare_request flare_request;

/**
 * The answer of an exchange. Borrowed in a handler; kept with flare_response_retain() to answer later. Any thread may answer; the
 * first answer counts.
 */
typedef struct flare_response flare_response;

/**
 * What a route decides for itself. Made by flare_route_options_new(), freed by flare_route_options_free(). Any thread may use it.
 */
typedef struct flare_route_options flare_route_options;

/**
 * Handlers by method and path. Made by flare_router_new(), freed by flare_router_free().
 */
typedef struct flare_router flare_router;

/**
 * A server: routes, settings and addresses, then workers. Made by flare_server_new(), freed by flare_server_free(). Any thread may
 * use it.
 */
typedef struct flare_server flare_server;

/**
 * Certificates, keys and settings of TLS. Made by flare_tls_new(), freed by flare_tls_free().
 */
typedef struct flare_tls flare_tls;

/**
 * A WebSocket (RFC 6455) that was accepted. Borrowed in its callbacks; kept with flare_websocket_retain(), also after its end. Any thread
 * may use it.
 */
typedef struct flare_websocket flare_websocket;

/**
 * A WebSocket that was opened to a server. Made by flare_websocket_opener_open() or flare_websocket_opening_poll(), freed by
 * flare_websocket_client_free(). Any thread may use it, and one may receive while others send.
 */
typedef struct flare_websocket_client flare_websocket_client;

/**
 * What happened to a flare_websocket_client. Made by flare_websocket_client_receive(), freed by flare_websocket_event_free(). Any thread may read
 * it.
 */
typedef struct flare_websocket_event flare_websocket_event;

/**
 * Settings of WebSockets to others, and what opens them. Made by flare_websocket_opener_new(), freed by flare_websocket_opener_free(). Any thread
 * may use it.
 */
typedef struct flare_websocket_opener flare_websocket_opener;

/**
 * A WebSocket that is being opened. Made by flare_websocket_opener_begin(), freed by flare_websocket_opening_free(). One thread at a time polls
 * it, any other may cancel it.
 */
typedef struct flare_websocket_opening flare_websocket_opening;

/**
 * What a WebSocket route decides for itself. Made by flare_websocket_options_new(), freed by flare_websocket_options_free(). Any thread may
 * use it.
 */
typedef struct flare_websocket_options flare_websocket_options;

/**
 * Sees a request before its content is asked for. Called on the worker, which it must not block; both handles are borrowed.
 *
 * @return FLARE_OK: the next middleware sees it, or the handler. FLARE_DONE: it was answered here, or retained to be answered later or
 * to go on with flare_response_proceed(). Another number answers 500.
 */
typedef int32_t (*flare_on_request)(flare_request *request, flare_response *response, void *user);

/**
 * Sees the head of an answer before it leaves; flare_response_add_header() and flare_response_set_header() may change it. Called on the
 * worker; the answer can be changed during the call only. The request may be retained, to be read later.
 */
typedef void (*flare_on_head)(flare_request *request, flare_response *response, int32_t status, void *user);

/**
 * Hears that an exchange has ended. Called on the worker; the handle is valid during the call only.
 *
 * @param status       Of the answer; 0 when there was none.
 * @param body_bytes   Content that was sent.
 * @param duration_ms  From the head of the request to now.
 * @param whole        1 when the answer was sent whole, 0 when it was cut.
 */
typedef void (*flare_on_end)(flare_request *request, int32_t status, uint64_t body_bytes, uint64_t duration_ms, int32_t whole, void *user);

/**
 * Frees what a `void *user` points to: called exactly once, from any thread, when flare needs it no more, also when the function
 * that took it fails.
 */
typedef void (*flare_destroy)(void *user);

/**
 * Takes a line of an access log, without its end. Called on workers, several at once, which it must not block.
 */
typedef void (*flare_line_sink)(const char *line, size_t length, void *user);

/**
 * Says whose token this is. Called on workers, several at once, which it must not block; the request is borrowed, and can be read.
 *
 * @param name      Gets the name of the owner, NUL-terminated and in UTF-8; empty at first.
 * @param capacity  Bytes in `name`, the NUL included.
 * @return FLARE_OK for a valid token; any other number refuses it.
 */
typedef int32_t (*flare_token_check)(const char *token, flare_request *request, char *name, size_t capacity, void *user);

/**
 * Hears of an exchange. Called on its worker, which it must not block, one call at a time. The handles are borrowed.
 *
 * @param event   One of FLARE_EVENT_DATA, _DATAGRAM, _END, _WRITABLE and _CANCELLED.
 * @param data    With FLARE_EVENT_DATA the content, with FLARE_EVENT_DATAGRAM the datagram, valid during the call; otherwise NULL.
 * @param length  The number of bytes.
 * @return FLARE_OK to go on, FLARE_PAUSE for no more content for now; a negative number gives the exchange up.
 */
typedef int32_t (*flare_event_callback)(flare_request *request,
                                        flare_response *response,
                                        int32_t event,
                                        const uint8_t *data,
                                        size_t length,
                                        void *user);

/**
 * Gives content of an answer when the client has taken what came before. Called on the worker, which it must not block.
 *
 * @param buffer    Where to put content.
 * @param capacity  How much fits, at least 16384.
 * @return The number of bytes that were put; 0 at the end; FLARE_ERROR_WOULD_BLOCK when there is nothing yet (then
 * flare_response_flush() makes the worker ask again); any other negative number cuts the connection.
 */
typedef int64_t (*flare_source)(uint8_t *buffer, size_t capacity, void *user);

/**
 * Answers a request.
 *
 * Called on a worker, which must not be blocked: answer with a flare_response_send... function, or retain the response and answer
 * later from any thread. Both handles are borrowed: without flare_response_retain() they end with the call. An exchange that
 * is neither answered nor retained when the call returns is answered with 500, and so is one whose handler returns an error.
 *
 * @return FLARE_OK, or an error code: the exchange is answered with 500 unless it was answered before.
 *
 * A C++ exception or a longjmp must not leave the callback: the process is aborted or its behaviour undefined.
 */
typedef int32_t (*flare_handler)(flare_request *request, flare_response *response, void *user);

/**
 * Takes an event of the log. Called from any thread of the server; `message` is valid during the call.
 */
typedef void (*flare_log_sink)(int32_t level, const char *message, void *user);

/**
 * Takes an entry of the access log, on the worker of the exchange. The texts are valid during the call.
 */
typedef void (*flare_access_sink)(const char *peer,
                                  const char *method,
                                  const char *path,
                                  int32_t status,
                                  uint64_t body_bytes,
                                  uint64_t duration_ms,
                                  void *user);

/**
 * Called on a worker, which must not be blocked, with the number of the worker from 0.
 */
typedef void (*flare_task)(uint32_t worker, void *user);

/**
 * Chooses a certificate by the name that a client asks for.
 *
 * Called on a worker in each handshake, so it must not block. `server_name` is in lower case, NULL when the client asks for none, and
 * valid during the call.
 *
 * @return Settings whose first certificate is shown; they are borrowed. NULL, or a handle that was freed: the one that the server's own
 * settings have for the name. Settings without a certificate: the client is refused.
 */
typedef const flare_tls *(*flare_tls_resolver)(const char *server_name, void *user);

/**
 * Something happened to a socket: it is open, or messages are taken again after one was refused.
 *
 * Called on the socket's worker, which must not be blocked, one call for each socket at a time. The handle is borrowed.
 *
 * @return FLARE_OK, or an error code: the socket is closed with 1011.
 */
typedef int32_t (*flare_websocket_callback)(flare_websocket *socket, void *user);

/**
 * A message came, whole. Called as flare_websocket_callback.
 *
 * @param kind    FLARE_WEBSOCKET_TEXT or FLARE_WEBSOCKET_BINARY.
 * @param data    Borrowed for the call. It does not end with NUL; NULL when it is empty.
 * @return FLARE_OK, or an error code: the socket is closed with 1011.
 */
typedef int32_t (*flare_websocket_message_callback)(flare_websocket *socket, int32_t kind, const uint8_t *data, size_t length, void *user);

/**
 * The last call: the socket is closing or gone. Called as flare_websocket_callback.
 *
 * @param code    The client's close code, or that of its mistake; 1005: it gave none, 1006: it left without goodbye (RFC 6455, 7.4.1).
 * @param reason  In the client's words, or what it did wrong. Borrowed for the call; never NULL.
 */
typedef void (*flare_websocket_close_callback)(flare_websocket *socket, int32_t code, const char *reason, void *user);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Makes a client of a connection. From then on the client reads and writes; the handle of the connection may still be asked for the peer and
 * for TLS, and is to be freed by the caller, when he likes.
 *
 * @param version  11 for HTTP/1.1; 20 for HTTP/2, which the server is known to speak (RFC 9113, 3.3); 0 for what was agreed by ALPN, and
 *                 without that HTTP/1.1.
 * @param client   Gets the client, which the caller owns.
 * @return FLARE_ERROR_INVALID_ARGUMENT for another version, FLARE_ERROR_INVALID_STATE when the connection has a client.
 *
 * The caller promises:
 * `client` may be written.
 */
int32_t flare_client_new(flare_connection *connection,
                         int32_t version,
                         flare_client **client);

/**
 * Connects as flare_connector_connect(), and makes a client of it as flare_client_new().
 *
 * @param version  As there, or 30 for HTTP/3: by QUIC and with TLS, whose settings are the connector's or the defaults.
 * @return As these two.
 *
 * The caller promises:
 * `target` is a NUL-terminated string; `client` may be written.
 */
int32_t flare_client_connect(flare_connector *connector, const char *target, int32_t version, flare_client **client);

/**
 * Sets a number by name: "timeout_ms", how long flare_client_fetch() and flare_request_write_blocking() wait, 1 to 86400000, default 30000;
 * "max_content", the longest content that flare_client_fetch() collects, in bytes, default 67108864.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name or a value that does not fit it.
 *
 * The caller promises:
 * `name` is a NUL-terminated string.
 */
int32_t flare_client_set_number(flare_client *client, const char *name, int64_t value);

/**
 * Begins the exchange of a request: sends its head, as far as that goes without waiting. What comes of it is told by flare_client_next(). The
 * client holds no reference: the caller does, until the answer is done with.
 *
 * @param tag       Comes with each event of the exchange.
 * @param response  Gets the other face of the exchange, which shares the count of the request; may be NULL.
 * @return FLARE_ERROR_WOULD_BLOCK when the connection takes no other request now: HTTP/1.1 has one under way, or HTTP/2 as many as the server
 *         allows. FLARE_ERROR_CLOSED when it is over, FLARE_ERROR_FINISHED when the request was sent before, FLARE_ERROR_INVALID_ARGUMENT for one
 *         that can't be sent. It may be opened again then, but for FLARE_ERROR_FINISHED.
 *
 * The caller promises:
 * `response` may be written, or is NULL.
 */
int32_t flare_client_open(flare_client *client,
                          flare_request *request,
                          uint64_t tag,
                          flare_response **response);

/**
 * Sends what waits, and gives the next event of any exchange; waits for it. Content counts as used when its event was taken, so whoever takes
 * none stops the server.
 *
 * @param timeout_ms  How long to wait; -1: for ever; 0: not at all.
 * @param event       Gets one of FLARE_EVENT_INFORMATIONAL, _HEAD, _DATA, _DATAGRAM, _END, _SWITCHED, _WRITABLE and _CANCELLED. The last event is
 *                    _END, or _CANCELLED: flare_response_cancelled() says why then.
 * @param response    Gets the answer, borrowed from who holds the exchange; may be NULL. With FLARE_EVENT_INFORMATIONAL it is the head of the
 *                    interim answer, borrowed until the next call.
 * @param tag         Gets what flare_client_open() was given; may be NULL.
 * @param data        With FLARE_EVENT_DATA gets the content, with FLARE_EVENT_DATAGRAM the datagram, borrowed until the next call, otherwise
 *                    NULL; may be NULL.
 * @param length      Gets the number of bytes; may be NULL.
 * @return FLARE_ERROR_TIMEOUT, or FLARE_ERROR_WOULD_BLOCK when it was not to wait. FLARE_ERROR_CLOSED when the connection is over: nothing more
 *         will happen.
 *
 * The caller promises:
 * `event` may be written; the others may be written or are NULL.
 */
int32_t flare_client_next(flare_client *client,
                          int64_t timeout_ms,
                          int32_t *event,
                          flare_response **response,
                          uint64_t *tag,
                          const uint8_t **data,
                          size_t *length);

/**
 * Sends a request with this content, and waits for the whole answer, at most "timeout_ms". Events of other exchanges are kept. When there is
 * no answer, the exchange was let go of, and the request may be sent again.
 *
 * @param content   The content; may be NULL when `length` is 0, which sends none.
 * @param response  Gets the answer: the other face of the request, which shares its count; may be NULL. Its content is flare_response_body().
 * @return As flare_client_open(); FLARE_ERROR_TIMEOUT; FLARE_ERROR_LIMIT for more content than "max_content"; and what
 *         flare_response_cancelled() may say.
 *
 * The caller promises:
 * `content` points to `length` bytes; `response` may be written, or is NULL.
 */
int32_t flare_client_fetch(flare_client *client,
                           flare_request *request,
                           const void *content,
                           size_t length,
                           flare_response **response);

/**
 * Whether another request would be taken now: 1 or 0.
 */
int32_t flare_client_can_open(const flare_client *client);

/**
 * The version of HTTP that is spoken: 11, or 20 or 30, in which several exchanges run at a time.
 */
int32_t flare_client_version(const flare_client *client);

/**
 * The descriptor to watch for reading, and for writing while flare_client_wants_write(); then call flare_client_next() with a time of 0 until it
 * says FLARE_ERROR_WOULD_BLOCK. With HTTP/3 it shows deadlines too. Only to be watched, never read, written or closed. Valid until the client is
 * freed.
 *
 * @return The descriptor, or a negative error code.
 */
int32_t flare_client_fd(const flare_client *client);

/**
 * Whether a loop should watch the descriptor for writing too: 1 or 0.
 */
int32_t flare_client_wants_write(flare_client *client);

/**
 * Ends the connection in peace: exchanges that run go on, no other is begun. flare_client_next() says FLARE_ERROR_CLOSED behind the last of them.
 */
int32_t flare_client_close(flare_client *client);

/**
 * Ends the connection at once, from any thread, also for one that waits in a call: exchanges that are not whole end with
 * FLARE_EVENT_CANCELLED. With HTTP/3 a thread that waits in a call ends it behind the next event, or behind its wait.
 */
int32_t flare_client_abort(flare_client *client);

/**
 * Frees a client, and closes its connection. Exchanges that are not whole are over; what was read of answers stays as long as they are held.
 * Threads that wait in a call return as after flare_client_abort().
 */
int32_t flare_client_free(flare_client *client);

/**
 * Makes settings with safe defaults. The caller owns the handle. NULL when there is no memory.
 */
flare_config *flare_config_new(void);

/**
 * Frees settings. A server that was made with them keeps its own copy.
 */
int32_t flare_config_free(flare_config *config);

/**
 * Sets a number, a size in bytes, a time in milliseconds (names that end in `_ms`) or a switch (0 or 1) by name. The names
 * and ranges are listed in docs/c-api/config.md. Whether the value makes sense with the others is checked when a server is made.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name or a value that does not fit it; the message names the setting.
 *
 * The caller promises:
 * `name` is a NUL-terminated string.
 */
int32_t flare_config_set_number(flare_config *config, const char *name, int64_t value);

/**
 * Sets a text by name; see docs/c-api/config.md. The text is copied.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name.
 *
 * The caller promises:
 * `name` and `value` are NUL-terminated strings.
 */
int32_t flare_config_set_text(flare_config *config, const char *name, const char *value);

/**
 * Reads what has come, and waits for some.
 *
 * @param capacity    The most bytes to read, at least 1.
 * @param timeout_ms  How long to wait; -1: for ever; 0: not at all.
 * @param length      Gets how many bytes were read. 0: the peer is done.
 * @return FLARE_ERROR_TIMEOUT, or FLARE_ERROR_WOULD_BLOCK when it was not to wait; FLARE_ERROR_CLOSED when the connection was lost, or an
 *         encrypted one was cut; FLARE_ERROR_PROTOCOL when the peer broke the rules of TLS.
 *
 * The caller promises:
 * `buffer` points to `capacity` bytes that may be written; `length` may be written.
 */
int32_t flare_connection_read(flare_connection *connection, void *buffer, size_t capacity, int64_t timeout_ms, size_t *length);

/**
 * Writes all bytes, and waits until they are taken. They are not needed afterwards.
 *
 * @param timeout_ms  How long to wait; -1: for ever; 0: not at all.
 * @param written     Gets how many bytes were taken, also after an error; may be NULL.
 * @return FLARE_ERROR_TIMEOUT, or FLARE_ERROR_WOULD_BLOCK when it was not to wait: go on behind `*written`. FLARE_ERROR_CLOSED when the peer is
 *         gone, or after flare_connection_close_write().
 *
 * The caller promises:
 * `data` points to `length` bytes, or `length` is 0; `written` is NULL or may be written.
 */
int32_t flare_connection_write(flare_connection *connection,
                               const void *data,
                               size_t length,
                               int64_t timeout_ms,
                               size_t *written);

/**
 * Gives to the system what an encrypted connection has taken and could not send yet. Reading does so too. Needed only behind a write that was
 * not to wait, or whose time was over.
 *
 * @param timeout_ms  How long to wait; -1: for ever; 0: not at all.
 * @return FLARE_ERROR_TIMEOUT, FLARE_ERROR_WOULD_BLOCK, FLARE_ERROR_CLOSED.
 */
int32_t flare_connection_flush(flare_connection *connection,
                               int64_t timeout_ms);

/**
 * Says that nothing more will be written: the peer reads the end behind the last byte. Reading goes on.
 *
 * @return FLARE_ERROR_CLOSED when the peer is gone.
 */
int32_t flare_connection_close_write(flare_connection *connection);

/**
 * Ends both directions at once, also for threads that wait in a call: reads find the end, writes fail with FLARE_ERROR_CLOSED. The handle stays
 * valid until it is freed.
 *
 * @return FLARE_ERROR_CLOSED when the peer had reset the connection.
 */
int32_t flare_connection_close(flare_connection *connection);

/**
 * Closes and frees a connection. Threads that wait in a call for it return as after flare_connection_close(). One that a client was made of
 * stays open for the client.
 */
int32_t flare_connection_free(flare_connection *connection);

/**
 * The socket, to watch; it does not block. Only to be watched, never read, written or closed. An encrypted connection may have more to read
 * when its socket has none: read until FLARE_ERROR_WOULD_BLOCK before watching.
 *
 * @return The descriptor, or a negative error code.
 */
int32_t flare_connection_fd(const flare_connection *connection);

/**
 * Copies the address that was reached into a buffer, as "127.0.0.1:80", "[::1]:80" or "unix:/path", and terminates it.
 *
 * @return The length of the whole text without the NUL, which may be more than fits; 0 for a handle that is none.
 *
 * The caller promises:
 * `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
 */
size_t flare_connection_peer(const flare_connection *connection, char *buffer, size_t capacity);

/**
 * What was agreed in the TLS handshake, copied into a buffer and terminated.
 *
 * @param name  "version" (such as "TLSv1.3"), "suite", "alpn", or "resumed" ("1" or "0").
 * @return The length of the whole text without the NUL, which may be more than fits; 0 when there is none, as on a connection without TLS,
 * and the copy is empty.
 *
 * The caller promises:
 * `name` is a NUL-terminated string; `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
 */
size_t flare_connection_tls(const flare_connection *connection, const char *name, char *buffer, size_t capacity);

/**
 * Makes a connector with safe defaults, without TLS. The caller owns the handle. NULL when there is no memory.
 */
flare_connector *flare_connector_new(void);

/**
 * Frees a connector. What it has made, or is making, goes on.
 */
int32_t flare_connector_free(flare_connector *connector);

/**
 * Sets a number, a time in milliseconds (names that end in `_ms`) or a switch (0 or 1) by name. The names and ranges are listed in
 * docs/c-api/connector.md. Connections that are being made keep the settings that they began with.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name or a value that does not fit it; the message names the setting.
 *
 * The caller promises:
 * `name` is a NUL-terminated string.
 */
int32_t flare_connector_set_number(flare_connector *connector, const char *name, int64_t value);

/**
 * Sets a text by name; see docs/c-api/connector.md. The text is copied. Files are read when the next connection is made.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name or a value that does not fit it; the message names the setting.
 *
 * The caller promises:
 * `name` and `value` are NUL-terminated strings.
 */
int32_t flare_connector_set_text(flare_connector *connector, const char *name, const char *value);

/**
 * Believes these authorities, as PEM in memory: from the first on no others than those that were added, here or as "tls_roots". Turns TLS on.
 * They are copied.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT when this is no PEM of certificates: the message says which block is wrong.
 *
 * The caller promises:
 * `pem` points to `length` bytes.
 */
int32_t flare_connector_add_roots(flare_connector *connector,
                                  const void *pem,
                                  size_t length);

/**
 * Who the client is, for servers that ask for a certificate: a chain and its key, as PEM files. Turns TLS on. The files are read now, to check
 * them, and again when the next connection is made.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT when a file can't be read or is wrong: the message says which, and what was expected.
 *
 * The caller promises:
 * `chain` and `key` are NUL-terminated strings.
 */
int32_t flare_connector_set_certificate_files(flare_connector *connector,
                                              const char *chain,
                                              const char *key);

/**
 * The same with PEM in memory, which is copied.
 *
 * The caller promises:
 * `chain` points to `chain_length` bytes and `key` to `key_length` bytes.
 */
int32_t flare_connector_set_certificate_pem(flare_connector *connector,
                                            const void *chain,
                                            size_t chain_length,
                                            const void *key,
                                            size_t key_length);

/**
 * Connects to "127.0.0.1:80", "[::1]:80", "unix:/path" or "name:port", and blocks until that is done, with the TLS handshake, or the time of
 * the setting "timeout_ms" is over: not for a worker. All addresses of a name are tried (RFC 8305).
 *
 * @param connection  Gets the connection, which the caller owns.
 * @return FLARE_ERROR_INVALID_ARGUMENT for what is no target, or a setting that is wrong; FLARE_ERROR_NOT_FOUND for a name without an address;
 *         FLARE_ERROR_TIMEOUT; FLARE_ERROR_PROTOCOL when the handshake failed; FLARE_ERROR_IO when nobody could be reached, and what else
 *         the system says. The message says which step failed, and each address that was tried.
 *
 * The caller promises:
 * `target` is a NUL-terminated string; `connection` may be written.
 */
int32_t flare_connector_connect(flare_connector *connector,
                                const char *target,
                                flare_connection **connection);

/**
 * Begins to connect like flare_connector_connect(), and blocks nowhere. Watch flare_connecting_fd() for readability, level-triggered, and call
 * flare_connecting_poll() when it is readable.
 *
 * @param connecting  Gets the connection that is being made, which the caller owns.
 * @return FLARE_ERROR_INVALID_ARGUMENT for what is no target, or a setting that is wrong, and running out of descriptors.
 *
 * The caller promises:
 * `target` is a NUL-terminated string; `connecting` may be written.
 */
int32_t flare_connector_begin(flare_connector *connector,
                              const char *target,
                              flare_connecting **connecting);

/**
 * The descriptor to watch: it is readable when flare_connecting_poll() has something to do, also at a deadline and after a cancel. Valid until
 * the handle is freed; only to be watched, never read or closed.
 *
 * @return The descriptor, or a negative error code.
 */
int32_t flare_connecting_fd(const flare_connecting *connecting);

/**
 * Does what can be done without waiting.
 *
 * @param connection  Gets the connection when it is there; the caller owns it. Free the flare_connecting as well.
 * @return FLARE_ERROR_WOULD_BLOCK while it goes on: watch the descriptor. FLARE_ERROR_CANCELLED after a cancel, FLARE_ERROR_FINISHED when it
 *         had ended before, and else as flare_connector_connect().
 *
 * The caller promises:
 * `connection` may be written.
 */
int32_t flare_connecting_poll(flare_connecting *connecting,
                              flare_connection **connection);

/**
 * Gives up, from any thread: the descriptor becomes readable, and flare_connecting_poll() closes everything that was begun.
 */
int32_t flare_connecting_cancel(flare_connecting *connecting);

/**
 * Frees a connection that is being made: what was begun is closed. One that was given by flare_connecting_poll() lives on.
 */
int32_t flare_connecting_free(flare_connecting *connecting);

/**
 * Accepts a protocol that the client offers (flare_request_offered_protocol()) and that has datagrams (RFC 9297), with the header fields that
 * were set and "Capsule-Protocol: ?1". From then on FLARE_EVENT_DATAGRAM or flare_request_read_datagram() gives what the client sends,
 * flare_response_send_datagram() sends, flare_response_finish() closes. Ask for events behind this call. A stream on which nothing goes either way
 * ends after the setting stream_timeout_ms.
 *
 * Datagrams are QUIC DATAGRAM frames where both ends of an HTTP/3 connection agreed on them (the setting http3_datagrams), and otherwise capsules
 * in the byte stream. They may be lost: of those that nobody reads 128 and 128 KiB wait, more are dropped.
 *
 * @param protocol  One of those that were offered, in any case.
 * @return As flare_response_switch_protocol().
 *
 * The caller promises:
 * `protocol` is a NUL-terminated string.
 */
int32_t flare_response_switch_to_datagrams(flare_response *response,
                                           const char *protocol);

/**
 * Sends a datagram to the client, which is copied whole or refused. That it was taken does not say that it arrives. Any thread may send.
 *
 * @param data    The datagram; may be NULL when `length` is 0.
 * @return FLARE_ERROR_LIMIT when it is longer than flare_response_max_datagram_size(); FLARE_ERROR_WOULD_BLOCK when so many wait for the client that
 * it was not taken: send a newer one later. FLARE_ERROR_INVALID_ARGUMENT when the exchange has no datagrams; FLARE_ERROR_FINISHED after the end;
 * FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when it is over.
 *
 * The caller promises:
 * `data` points to `length` readable bytes.
 */
int32_t flare_response_send_datagram(flare_response *response,
                                     const void *data,
                                     size_t length);

/**
 * How long a datagram to the client may be now, in bytes; 0 when the exchange has none, or is over. It changes with the path to the client.
 *
 * @return The number of bytes, or a negative code.
 */
int32_t flare_response_max_datagram_size(flare_response *response);

/**
 * Takes a datagram that has come and went to no callback: those go to flare_request_on_event() where it was called. After flare_queue_watch()
 * FLARE_EVENT_READABLE says when to read, until there is none.
 *
 * @param buffer    Where to put it; may be NULL when `capacity` is 0.
 * @param capacity  How much fits. What does not fit is lost.
 * @param length    Gets the length of the whole datagram, which may be 0, or more than fits.
 * @return FLARE_ERROR_WOULD_BLOCK when there is none; FLARE_ERROR_INVALID_ARGUMENT when the exchange has no datagrams; FLARE_ERROR_FINISHED,
 * _CLOSED, _TIMEOUT or _CANCELLED when it is over.
 *
 * The caller promises:
 * `buffer` points to `capacity` bytes that may be written; `length` may be written.
 */
int32_t flare_request_read_datagram(flare_request *request,
                                    void *buffer,
                                    size_t capacity,
                                    size_t *length);

/**
 * Offers to go on with a protocol that has datagrams (RFC 9297), as flare_request_offer_protocol() does with one that has none. When
 * FLARE_EVENT_SWITCHED says that the server took it, FLARE_EVENT_DATAGRAM gives what comes, flare_request_send_datagram() sends, and
 * flare_request_finish() closes this side.
 *
 * @return As flare_request_offer_protocol().
 *
 * The caller promises:
 * `protocol` is a NUL-terminated string.
 */
int32_t flare_request_offer_datagrams(flare_request *request, const char *protocol);

/**
 * Sends a datagram to the server, which is copied whole or refused. That it was taken does not say that it arrives.
 *
 * @param data    The datagram; may be NULL when `length` is 0.
 * @return FLARE_ERROR_LIMIT when it is longer than flare_request_max_datagram_size(); FLARE_ERROR_WOULD_BLOCK when so many wait for the server that
 * it was not taken; FLARE_ERROR_INVALID_ARGUMENT when the server has not taken a protocol with datagrams; otherwise as flare_request_write().
 *
 * The caller promises:
 * `data` points to `length` bytes, or `length` is 0.
 */
int32_t flare_request_send_datagram(flare_request *request,
                                    const void *data,
                                    size_t length);

/**
 * How long a datagram to the server may be now, in bytes; 0 when it has not taken a protocol with datagrams. With HTTP/3 it changes with the path.
 *
 * @return The number of bytes, or a negative code, as flare_request_write().
 */
int32_t flare_request_max_datagram_size(flare_request *request);

/**
 * Serves the files below a directory, for GET and HEAD: with types, validators, conditional requests and ranges.
 *
 * Only regular files below the directory are served. Everything else is 404: `..`, links, names that begin with a dot, directories,
 * devices. The directory is opened now and kept open.
 *
 * Settings are a text such as "index=index.html; precompressed=1; cache_control=public, max-age=60":
 *
 * - "index": the file that stands for its directory. Without it directories are 404.
 * - "cache_control": the value of Cache-Control.
 * - "precompressed": 1 sends name.br, name.zst or name.gz to clients that take it, when it is not older than the file.
 * - "hidden": 1 serves names that begin with a dot.
 * - "links_inside": 1 follows symbolic links that stay below the directory.
 *
 * @param pattern    A pattern whose last segment is a `*name`: it names the file, with its directories below this one.
 * @param directory  A path in the system's encoding. It is copied.
 * @param settings   The settings; NULL for none.
 * @param options    What the route decides for itself, as "blocking" for slow disks; NULL for none. They are copied.
 * @return FLARE_ERROR_INVALID_ARGUMENT for a bad pattern or setting, FLARE_ERROR_CONFLICT when another route matches the same,
 *         FLARE_ERROR_NOT_FOUND, FLARE_ERROR_PERMISSION or FLARE_ERROR_IO when the directory can't be opened.
 *
 * The caller promises:
 * `pattern`, `directory` and `settings` are NUL-terminated strings.
 */
int32_t flare_router_add_files(flare_router *router,
                               const char *pattern,
                               const char *directory,
                               const char *settings,
                               const flare_route_options *options);

/**
 * Binds the addresses and leaves the loop to the caller, instead of flare_server_start(): no thread is made, the server has one worker
 * whatever the setting says, and it works inside flare_server_poll() only. Handlers and all callbacks run there.
 *
 * @return As flare_server_start().
 */
int32_t flare_server_host_start(flare_server *server);

/**
 * The descriptor of a server in the caller's loop. It becomes readable (level-triggered) when flare_server_poll() has something to do:
 * input, output, a call of another thread, a deadline. Only to be watched, never read or closed.
 *
 * @return A descriptor, valid until flare_server_free(); FLARE_ERROR_INVALID_STATE before flare_server_host_start().
 */
int32_t flare_server_fd(const flare_server *server);

/**
 * Works off what there is to do, and never blocks. The server belongs to the first thread that polls it. One thread may poll several
 * servers. After the end of the server it does nothing.
 *
 * @param budget  The most pieces of work: something that happened to a socket, a deadline, a message of another thread, an exchange
 * that moves. 0 for 256.
 * @return 1 when more is to do at once (the descriptor is readable then), 0 when nothing is. FLARE_ERROR_INVALID_STATE, with nothing
 * changed, before flare_server_host_start(), on another thread, or inside a handler or callback of any server.
 */
int32_t flare_server_poll(flare_server *server, int32_t budget);

/**
 * Whether a server has ended. In the caller's loop it ends some polls after flare_server_drain(); one with threads of its own has ended
 * when flare_server_wait() has returned. flare_server_stat() knows "drain_finished" and "drain_aborted" then.
 *
 * @return 1 or 0; FLARE_ERROR_INVALID_STATE before the start.
 */
int32_t flare_server_drained(const flare_server *server);

/**
 * Copies the message of the last call that failed on this thread into `buffer`.
 *
 * Returns the length of the whole message in bytes, without its NUL, or 0 if no call has failed on this thread. The copy
 * is UTF-8, cut between characters to fit, and ends with NUL whenever `capacity` > 0. If the result is `capacity` or more,
 * the text was cut: a buffer of the result plus 1 takes it all. `buffer` may be NULL to ask for the length alone.
 *
 * Every call that fails replaces the message; calls that succeed leave it as it is. So read it right after a failure.
 *
 * Ownership: `buffer` stays the caller's. Threads: any; each has a message of its own. Errors: none.
 *
 * The caller promises:
 * `buffer` is NULL, or points to `capacity` writable bytes.
 */
size_t flare_last_error(char *buffer, size_t capacity);

/**
 * Adds middleware around all routes of a router, those that are added later and paths without a route included. The first that is
 * added is outermost: it sees requests first and answers last. Each callback may be NULL.
 *
 * @param destroy  Frees `user` when the router and all servers made from it are gone, or when this call fails; may be NULL.
 *
 * The caller promises:
 * The callbacks may be called with `user` from any thread, at once, until `user` is destroyed.
 */
int32_t flare_router_add_layer(flare_router *router,
                               flare_on_request on_request,
                               flare_on_head on_head,
                               flare_on_end on_end,
                               void *user,
                               flare_destroy destroy);

/**
 * Adds middleware around the routes that are added with these options, inside that of their router. The first that is added is
 * outermost. Each callback may be NULL.
 *
 * @param destroy  Frees `user` when the options and all routes made with them are gone, or when this call fails; may be NULL.
 *
 * The caller promises:
 * As for flare_router_add_layer().
 */
int32_t flare_route_options_add_layer(flare_route_options *options,
                                      flare_on_request on_request,
                                      flare_on_head on_head,
                                      flare_on_end on_end,
                                      void *user,
                                      flare_destroy destroy);

/**
 * Lets an exchange go on that a middleware had retained: the next middleware sees it, or the handler. The handles must not be used to
 * answer afterwards, only be released.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT in a handler, behind which nothing comes; FLARE_ERROR_FINISHED when it went on before or was
 * answered; FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when it is over.
 */
int32_t flare_response_proceed(flare_response *response);

/**
 * Makes settings for a middleware: "request_id", "access_log", "bearer_auth", "rate_limit" or "forwarded". They are listed in
 * docs/c-api/middleware.md. The caller owns the handle. NULL with a message for another name, or when there is no memory.
 *
 * The caller promises:
 * `name` is a NUL-terminated string.
 */
flare_middleware *flare_middleware_new(const char *name);

/**
 * Frees settings. Routers and options that were given them have a middleware of their own.
 */
int32_t flare_middleware_free(flare_middleware *middleware);

/**
 * Sets a number or a switch (0 or 1) by name.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT for a name that this middleware does not have, or a value out of its range.
 *
 * The caller promises:
 * `name` is a NUL-terminated string.
 */
int32_t flare_middleware_set_number(flare_middleware *middleware, const char *name, int64_t value);

/**
 * Sets a text by name, which is copied.
 *
 * @return As flare_middleware_set_number().
 *
 * The caller promises:
 * `name` and `value` are NUL-terminated strings.
 */
int32_t flare_middleware_set_text(flare_middleware *middleware, const char *name, const char *value);

/**
 * Adds a token of "bearer_auth", with the name of its owner. Both are copied. Tokens are compared in a time that does not tell them.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT for another middleware, or what is no token (RFC 6750, 2.1).
 *
 * The caller promises:
 * `token` and `name` are NUL-terminated strings.
 */
int32_t flare_middleware_add_token(flare_middleware *middleware, const char *token, const char *name);

/**
 * Gives the lines of an "access_log" to a callback, instead of the one before.
 *
 * @param destroy  Frees `user` when the settings and all middleware made of them are gone, or when this call fails; may be NULL.
 * @return FLARE_ERROR_INVALID_ARGUMENT for another middleware, or when `sink` is NULL.
 *
 * The caller promises:
 * `sink` may be called with `user` from any thread.
 */
int32_t flare_middleware_on_line(flare_middleware *middleware, flare_line_sink sink, void *user, flare_destroy destroy);

/**
 * Asks a callback about tokens of "bearer_auth" that were not added, instead of the one before.
 *
 * @param destroy  As for flare_middleware_on_line().
 * @return FLARE_ERROR_INVALID_ARGUMENT for another middleware, or when `check` is NULL.
 *
 * The caller promises:
 * `check` may be called with `user` from any thread, and writes a NUL-terminated string into the place it is given.
 */
int32_t flare_middleware_on_token(flare_middleware *middleware, flare_token_check check, void *user, flare_destroy destroy);

/**
 * Adds a middleware with these settings around all routes of a router, as flare_router_add_layer() does. Each that is added counts for
 * itself: a rate limit that is added twice is two limits.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT when something is missing; the message names it.
 */
int32_t flare_router_add_middleware(flare_router *router, const flare_middleware *middleware);

/**
 * Adds a middleware with these settings around the routes that are added with these options, inside that of their router.
 *
 * @return As flare_router_add_middleware().
 */
int32_t flare_route_options_add_middleware(flare_route_options *options, const flare_middleware *middleware);

/**
 * The id that "request_id" gave the request, copied into a buffer and terminated.
 *
 * @return The length of the whole text without the NUL, which may be more than fits; 0 when it has none.
 *
 * The caller promises:
 * `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
 */
size_t flare_request_id(const flare_request *request, char *buffer, size_t capacity);

/**
 * The name of whom "bearer_auth" let pass, copied into a buffer and terminated.
 *
 * @return As flare_request_id().
 *
 * The caller promises:
 * As for flare_request_id().
 */
size_t flare_request_identity(const flare_request *request, char *buffer, size_t capacity);

/**
 * The IP address of the client, as "forwarded" found it or else that of the connection, copied into a buffer and terminated.
 *
 * @return As flare_request_id(); 0 for a client that is unknown, or on a Unix socket.
 *
 * The caller promises:
 * As for flare_request_id().
 */
size_t flare_request_client(const flare_request *request, char *buffer, size_t capacity);

/**
 * Connects to `unix:/path`, `127.0.0.1:80`, `[::1]:80` or `name:port`, and blocks until that is done. All addresses of a name are
 * tried.
 *
 * @param timeout_ms  How long it may take, the look-up included; -1: 10 seconds.
 * @param mux         Gets the connection, which the caller owns.
 * @return FLARE_ERROR_TIMEOUT, FLARE_ERROR_INVALID_ARGUMENT for what is no address, and what the system says.
 *
 * The caller promises:
 * `address` is a NUL-terminated string; `mux` may be written.
 */
int32_t flare_mux_connect(const char *address, int64_t timeout_ms, flare_mux **mux);

/**
 * Frees a connection. Threads that wait in flare_mux_accept() return, and streams that nobody accepted are cancelled. The connection
 * itself ends when its last stream is freed; what was finished is sent before.
 */
int32_t flare_mux_free(flare_mux *mux);

/**
 * Opens a stream. Does not wait for the peer: if that refuses it, the stream is cancelled.
 *
 * @param stream  Gets the stream, which the caller owns.
 * @return FLARE_ERROR_LIMIT when 1024 are open, FLARE_ERROR_CLOSED or FLARE_ERROR_PROTOCOL when the connection is over.
 *
 * The caller promises:
 * `stream` may be written.
 */
int32_t flare_mux_open(flare_mux *mux, flare_mux_stream **stream);

/**
 * Takes the next stream that the peer opened, and waits for it.
 *
 * @param timeout_ms  How long; -1: for ever.
 * @param stream      Gets the stream, which the caller owns.
 * @return FLARE_ERROR_TIMEOUT, and FLARE_ERROR_CLOSED or FLARE_ERROR_PROTOCOL when the connection is over.
 *
 * The caller promises:
 * `stream` may be written.
 */
int32_t flare_mux_accept(flare_mux *mux, int64_t timeout_ms, flare_mux_stream **stream);

/**
 * Listens on `unix:/path`, `127.0.0.1:80`, `[::1]:0` or `name:port`. Port 0 is any free one.
 *
 * @param listener  Gets the listener, which the caller owns.
 * @return FLARE_ERROR_ADDRESS_IN_USE, FLARE_ERROR_INVALID_ARGUMENT for what is no address, and what else the system says.
 *
 * The caller promises:
 * `address` is a NUL-terminated string; `listener` may be written.
 */
int32_t flare_mux_listener_bind(const char *address, flare_mux_listener **listener);

/**
 * Frees a listener. Threads that wait in flare_mux_listener_accept() return; connections that nobody accepted end, the others live on.
 */
int32_t flare_mux_listener_free(flare_mux_listener *listener);

/**
 * Takes the next connection, and waits for it.
 *
 * @param timeout_ms  How long; -1: for ever.
 * @param mux         Gets the connection, which the caller owns.
 * @return FLARE_ERROR_TIMEOUT, and FLARE_ERROR_CLOSED when the listener was freed meanwhile.
 *
 * The caller promises:
 * `mux` may be written.
 */
int32_t flare_mux_listener_accept(flare_mux_listener *listener, int64_t timeout_ms, flare_mux **mux);

/**
 * Copies where a listener listens, with the port that was found, into a buffer, and terminates it.
 *
 * @return The length of the whole text without the NUL, which may be more than fits; 0 for a handle that is none.
 *
 * The caller promises:
 * `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
 */
size_t flare_mux_listener_address(const flare_mux_listener *listener, char *buffer, size_t capacity);

/**
 * Frees a stream: it is cancelled, unless both ends are done; what was finished is still sent. Threads that wait for it return
 * FLARE_ERROR_CANCELLED.
 */
int32_t flare_mux_stream_free(flare_mux_stream *stream);

/**
 * Sends bytes, all or none, without waiting. They are copied. They are taken while no more than 256 KiB wait for the peer, or none.
 *
 * @return FLARE_ERROR_WOULD_BLOCK when too many wait, FLARE_ERROR_FINISHED after flare_mux_stream_finish(), FLARE_ERROR_CANCELLED when
 *         the stream was ended (the message says how), FLARE_ERROR_CLOSED or FLARE_ERROR_PROTOCOL when the connection is over.
 *
 * The caller promises:
 * `data` points to `length` bytes, or `length` is 0.
 */
int32_t flare_mux_stream_write(flare_mux_stream *stream, const void *data, size_t length);

/**
 * Sends bytes, all or none, and waits until the peer has taken enough of those before.
 *
 * @param timeout_ms  How long; -1: for ever.
 * @return As flare_mux_stream_write(), but FLARE_ERROR_TIMEOUT instead of FLARE_ERROR_WOULD_BLOCK: nothing was sent then.
 *
 * The caller promises:
 * `data` points to `length` bytes, or `length` is 0.
 */
int32_t flare_mux_stream_write_blocking(flare_mux_stream *stream, const void *data, size_t length, int64_t timeout_ms);

/**
 * Reads what has come, and waits for some.
 *
 * @param capacity    The most bytes to read, at least 1.
 * @param timeout_ms  How long to wait; -1: for ever.
 * @param length      Gets how many bytes were read. 0: the peer is done.
 * @return FLARE_ERROR_TIMEOUT, and after all bytes that came before: FLARE_ERROR_CANCELLED when the stream was ended (the message says
 *         how), FLARE_ERROR_CLOSED or FLARE_ERROR_PROTOCOL when the connection is over.
 *
 * The caller promises:
 * `buffer` points to `capacity` bytes that may be written; `length` may be written.
 */
int32_t flare_mux_stream_read(flare_mux_stream *stream, void *buffer, size_t capacity, int64_t timeout_ms, size_t *length);

/**
 * Says that this end sends no more; what was sent before arrives first. Reading goes on.
 *
 * @return FLARE_ERROR_FINISHED for a second time, and why the stream is over, as flare_mux_stream_write().
 */
int32_t flare_mux_stream_finish(flare_mux_stream *stream);

/**
 * Ends a stream in both directions with a text for the peer, which finds it as the message of FLARE_ERROR_CANCELLED. What was not sent yet
 * is dropped.
 *
 * @param message  At most 1024 bytes of it are sent.
 * @return Why the stream is over already, as flare_mux_stream_write().
 *
 * The caller promises:
 * `message` is a NUL-terminated string.
 */
int32_t flare_mux_stream_error(flare_mux_stream *stream, const char *message);

/**
 * Ends a stream in both directions. What was not sent yet is dropped. Threads that wait for it return FLARE_ERROR_CANCELLED.
 *
 * @return Why the stream is over already, as flare_mux_stream_write().
 */
int32_t flare_mux_stream_cancel(flare_mux_stream *stream);

/**
 * Adds a route whose answer never changes. It is encoded once, which costs less than a handler that makes it for each request; Date,
 * Server and Connection are still added each time, and middleware may still change the head.
 *
 * @param status        200 to 599, but not 204, 205 or 304.
 * @param content_type  The value of Content-Type; NULL for none.
 * @param body          The content, which is copied; may be NULL when `length` is 0.
 * @param length        The number of bytes.
 * @return As flare_router_add().
 *
 * The caller promises:
 * `method`, `pattern` and `content_type` are NUL-terminated strings; `body` points to `length` readable bytes.
 */
int32_t flare_router_add_prepared(flare_router *router,
                                  const char *method,
                                  const char *pattern,
                                  int32_t status,
                                  const char *content_type,
                                  const void *body,
                                  size_t length);

/**
 * Makes an empty queue. The caller owns the handle. NULL when there is no memory.
 */
flare_queue *flare_queue_new(void);

/**
 * Closes and frees a queue. Threads that wait in flare_queue_next() return; exchanges that nobody took are answered with 500, and so
 * are later ones.
 */
int32_t flare_queue_free(flare_queue *queue);

/**
 * Closes a queue: nothing is added any more; what is in it can still be taken.
 */
int32_t flare_queue_close(flare_queue *queue);

/**
 * Adds a route whose requests go to a queue.
 *
 * @param options  May be NULL. With the option "streaming" the request comes at its head; see flare_queue_watch().
 * @param tag      Comes with each request of this route.
 * @return As flare_router_add().
 *
 * The caller promises:
 * `method` and `pattern` are NUL-terminated strings.
 */
int32_t flare_router_add_queue(flare_router *router,
                               const char *method,
                               const char *pattern,
                               const flare_route_options *options,
                               flare_queue *queue,
                               uint64_t tag);

/**
 * Takes the next event, and waits for it.
 *
 * @param timeout_ms  How long; -1: for ever.
 * @param event       Gets one of FLARE_EVENT_REQUEST, _READABLE, _END, _WRITABLE and _CANCELLED.
 * @param request     Gets the request. With FLARE_EVENT_REQUEST the caller owns a reference, to be released with
 *                    flare_request_release() or flare_response_release(); with the others it is borrowed from who holds it.
 * @param response    Gets the other face of the exchange; may be NULL.
 * @param tag         Gets the tag of the route, or what flare_queue_watch() was given; may be NULL.
 * @return FLARE_ERROR_TIMEOUT when nothing came in time, FLARE_ERROR_CLOSED when the queue is closed and empty.
 *
 * The caller promises:
 * `event` and `request` may be written; `response` and `tag` may be written or are NULL.
 */
int32_t flare_queue_next(flare_queue *queue,
                         int64_t timeout_ms,
                         int32_t *event,
                         flare_request **request,
                         flare_response **response,
                         uint64_t *tag);

/**
 * Sends the events of an exchange to a queue, as flare_request_on_event() does to a callback; content is read with flare_request_read().
 * Retain the exchange: events end with it.
 *
 * @param tag  Comes with each event.
 */
int32_t flare_queue_watch(flare_queue *queue, flare_request *request, uint64_t tag);

/**
 * Answers with what an upstream sends: its bytes are the content, its end is the end. Any thread may call. The answer belongs to the
 * relay from now on; the handles must not be used to answer afterwards.
 *
 * The head is sent with the first byte. An upstream that can't be reached, or fails before its first byte, is answered with 502, one
 * that takes too long with 504; later the connection is cut, so that the client sees that the answer is not whole. The upstream is not
 * read while the client takes nothing, and is closed when the client is lost. A header "content-length" that was set before must be
 * what comes; without one the content is sent in chunks. The deadline of the handler counts until the first byte.
 *
 * @param status              200 to 599.
 * @param address             "127.0.0.1:80", "[::1]:80", "unix:/run/app.sock", "name:80". A name is looked up later, which
 *                            blocks nobody; all its addresses are tried.
 * @param prologue            Sent to the upstream first, such as a request; copied. May be NULL when `length` is 0.
 * @param connect_timeout_ms  How long it may take to connect, the lookup included. 0 for 5000.
 * @param silence_timeout_ms  How long the upstream may send nothing while the client would take more. 0 for 30000.
 * @param flags               0, or FLARE_RELAY_FORWARD.
 * @return FLARE_ERROR_FINISHED when the exchange was answered or relayed before; FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when
 * nobody waits for the answer. After an error of an argument the exchange can still be answered.
 *
 * The caller promises:
 * `address` is a NUL-terminated string, `prologue` points to `length` readable bytes.
 */
int32_t flare_response_relay(flare_response *response,
                             int32_t status,
                             const char *address,
                             const void *prologue,
                             size_t length,
                             uint32_t connect_timeout_ms,
                             uint32_t silence_timeout_ms,
                             uint32_t flags);

/**
 * Keeps the exchange. Request and response are two faces of it and share one count: either may be retained and released.
 */
int32_t flare_request_retain(flare_request *request);

/**
 * Lets the exchange go. The last release of an exchange without an answer answers 500.
 */
int32_t flare_request_release(flare_request *request);

/**
 * The method, such as "GET". NULL for a bad handle.
 *
 * @param length  Gets the length without the final NUL; may be NULL.
 *
 * The caller promises:
 * `length` is NULL or may be written.
 */
const char *flare_request_method(const flare_request *request, size_t *length);

/**
 * The path as it was sent, still percent-encoded. "*" for OPTIONS *, empty for CONNECT. NULL for a bad handle.
 *
 * The caller promises:
 * `length` is NULL or may be written.
 */
const char *flare_request_path(const flare_request *request, size_t *length);

/**
 * The query as it was sent, without the question mark. NULL when there is none.
 *
 * The caller promises:
 * `length` is NULL or may be written.
 */
const char *flare_request_query(const flare_request *request, size_t *length);

/**
 * The authority (host and port) from an absolute target or from Host; may be empty. NULL for a bad handle.
 *
 * The caller promises:
 * `length` is NULL or may be written.
 */
const char *flare_request_authority(const flare_request *request, size_t *length);

/**
 * The protocol version as ten times major plus minor: 10, 11, 20, 30. A negative error code for a bad handle.
 */
int32_t flare_request_version(const flare_request *request);

/**
 * The address of the client, such as "127.0.0.1:50000" or "unix:", copied into a buffer and terminated: the other end of its connection, or
 * whom a trusted proxy told (setting "proxy_protocol_from").
 *
 * @return The length of the whole text without the NUL, which may be more than fits; 0 for a bad handle, and the copy is empty.
 *
 * The caller promises:
 * `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
 */
size_t flare_request_peer(const flare_request *request, char *buffer, size_t capacity);

/**
 * What the client connected to, such as "127.0.0.1:8080" or "unix:/run/app.sock", copied into a buffer and terminated: the address of this
 * end of its connection, or what a trusted proxy told (setting "proxy_protocol_from").
 *
 * @return The length of the whole text without the NUL, which may be more than fits; 0 for a bad handle, and the copy is empty.
 *
 * The caller promises:
 * `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
 */
size_t flare_request_local_address(const flare_request *request, char *buffer, size_t capacity);

/**
 * The value of the first header field of this name (in any case). NULL when there is none.
 *
 * The caller promises:
 * `name` is a NUL-terminated string; `length` is NULL or may be written.
 */
const char *flare_request_header(const flare_request *request, const char *name, size_t *length);

/**
 * The number of header fields. 0 for a bad handle.
 */
size_t flare_request_header_count(const flare_request *request);

/**
 * The name of a header field, in lower case, by its place in the request, from 0. NULL when there are fewer.
 *
 * The caller promises:
 * `length` is NULL or may be written.
 */
const char *flare_request_header_name_at(const flare_request *request, size_t index, size_t *length);

/**
 * The value of a header field by its place in the request, from 0. NULL when there are fewer.
 *
 * The caller promises:
 * `length` is NULL or may be written.
 */
const char *flare_request_header_value_at(const flare_request *request, size_t index, size_t *length);

/**
 * The value of the first trailer field of this name. NULL when there is none.
 *
 * The caller promises:
 * `name` is a NUL-terminated string; `length` is NULL or may be written.
 */
const char *flare_request_trailer(const flare_request *request, const char *name, size_t *length);

/**
 * The number of trailer fields. 0 before the content has ended, and for a bad handle.
 */
size_t flare_request_trailer_count(const flare_request *request);

/**
 * The name of a trailer field, in lower case, by its place in the request, from 0. NULL when there are fewer.
 *
 * The caller promises:
 * `length` is NULL or may be written.
 */
const char *flare_request_trailer_name_at(const flare_request *request, size_t index, size_t *length);

/**
 * The value of a trailer field by its place in the request, from 0. NULL when there are fewer.
 *
 * The caller promises:
 * `length` is NULL or may be written.
 */
const char *flare_request_trailer_value_at(const flare_request *request, size_t index, size_t *length);

/**
 * A parameter that the route took from the path, decoded. NULL when the pattern has no parameter of this name.
 *
 * The caller promises:
 * `name` is a NUL-terminated string; `length` is NULL or may be written.
 */
const char *flare_request_param(const flare_request *request, const char *name, size_t *length);

/**
 * The protocol that the client offers to go on with as a byte stream: the value of Upgrade, which may be a list (RFC 9110, 7.8), or the
 * protocol of an extended CONNECT (RFC 8441). flare_response_switch_protocol() accepts. NULL when it offers none, or content comes first.
 *
 * The caller promises:
 * `length` is NULL or may be written.
 */
const char *flare_request_offered_protocol(const flare_request *request, size_t *length);

/**
 * The content. Never NULL for a good handle; not terminated.
 *
 * @param length  Gets the number of bytes; must not be NULL.
 *
 * The caller promises:
 * `length` may be written.
 */
const uint8_t *flare_request_body(const flare_request *request, size_t *length);

/**
 * Whether anybody still waits for the answer: FLARE_OK, or why not: FLARE_ERROR_CLOSED (the client is gone), FLARE_ERROR_TIMEOUT (the
 * deadline of the handler passed), FLARE_ERROR_CANCELLED (the server ended). Of a request of one's own: whether more of the answer may come;
 * see flare_response_cancelled().
 */
int32_t flare_request_cancelled(const flare_request *request);

/**
 * Takes some content of a request, on a route with the option "streaming". The first read sends "100 Continue" to a client that waits
 * for it. Any thread may read.
 *
 * @param buffer    Where to put content.
 * @param capacity  How much fits; at least 1.
 * @param length    Gets the number of bytes; 0 at the end of the request.
 * @return FLARE_ERROR_WOULD_BLOCK when there is nothing yet; FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when the exchange is over.
 *
 * The caller promises:
 * `buffer` points to `capacity` bytes that may be written; `length` may be written.
 */
int32_t flare_request_read(flare_request *request, void *buffer, size_t capacity, size_t *length);

/**
 * Calls back for everything that happens to an exchange: content as it comes, its end, room for writes, the end of the exchange. On a
 * route with the option "streaming" this asks for the content. A second call replaces the first. Retain the exchange: events end
 * with it.
 *
 * @param destroy  Frees `user` when the exchange ends or the callback is replaced, or when this call fails; may be NULL.
 *
 * The caller promises:
 * `callback` may be called with `user` on the worker until `user` is destroyed.
 */
int32_t flare_request_on_event(flare_request *request, flare_event_callback callback, void *user, flare_destroy destroy);

/**
 * Content and its end go on after an event callback returned FLARE_PAUSE.
 */
int32_t flare_request_resume(flare_request *request);

/**
 * Tells the server's log, at the level FLARE_LOG_ERROR, that code around a request failed, and lets the exchange go on. For middleware;
 * see also flare_response_fail().
 *
 * @param message  UTF-8; what is no UTF-8 in it is replaced.
 *
 * The caller promises:
 * `message` is a NUL-terminated string.
 */
int32_t flare_request_log_error(flare_request *request, const char *message);

/**
 * Attaches a text to a request, for handlers and middleware that see it later; it replaces another one of its name.
 *
 * The caller promises:
 * `name` and `value` are NUL-terminated strings.
 */
int32_t flare_request_set_attribute(flare_request *request, const char *name, const char *value);

/**
 * A text that was attached to a request, copied into a buffer and terminated.
 *
 * @return The length of the whole text without the NUL, which may be more than fits; 0 when there is none, and the copy is empty.
 *
 * The caller promises:
 * `name` is a NUL-terminated string; `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
 */
size_t flare_request_attribute(const flare_request *request, const char *name, char *buffer, size_t capacity);

/**
 * Makes a request, for flare_client_open() or flare_client_fetch(). The caller owns one reference, to be released with
 * flare_request_release(); releasing the last one lets the exchange go.
 *
 * @param method     Such as "GET".
 * @param authority  Host and port, as in the Host field: "example.org" or "example.org:8080".
 * @param target     "/path?query", or "*" with OPTIONS; empty with CONNECT.
 * @return NULL for text that is none, or when there is no memory. What can't be sent is refused when it is sent.
 *
 * The caller promises:
 * The three are NUL-terminated strings.
 */
flare_request *flare_request_new(const char *method, const char *authority, const char *target);

/**
 * Adds a header field to a request of one's own. Host, Content-Length, Transfer-Encoding and Connection are the connection's.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT when name or value can't be sent (RFC 9110, 5.1 and 5.5), FLARE_ERROR_FINISHED when the request was sent,
 *         FLARE_ERROR_INVALID_STATE for a request that a server got.
 *
 * The caller promises:
 * `name` and `value` are NUL-terminated strings; the value may have bytes above 127 in any encoding.
 */
int32_t flare_request_add_header(flare_request *request,
                                 const char *name,
                                 const char *value);

/**
 * Sets a header field of a request of one's own: others of its name are removed.
 *
 * @return As flare_request_add_header().
 *
 * The caller promises:
 * As for flare_request_add_header().
 */
int32_t flare_request_set_header(flare_request *request, const char *name, const char *value);

/**
 * Adds a trailer field to a request of one's own, until flare_request_finish(), with which it leaves. HTTP/1.1 sends trailers only behind content
 * whose length was not said.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT when name or value can't be sent, FLARE_ERROR_INVALID_STATE for a request that a server got.
 *
 * The caller promises:
 * `name` and `value` are NUL-terminated strings.
 */
int32_t flare_request_add_trailer(flare_request *request,
                                  const char *name,
                                  const char *value);

/**
 * Sets the scheme of a request of one's own, "http" or "https", which HTTP/2 sends. Without it the connection decides: "https" when it is
 * encrypted.
 *
 * @return FLARE_ERROR_FINISHED when the request was sent, FLARE_ERROR_INVALID_STATE for a request that a server got.
 *
 * The caller promises:
 * `scheme` is a NUL-terminated string.
 */
int32_t flare_request_set_scheme(flare_request *request, const char *scheme);

/**
 * Says that a request of one's own has content, which flare_request_write() gives and flare_request_finish() ends. Without this call there is
 * none. flare_client_fetch() needs it not.
 *
 * @param length  In bytes, 0 included; -1: not known yet.
 * @return FLARE_ERROR_FINISHED when the request was sent, FLARE_ERROR_INVALID_STATE for a request that a server got.
 */
int32_t flare_request_set_content_length(flare_request *request,
                                         int64_t length);

/**
 * Offers to go on with another protocol as a stream of bytes, such as "websocket": by Upgrade on HTTP/1.1 (RFC 9110, 7.8), by an extended
 * CONNECT on HTTP/2 (RFC 8441). FLARE_EVENT_SWITCHED says that the server took it. The other side is flare_request_offered_protocol().
 *
 * @return FLARE_ERROR_FINISHED when the request was sent, FLARE_ERROR_INVALID_STATE for a request that a server got.
 *
 * The caller promises:
 * `protocol` is a NUL-terminated string.
 */
int32_t flare_request_offer_protocol(flare_request *request, const char *protocol);

/**
 * Gives some content of a request that was opened. It is taken whole or refused; it is copied.
 *
 * @return FLARE_ERROR_WOULD_BLOCK when so much waits for the server that nothing was taken: FLARE_EVENT_WRITABLE says when to go on.
 *         FLARE_ERROR_FINISHED when the request has ended or the server wants no more of it; FLARE_ERROR_INVALID_ARGUMENT for more than was
 *         announced; FLARE_ERROR_INVALID_STATE when it was not opened; FLARE_ERROR_CLOSED when the client was freed.
 *
 * The caller promises:
 * `data` points to `length` bytes, or `length` is 0.
 */
int32_t flare_request_write(flare_request *request, const void *data, size_t length);

/**
 * The same, and waits while the server has to take some first: at most the client's "timeout_ms". A server that sends back what it gets stops
 * reading when nobody takes that: for such a one flare_request_write() is the call.
 *
 * @return As flare_request_write(); FLARE_ERROR_TIMEOUT when the server takes nothing: the exchange goes on.
 *
 * The caller promises:
 * As for flare_request_write().
 */
int32_t flare_request_write_blocking(flare_request *request,
                                     const void *data,
                                     size_t length);

/**
 * Ends a request that was opened with content, with the trailers that were added.
 *
 * @return FLARE_ERROR_FINISHED when it had ended; FLARE_ERROR_INVALID_ARGUMENT for less content than was announced, which ends the exchange too;
 *         FLARE_ERROR_INVALID_STATE when it was not opened; FLARE_ERROR_CLOSED when the client was freed.
 */
int32_t flare_request_finish(flare_request *request);

/**
 * Lets go of an exchange, from any thread: no event of it comes any more. On HTTP/1.1 the connection ends too, unless the exchange was over.
 * Releasing the last handle does the same.
 *
 * @return FLARE_ERROR_INVALID_STATE when it was not opened.
 */
int32_t flare_request_cancel(flare_request *request);

/**
 * Keeps the exchange, to answer later from any thread. Request and response are two faces of it and share one count.
 */
int32_t flare_response_retain(flare_response *response);

/**
 * Lets the exchange go. The last release of an exchange without an answer answers 500.
 */
int32_t flare_response_release(flare_response *response);

/**
 * Adds a header field. Date, Server, Content-Length, Transfer-Encoding and Connection are added by the connection;
 * "connection: close" closes it after the answer.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT when name or value can't be sent (RFC 9110, 5.1 and 5.5), FLARE_ERROR_FINISHED when the
 * exchange was answered before, FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when nobody waits for it.
 *
 * The caller promises:
 * `name` and `value` are NUL-terminated strings; the value may have bytes above 127 in any encoding.
 */
int32_t flare_response_add_header(flare_response *response, const char *name, const char *value);

/**
 * Sets a header field: others of its name are removed.
 *
 * @return As flare_response_add_header().
 *
 * The caller promises:
 * `name` and `value` are NUL-terminated strings.
 */
int32_t flare_response_set_header(flare_response *response, const char *name, const char *value);

/**
 * Adds a trailer field, sent after the content (RFC 9110, 6.5). HTTP/1.0 clients don't get it.
 *
 * @return As flare_response_add_header().
 *
 * The caller promises:
 * `name` and `value` are NUL-terminated strings.
 */
int32_t flare_response_add_trailer(flare_response *response, const char *name, const char *value);

/**
 * Answers with a copy of `body`.
 *
 * @param status  200 to 599.
 * @param body    The content; may be NULL when `length` is 0.
 * @param length  The number of bytes.
 * @return FLARE_ERROR_FINISHED when the exchange was answered before; FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when nobody waits
 * for the answer.
 *
 * The caller promises:
 * `body` points to `length` readable bytes.
 */
int32_t flare_response_send(flare_response *response, int32_t status, const void *body, size_t length);

/**
 * Answers with text, as text/plain in UTF-8 unless a Content-Type was set before. The text is copied.
 *
 * @return As flare_response_send().
 *
 * The caller promises:
 * `body` is a NUL-terminated string.
 */
int32_t flare_response_send_text(flare_response *response, int32_t status, const char *body);

/**
 * Answers with JSON that is text already, as application/json unless a Content-Type was set before. The text is copied.
 *
 * @return As flare_response_send().
 *
 * The caller promises:
 * `body` is a NUL-terminated string.
 */
int32_t flare_response_send_json(flare_response *response, int32_t status, const char *body);

/**
 * Answers with a copy of `body`, and with this Content-Type unless one was set before. For text whose length is known, and for types
 * that are neither text nor JSON.
 *
 * @param content_type  NULL for none.
 * @return As flare_response_send(); FLARE_ERROR_INVALID_ARGUMENT too for a type that can't be sent.
 *
 * The caller promises:
 * `content_type` is NULL or a NUL-terminated string, `body` points to `length` readable bytes.
 */
int32_t flare_response_send_as(flare_response *response, int32_t status, const char *content_type, const void *body, size_t length);

/**
 * Answers with memory of the caller's, which is not copied when it is large.
 *
 * @param body     The content. It must stay unchanged until `destroy` is called; without `destroy`, as long as the process lives.
 * @param destroy  Called once with `user` when the memory is needed no more, from any thread, also when this call fails. May be NULL.
 * @return As flare_response_send().
 *
 * The caller promises:
 * `body` points to `length` bytes that are readable and unchanged until `destroy` is called.
 */
int32_t flare_response_send_borrowed(flare_response *response,
                                     int32_t status,
                                     const void *body,
                                     size_t length,
                                     void *user,
                                     flare_destroy destroy);

/**
 * The status of an answer, such as 200; 0 before its head has come. A negative error code for a bad handle, and FLARE_ERROR_INVALID_STATE for an
 * answer that a server writes.
 */
int32_t flare_response_status(const flare_response *response);

/**
 * The version of HTTP that an answer came by, as flare_request_version(); 0 before its head has come.
 */
int32_t flare_response_version(const flare_response *response);

/**
 * Why no more of an answer comes: FLARE_ERROR_REFUSED (the server did nothing about the request: it can be sent again),
 * FLARE_ERROR_CANCELLED (the server reset the exchange, or flare_request_cancel()), FLARE_ERROR_CLOSED (the connection ended, or the client was
 * freed), FLARE_ERROR_PROTOCOL (the server broke the rules). FLARE_OK: it is whole, or more may come. On a server as flare_request_cancelled().
 */
int32_t flare_response_cancelled(const flare_response *response);

/**
 * The value of the first header field of this name (in any case) of an answer. NULL when there is none. It is borrowed, as all text of an
 * answer: until the last release, or, for an interim answer, until the next flare_client_next().
 *
 * The caller promises:
 * `name` is a NUL-terminated string; `length` is NULL or may be written.
 */
const char *flare_response_header(const flare_response *response, const char *name, size_t *length);

/**
 * The number of header fields of an answer. 0 before its head has come, and for a bad handle.
 */
size_t flare_response_header_count(const flare_response *response);

/**
 * The name of a header field of an answer, in lower case, by its place, from 0. NULL when there are fewer.
 *
 * The caller promises:
 * `length` is NULL or may be written.
 */
const char *flare_response_header_name_at(const flare_response *response, size_t index, size_t *length);

/**
 * The value of a header field of an answer by its place, from 0. NULL when there are fewer.
 *
 * The caller promises:
 * `length` is NULL or may be written.
 */
const char *flare_response_header_value_at(const flare_response *response, size_t index, size_t *length);

/**
 * The value of the first trailer field of this name of an answer. NULL when there is none.
 *
 * The caller promises:
 * `name` is a NUL-terminated string; `length` is NULL or may be written.
 */
const char *flare_response_trailer(const flare_response *response, const char *name, size_t *length);

/**
 * The number of trailer fields of an answer. 0 before it has ended, and for a bad handle.
 */
size_t flare_response_trailer_count(const flare_response *response);

/**
 * The name of a trailer field of an answer, in lower case, by its place, from 0. NULL when there are fewer.
 *
 * The caller promises:
 * `length` is NULL or may be written.
 */
const char *flare_response_trailer_name_at(const flare_response *response, size_t index, size_t *length);

/**
 * The value of a trailer field of an answer by its place, from 0. NULL when there are fewer.
 *
 * The caller promises:
 * `length` is NULL or may be written.
 */
const char *flare_response_trailer_value_at(const flare_response *response, size_t index, size_t *length);

/**
 * The content that flare_client_fetch() collected. Never NULL for a good handle; not terminated; valid until the last release.
 *
 * @param length  Gets the number of bytes; must not be NULL.
 *
 * The caller promises:
 * `length` may be written.
 */
const uint8_t *flare_response_body(const flare_response *response, size_t *length);

/**
 * Sends the head of an answer; the content follows with flare_response_write() and ends with flare_response_finish().
 *
 * A header "content-length" that was set before says how much content will come; without one it is sent in chunks.
 *
 * @param status  200 to 599.
 * @return As flare_response_send().
 */
int32_t flare_response_start(flare_response *response, int32_t status);

/**
 * Accepts a protocol that the client offers (flare_request_offered_protocol()), with the header fields that were set. From then on both
 * directions are a byte stream of that protocol: flare_request_read() and events give what the client sends, flare_response_write() sends,
 * flare_response_finish() closes. Ask for events behind this call. A stream on which nothing goes either way ends after the setting
 * stream_timeout_ms.
 *
 * @param protocol  One of those that were offered, in any case.
 * @return FLARE_ERROR_INVALID_ARGUMENT when the client does not offer it, or its name can't be a field value: the exchange can still be
 * answered. Otherwise as flare_response_start().
 *
 * The caller promises:
 * `protocol` is a NUL-terminated string.
 */
int32_t flare_response_switch_protocol(flare_response *response, const char *protocol);

/**
 * Gives some content of an answer, which is copied whole or refused. Starts the answer, with 200, if it was not started. Small
 * writes in one turn of the worker leave together. Any thread may write.
 *
 * @return FLARE_ERROR_WOULD_BLOCK when so much waits for the client that nothing was taken: FLARE_EVENT_WRITABLE says when to go on.
 * FLARE_ERROR_FINISHED after the end; FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when nobody waits for the answer.
 *
 * The caller promises:
 * `data` points to `length` readable bytes.
 */
int32_t flare_response_write(flare_response *response, const void *data, size_t length);

/**
 * The same as flare_response_write(), but waits while the client has to take some of the answer first. Not for use on a worker.
 *
 * @return As flare_response_write(), but for FLARE_ERROR_WOULD_BLOCK; FLARE_ERROR_INVALID_ARGUMENT on a worker that would have to wait.
 *
 * The caller promises:
 * `data` points to `length` readable bytes.
 */
int32_t flare_response_write_blocking(flare_response *response, const void *data, size_t length);

/**
 * Ends an answer that was started, or sends what was drafted: its headers and no content.
 *
 * @return FLARE_ERROR_FINISHED when it was ended before; FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when nobody waits for it.
 */
int32_t flare_response_finish(flare_response *response);

/**
 * What was written leaves without waiting for more. It does so at the end of the worker's turn anyway.
 */
int32_t flare_response_flush(flare_response *response);

/**
 * Ends the exchange because the code behind it failed: an answer that was begun is cut, otherwise it is 500. The message goes to the
 * server's log, at the level FLARE_LOG_ERROR, and never to the client. For those who have more to say than a handler's error code.
 *
 * @param message  UTF-8; what is no UTF-8 in it is replaced.
 * @return FLARE_ERROR_FINISHED when it was answered before; FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when nobody waits for it. The
 * message is logged all the same.
 *
 * The caller promises:
 * `message` is a NUL-terminated string.
 */
int32_t flare_response_fail(flare_response *response, const char *message);

/**
 * Gives the exchange up: the client sees a cut connection (on HTTP/1) instead of the rest of the answer.
 */
int32_t flare_response_reset(flare_response *response);

/**
 * Sends an interim answer before the head of the final one (RFC 9110, 15.2), such as 103 with a Link. HTTP/1.0 clients don't get it.
 *
 * @param status  102 to 199.
 * @param names   The names of `count` header fields; may be NULL when `count` is 0.
 * @param values  Their values.
 *
 * The caller promises:
 * `names` and `values` point to `count` NUL-terminated strings each.
 */
int32_t flare_response_inform(flare_response *response, int32_t status, const char *const *names, const char *const *values, size_t count);

/**
 * Answers with a file as it is now, by sendfile where the system can. The file must not become shorter until the answer is sent:
 * then the connection is cut, so that the client sees that it is not whole.
 *
 * @return FLARE_ERROR_NOT_FOUND, FLARE_ERROR_PERMISSION or FLARE_ERROR_IO when the file can't be opened; otherwise as
 * flare_response_send(). After an error the exchange can still be answered.
 *
 * The caller promises:
 * `path` is a NUL-terminated string.
 */
int32_t flare_response_send_file(flare_response *response, int32_t status, const char *path);

/**
 * Answers with content that is pulled while the client takes it.
 *
 * @param length   The number of bytes in all, or -1 when it is not known.
 * @param destroy  Frees `user` when the answer is sent or cut, or when this call fails; may be NULL.
 * @return As flare_response_send().
 *
 * The caller promises:
 * `source` may be called with `user` on the worker until `user` is destroyed.
 */
int32_t flare_response_send_source(flare_response *response,
                                   int32_t status,
                                   int64_t length,
                                   flare_source source,
                                   void *user,
                                   flare_destroy destroy);

/**
 * Makes options that leave everything to the server. The caller owns the handle. NULL when there is no memory.
 */
flare_route_options *flare_route_options_new(void);

/**
 * Frees options. Routes that were added with them keep a copy.
 */
int32_t flare_route_options_free(flare_route_options *options);

/**
 * Sets an option by name:
 *
 * - "body_limit": the most bytes of content; more is refused with 413.
 * - "body_timeout_ms": from one part of the content to the next, 1 to 86400000; then 408.
 * - "body_min_rate": bytes per second that the content has to come with, 0 (any) to 1073741824; then 408.
 * - "handler_timeout_ms": from the call of the handler to its answer, 1 to 86400000; then 503.
 * - "streaming": 1 calls the handler at the head of the request; it takes the content with flare_request_read() or
 *   flare_request_on_event().
 * - "blocking": 1 calls the handler on a pool of threads, where it may block; 503 with Retry-After when the pool is full.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name or a value that does not fit it.
 *
 * The caller promises:
 * `name` is a NUL-terminated string.
 */
int32_t flare_route_options_set_number(flare_route_options *options, const char *name, int64_t value);

/**
 * Makes a router without routes: everything is 404. The caller owns the handle. NULL when there is no memory.
 */
flare_router *flare_router_new(void);

/**
 * Frees a router. Servers that were made from it keep its routes.
 */
int32_t flare_router_free(flare_router *router);

/**
 * Adds a handler for a method and a pattern.
 *
 * Patterns are made of segments: text, `:name` (one segment, not empty) and, last, `*name` (the rest of the path). Text beats
 * `:name` beats `*name`. HEAD is answered by GET; OPTIONS and 405 by the server, with Allow.
 *
 * @param method   A method such as "GET", case-sensitive, or "*" for every method.
 * @param pattern  A pattern such as "/hi/:name".
 * @param handler  Called on a worker for each request.
 * @param user     Handed to the handler. It may be used by several workers at once.
 * @param destroy  Frees `user`; may be NULL. Called when the router and all servers made from it are gone, or when this call fails.
 * @return FLARE_ERROR_INVALID_ARGUMENT for a bad method or pattern, FLARE_ERROR_CONFLICT when another route matches the same.
 *
 * The caller promises:
 * `method` and `pattern` are NUL-terminated strings. `handler` may be called with `user` from any thread.
 */
int32_t flare_router_add(flare_router *router,
                         const char *method,
                         const char *pattern,
                         flare_handler handler,
                         void *user,
                         flare_destroy destroy);

/**
 * The same as flare_router_add(), with options of the route's own.
 *
 * @param options  Copied; NULL for none.
 *
 * The caller promises:
 * As for flare_router_add().
 */
int32_t flare_router_add_with(flare_router *router,
                              const char *method,
                              const char *pattern,
                              const flare_route_options *options,
                              flare_handler handler,
                              void *user,
                              flare_destroy destroy);

/**
 * Adds all routes of another router below a prefix; its "/" becomes the prefix itself. The other router is left as it is and may
 * be freed.
 *
 * @return As flare_router_add(). After an error no route was added.
 *
 * The caller promises:
 * `prefix` is a NUL-terminated string.
 */
int32_t flare_router_mount(flare_router *router, const char *prefix, flare_router *other);

/**
 * Makes a server of the routes that a router has now.
 *
 * @param router  Its routes are shared; the router may be changed or freed afterwards.
 * @param config  Its settings are copied; NULL for the defaults.
 * @return The server, which the caller owns; NULL with a message for a bad handle or a wrong setting.
 */
flare_server *flare_server_new(const flare_router *router, const flare_config *config);

/**
 * Frees a server. If it runs it is ended at once, and running exchanges are cut; the call waits for the workers, unless it is made
 * on a worker (of any server). While another thread is in flare_server_wait() or flare_server_run(), the end is left to that
 * thread.
 */
int32_t flare_server_free(flare_server *server);

/**
 * Adds an address to listen on: "127.0.0.1:8080", "[::1]:0", "localhost:8080", "unix:/run/app.sock". Port 0 is any free port; see
 * flare_server_address(). It is bound by flare_server_start() or flare_server_run().
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT when the text is no address, FLARE_ERROR_INVALID_STATE after the start.
 *
 * The caller promises:
 * `address` is a NUL-terminated string.
 */
int32_t flare_server_listen(flare_server *server, const char *address);

/**
 * Sends events of this level, and of those that matter more, to a callback. Without one, errors and warnings go to standard error.
 *
 * @param level    FLARE_LOG_ERROR to FLARE_LOG_DEBUG.
 * @param destroy  Frees `user` when the server is gone, or when this call fails; may be NULL.
 *
 * The caller promises:
 * `sink` may be called with `user` from any thread.
 */
int32_t flare_server_set_log(flare_server *server, int32_t level, flare_log_sink sink, void *user, flare_destroy destroy);

/**
 * Calls back for each exchange that ended.
 *
 * @param destroy  Frees `user` when the server is gone, or when this call fails; may be NULL.
 *
 * The caller promises:
 * `sink` may be called with `user` from any thread.
 */
int32_t flare_server_set_access_log(flare_server *server, flare_access_sink sink, void *user, flare_destroy destroy);

/**
 * Calls back on each worker before it accepts its first connection.
 *
 * @param destroy  Frees `user` when the server is gone, or when this call fails; may be NULL.
 *
 * The caller promises:
 * `task` may be called with `user` on every worker, at once.
 */
int32_t flare_server_on_worker_start(flare_server *server, flare_task task, void *user, flare_destroy destroy);

/**
 * Calls back on each worker after its last connection closed.
 *
 * @param destroy  Frees `user` when the server is gone, or when this call fails; may be NULL.
 *
 * The caller promises:
 * `task` may be called with `user` on every worker, at once.
 */
int32_t flare_server_on_worker_stop(flare_server *server, flare_task task, void *user, flare_destroy destroy);

/**
 * Binds the addresses and runs the workers on threads of their own. Returns at once.
 *
 * @return FLARE_ERROR_ADDRESS_IN_USE, FLARE_ERROR_PERMISSION, FLARE_ERROR_NOT_FOUND (no such folder) or FLARE_ERROR_IO when an
 * address can't be bound, FLARE_ERROR_INVALID_STATE when it has no address: after these the server is as before, and can be started
 * again. FLARE_ERROR_INVALID_STATE too when it was started before: then it runs on.
 */
int32_t flare_server_start(flare_server *server);

/**
 * Waits until the server has ended. It ends when somebody drains, stops or frees it, or by a signal after
 * flare_server_drain_on_signals().
 *
 * @return FLARE_ERROR_INVALID_STATE when it was not started, another thread waits, or the call is made on a worker (of any server).
 */
int32_t flare_server_wait(flare_server *server);

/**
 * Starts the server and waits until it has ended: flare_server_start() and flare_server_wait().
 */
int32_t flare_server_run(flare_server *server);

/**
 * Serves a router on one address with default settings, until the process gets SIGINT or SIGTERM; then it drains.
 *
 * @return FLARE_OK after a drain, or the error of the step that failed.
 *
 * The caller promises:
 * `address` is a NUL-terminated string.
 */
int32_t flare_serve(const flare_router *router, const char *address);

/**
 * Begins to end the server: no more connections are accepted, idle ones close, running exchanges get this long. Returns at once;
 * flare_server_wait() returns when it is done. A second call can only shorten the time.
 *
 * @param timeout_ms  How long running exchanges may go on, in milliseconds. 0 cuts them.
 */
int32_t flare_server_drain(flare_server *server, uint64_t timeout_ms);

/**
 * Drains the server when the process gets SIGINT or SIGTERM, with the setting drain_timeout_ms; a second signal cuts what still runs.
 * The signals are given back when the server ends or is freed.
 *
 * @return FLARE_ERROR_INVALID_STATE before the start.
 */
int32_t flare_server_drain_on_signals(flare_server *server);

/**
 * An address that the server listens on, with the port that was found for port 0, copied into a buffer and terminated.
 *
 * @param index  From 0. A name such as "localhost" may stand for several addresses.
 * @return The length of the whole text without the NUL, which may be more than fits; 0 when there is no such address, or the server
 * does not run, and the copy is empty.
 *
 * The caller promises:
 * `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
 */
size_t flare_server_address(const flare_server *server, size_t index, char *buffer, size_t capacity);

/**
 * A number that the server counts, over all workers; docs/c-api/server.md lists the names, such as "requests" and "open", and after
 * the end "drain_finished" and "drain_aborted".
 *
 * @return The number, or a negative error code: FLARE_ERROR_NOT_FOUND for an unknown name, FLARE_ERROR_INVALID_STATE before the start.
 *
 * The caller promises:
 * `name` is a NUL-terminated string.
 */
int64_t flare_server_stat(const flare_server *server, const char *name);

/**
 * The number of workers of a server that was started; a negative error code otherwise.
 */
int32_t flare_server_workers(const flare_server *server);

/**
 * Runs a task on a worker, after the events that came before. It must not block.
 *
 * @param worker    The number of the worker, from 0.
 * @param delay_ms  How long the task waits before, in milliseconds; 0 for none.
 * @param destroy   Frees `user` after the task, or when it can't run any more; may be NULL.
 * @return FLARE_ERROR_NOT_FOUND when there is no such worker, or it has ended.
 *
 * The caller promises:
 * `task` may be called with `user` on that worker.
 */
int32_t flare_server_post(flare_server *server, uint32_t worker, uint64_t delay_ms, flare_task task, void *user, flare_destroy destroy);

/**
 * The name of a status code, as `"FLARE_ERROR_TIMEOUT"`.
 *
 * Returns static text, borrowed for as long as the library is loaded; never NULL. A number that is no status code gives
 * `"FLARE_ERROR_UNKNOWN"`.
 *
 * Threads: any. Errors: none.
 */
const char *flare_status_name(int32_t status);

/**
 * Makes TLS settings with safe defaults and no certificate. The caller owns the handle. NULL when there is no memory.
 */
flare_tls *flare_tls_new(void);

/**
 * Frees TLS settings. A server that listens with them keeps its own copy.
 */
int32_t flare_tls_free(flare_tls *tls);

/**
 * Adds a certificate chain and its key from PEM files: for clients that ask for one of its names (SNI). The first one that is added is
 * for all others too. The files are read now, to check them, and again when a server listens or reloads.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT when a file can't be read or is wrong: the message says which file, which PEM block and what was
 * expected. Nothing is added then.
 *
 * The caller promises:
 * `chain` and `key` are NUL-terminated strings.
 */
int32_t flare_tls_add_files(flare_tls *tls, const char *chain, const char *key);

/**
 * Adds a certificate chain and its key as PEM in memory, like flare_tls_add_files(). Both are copied.
 *
 * The caller promises:
 * `chain` points to `chain_length` bytes and `key` to `key_length` bytes.
 */
int32_t flare_tls_add_pem(flare_tls *tls, const void *chain, size_t chain_length, const void *key, size_t key_length);

/**
 * Adds a new key with a certificate that nobody believes, for 90 days: for development. Clients have to be told to take it.
 *
 * @param names  What it is for, with commas between: "localhost,127.0.0.1".
 *
 * The caller promises:
 * `names` is a NUL-terminated string.
 */
int32_t flare_tls_add_self_signed(flare_tls *tls, const char *names);

/**
 * Has certificates chosen by a callback, which is asked before the names of the certificates are looked at. For servers with more
 * certificates than they can hold, or with new ones at any time: keep a flare_tls for each, and answer with it.
 *
 * @param resolver  NULL: no more.
 * @param user      Given to the callback; `destroy` is called when no settings and no server need it any more.
 *
 * The caller promises:
 * `resolver` may be called with `user`, and `destroy` once, from any thread.
 */
int32_t flare_tls_set_resolver(flare_tls *tls, flare_tls_resolver resolver, void *user, flare_destroy destroy);

/**
 * Sets a number, a time in milliseconds (names that end in `_ms`) or a switch (0 or 1) by name. The names and ranges are listed in
 * docs/c-api/tls.md.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name or a value that does not fit it; the message names the setting.
 *
 * The caller promises:
 * `name` is a NUL-terminated string.
 */
int32_t flare_tls_set_number(flare_tls *tls, const char *name, int64_t value);

/**
 * Sets a text by name; see docs/c-api/tls.md. The text is copied.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name, or when there is nothing that it is about.
 *
 * The caller promises:
 * `name` and `value` are NUL-terminated strings.
 */
int32_t flare_tls_set_text(flare_tls *tls, const char *name, const char *value);

/**
 * Adds an address that is served over TLS; otherwise like flare_server_listen(). The settings are copied.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT when the text is no address, or the settings or files are wrong: the message says which. The server
 * stays as it was then.
 *
 * The caller promises:
 * `address` is a NUL-terminated string.
 */
int32_t flare_server_listen_tls(flare_server *server, const char *address, const flare_tls *tls);

/**
 * Reads the files of all TLS addresses again. New connections get what is in them now; those that are there go on as they are. Blocks while
 * it reads: not for a worker.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT when a file is wrong: everything stays as it was. FLARE_ERROR_INVALID_STATE before the start.
 */
int32_t flare_server_reload_tls(flare_server *server);

/**
 * Gives a TLS address of a server that runs other settings. New connections get them; those that are there go on as they are.
 *
 * @param index  Which of the addresses that were added with flare_server_listen_tls(), from 0.
 * @param tls    Its settings are copied.
 * @return FLARE_ERROR_INVALID_ARGUMENT when settings or files are wrong, FLARE_ERROR_INVALID_STATE when there is no such address, or before
 * the start: everything stays as it was.
 */
int32_t flare_server_replace_tls(flare_server *server, size_t index, const flare_tls *tls);

/**
 * What was agreed with the client in the TLS handshake, copied into a buffer and terminated.
 *
 * @param name  "version" (such as "TLSv1.3"), "suite", "server_name" (which the client asked for) or "alpn".
 * @return The length of the whole text without the NUL, which may be more than fits; 0 when there is none, as on a connection without TLS,
 * and the copy is empty.
 *
 * The caller promises:
 * `name` is a NUL-terminated string; `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
 */
size_t flare_request_tls(const flare_request *request, const char *name, char *buffer, size_t capacity);

/**
 * The certificate that the client showed, as DER; it was checked. Borrowed until the last release of the request. NULL, with length 0, when
 * it showed none.
 *
 * @param length  Gets the number of bytes; must not be NULL.
 *
 * The caller promises:
 * `length` may be written.
 */
const uint8_t *flare_request_peer_certificate(const flare_request *request, size_t *length);

/**
 * Whether the request came before the end of the TLS handshake (0-RTT): somebody else may have recorded it and sent it again (RFC 8470).
 *
 * @return 1 or 0, or a negative error code for a bad handle.
 */
int32_t flare_request_is_early(const flare_request *request);

/**
 * The version of the ABI that the loaded library speaks. A program works with it if this equals the `FLARE_ABI_VERSION` it was
 * compiled with.
 *
 * Threads: any. Errors: none.
 */
uint32_t flare_abi_version(void);

/**
 * The version of the library, as `"0.1.0"`, for people and logs.
 *
 * Returns static text, borrowed for as long as the library is loaded; never NULL.
 *
 * Threads: any. Errors: none.
 */
const char *flare_version(void);

/**
 * Whether this build has a feature, as `"http1"`.
 *
 * Returns 1 if it has, 0 if it has not, does not know the name, or `name` is NULL.
 *
 * Ownership: `name` stays the caller's. Threads: any. Errors: none.
 *
 * The caller promises:
 * `name` is NULL, or a NUL-terminated string.
 */
int32_t flare_has_feature(const char *name);

/**
 * Adds WebSockets at a pattern: GET with Upgrade on HTTP/1.1, extended CONNECT on HTTP/2 (RFC 8441).
 *
 * @param options   Copied; NULL for defaults.
 * @param open      The handshake is done. Like the other callbacks it may be NULL, and may be called by several workers for different sockets at
 *                  once.
 * @param message   A message came.
 * @param writable  Messages are taken again, after FLARE_ERROR_WOULD_BLOCK.
 * @param close     The last call for a socket.
 * @param user      Handed to the callbacks.
 * @param destroy   Frees `user`; may be NULL. Called when the router, all servers made from it and their sockets are gone, or when this call fails.
 * @return As flare_router_add().
 *
 * The caller promises:
 * `pattern` is a NUL-terminated string. The callbacks may be called with `user` from any thread.
 */
int32_t flare_router_ws(flare_router *router,
                        const char *pattern,
                        const flare_websocket_options *options,
                        flare_websocket_callback open,
                        flare_websocket_message_callback message,
                        flare_websocket_callback writable,
                        flare_websocket_close_callback close,
                        void *user,
                        flare_destroy destroy);

/**
 * Keeps a socket's handle behind its callback. Each retain needs one release.
 */
int32_t flare_websocket_retain(flare_websocket *socket);

/**
 * Gives a socket's handle back. It does not close the socket.
 */
int32_t flare_websocket_release(flare_websocket *socket);

/**
 * Sends a message. It is taken whole or refused, and copied.
 *
 * @param kind  FLARE_WEBSOCKET_TEXT, for UTF-8, or FLARE_WEBSOCKET_BINARY.
 * @return FLARE_ERROR_WOULD_BLOCK when so much waits for the client that nothing was taken: the callback `writable` says when to go on. Who
 * sends at most one message for each that came, in its callback, is never refused. FLARE_ERROR_CLOSED when the socket is closing or gone.
 *
 * The caller promises:
 * `data` points to `length` bytes; NULL with length 0.
 */
int32_t flare_websocket_send(flare_websocket *socket, int32_t kind, const void *data, size_t length);

/**
 * Sends a text message, as flare_websocket_send().
 *
 * The caller promises:
 * `text` is a NUL-terminated string.
 */
int32_t flare_websocket_send_text(flare_websocket *socket, const char *text);

/**
 * Sends a piece of a message whose end is not at hand yet, in a frame of its own (RFC 6455, 5.4), without compression. All pieces are of one kind, and
 * each piece of a text is whole characters. Until the last one other messages are refused with FLARE_ERROR_WOULD_BLOCK, and publications are missed;
 * Pings and a close are not held up. So one thread sends all pieces, and soon.
 *
 * @param kind  FLARE_WEBSOCKET_TEXT or FLARE_WEBSOCKET_BINARY, as the pieces before it.
 * @param last  1 for the last piece, 0 before it.
 * @return As flare_websocket_send(); then the message goes on with the same piece.
 *
 * The caller promises:
 * `data` points to `length` bytes; NULL with length 0.
 */
int32_t flare_websocket_send_fragment(flare_websocket *socket,
                                      int32_t kind,
                                      const void *data,
                                      size_t length,
                                      int32_t last);

/**
 * Sends a Ping (RFC 6455, 5.5.2). Those that find out whether the client lives are sent without it.
 *
 * @param length  At most 125.
 * @return As flare_websocket_send().
 *
 * The caller promises:
 * `data` points to `length` bytes; NULL with length 0.
 */
int32_t flare_websocket_ping(flare_websocket *socket, const void *data, size_t length);

/**
 * Begins to close: sends a Close behind what was sent, and waits a while for the client's ("close_timeout_ms"). Messages that come meanwhile are
 * dropped.
 *
 * @param code    1000 to 1003, 1007 to 1014, or 3000 to 4999 (RFC 6455, 7.4).
 * @param reason  At most 123 bytes; NULL for none.
 * @return FLARE_ERROR_CLOSED when it was closing before or is gone.
 *
 * The caller promises:
 * `reason` is NULL or a NUL-terminated string.
 */
int32_t flare_websocket_close(flare_websocket *socket,
                              int32_t code,
                              const char *reason);

/**
 * 1 while messages are taken, 0 when the socket is closing or gone, or an error code.
 */
int32_t flare_websocket_is_open(const flare_websocket *socket);

/**
 * The subprotocol that was agreed, copied into a buffer and terminated.
 *
 * @return The length of the whole text without the NUL, which may be more than fits; 0 when none was agreed.
 *
 * The caller promises:
 * `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
 */
size_t flare_websocket_protocol(const flare_websocket *socket, char *buffer, size_t capacity);

/**
 * The request that opened the socket, for reading, while its `open` callback runs. Whoever needs it later keeps this handle: then it is let go, since
 * a socket may live for long.
 *
 * @return The caller owns one reference: flare_request_release(). NULL after an error: FLARE_ERROR_INVALID_STATE behind `open`.
 */
flare_request *flare_websocket_request(const flare_websocket *socket);

/**
 * Tells the server's log, at the level FLARE_LOG_ERROR, that code around a socket failed, and lets the socket go on.
 *
 * @param message  UTF-8; what is no UTF-8 in it is replaced.
 *
 * The caller promises:
 * `message` is a NUL-terminated string.
 */
int32_t flare_websocket_log_error(flare_websocket *socket, const char *message);

/**
 * Attaches something to a socket; it replaces what was attached before.
 *
 * @param destroy  Frees `data`; may be NULL. Called when it is replaced, when the last handle of the socket is gone, or when this call fails.
 *
 * The caller promises:
 * `destroy` may be called with `data` from any thread.
 */
int32_t flare_websocket_set_data(flare_websocket *socket,
                                 void *data,
                                 flare_destroy destroy);

/**
 * What was attached to a socket; NULL when nothing was, or after an error. Whoever replaces it must know that nobody uses it.
 */
void *flare_websocket_data(const flare_websocket *socket);

/**
 * Puts a socket on the list of a topic: it gets what is published there, on any worker of its server. It leaves when it ends. Whoever lets
 * clients name topics must bound their number.
 *
 * The caller promises:
 * `topic` is a NUL-terminated string.
 */
int32_t flare_websocket_subscribe(flare_websocket *socket, const char *topic);

/**
 * Takes a socket off the list of a topic.
 *
 * The caller promises:
 * `topic` is a NUL-terminated string.
 */
int32_t flare_websocket_unsubscribe(flare_websocket *socket, const char *topic);

/**
 * Sends a message to all sockets of a topic, on all workers of this socket's server; to this one too if it is on the list. It is encoded
 * once. A socket that has not taken what was sent to it before misses it, and counts that: flare_websocket_missed().
 *
 * @return FLARE_ERROR_WOULD_BLOCK when publications of 64 MiB wait for the workers, FLARE_ERROR_CLOSED when the server has ended.
 *
 * The caller promises:
 * `topic` is a NUL-terminated string; `data` points to `length` bytes, or is NULL with length 0.
 */
int32_t flare_websocket_publish(flare_websocket *socket, const char *topic, int32_t kind, const void *data, size_t length);

/**
 * How many publications a socket has missed, because it had not taken what was sent before. 0 after an error.
 */
uint64_t flare_websocket_missed(const flare_websocket *socket);

/**
 * Sends a message to all sockets of a topic, as flare_websocket_publish(), from outside of them.
 *
 * @return As there; FLARE_ERROR_INVALID_STATE before the server was started.
 *
 * The caller promises:
 * `topic` is a NUL-terminated string; `data` points to `length` bytes, or is NULL with length 0.
 */
int32_t flare_server_publish(flare_server *server, const char *topic, int32_t kind, const void *data, size_t length);

/**
 * Waits for what happens next to a socket: a message, whole; a Ping or Pong; that messages are taken again; its end. Somebody has to receive, as
 * Pings are answered, and the end is noticed, in here.
 *
 * @param timeout_ms  How long to wait; -1: for ever, which ends when the server does not answer a Ping; 0: not at all.
 * @param event       Gets the event, which the caller owns.
 * @return FLARE_ERROR_TIMEOUT, or FLARE_ERROR_WOULD_BLOCK when it was not to wait. The end of the socket is an event and no error.
 *
 * The caller promises:
 * `event` may be written.
 */
int32_t flare_websocket_client_receive(flare_websocket_client *client,
                                       int64_t timeout_ms,
                                       flare_websocket_event **event);

/**
 * Sends a message, whole, and waits until the server has taken enough of what was sent before. It is copied. While this waits, what comes is kept up
 * to a limit, so a server that sends back what it gets may stop reading, unless another thread receives.
 *
 * @param kind        FLARE_WEBSOCKET_TEXT, for UTF-8, or FLARE_WEBSOCKET_BINARY.
 * @param timeout_ms  How long to wait; -1: for ever; 0: not at all.
 * @return FLARE_ERROR_WOULD_BLOCK when nothing was taken in time: FLARE_WEBSOCKET_WRITABLE says when to go on. FLARE_ERROR_CLOSED when the socket
 *         is closing or gone.
 *
 * The caller promises:
 * `data` points to `length` bytes, or `length` is 0.
 */
int32_t flare_websocket_client_send(flare_websocket_client *client,
                                    int32_t kind,
                                    const void *data,
                                    size_t length,
                                    int64_t timeout_ms);

/**
 * Sends a text message, as flare_websocket_client_send().
 *
 * The caller promises:
 * `text` is a NUL-terminated string.
 */
int32_t flare_websocket_client_send_text(flare_websocket_client *client, const char *text, int64_t timeout_ms);

/**
 * Sends a Ping (RFC 6455, 5.5.2) without waiting; FLARE_WEBSOCKET_PONG is the answer. Those that find out whether the server lives are sent without it.
 *
 * @param length  At most 125.
 * @return As flare_websocket_client_send().
 *
 * The caller promises:
 * `data` points to `length` bytes, or `length` is 0.
 */
int32_t flare_websocket_client_ping(flare_websocket_client *client,
                                    const void *data,
                                    size_t length);

/**
 * Begins to close: sends a Close behind what was sent, and does not wait. What the server sent before still comes, and then
 * FLARE_WEBSOCKET_CLOSED, at the latest after "close_timeout_ms".
 *
 * @param code    1000 to 1003, 1007 to 1014, or 3000 to 4999 (RFC 6455, 7.4).
 * @param reason  At most 123 bytes; NULL for none.
 * @return FLARE_ERROR_CLOSED when it was closing before or is gone.
 *
 * The caller promises:
 * `reason` is NULL or a NUL-terminated string.
 */
int32_t flare_websocket_client_close(flare_websocket_client *client, int32_t code, const char *reason);

/**
 * Closes the connection and frees the socket. One that is open says goodbye with 1001, if that goes without waiting. Threads that wait in a call for
 * it find it closed.
 */
int32_t flare_websocket_client_free(flare_websocket_client *client);

/**
 * The descriptor to watch for readability, level-triggered: for what comes, for room for what is sent, for deadlines, and for what other threads
 * did. When it is readable, call flare_websocket_client_receive() with a time of 0 until that returns FLARE_ERROR_WOULD_BLOCK. Valid until the
 * handle is freed; only to be watched, never read or closed.
 *
 * @return The descriptor, or a negative error code.
 */
int32_t flare_websocket_client_fd(const flare_websocket_client *client);

/**
 * 1 while messages are taken, 0 when the socket is closing or gone, or an error code.
 */
int32_t flare_websocket_client_is_open(const flare_websocket_client *client);

/**
 * 1 or 2: the version of HTTP that the socket was opened by, or an error code.
 */
int32_t flare_websocket_client_http(const flare_websocket_client *client);

/**
 * The subprotocol that the server chose, copied into a buffer and terminated.
 *
 * @return The length of the whole text without the NUL, which may be more than fits; 0 when it chose none.
 *
 * The caller promises:
 * `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
 */
size_t flare_websocket_client_protocol(const flare_websocket_client *client, char *buffer, size_t capacity);

/**
 * A field of the server's answer to the handshake, the first of this name, copied into a buffer and terminated.
 *
 * @return The length of the whole text without the NUL, which may be more than fits; 0 when there is none.
 *
 * The caller promises:
 * `name` is a NUL-terminated string; `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
 */
size_t flare_websocket_client_header(const flare_websocket_client *client, const char *name, char *buffer, size_t capacity);

/**
 * What an event is: FLARE_WEBSOCKET_TEXT, FLARE_WEBSOCKET_BINARY, FLARE_WEBSOCKET_PING, FLARE_WEBSOCKET_PONG, FLARE_WEBSOCKET_WRITABLE or
 * FLARE_WEBSOCKET_CLOSED; or an error code.
 */
int32_t flare_websocket_event_kind(const flare_websocket_event *event);

/**
 * What an event holds: the bytes of a message, a Ping or a Pong, or the reason of a close. Borrowed until flare_websocket_event_free(). It does not end
 * with NUL.
 *
 * @param length  Gets the number of bytes; may be NULL.
 * @return NULL when there are none, or after an error.
 *
 * The caller promises:
 * `length` is NULL or may be written.
 */
const void *flare_websocket_event_data(const flare_websocket_event *event,
                                       size_t *length);

/**
 * The code of FLARE_WEBSOCKET_CLOSED: that of the server's Close or of its mistake; 1005: it gave none, 1006: it left without goodbye (RFC 6455,
 * 7.4.1). 0 for other events, or an error code.
 */
int32_t flare_websocket_event_code(const flare_websocket_event *event);

/**
 * 1 for FLARE_WEBSOCKET_CLOSED after both sides have sent a Close, else 0, or an error code.
 */
int32_t flare_websocket_event_is_clean(const flare_websocket_event *event);

/**
 * Frees an event, and what it holds.
 */
int32_t flare_websocket_event_free(flare_websocket_event *event);

/**
 * Makes an opener with safe defaults. The caller owns the handle. NULL when there is no memory.
 */
flare_websocket_opener *flare_websocket_opener_new(void);

/**
 * Frees an opener. What it has opened, or is opening, goes on.
 */
int32_t flare_websocket_opener_free(flare_websocket_opener *opener);

/**
 * Sets a number, a time in milliseconds (names that end in `_ms`) or a switch (0 or 1) by name. The names and ranges are listed in
 * docs/c-api/websocket_client.md. Sockets that are being opened keep the settings that they began with.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name or a value that does not fit it; the message names the setting.
 *
 * The caller promises:
 * `name` is a NUL-terminated string.
 */
int32_t flare_websocket_opener_set_number(flare_websocket_opener *opener, const char *name, int64_t value);

/**
 * Sets a text by name; see docs/c-api/websocket_client.md. The text is copied. Files are read when the next socket is opened.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name.
 *
 * The caller promises:
 * `name` and `value` are NUL-terminated strings.
 */
int32_t flare_websocket_opener_set_text(flare_websocket_opener *opener, const char *name, const char *value);

/**
 * Adds a field to the requests that open sockets, such as Authorization, Cookie or Origin. It is copied.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT for what can't be a field. One that belongs to the handshake is refused when a socket is opened.
 *
 * The caller promises:
 * `name` and `value` are NUL-terminated strings.
 */
int32_t flare_websocket_opener_add_header(flare_websocket_opener *opener, const char *name, const char *value);

/**
 * Makes connections as this connector does: with its time limits, and for `wss:` with its TLS. The settings are copied, and replace what was set
 * before; the time limits of opening and ALPN are the opener's own.
 */
int32_t flare_websocket_opener_set_connector(flare_websocket_opener *opener,
                                             const flare_connector *connector);

/**
 * Opens a WebSocket to "ws://name:port/path" or "wss://...", and blocks until that is done, or the time of the setting "open_timeout_ms" is over:
 * not for a worker. With the setting "attempts" it tries again, as long as it may go well later.
 *
 * @param client  Gets the socket, which the caller owns.
 * @param status  Gets the status of an answer that opens no socket, such as 401; else 0. May be NULL.
 * @return FLARE_ERROR_REJECTED when the server answered with something else than a socket; FLARE_ERROR_PROTOCOL when its answer breaks the
 *         rules, or the TLS handshake failed; FLARE_ERROR_CLOSED when the connection was cut; FLARE_ERROR_TIMEOUT; FLARE_ERROR_UNSUPPORTED when only
 *         HTTP/2 was wanted and the server has no sockets on it; FLARE_ERROR_INVALID_ARGUMENT for what is no URI, or a setting that is wrong; and
 *         as flare_connector_connect().
 *
 * The caller promises:
 * `uri` is a NUL-terminated string; `client` may be written; `status` is NULL or may be written.
 */
int32_t flare_websocket_opener_open(flare_websocket_opener *opener,
                                    const char *uri,
                                    flare_websocket_client **client,
                                    int32_t *status);

/**
 * Begins to open a WebSocket like flare_websocket_opener_open(), and blocks nowhere. Watch flare_websocket_opening_fd() for readability,
 * level-triggered, and call flare_websocket_opening_poll() when it is readable.
 *
 * @param opening  Gets the socket that is being opened, which the caller owns.
 * @return FLARE_ERROR_INVALID_ARGUMENT for what is no URI, or a setting that is wrong, and running out of descriptors.
 *
 * The caller promises:
 * `uri` is a NUL-terminated string; `opening` may be written.
 */
int32_t flare_websocket_opener_begin(flare_websocket_opener *opener, const char *uri, flare_websocket_opening **opening);

/**
 * The descriptor to watch: it is readable when flare_websocket_opening_poll() has something to do, also at a deadline and after a cancel. Valid
 * until the handle is freed; only to be watched, never read or closed.
 *
 * @return The descriptor, or a negative error code.
 */
int32_t flare_websocket_opening_fd(const flare_websocket_opening *opening);

/**
 * Does what can be done without waiting.
 *
 * @param client  Gets the socket when it is open; the caller owns it. Free the flare_websocket_opening as well.
 * @param status  As for flare_websocket_opener_open().
 * @return FLARE_ERROR_WOULD_BLOCK while it goes on: watch the descriptor. FLARE_ERROR_CANCELLED after a cancel, FLARE_ERROR_FINISHED when it
 *         had ended before, and else as flare_websocket_opener_open().
 *
 * The caller promises:
 * `client` may be written; `status` is NULL or may be written.
 */
int32_t flare_websocket_opening_poll(flare_websocket_opening *opening,
                                     flare_websocket_client **client,
                                     int32_t *status);

/**
 * Gives up, from any thread: the descriptor becomes readable, and flare_websocket_opening_poll() closes everything that was begun.
 */
int32_t flare_websocket_opening_cancel(flare_websocket_opening *opening);

/**
 * Frees a socket that is being opened: what was begun is closed. One that was given by flare_websocket_opening_poll() lives on.
 */
int32_t flare_websocket_opening_free(flare_websocket_opening *opening);

/**
 * Makes options with safe defaults. The caller owns the handle. NULL when there is no memory.
 */
flare_websocket_options *flare_websocket_options_new(void);

/**
 * Frees options. Routes that were added with them keep a copy.
 */
int32_t flare_websocket_options_free(flare_websocket_options *options);

/**
 * Sets an option by name:
 *
 * - "message_limit": the most bytes of a message, 1 to 1073741824; more ends the socket with 1009. 1 MiB by default.
 * - "ping_interval_ms": a client that sent nothing for so long is sent a Ping, 1 to 86400000. 30 s by default.
 * - "ping_timeout_ms": and one that sent nothing for so long after it is gone, 1 to 86400000. 20 s by default.
 * - "close_timeout_ms": how long the client may take for its Close after ours, 1 to 86400000. 10 s by default.
 * - "deflate": 1 allows compressed messages (permessage-deflate, RFC 7692). 0 by default.
 * - "deflate_takeover": 1 lets them refer to those before, for about 300 KiB that each such socket holds. 0 by default.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name or a value that does not fit it.
 *
 * The caller promises:
 * `name` is a NUL-terminated string.
 */
int32_t flare_websocket_options_set_number(flare_websocket_options *options, const char *name, int64_t value);

/**
 * Sets an option by name:
 *
 * - "protocols": subprotocols that are spoken here, separated by commas. None by default.
 * - "origins": the web pages that may open a socket, separated by commas, such as `https://example.com`; "same" for those of the host that the
 *   request names, the default; "*" for all. A client that sends no Origin is no browser, and always may.
 *
 * @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name.
 *
 * The caller promises:
 * `name` and `value` are NUL-terminated strings.
 */
int32_t flare_websocket_options_set_text(flare_websocket_options *options,
                                         const char *name,
                                         const char *value);

/**
 * Sets who answers a GET that does not ask for a WebSocket. Without one the answer is 426 (Upgrade Required).
 *
 * @param destroy  Frees `user`; may be NULL. Called when the options and all routes made with them are gone, or when this call fails.
 *
 * The caller promises:
 * `handler` may be called with `user` from any thread.
 */
int32_t flare_websocket_options_set_otherwise(flare_websocket_options *options, flare_handler handler, void *user, flare_destroy destroy);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FLARE_H */
