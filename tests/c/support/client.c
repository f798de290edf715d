#include "client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "gate.h"

static socklen_t parse(const char *address, struct sockaddr_storage *to) {
    memset(to, 0, sizeof *to);
    if (!strncmp(address, "unix:", 5)) {
        struct sockaddr_un *path = (struct sockaddr_un *)to;
        path->sun_family = AF_UNIX;
        snprintf(path->sun_path, sizeof path->sun_path, "%s", address + 5);
        return sizeof *path;
    }
    char host[64];
    int port = 0;
    if (sscanf(address, "[%63[0-9a-f:]]:%d", host, &port) == 2) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        inet_pton(AF_INET6, host, &v6->sin6_addr);
        return sizeof *v6;
    }
    if (sscanf(address, "%63[0-9.]:%d", host, &port) == 2) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)to;
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        inet_pton(AF_INET, host, &v4->sin_addr);
        return sizeof *v4;
    }
    return 0;
}

bool client_open(client *c, const char *address) {
    *c = (client){.fd = -1};
    struct sockaddr_storage to;
    socklen_t length = parse(address, &to);
    if (!length) return false;
    int fd = socket(to.ss_family, SOCK_STREAM, 0);
    if (fd < 0) return false;
    struct timeval longest = {.tv_sec = patience()};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest);
    if (connect(fd, (struct sockaddr *)&to, length)) {
        close(fd);
        return false;
    }
    c->fd = fd;
    return true;
}

bool client_send(client *c, const char *text) { return client_send_bytes(c, text, strlen(text)); }

bool client_send_bytes(client *c, const void *bytes, size_t length) {
    const char *at = bytes;
    while (length > 0) {
        ssize_t sent = send(c->fd, at, length, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        at += sent;
        length -= (size_t)sent;
    }
    return true;
}

// Receives more. False: the end, an error or the deadline.
static bool more(client *c) {
    if (c->room - c->length < 4096) {
        c->room = c->room ? c->room * 2 : 8192;
        c->held = realloc(c->held, c->room);
        if (!c->held) abort();
    }
    ssize_t got = recv(c->fd, c->held + c->length, c->room - c->length, 0);
    if (got <= 0) return false;
    c->length += (size_t)got;
    return true;
}

// Takes bytes from the front of what was received, as text.
static char *take(client *c, size_t length) {
    char *text = malloc(length + 1);
    if (!text) abort();
    memcpy(text, c->held, length);
    text[length] = 0;
    memmove(c->held, c->held + length, c->length - length);
    c->length -= length;
    return text;
}

// Takes everything up to and with `end`. NULL: it does not come.
static char *take_through(client *c, const char *end) {
    for (;;) {
        char *found = c->held ? memmem(c->held, c->length, end, strlen(end)) : NULL;
        if (found) return take(c, (size_t)(found - c->held) + strlen(end));
        if (!more(c)) return NULL;
    }
}

static bool take_exactly(client *c, size_t length, char **out) {
    while (c->length < length) {
        if (!more(c)) return false;
    }
    *out = take(c, length);
    return true;
}

static bool read_chunks(client *c, reply *r) {
    for (;;) {
        char *line = take_through(c, "\r\n"), *chunk;
        if (!line) return false;
        size_t size = strtoul(line, NULL, 16);
        free(line);
        if (size == 0) break;
        if (!take_exactly(c, size + 2, &chunk)) return false;
        r->body = realloc(r->body, r->length + size + 1);
        if (!r->body) abort();
        memcpy(r->body + r->length, chunk, size);
        r->length += size;
        r->body[r->length] = 0;
        free(chunk);
    }
    r->trailers = strdup("\r\n");
    for (;;) {
        char *line = take_through(c, "\r\n");
        if (!line) return false;
        size_t old = strlen(r->trailers), added = strlen(line);
        r->trailers = realloc(r->trailers, old + added + 1);
        memcpy(r->trailers + old, line, added + 1);
        free(line);
        if (added == 2) return true;
    }
}

reply client_read(client *c, bool head) {
    reply r = {0};
    r.head = take_through(c, "\r\n\r\n");
    int status = 0, minor;
    if (!r.head || sscanf(r.head, "HTTP/1.%d %3d ", &minor, &status) != 2) return r;
    r.body = calloc(1, 1);
    if (!r.body) abort();
    const char *length = reply_header(&r, "content-length"), *coding = reply_header(&r, "transfer-encoding");
    bool good = true;
    if (head || status == 204 || status == 304 || status < 200) {
        // No body, whatever the fields say (RFC 9112, 6.3).
    } else if (coding && !strcasecmp(coding, "chunked")) {
        good = read_chunks(c, &r);
    } else if (reply_header(&r, "content-length")) {
        char *body;
        r.length = strtoul(length, NULL, 10);
        good = take_exactly(c, r.length, &body);
        if (good) {
            free(r.body);
            r.body = body;
        }
    } else {
        while (more(c)) {}
        r.length = c->length;
        free(r.body);
        r.body = take(c, c->length);
    }
    if (good) r.status = status;
    return r;
}

bool client_at_end(client *c) {
    char byte;
    return c->length == 0 && recv(c->fd, &byte, 1, 0) == 0;
}

void client_half_close(client *c) { shutdown(c->fd, SHUT_WR); }

void client_close(client *c) {
    if (c->fd >= 0) close(c->fd);
    free(c->held);
    *c = (client){.fd = -1};
}

void client_reset(client *c) {
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    client_close(c);
}

reply ask(const char *address, const char *text) {
    client c;
    reply r = {0};
    if (client_open(&c, address) && client_send(&c, text)) r = client_read(&c, !strncmp(text, "HEAD ", 5));
    client_close(&c);
    return r;
}

static const char *field(const char *text, const char *name) {
    static _Thread_local char values[2][8192];  // two, so that two fields can be compared
    static _Thread_local int next;
    if (!text) return NULL;
    size_t length = strlen(name);
    for (const char *line = strstr(text, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, length) || line[2 + length] != ':') continue;
        const char *value = line + 3 + length, *end = strstr(value, "\r\n");
        value += strspn(value, " ");
        char *out = values[next++ % 2];
        snprintf(out, sizeof values[0], "%.*s", (int)(end ? (size_t)(end - value) : strlen(value)), value);
        return out;
    }
    return NULL;
}

const char *reply_header(const reply *r, const char *name) { return field(r->head, name); }

const char *reply_trailer(const reply *r, const char *name) { return field(r->trailers, name); }

void reply_free(reply *r) {
    free(r->head);
    free(r->body);
    free(r->trailers);
    *r = (reply){0};
}
