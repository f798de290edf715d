#include <flare.h>

static int32_t hello(flare_request *request, flare_response *response, void *user) {
    (void)request, (void)user;
    return flare_response_send_text(response, 200, "Hello, World!\n");
}
int main(void) {
    flare_router *router = flare_router_new();
    int32_t status = flare_router_add(router, "GET", "/", hello, NULL, NULL);
    if (status == FLARE_OK) status = flare_serve(router, "127.0.0.1:8080");
    return status == FLARE_OK ? 0 : 1;
}
