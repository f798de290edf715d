// A small blocking HTTP/1 client that sends what it is given, right or wrong, and takes answers apart.
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    int fd;
    char *held;  // received and not used yet
    size_t length, room;
} client;

typedef struct {
    int status;      // 0: no answer came, or none that makes sense
    char *head;      // the status line and the header fields, NUL-terminated
    char *body;      // without its framing, NUL-terminated behind its length
    size_t length;
    char *trailers;  // the trailer fields of a chunked body, NUL-terminated
} reply;

// Connects to "127.0.0.1:80", "[::1]:80" or "unix:/path". False, with fd -1: it can't.
bool client_open(client *c, const char *address);
bool client_send(client *c, const char *text);
bool client_send_bytes(client *c, const void *bytes, size_t length);
// Reads one answer. `head`: it belongs to a HEAD request, so it has no body whatever its fields say.
reply client_read(client *c, bool head);
// Whether the server closes the connection, and sends nothing more before.
bool client_at_end(client *c);
// No more bytes will come from here; answers still can.
void client_half_close(client *c);
void client_close(client *c);
// Closes with a reset, so that the server learns at once that nobody is there.
void client_reset(client *c);

// Opens a connection, sends, reads one answer, closes.
reply ask(const char *address, const char *text);

// A field of the head or the trailers by name, in any case: static text, overwritten by the next call on this thread. NULL: none.
const char *reply_header(const reply *r, const char *name);
const char *reply_trailer(const reply *r, const char *name);
void reply_free(reply *r);

#endif
