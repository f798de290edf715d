// The files of a folder: types, validators, conditional requests, ranges. The folder is the second argument.
#include "run.h"

int main(int count, char **arguments) {
    const char *folder = count > 2 ? arguments[2] : ".";
    flare_router *router = flare_router_new();
    int32_t status = flare_router_add_files(router, "/*path", folder, "index=index.html; cache_control=max-age=60", NULL);
    return run(router, status, count, arguments);
}
