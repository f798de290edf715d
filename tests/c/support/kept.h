// An exchange that a handler keeps, for a test that answers it from outside.
#ifndef KEPT_H
#define KEPT_H

#include "app.h"

// The exchange that was kept last, and how many were.
extern flare_request *kept_request;
extern flare_response *kept_response;
extern gate kept;

// A handler that keeps its exchange.
int32_t keep(flare_request *request, flare_response *response, void *user);

// A handler that answers 200 and "hello".
int32_t hello(flare_request *request, flare_response *response, void *user);

// Sends a request whose exchange is kept, and waits until the one worker has left the handler: then it answers others, at "GET /" with hello().
void kept_begin(const app *a, client *c, const char *text);

// Reads content of the kept request: waits until something comes, or the end, or an error.
int32_t kept_read(void *buffer, size_t capacity, size_t *length);

// Releases what was kept, and closes the connection.
void kept_end(client *c);

#endif
