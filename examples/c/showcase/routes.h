// What showcase answers. Each handler stands in the file of its subject.
#ifndef ROUTES_H
#define ROUTES_H

#include <flare.h>

// Adds all routes. Returns what flare_router_add_limited() says.
int32_t routes_add(flare_router *router);

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
int32_t any_echo(flare_request *request, flare_response *response, void *user);
int32_t post_upload(flare_request *request, flare_response *response, void *user);
int32_t get_bytes(flare_request *request, flare_response *response, void *user);
int32_t get_64k(flare_request *request, flare_response *response, void *user);
int32_t get_1m(flare_request *request, flare_response *response, void *user);

#endif
