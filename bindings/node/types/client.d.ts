// The client.
import type { Readable } from 'node:stream';
import type { Content, HeadersInit, StreamContent } from './content.js';
import type { ClientTlsOptions, ClientTlsSession } from './tls.js';

/** Settings of a client. Times are in milliseconds. */
export interface ClientOptions {
  /**
   * Default: with TLS what the server likes best (ALPN), without it HTTP/1.1. True: HTTP/2 alone, without TLS by prior knowledge. False: HTTP/1.1
   * alone.
   */
  http2?: boolean;
  /**
   * HTTP/3 alone, over QUIC, for a server that is known to speak it on the UDP port of this number; only for `https:`. There is no way back to TCP: a
   * server that does not, or a network that lets no UDP through, is `ETIMEDOUT` after `connectTimeout`. Default: no.
   */
  http3?: boolean;
  /** Only for `https:`. */
  tls?: ClientTlsOptions;
  /**
   * How long the server may do nothing while something is waited for: a connection or a turn on it, the head of the answer, the next part of the
   * content, or that it takes content. Default 30 s.
   */
  timeout?: number;
  /** For the lookup of the name, all addresses and the TLS handshake together. Default 10 s. */
  connectTimeout?: number;
  /** How long an address has before the next is tried beside it (RFC 8305). Default 250 ms. */
  attemptDelay?: number;
  /** The most bytes of content that `body()`, `text()` and `json()` collect. Default 64 MiB. */
  maxContent?: number;
}

/** What a request has besides its method and target. */
export interface ClientRequestOptions {
  /** `host` is the authority that is asked for, if it is not that of the origin. */
  headers?: HeadersInit;
  /** The content. A stream is sent as it comes, and as the server takes it; in chunks, unless `content-length` says how long it is. */
  body?: string | ArrayBuffer | ArrayBufferView | URLSearchParams | Blob | StreamContent | Iterable<Content> | null;
  /** A value that becomes the content. */
  json?: unknown;
  /** Fields behind content that is a stream of unknown length. */
  trailers?: HeadersInit;
  /** Instead of that of the client. */
  timeout?: number;
  /** Instead of that of the client. */
  maxContent?: number;
  /** Gives the request up: HTTP/2 and HTTP/3 reset its stream, HTTP/1.1 ends the connection. Its reason is thrown. */
  signal?: AbortSignal;
  /** Hears of interim answers (1xx). */
  onInterim?(status: number, headers: { readonly [name: string]: string | undefined }): void;
}

/**
 * The answer of a server, at its head. Its content can be taken in one way only, and the server sends no more than is taken: whoever does not want
 * it says so with `cancel()`, or the connection is held up on HTTP/1.1.
 */
export interface ClientResponse extends AsyncIterable<Buffer> {
  readonly status: number;
  /** Whether the status is 200 to 299. */
  readonly ok: boolean;
  readonly version: '1.0' | '1.1' | '2.0' | '3.0';
  /** The header fields, names in lower case. Of several fields of a name the values are joined with `, `. */
  readonly headers: { readonly [name: string]: string | undefined };
  /** Names (in lower case) and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** A header field; the name in any case. */
  header(name: string): string | undefined;
  /** The fields behind the content; empty until that has ended. */
  readonly trailers: { readonly [name: string]: string | undefined };
  /** All of the content. */
  body(): Promise<Buffer>;
  /** All of the content as UTF-8. */
  text(): Promise<string>;
  /** All of the content as JSON. What is no JSON rejects with a `SyntaxError`. */
  json<T = any>(): Promise<T>;
  /** The content as a `Readable`. Destroying it gives the answer up. */
  stream(): Readable;
  /** The content as a WHATWG stream of bytes. Cancelling it gives the answer up. */
  webStream(): ReadableStream<Uint8Array>;
  /** Gives up the rest of the answer. */
  cancel(): void;
  /** The content piece by piece. Leaving the loop before the end gives the answer up. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer>;
}

/**
 * A client of one server, in Node's loop. It has one connection at a time, made for the first request, and made anew when it has ended; there is no
 * pool, so whoever wants several connections to a server makes several clients. HTTP/2 and HTTP/3 run requests side by side;
 * HTTP/1.1 one after another, and others wait for their turn. It follows no redirects, keeps no cookies, and sends nothing twice.
 *
 * Errors have a `code`: those of the system (`ECONNREFUSED`, `ENOTFOUND`, ...); `ETIMEDOUT`; `ERR_FLARE_TLS`; `ERR_FLARE_CUT` when the connection
 * ended before the answer did; `ERR_FLARE_REFUSED` when the server did nothing about the request, so that it may be sent again; `ERR_FLARE_RESET`;
 * `ERR_FLARE_PROTOCOL`; `ERR_FLARE_TOO_LONG`; `ERR_FLARE_CLOSED`. A connection on which nothing runs does not keep the process alive.
 */
export class Client {
  /** @param origin `https://name`, `http://name:port` or `unix:/path` */
  constructor(origin: string | URL, options?: ClientOptions);
  readonly origin: string;
  /** What was agreed on the connection that is there; `undefined` without one, or without TLS. */
  readonly tls: ClientTlsSession | undefined;
  /**
   * Sends a request. Resolves at the head of the answer, of any status.
   * @param target `/path?query`, or `*` with OPTIONS
   */
  request(method: string, target: string, options?: ClientRequestOptions): Promise<ClientResponse>;
  get(target: string, options?: ClientRequestOptions): Promise<ClientResponse>;
  head(target: string, options?: ClientRequestOptions): Promise<ClientResponse>;
  post(target: string, options?: ClientRequestOptions): Promise<ClientResponse>;
  put(target: string, options?: ClientRequestOptions): Promise<ClientResponse>;
  patch(target: string, options?: ClientRequestOptions): Promise<ClientResponse>;
  delete(target: string, options?: ClientRequestOptions): Promise<ClientResponse>;
  /** Begins no more requests, and resolves when those that run have ended. Those that wait for their turn are rejected. */
  close(): Promise<void>;
  /** Ends all at once. */
  destroy(error?: Error): void;
}
