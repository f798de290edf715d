// Routes: parameters, a router mounted below another, JSON given back. What has no route is 404, or 405 for another method.
#include <flare.h>

#include <stdio.h>
#include <string.h>

static int32_t get_hi(flare_request *request, flare_response *response, void *user) {
    (void)user;
    char text[256];
    size_t length;
    const char *name = flare_request_param(request, "name", &length);
    if (length > 200) return flare_response_send_text(response, 400, "the name is too long\n");
    snprintf(text, sizeof text, "hi, %s\n", name);
    return flare_response_send_text(response, 200, text);
}

// "*path" takes the rest of the path, slashes included, and is decoded.
static int32_t get_file(flare_request *request, flare_response *response, void *user) {
    (void)user;
    size_t length;
    const char *path = flare_request_param(request, "path", &length);
    int32_t status = flare_response_add_header(response, "content-type", "text/plain; charset=utf-8");
    return status == FLARE_OK ? flare_response_send(response, 200, path, length) : status;
}

static int32_t get_user(flare_request *request, flare_response *response, void *user) {
    (void)user;
    char json[64];
    size_t length;
    const char *id = flare_request_param(request, "id", &length);
    if (length > 9 || strspn(id, "0123456789") != length || (id[0] == '0' && length > 1)) {
        return flare_response_send_json(response, 404, "{\"error\":\"no such user\"}");
    }
    snprintf(json, sizeof json, "{\"id\":%s}", id);
    return flare_response_send_json(response, 200, json);
}

static int32_t post_echo(flare_request *request, flare_response *response, void *user) {
    (void)user;
    const char *type = flare_request_header(request, "content-type", NULL);
    if (type == NULL || strcmp(type, "application/json") != 0) {
        return flare_response_send_json(response, 415, "{\"error\":\"send application/json\"}");
    }
    size_t length;
    const uint8_t *body = flare_request_body(request, &length);
    int32_t status = flare_response_add_header(response, "content-type", type);
    return status == FLARE_OK ? flare_response_send(response, 200, body, length) : status;
}

static int32_t add_routes(flare_router *router, flare_router *api) {
    int32_t status = flare_router_add(api, "GET", "/users/:id", get_user, NULL, NULL);
    if (status == FLARE_OK) status = flare_router_add(api, "POST", "/echo", post_echo, NULL, NULL);
    if (status == FLARE_OK) status = flare_router_add(router, "GET", "/hi/:name", get_hi, NULL, NULL);
    if (status == FLARE_OK) status = flare_router_add(router, "GET", "/files/*path", get_file, NULL, NULL);
    if (status == FLARE_OK) status = flare_router_mount(router, "/api", api);
    return status;
}

static int32_t serve(flare_server *server, const char *address) {
    char bound[128];
    int32_t status = flare_server_listen(server, address);
    if (status == FLARE_OK) status = flare_server_start(server);
    if (status == FLARE_OK) status = flare_server_drain_on_signals(server);
    if (status != FLARE_OK) return status;
    if (flare_server_address(server, 0, bound, sizeof bound) == 0) return FLARE_ERROR_NOT_FOUND;
    if (printf("listening on %s\n", bound) < 0 || fflush(stdout) != 0) return FLARE_ERROR_IO;
    return flare_server_wait(server);
}

int main(int count, char **arguments) {
    flare_router *router = flare_router_new(), *api = flare_router_new();
    int32_t status = add_routes(router, api);
    flare_server *server = status == FLARE_OK ? flare_server_new(router, NULL) : NULL;
    if (status == FLARE_OK) status = serve(server, count > 1 ? arguments[1] : "127.0.0.1:8080");
    if (status == FLARE_OK) status = flare_server_free(server);
    if (status == FLARE_OK) status = flare_router_free(router);
    if (status == FLARE_OK) status = flare_router_free(api);
    if (status == FLARE_OK) return 0;
    char message[256];
    flare_last_error(message, sizeof message);
    fprintf(stderr, "router: %s (%s)\n", message, flare_status_name(status));
    return 1;
}
