// What the command line of showcase says.
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options {
    const char *host;   // a name or an IP address
    uint16_t port;      // 0: any free one
    int32_t tls_port;   // for HTTPS, and HTTP/3 by UDP; 0: any free one, -1: none
    int32_t retry_port; // for HTTPS and HTTP/3 whose clients must prove their addresses first; 0: any free one, -1: none
    const char *cert;   // PEM files of the certificates and the key; NULL: made for this run
    const char *key;
    const char *client_ca;  // PEM file of the authorities of client certificates; NULL: none are asked for
    uint16_t workers;   // 0: one for each core
    bool io_uring;
    const char *files;  // a folder; NULL: none
    char *upstream;     // the address that /proxy asks; NULL: none
    const char *mux;    // the address of the mux; NULL: none
};

enum options_outcome { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_WRONG };

// Reads the command line. It has said what there is to say unless the program should run.
enum options_outcome options_read(struct options *options, int count, char **arguments);

#endif
