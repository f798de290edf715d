// A server under test: started on a free port of the loopback, and ended.
#ifndef APP_H
#define APP_H

#include <flare.h>

#include "check.h"
#include "client.h"
#include "gate.h"

typedef struct {
    flare_server *server;
    char address[160];
    char secure_address[160];  // of app_start_everywhere
} app;

// Settings with one worker, for tests that need to know where things run.
flare_config *one_worker(void);

// Adds a handler; `user` is not freed.
void route(flare_router *router, const char *method, const char *pattern, flare_handler handler, void *user);

// Starts a server with these routes. Takes the router and the settings, which may be NULL, and frees them.
void app_start(app *a, flare_router *router, flare_config *config);

// Starts one on two ports: without TLS, and with it, where HTTP/3 and its datagrams are too; its certificate is of "localhost". Takes and frees the
// same.
void app_start_everywhere(app *a, flare_router *router, flare_config *config);

// Starts a server that was made and has no address yet.
void app_start_server(app *a, flare_server *server, const char *address);

// Drains, waits and frees.
void app_stop(app *a);

// Asks and checks the status and the body of the answer.
void expect(const app *a, const char *request, int status, const char *body);

// Reads one answer, and checks its status and its body.
void expect_reply(client *c, int status, const char *body);

// Waits until a number of the server has this value. False: the patience ended first.
bool stat_becomes(const app *a, const char *name, int64_t value);

// The message of this thread's last failure: static text, overwritten by the next call on this thread.
const char *last_error(void);

#endif
