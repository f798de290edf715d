// Static files from C: what is served, and what is wrong with the arguments.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app.h"

static char directory[] = "/tmp/flare-files-XXXXXX";

static void write_file(const char *name, const char *text) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    if (!CHECK(file != NULL)) return;
    fputs(text, file);
    fclose(file);
}

static void remove_file(const char *name) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    remove(path);
}

#define GET(path) "GET " path " HTTP/1.1\r\nhost: a\r\n\r\n"

int main(void) {
    if (!CHECK(mkdtemp(directory) != NULL)) return DONE();
    write_file("a.txt", "0123456789");
    write_file(".hidden", "hidden");
    write_file("index.html", "home");

    app a;
    flare_router *router = flare_router_new();
    flare_route_options *blocking = flare_route_options_new();
    CHECK_STATUS(flare_route_options_set_number(blocking, "blocking", 1), FLARE_OK);
    CHECK_STATUS(flare_router_add_files(router, "/plain/*path", directory, NULL, NULL), FLARE_OK);
    CHECK_STATUS(flare_router_add_files(router, "/pool/*path", directory, "", blocking), FLARE_OK);
    CHECK_STATUS(flare_router_add_files(router, "/all/*path", directory,
                                        "index=index.html; hidden=1; cache_control=no-cache, private", NULL),
                 FLARE_OK);
    CHECK_STATUS(flare_route_options_free(blocking), FLARE_OK);

    TEST("wrong arguments are named and add nothing");
    CHECK_STATUS(flare_router_add_files(router, NULL, directory, NULL, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_TEXT(last_error(), "pattern is NULL");
    CHECK_STATUS(flare_router_add_files(router, "/b/*p", NULL, NULL, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_TEXT(last_error(), "directory is NULL");
    CHECK_STATUS(flare_router_add_files(router, "b", directory, NULL, NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK_STATUS(flare_router_add_files(router, "/plain/*p", directory, NULL, NULL), FLARE_ERROR_CONFLICT);
    CHECK_STATUS(flare_router_add_files(router, "/b/*p", "/nowhere/at/all", NULL, NULL), FLARE_ERROR_NOT_FOUND);
    CHECK(strstr(last_error(), "/nowhere/at/all") != NULL);
    CHECK_STATUS(flare_router_add_files(router, "/b/*p", directory, "hidden=2", NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK(strstr(last_error(), "hidden") != NULL);
    CHECK_STATUS(flare_router_add_files(router, "/b/*p", directory, "shown=1", NULL), FLARE_ERROR_INVALID_ARGUMENT);
    CHECK(strstr(last_error(), "shown") != NULL);
    CHECK_STATUS(flare_router_add_files(router, "/b/*p", directory, "\xff", NULL), FLARE_ERROR_INVALID_ARGUMENT);

    app_start(&a, router, one_worker());

    TEST("files are served, others are not");
    expect(&a, GET("/plain/a.txt"), 200, "0123456789");
    expect(&a, GET("/pool/a.txt"), 200, "0123456789");
    expect(&a, GET("/plain/none"), 404, "Not Found");
    expect(&a, GET("/plain/.hidden"), 404, "Not Found");
    expect(&a, GET("/plain/"), 404, "Not Found");
    expect(&a, GET("/plain/../a.txt"), 404, "Not Found");
    expect(&a, GET("/b/a.txt"), 404, "Not Found");

    TEST("settings count");
    expect(&a, GET("/all/.hidden"), 200, "hidden");
    expect(&a, GET("/all/"), 200, "home");
    reply r = ask(a.address, GET("/all/a.txt"));
    CHECK_TEXT(reply_header(&r, "cache-control"), "no-cache, private");
    CHECK_TEXT(reply_header(&r, "content-type"), "text/plain; charset=utf-8");
    reply_free(&r);

    TEST("ranges and HEAD");
    expect(&a, "GET /plain/a.txt HTTP/1.1\r\nhost: a\r\nrange: bytes=2-4\r\n\r\n", 206, "234");
    expect(&a, "GET /plain/a.txt HTTP/1.1\r\nhost: a\r\nif-none-match: *\r\n\r\n", 304, "");
    client c;
    CHECK(client_open(&c, a.address));
    CHECK(client_send(&c, "HEAD /plain/a.txt HTTP/1.1\r\nhost: a\r\n\r\n"));
    r = client_read(&c, true);
    CHECK_NUMBER(r.status, 200);
    CHECK_TEXT(reply_header(&r, "content-length"), "10");
    reply_free(&r);
    client_close(&c);
    app_stop(&a);

    remove_file("a.txt");
    remove_file(".hidden");
    remove_file("index.html");
    rmdir(directory);
    return DONE();
}
