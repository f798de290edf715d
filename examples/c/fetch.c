// A client: fetches several things from one server, at the same time where the wire can, and writes their content to standard output in the
// order they were asked for.
//
//     fetch [--http2 | --http3] [--ca FILE | --insecure] [--send FILE] http[s]://HOST[:PORT] PATH...
//
// --http2: without TLS, by prior knowledge; with TLS the server chooses. --http3: by QUIC. --send: POST with the content of a file.
#include <flare.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "usage: fetch [--http2 | --http3] [--ca FILE | --insecure] [--send FILE] http[s]://HOST[:PORT] PATH...";

typedef struct {
    char *bytes;
    size_t length, room;
} buffer;

// What has become of one path.
typedef struct {
    flare_request *request;
    size_t sent;  // how much of the content was taken
    int32_t status;
    buffer content;
    int ended;
} fetched;

static int32_t append(buffer *to, const void *bytes, size_t length) {
    if (to->room - to->length < length) {
        size_t room = to->length + length > 2 * to->room ? to->length + length : 2 * to->room;
        char *larger = realloc(to->bytes, room);
        if (!larger) return FLARE_ERROR_OUT_OF_MEMORY;
        to->bytes = larger;
        to->room = room;
    }
    if (length > 0) memcpy(to->bytes + to->length, bytes, length);
    to->length += length;
    return FLARE_OK;
}

static int read_file(const char *path, buffer *content) {
    FILE *file = fopen(path, "rb");
    char part[16 * 1024];
    size_t length = 0;
    int32_t status = FLARE_OK;
    while (file && status == FLARE_OK && (length = fread(part, 1, sizeof part, file)) > 0) status = append(content, part, length);
    int good = file && !ferror(file) && status == FLARE_OK;
    if (!good) perror(path);
    if (file) fclose(file);
    return good;
}

// Gives content until no more is taken for now. Waiting here could be for ever: a server that sends back what it gets stops reading when
// nobody takes that.
static int32_t send_content(fetched *one, const buffer *content) {
    while (one->sent < content->length) {
        size_t rest = content->length - one->sent, part = rest < 16 * 1024 ? rest : 16 * 1024;
        int32_t status = flare_request_write(one->request, content->bytes + one->sent, part);
        // FLARE_EVENT_WRITABLE says when to go on. Finished: the server has answered already, and does not want the rest.
        if (status == FLARE_ERROR_WOULD_BLOCK || status == FLARE_ERROR_FINISHED) return FLARE_OK;
        if (status == FLARE_OK) one->sent += part;
        if (status == FLARE_OK && one->sent == content->length) status = flare_request_finish(one->request);
        if (status != FLARE_OK) return status;
    }
    return FLARE_OK;
}

// Begins to fetch one path.
static int32_t begin(flare_client *client, const char *authority, const char *path, const buffer *content, fetched *one, uint64_t tag) {
    one->request = flare_request_new(content ? "POST" : "GET", authority, path);
    int32_t status = FLARE_OK;
    if (content && content->length > 0) status = flare_request_set_content_length(one->request, (int64_t)content->length);
    if (status == FLARE_OK) status = flare_client_open(client, one->request, tag, NULL);
    return status == FLARE_OK && content ? send_content(one, content) : status;
}

// Takes the next event of any of them.
static int32_t take(flare_client *client, fetched *all, const buffer *content) {
    int32_t event;
    flare_response *response;
    uint64_t tag;
    const uint8_t *data;
    size_t length;
    int32_t status = flare_client_next(client, 30000, &event, &response, &tag, &data, &length);
    if (status != FLARE_OK) return status;
    fetched *one = &all[tag];
    switch (event) {
    case FLARE_EVENT_HEAD: one->status = flare_response_status(response); break;
    case FLARE_EVENT_DATA: return append(&one->content, data, length);
    case FLARE_EVENT_WRITABLE: return content ? send_content(one, content) : FLARE_OK;
    case FLARE_EVENT_END: one->ended = 1; break;
    case FLARE_EVENT_CANCELLED: return flare_response_cancelled(response);
    default: break;
    }
    return FLARE_OK;
}

// Fetches everything, as many at a time as the connection takes.
static int32_t fetch(flare_client *client, const char *authority, char **paths, int count, const buffer *content, fetched *all) {
    int32_t status = FLARE_OK;
    for (int asked = 0, ended = 0; status == FLARE_OK && ended < count;) {
        while (status == FLARE_OK && asked < count && flare_client_can_open(client) == 1) {
            status = begin(client, authority, paths[asked], content, &all[asked], (uint64_t)asked);
            asked++;
        }
        if (status == FLARE_OK) status = take(client, all, content);
        ended = 0;
        for (int i = 0; i < asked; i++) ended += all[i].ended;
    }
    return status;
}

static int32_t connect_to(const char *origin, const char *ca, int insecure, int32_t version, flare_client **client) {
    char target[512];
    int is_secure = !strncmp(origin, "https://", 8);
    const char *authority = strstr(origin, "://") + 3, *port = strrchr(authority, ':');
    int has_port = port && port[1] && strspn(port + 1, "0123456789") == strlen(port + 1);
    snprintf(target, sizeof target, "%s%s", authority, has_port ? "" : is_secure ? ":443" : ":80");
    flare_connector *connector = flare_connector_new();
    int32_t status = FLARE_OK;
    if (is_secure) status = flare_connector_set_text(connector, "tls_alpn", "h2,http/1.1");
    if (is_secure && ca && status == FLARE_OK) status = flare_connector_set_text(connector, "tls_roots", ca);
    if (is_secure && insecure && status == FLARE_OK) status = flare_connector_set_number(connector, "tls_insecure_any_certificate", 1);
    if (status == FLARE_OK) status = flare_client_connect(connector, target, version, client);
    flare_connector_free(connector);
    return status;
}

int main(int count, char **words) {
    int32_t version = 0; // as the server likes
    int insecure = 0, at = 1;
    const char *ca = NULL, *send = NULL;
    for (; at < count && !strncmp(words[at], "--", 2); at++) {
        if (!strcmp(words[at], "--http2")) version = 20;
        else if (!strcmp(words[at], "--http3")) version = 30;
        else if (!strcmp(words[at], "--insecure")) insecure = 1;
        else if (!strcmp(words[at], "--ca") && at + 1 < count) ca = words[++at];
        else if (!strcmp(words[at], "--send") && at + 1 < count) send = words[++at];
        else break;
    }
    const char *origin = at < count ? words[at] : "";
    int paths = count - at - 1;
    if (paths < 1 || !(!strncmp(origin, "http://", 7) || !strncmp(origin, "https://", 8))) {
        fprintf(stderr, "%s\n", usage);
        return 1;
    }
    buffer content = {0};
    if (send && !read_file(send, &content)) return 1;
    fetched *all = calloc((size_t)paths, sizeof *all);
    flare_client *client = NULL;
    int32_t status = all ? connect_to(origin, ca, insecure, version, &client) : FLARE_ERROR_OUT_OF_MEMORY;
    if (status == FLARE_OK) status = fetch(client, strstr(origin, "://") + 3, words + at + 1, paths, send ? &content : NULL, all);
    if (status != FLARE_OK) {
        char message[1024];
        flare_last_error(message, sizeof message);
        fprintf(stderr, "%s: %s (%s)\n", words[0], message, flare_status_name(status));
    }
    for (int i = 0; all && i < paths; i++) {
        if (status == FLARE_OK) fprintf(stderr, "%d %s\n", all[i].status, words[at + 1 + i]);
        if (status == FLARE_OK && fwrite(all[i].content.bytes, 1, all[i].content.length, stdout) < all[i].content.length) status = FLARE_ERROR_IO;
        flare_request_release(all[i].request);
        free(all[i].content.bytes);
    }
    if (client) flare_client_free(client);
    free(all);
    free(content.bytes);
    return status == FLARE_OK ? 0 : 1;
}
