// TLS of servers and clients.

/** What was agreed in a TLS handshake. */
export interface TlsSession {
  readonly version: 'TLSv1.2' | 'TLSv1.3';
  /** The cipher suite, as IANA names it. */
  readonly suite: string;
  /** The application protocol, such as `h2`; `undefined` when the client offered none. */
  readonly alpn: string | undefined;
  /** The name that the client asked for (SNI). */
  readonly serverName: string | undefined;
  /** The certificate that the client showed, as DER, checked; for `new X509Certificate()` of `node:crypto`. */
  readonly peerCertificate: Buffer | undefined;
}

/**
 * Who a server is, and settings of TLS under the names that they have in C; docs/c-api/tls.md says what each is, with units, ranges and
 * defaults. What is wrong is an error with the code `ERR_FLARE_TLS`, which names the setting, the file and the PEM block.
 */
export interface TlsOptions {
  /** The certificates, the server's own first: the path of a PEM file, which `reloadTls()` reads again, or its content. */
  cert: string | Uint8Array;
  /** The key, PKCS#8, PKCS#1 or SEC1, not encrypted: a path, or its content. */
  key: string | Uint8Array;
  /** 12 (the default) or 13. */
  min_version?: 12 | 13;
  handshake_timeout_ms?: number;
  max_handshakes?: number;
  tickets?: boolean;
  tickets_sent?: number;
  ticket_key_lifetime_ms?: number;
  session_cache?: number;
  early_data_limit?: number;
  early_data_unsafe_methods?: boolean;
  /** Certificates of clients: 0 (the default) not asked for, 1 checked if there is one, 2 required. */
  client_auth?: 0 | 1 | 2;
  watch_ms?: number;
  /** With commas between. Default: `h2,http/1.1`. */
  alpn?: string;
  client_roots?: string | string[];
  client_revocation_lists?: string | string[];
  names?: string;
  ocsp?: string;
  key_log?: string;
  /** Other certificates: the client's name for the server (SNI) chooses; the one above is for whoever asks for none of them. */
  also?: readonly { cert: string | Uint8Array; key: string | Uint8Array; names?: string; ocsp?: string }[];
  /**
   * Asked first in each handshake, with the name that the client asks for, in lower case, or `undefined` when it asks for none. It gives an
   * `Identity`, or `undefined` for the certificate that these settings have. It is called in the loop, and answers at once. What it throws refuses
   * that client, and goes to `app.on('error')` or `console.error`.
   */
  resolve?: (serverName: string | undefined) => Identity | undefined;
}

/**
 * Certificates and their key for `TlsOptions.resolve`. They are read and checked when it is made, and not again by `reloadTls()`: for others make
 * another identity. What is wrong is an error with the code `ERR_FLARE_TLS`.
 */
export class Identity {
  /** `cert` and `key` as in `TlsOptions`. */
  constructor(options: { cert: string | Uint8Array; key: string | Uint8Array });
  private readonly own;
}

/**
 * Whom a client believes and who it is, under the names that the settings have in C; docs/c-api/connector.md says what each is, with units, ranges
 * and defaults. What is wrong is an error with the code `ERR_FLARE_TLS`, which names the setting, the file and the PEM block. Of what is PEM a
 * string is the path of a file, and bytes are what would be in it.
 */
export interface ClientTlsOptions {
  /** The authorities that are believed, and no others. Default: those of the system. */
  roots?: string | Uint8Array | readonly (string | Uint8Array)[];
  revocation_lists?: string | Uint8Array | readonly (string | Uint8Array)[];
  /** The certificate that is shown to servers which ask for one, its own first; with `key`. */
  cert?: string | Uint8Array;
  key?: string | Uint8Array;
  /** The name that the certificate of the server must be for, if that is not the name of the origin. */
  server_name?: string;
  /** Believes anybody, also somebody in the middle. For tests. */
  insecure_any_certificate?: boolean;
  /** 12 (the default) or 13. */
  min_version?: 12 | 13;
  handshake_timeout_ms?: number;
  /** Servers whose sessions are kept, to come back without a full handshake. Default 256. */
  resumption?: number;
  key_log?: string;
}

/** What was agreed with a server in a TLS handshake. */
export interface ClientTlsSession {
  readonly version: 'TLSv1.2' | 'TLSv1.3';
  /** The cipher suite, as IANA names it. */
  readonly suite: string;
  /** The application protocol, such as `h2`; `undefined` when the server chose none. */
  readonly alpn: string | undefined;
  /** The certificate of the server, as DER; for `new X509Certificate()` of `node:crypto`. */
  readonly peerCertificate: Buffer | undefined;
  /** Whether a session of an earlier connection was used. */
  readonly resumed: boolean;
}
