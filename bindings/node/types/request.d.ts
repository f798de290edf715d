// What a handler is asked.
import type { ParsedUrlQuery } from 'node:querystring';
import type { Readable } from 'node:stream';
import type { Content } from './content.js';
import type { requestId } from './stock.js';
import type { TlsSession } from './tls.js';

/** What a request says in its head. It stays valid as long as it is held, also after it was answered. */
export interface RequestHead<Params extends string = string> {
  /** The method as it was sent; methods are case-sensitive. */
  readonly method: string;
  /** The path as it was sent, still percent-encoded. `*` for `OPTIONS *`. */
  readonly path: string;
  /** Path and query as they were sent. */
  readonly url: string;
  /** The query as it was sent, without the question mark; `undefined` when there is no question mark. */
  readonly queryString: string | undefined;
  /** The query in form encoding, decoded; a name that comes several times has a list. */
  readonly query: ParsedUrlQuery;
  /** The query as `URLSearchParams`. */
  readonly searchParams: URLSearchParams;
  /** Host and port that the request is for, from an absolute target or from `Host`; may be empty. */
  readonly host: string;
  /** The version of HTTP. */
  readonly version: '1.0' | '1.1' | '2.0' | '3.0';
  /** `https` if the connection is TLS. What proxies say is not looked at. */
  readonly scheme: 'http' | 'https';
  /** What was agreed in the TLS handshake; `undefined` on a connection without TLS. */
  readonly tls: TlsSession | undefined;
  /** The parameters that the route took from the path, decoded. */
  readonly params: { readonly [Name in Params]: string };
  /** The header fields, names in lower case. Of several fields of a name the values are joined, with `, ` or, for cookies, `; `. */
  readonly headers: { readonly [name: string]: string | undefined };
  /** Names (in lower case) and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** A header field; the name in any case. */
  header(name: string): string | undefined;
  /** The cookies. Of several of a name the first counts. */
  readonly cookies: { readonly [name: string]: string | undefined };
  /** The address of the peer of the connection; `undefined` on a Unix socket. */
  readonly remoteAddress: string | undefined;
  /** The port of the peer; `undefined` on a Unix socket. */
  readonly remotePort: number | undefined;
  /** The id that `requestId()` gave, if it is around the route. */
  readonly requestId: string | undefined;
  /** The name of the token's owner, if `bearer()` is around the route. */
  readonly identity: string | undefined;
  /** The address of the client: behind trusted proxies if `forwarded()` is around the route, or else of the peer. */
  readonly clientAddress: string | undefined;
  /** A place for what middleware and handlers want to tell each other. */
  readonly locals: Record<PropertyKey, any>;
  /** Aborts when the exchange is over before its answer was whole: the client left, a deadline passed, the server ended. */
  readonly signal: AbortSignal;
  /** What the client offers to go on with: a protocol, or several behind commas. Known until the exchange has ended. */
  readonly offeredProtocol: string | undefined;
  /** The fields behind the content; empty until that has ended. */
  readonly trailers: { readonly [name: string]: string | undefined };
  /** The content as a `Readable`, with backpressure. The content can be taken in one way only. */
  stream(): Readable;
  /** The content as a WHATWG stream of bytes, with backpressure. */
  webStream(): ReadableStream<Uint8Array>;
  /** The content piece by piece, with backpressure. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer>;
}

/** A request whose content is here: it was collected, up to the route's limit, before the handler was called. */
export interface Request<Params extends string = string> extends RequestHead<Params> {
  /** The content. Empty when there is none. */
  body(): Buffer;
  /** The content as UTF-8; what is none becomes U+FFFD. */
  text(): string;
  /** The content as JSON. What is no JSON throws an `HttpError` of 400. */
  json<T = any>(): T;
}

/** A request whose content comes while the handler runs. */
export interface StreamingRequest<Params extends string = string> extends RequestHead<Params> {
  /** All of the content, when it is here. */
  body(): Promise<Buffer>;
  /** All of the content as UTF-8. */
  text(): Promise<string>;
  /** All of the content as JSON. What is no JSON rejects with an `HttpError` of 400. */
  json<T = any>(): Promise<T>;
}

/**
 * A stream of datagrams in place of an answer. They are unreliable: one may be lost, or come before another that was sent first. They travel as QUIC
 * DATAGRAM frames where both ends of an HTTP/3 connection agreed on that (the setting `http3_datagrams`, in `more`), otherwise as capsules in the byte stream. Of those that nobody
 * takes 128 and 128 KiB wait, more are dropped.
 */
export interface Datagrams extends AsyncIterable<Buffer> {
  /** The most bytes that a datagram to the client may have now. It changes with the path to the client. */
  readonly maxSize: number;
  /**
   * Sends a datagram; a string as UTF-8. False: so many wait for the client that it was not taken (send a newer one later), or nobody is there any
   * more. A RangeError when it is larger than `maxSize`. That it was taken does not say that it arrives.
   */
  send(datagram: Content): boolean;
  /** The next datagram; undefined when the client has closed its side. Rejects when the exchange is over. */
  receive(): Promise<Buffer | undefined>;
  /** Closes the stream, behind what was sent. */
  close(): void;
}
