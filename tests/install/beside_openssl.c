// OpenSSL must be OpenSSL, and flare flare, in one program. A digest and a TLS context use much of both libraries of OpenSSL.
#include <flare.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

// Both libraries of flare's own: rustls for TCP, and BoringSSL, whose functions are called as those of OpenSSL, for HTTP/3.
static int serve(const flare_tls *tls) {
    flare_router *router = flare_router_new();
    flare_config *config = flare_config_new();
    int32_t status = FLARE_OK;
    if (flare_has_feature("http3")) status = flare_config_set_number(config, "http3", 1);
    flare_server *server = flare_server_new(router, config);
    if (status == FLARE_OK) status = flare_server_listen_tls(server, "127.0.0.1:0", tls);
    if (status == FLARE_OK) status = flare_server_start(server);
    if (status == FLARE_OK) status = flare_server_drain(server, 1000);
    if (status == FLARE_OK) status = flare_server_wait(server);
    flare_server_free(server);
    flare_config_free(config);
    flare_router_free(router);
    return status;
}

int main(void) {
    static const unsigned char abc[32] = {  // SHA-256 of "abc", FIPS 180-2
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
        0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (!EVP_Digest("abc", 3, digest, &length, EVP_sha256(), NULL) || length != 32 || memcmp(digest, abc, 32)) {
        fprintf(stderr, "wrong digest\n");
        return 1;
    }
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    SSL *ssl = context ? SSL_new(context) : NULL;
    if (!ssl || strncmp(OpenSSL_version(OPENSSL_VERSION), "OpenSSL", 7)) {
        fprintf(stderr, "no TLS, or not of OpenSSL\n");
        return 1;
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    // flare's own cryptography: a key, a certificate, and their check.
    flare_tls *tls = flare_tls_new();
    if (flare_tls_add_self_signed(tls, "localhost") != FLARE_OK || serve(tls) != FLARE_OK || flare_tls_free(tls) != FLARE_OK) {
        fprintf(stderr, "no TLS of flare\n");
        return 1;
    }
    if (flare_abi_version() != FLARE_ABI_VERSION) {
        fprintf(stderr, "wrong ABI version\n");
        return 1;
    }
    return 0;
}
