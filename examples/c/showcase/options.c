#define _POSIX_C_SOURCE 200809L
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static const char HELP[] = "usage: showcase [OPTION]...\n"
                           "\n"
                           "An HTTP server that shows what flare does. GET / lists what it answers.\n"
                           "\n"
                           "  --host HOST      listen on this address or name (127.0.0.1)\n"
                           "  --port PORT      listen on this port, 0 for any free one (8080)\n"
                           "  --tls-port PORT  listen for HTTPS on this port too, with HTTP/3 by UDP, 0 for any free one\n"
                           "  --retry-port PORT  the same on another port, where QUIC always sends Retry\n"
                           "  --cert FILE      its certificates, as PEM (without: one for development is made)\n"
                           "  --key FILE       their private key, as PEM\n"
                           "  --client-ca FILE ask clients for certificates of these authorities, as PEM\n"
                           "  --workers N      threads that serve, 0 for one on each core (0)\n"
                           "  --io-uring       do input and output by io_uring, where the system permits it\n"
                           "  --files DIR      serve the files in this folder below /files/\n"
                           "  --upstream ADDR  let /proxy send content to this TCP or Unix address, and answer what it sends\n"
                           "  --mux ADDR       give back what comes on the streams of a mux at this TCP or Unix address\n"
                           "  --help           this text\n";

static bool number(const char *name, const char *text, long high, uint16_t *value) {
    char *end;
    errno = 0;
    long read = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || errno != 0 || read < 0 || read > high) {
        fprintf(stderr, "showcase: --%s: \"%s\" is not a number from 0 to %ld\n", name, text, high);
        return false;
    }
    *value = (uint16_t)read;
    return true;
}

enum options_outcome options_read(struct options *options, int count, char **arguments) {
    static const struct option known[] = {
        {"host", required_argument, NULL, 'h'},
        {"port", required_argument, NULL, 'p'},
        {"tls-port", required_argument, NULL, 't'},
        {"retry-port", required_argument, NULL, 'r'},
        {"cert", required_argument, NULL, 'c'},
        {"key", required_argument, NULL, 'k'},
        {"client-ca", required_argument, NULL, 'a'},
        {"workers", required_argument, NULL, 'w'},
        {"io-uring", no_argument, NULL, 'i'},
        {"files", required_argument, NULL, 'f'},
        {"upstream", required_argument, NULL, 'u'},
        {"mux", required_argument, NULL, 'm'},
        {"help", no_argument, NULL, 'H'},
        {NULL, 0, NULL, 0},
    };
    *options = (struct options){.host = "127.0.0.1", .port = 8080, .tls_port = -1, .retry_port = -1};
    uint16_t tls_port = 0, retry_port = 0;
    int option;
    bool good = true;
    while (good && (option = getopt_long(count, arguments, "", known, NULL)) != -1) {
        switch (option) {
        case 'h': options->host = optarg; break;
        case 'p': good = number("port", optarg, 65535, &options->port); break;
        case 't':
            good = number("tls-port", optarg, 65535, &tls_port);
            options->tls_port = tls_port;
            break;
        case 'r':
            good = number("retry-port", optarg, 65535, &retry_port);
            options->retry_port = retry_port;
            break;
        case 'c': options->cert = optarg; break;
        case 'k': options->key = optarg; break;
        case 'a': options->client_ca = optarg; break;
        case 'w': good = number("workers", optarg, 1024, &options->workers); break;
        case 'i': options->io_uring = true; break;
        case 'f': options->files = optarg; break;
        case 'u': options->upstream = optarg; break;
        case 'm': options->mux = optarg; break;
        case 'H': return fputs(HELP, stdout) < 0 ? OPTIONS_WRONG : OPTIONS_HELP;
        default: good = false;  // getopt_long has said what is wrong
        }
    }
    if (good && optind < count) {
        fprintf(stderr, "showcase: \"%s\" is no option\n", arguments[optind]);
        good = false;
    }
    if (good && (options->cert == NULL) != (options->key == NULL)) {
        fputs("showcase: --cert and --key belong together\n", stderr);
        good = false;
    }
    if (!good) fputs("Try showcase --help.\n", stderr);
    return good ? OPTIONS_RUN : OPTIONS_WRONG;
}
