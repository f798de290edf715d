// What showcase answers. Each handler stands in the file of its subject.
#ifndef ROUTES_H
#define ROUTES_H

#include <flare.h>

#include "options.h"

// Adds all routes; those of files and of the proxy when the command line says where these are. Returns the first error.
int32_t routes_add(flare_router *router, const struct options *options);

// page.c
int32_t get_page(flare_request *request, flare_response *response, void *user);

// text.c
int32_t get_plaintext(flare_request *request, flare_response *response, void *user);
int32_t get_hi(flare_request *request, flare_response *response, void *user);

// json_routes.c
int32_t get_json(flare_request *request, flare_response *response, void *user);
int32_t post_json(flare_request *request, flare_response *response, void *user);
int32_t get_headers(flare_request *request, flare_response *response, void *user);

// content.c
int32_t post_page(flare_request *request, flare_response *response, void *user);
int32_t get_bytes(flare_request *request, flare_response *response, void *user);
int32_t get_64k(flare_request *request, flare_response *response, void *user);
int32_t get_1m(flare_request *request, flare_response *response, void *user);

// echo.c
int32_t any_echo(flare_request *request, flare_response *response, void *user);

// datagrams.c
int32_t any_datagrams(flare_request *request, flare_response *response, void *user);

// upload.c
int32_t post_upload(flare_request *request, flare_response *response, void *user);

// stream.c
int32_t get_stream(flare_request *request, flare_response *response, void *user);

// tls.c
int32_t get_tls(flare_request *request, flare_response *response, void *user);

// trailers.c
int32_t any_trailers(flare_request *request, flare_response *response, void *user);

// proxy.c; `user` is the address of the upstream, as text
int32_t any_proxy(flare_request *request, flare_response *response, void *user);

// websocket.c; also `GET /`, whose page those get that do not ask for a WebSocket
int32_t websockets_add(flare_router *router);

// slow.c
int32_t get_slow(flare_request *request, flare_response *response, void *user);
int32_t get_later(flare_request *request, flare_response *response, void *user);

#endif
