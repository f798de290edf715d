/// <reference types="node" />
import type { EventEmitter } from 'node:events';
import type { ParsedUrlQuery } from 'node:querystring';
import type { Readable, Writable } from 'node:stream';

/** Fields of an answer: an object (a list of values makes several fields), pairs, or a `Headers`. */
export type HeadersInit =
  | Fields
  | Record<string, string | number | readonly (string | number)[]>
  | Iterable<readonly [string, string | number]>;

/** Content that is there. */
export type Content = string | Uint8Array;

/** Content that comes piece by piece: a Readable, a ReadableStream, an async generator, a generator. */
export type StreamContent =
  | AsyncIterable<Content>
  | ReadableStream<Content>
  | Generator<Content, unknown, unknown>;

/**
 * What a handler may give back: text, bytes, a stream, a `Reply`, a WHATWG `Response`, a `Blob`, or any value that becomes JSON. `null`
 * is 204, and so is `undefined` from a handler that takes no response.
 */
export type Answer = Content | ArrayBuffer | StreamContent | Reply | Response | Blob | object | number | boolean | null | undefined | void;

/** A handler. It is called on the thread of its loop, and must not block. What it throws is answered with 500. */
export type Handler<Params extends string = string> = (
  request: Request<Params>,
  response: ServerResponse,
) => Answer | Promise<Answer>;

/** A handler of a route with `streaming: true`: it is called at the head of the request, and takes the content as it comes. */
export type StreamingHandler<Params extends string = string> = (
  request: StreamingRequest<Params>,
  response: ServerResponse,
) => Answer | Promise<Answer>;

/**
 * Middleware. It sees the request at its head, before any content is read. It gives back an answer of its own, or what `next()` gave,
 * which it may change.
 *
 * Where a handler of flare's own answers (`files`, `prepared`), or no route takes the request, `next()` gives a reply to which fields can
 * be added; the status is known only for the latter, and the content is not.
 */
export type Middleware = (request: Request, next: () => Promise<Reply>) => Answer | Promise<Answer>;

/** The names of the parameters in a pattern: `'/hi/:name'` has `'name'`. */
export type ParamsOf<Pattern extends string> = string extends Pattern
  ? string
  : Pattern extends `${infer Segment}/${infer Rest}`
    ? ParamOf<Segment> | ParamsOf<Rest>
    : ParamOf<Pattern>;
type ParamOf<Segment extends string> = Segment extends `:${infer Name}` ? Name : Segment extends `*${infer Name}` ? Name : never;

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

/** Where an app listens, and whether over TLS. */
export interface ListenOptions {
  /** 0 (the default) for any free one, or a whole address: `unix:/run/app.sock`, `[::1]:80` */
  port?: number | string;
  /** Default `127.0.0.1`. */
  host?: string;
  /** Without it connections are plain. */
  tls?: TlsOptions;
}

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

/** An answer as it is made: for handlers that answer bit by bit, or later. */
export interface ServerResponse {
  /** The status of the answer, 200 unless it is changed. */
  statusCode: number;
  /** Whether the head of the answer is fixed. */
  readonly headSent: boolean;
  /** Whether the answer has ended, or the client is gone. */
  readonly ended: boolean;
  /** Sets the status: 200 to 599. */
  status(code: number): this;
  /** Sets a field, in place of all of its name. */
  header(name: string, value: string | number | readonly (string | number)[]): this;
  /** Adds a field. */
  append(name: string, value: string | number): this;
  /** A field that was set. */
  getHeader(name: string): string | undefined;
  /** Removes the fields of a name. */
  removeHeader(name: string): this;
  /** Sets `Content-Type`. */
  type(value: string): this;
  /** Answers whole, with anything that a handler may give back. */
  send(value?: Answer): this;
  /** Answers with JSON. */
  json(value: unknown): this;
  /** Answers with HTML. */
  html(text: string): this;
  /** Answers with a redirect: 301, 302 (unless told otherwise), 303, 307 or 308. */
  redirect(location: string, status?: 301 | 302 | 303 | 307 | 308): this;
  /** Sends an interim answer, 102 to 199. False: it was not taken, because too many wait or the client is gone. */
  inform(status: number, headers?: HeadersInit): boolean;
  /**
   * Answers with what another server sends: its bytes are the content, its end is the end. They do not cross into JavaScript.
   * @param address `ip:port`, `name:port` or `unix:/path`. A name is looked up off the loop, and all its addresses are tried; one that is not
   *   found is answered with 502.
   */
  relay(address: string, options?: RelayOptions): this;
  /**
   * Accepts a protocol with datagrams (RFC 9297) that the client offers, with the fields that were set. A RangeError when it does not: the request can
   * still be answered. Not behind middleware of JavaScript.
   */
  datagrams(protocol: string): Datagrams;
  /** Adds a trailer, which is sent behind the content. HTTP/1.0 clients don't get it. */
  trailer(name: string, value: string | number): this;
  /** Sends the head now. */
  flushHead(): this;
  /**
   * Sends some content. False: so much waits for the client that `drain` should come before more; what was given is kept and sent.
   */
  write(chunk: Content): boolean;
  /** Ends the answer, after some content if it is given. */
  end(chunk?: Content): this;
  /** Resolves when writes are taken again; rejects when the exchange is over. */
  drained(): Promise<void>;
  /** Gives the answer up. A client that has a part of it sees a cut connection. */
  destroy(): this;
  /** The content as a `Writable`, for `pipeline()`. */
  writable(): Writable;
  /** `drain`: writes are taken again. `finish`: the answer was handed over whole. `close`: nothing more happens. */
  on(event: 'drain' | 'finish' | 'close', listener: () => void): this;
  once(event: 'drain' | 'finish' | 'close', listener: () => void): this;
  off(event: 'drain' | 'finish' | 'close', listener: () => void): this;
  removeListener(event: 'drain' | 'finish' | 'close', listener: () => void): this;
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

/** How a relay reaches its upstream. */
export interface RelayOptions {
  /** What is sent to the upstream first, such as a request. Default: nothing. */
  prologue?: Content;
  /** How long it may take to connect, in milliseconds; then 504. Default 5000. */
  connectTimeout?: number;
  /** How long the upstream may send nothing, in milliseconds; then 504, or a cut. Default 30000. */
  silenceTimeout?: number;
  /** Whether the content of the request is sent to the upstream. Default: no. */
  forwardContent?: boolean;
}

/** Fields of an answer. Names are kept in lower case. */
export interface Fields {
  /** The first field of this name. */
  get(name: string): string | undefined;
  /** Sets a field, in place of all of its name. */
  set(name: string, value: string | number | readonly (string | number)[]): void;
  /** Adds a field. */
  append(name: string, value: string | number): void;
  /** Removes the fields of a name. */
  remove(name: string): void;
}

/** What shapes a reply besides its content. */
export interface ReplyInit {
  /** 200 to 599. Default 200. */
  status?: number;
  headers?: HeadersInit;
}

/** An answer as a value: what handlers give back when text or JSON alone is not enough, and what middleware gets from `next()`. */
export class Reply {
  /** @param status 200 to 599 */
  constructor(status: number, body?: Content | StreamContent | null, headers?: HeadersInit);
  status: number;
  readonly headers: Fields;
  body: Content | StreamContent | null | undefined;
  /** What was thrown, when this is the answer to that. */
  readonly error: unknown;
  /** Adds a trailer. */
  trailer(name: string, value: string | number): this;
  /** UTF-8 text. */
  static text(body: Content | StreamContent, init?: ReplyInit): Reply;
  /** HTML. */
  static html(body: Content | StreamContent, init?: ReplyInit): Reply;
  /** JSON of a value. */
  static json(value: unknown, init?: ReplyInit): Reply;
  /** Bytes of unknown kind. */
  static bytes(body: Content | StreamContent, init?: ReplyInit): Reply;
  /** A redirect. Default 302. */
  static redirect(location: string, status?: 301 | 302 | 303 | 307 | 308): Reply;
}

/** An error that the client may see: it is answered with this status and message. Other errors are answered with 500 and tell nothing. */
export class HttpError extends Error {
  /** @param status 400 to 599 */
  constructor(status: number, message?: string, options?: { cause?: unknown });
  readonly status: number;
}

/** Middleware of flare's own, in Rust. It runs before all middleware in JavaScript. */
export interface Stock {
  readonly __stock: never;
}

/** A handler of flare's own, in Rust. */
export interface OwnHandler {
  readonly __handler: never;
}

/** What a route decides for itself. What is not given is the server's. */
export interface RouteOptions {
  /** The most bytes of content; more is refused with 413. */
  bodyLimit?: number;
  /** From the call of the handler to its answer, in milliseconds. Then 503. */
  timeout?: number;
  /** From one part of the content to the next, in milliseconds. Then 408. */
  bodyTimeout?: number;
  /** Bytes of content that a client sends in a second, at least; 0 for any. */
  bodyMinRate?: number;
  /** A handler of flare's own that may wait, as for slow disks: it runs on a pool of threads. */
  blocking?: boolean;
}

/** Settings of a server. Each has a safe default. Sizes are in bytes, times in milliseconds (1 to 24 hours). */
export interface AppOptions {
  /** Connections that may wait to be accepted. Default 1024. */
  backlog?: number;
  /** Other processes may listen on the same port in the same way, as workers of a cluster. Default: no. */
  reusePort?: boolean;
  /** Connections open at once. Default 100000. */
  maxConnections?: number;
  /** The most bytes of a head. */
  headBytes?: number;
  /** The most bytes of a target. */
  targetBytes?: number;
  /** The most fields of a head. */
  headerCount?: number;
  /** The most bytes of trailers. */
  trailerBytes?: number;
  /** The most bytes of the line before a chunk. */
  chunkLineBytes?: number;
  /** The most bytes of content; more is refused with 413. Default 16 MiB. */
  bodyLimit?: number;
  /** Content that nobody asked for is dropped up to here, so that the connection can go on. Default 64 KiB. */
  discardLimit?: number;
  /** Answers of a connection that wait for the client before no more requests are read. Default 256 KiB. */
  outputLimit?: number;
  /** Exchanges that may wait for their answer at once; more are answered with 503. Default 100000. */
  maxExchanges?: number;
  /** To the end of a head. Then 408. Default 30 s. */
  headTimeout?: number;
  /** From one part of the content to the next. Then 408. Default 30 s. */
  bodyTimeout?: number;
  /** From an answer to the next request. Then the connection closes. Default 75 s. */
  idleTimeout?: number;
  /** From the call of a handler to its answer. Then 503. Default 60 s. */
  handlerTimeout?: number;
  /** From one part of a streamed answer to the next. Then it is cut. Default 600 s. */
  streamTimeout?: number;
  /** How long a client may take nothing of what waits for it. Then the connection closes. Default 30 s. */
  writeTimeout?: number;
  /** How long what a client still sends after the last answer is read. Default 2 s. */
  lingerTimeout?: number;
  /** The value of `Server`; empty for none. Default `flare`. */
  serverName?: string;
  /** Whether HTTP/2 is spoken with clients that begin with it. Default: yes. */
  http2?: boolean;
  /** Whether HTTP/3 is served too where there is TLS: on the UDP port of the same number. Default: no. */
  http3?: boolean;
  /** Others, by the names that they have in C (docs/c-api/config.md), such as `http2_streams` or `quic_retry`. */
  more?: Record<string, number | boolean | string>;
}

/** Where an app listens. */
export interface ListenAddress {
  /** `127.0.0.1:8080`, `[::1]:8080` or `unix:/run/app.sock`. */
  address: string;
  /** `undefined` for a Unix socket. */
  host: string | undefined;
  /** `undefined` for a Unix socket. */
  port: number | undefined;
}

/** How an app ended. */
export interface CloseReport {
  /** Connections that ended by themselves. */
  finished: number;
  /** Connections whose exchange was cut. */
  aborted: number;
  /** Requests that came in all. */
  requests: number;
}

/** What an app has done so far. */
export interface Stats {
  accepted: number;
  open: number;
  requests: number;
  answers2xx: number;
  answers3xx: number;
  answers4xx: number;
  answers5xx: number;
  bytesIn: number;
  bytesOut: number;
  badRequests: number;
  timeouts: number;
  /** Panics of flare's own, each of which ended one exchange. */
  panics: number;
  acceptErrors: number;
  /** TLS handshakes that ended well, or got as far as early data. */
  tlsHandshakes: number;
  /** How many of them were clients that came back with a session. */
  tlsResumed: number;
  /** TLS handshakes that failed, or were not begun because too many ran. */
  tlsFailed: number;
  /** How many of the handshakes were QUIC's (they count among those of TLS too). */
  quicHandshakes: number;
  /** Clients that were asked to prove their address by a Retry packet. */
  quicRetries: number;
  /** Clients of QUIC that were refused: too many handshakes or connections, or a Retry token that is not good. */
  quicRefused: number;
  /** Datagrams that came to a worker and were of another one's connection, to which they were handed on, or dropped where too many waited. */
  quicForwarded: number;
  /** QUIC packets that were sent and lost. Of a connection that lives, as of its last timer. */
  quicLost: number;
  /** QUIC packets that were sent because others were lost. The same holds for it. */
  quicRetransmitted: number;
  /** UDP datagrams received. */
  datagramsIn: number;
  /** UDP datagrams that the system took. */
  datagramsOut: number;
  /** UDP datagrams that never left: the system refused them, or too much waited already. */
  datagramsDropped: number;
  /** Datagrams of requests (RFC 9297) that came. */
  httpDatagramsIn: number;
  /** Datagrams of requests that were dropped: nobody took them, their request was over, or they did not fit any more. */
  httpDatagramsDropped: number;
}

/** An exchange that has ended. */
export interface EndRecord {
  /** The head of the request. */
  request: RequestHead;
  /** The status of the answer; 0 when there was none. */
  status: number;
  /** Bytes of content in the answer. */
  bytes: number;
  /** Milliseconds from the head of the request to the answer, at a resolution of 1 ms. */
  duration: number;
  /** Whether the answer was sent whole. */
  whole: boolean;
}

type RouteArguments<Pattern extends string> =
  | [...middleware: (Middleware | Stock)[], handler: Handler<ParamsOf<Pattern>> | OwnHandler]
  | [options: RouteOptions & { streaming?: false }, ...middleware: (Middleware | Stock)[], handler: Handler<ParamsOf<Pattern>> | OwnHandler];

interface AddRoute<Self> {
  /** Adds a route. Middleware that stands before the handler is around this route alone. */
  <Pattern extends string>(pattern: Pattern, handler: Handler<ParamsOf<Pattern>> | OwnHandler): Self;
  <Pattern extends string>(pattern: Pattern, options: RouteOptions & { streaming: true }, handler: StreamingHandler<ParamsOf<Pattern>>): Self;
  <Pattern extends string>(
    pattern: Pattern,
    options: RouteOptions & { streaming?: false },
    handler: Handler<ParamsOf<Pattern>> | OwnHandler,
  ): Self;
  <Pattern extends string>(
    pattern: Pattern,
    options: RouteOptions & { streaming: true },
    ...rest: [...middleware: (Middleware | Stock)[], handler: StreamingHandler<ParamsOf<Pattern>>]
  ): Self;
  <Pattern extends string>(pattern: Pattern, ...rest: RouteArguments<Pattern>): Self;
}

interface AppEvents {
  /** A handler or middleware threw. Without a listener the error goes to `console.error`. */
  error: [error: unknown, request?: RequestHead];
  /** `run()` listens. */
  listening: [address: ListenAddress];
  /** An exchange has ended, whoever answered it. Listeners that were added before `listen()` count. */
  end: [record: EndRecord];
  /** The app has ended. */
  close: [];
}

/**
 * Routes and a server for them.
 *
 * Patterns are made of segments: text, `:name` (one segment, not empty) and, last, `*name` (the rest of the path). Text beats `:name` beats
 * `*name`, whatever the order. HEAD is answered by GET; OPTIONS, 404 and 405 by the server.
 */
export class App extends EventEmitter {
  constructor(options?: AppOptions);
  /** Adds a route for GET, which answers HEAD too. */
  get: AddRoute<this>;
  post: AddRoute<this>;
  put: AddRoute<this>;
  patch: AddRoute<this>;
  delete: AddRoute<this>;
  /** Adds a route for every method. */
  any: AddRoute<this>;
  /** Adds a route for a method, or several. Methods are case-sensitive; `*` is any. A conflict throws. */
  route<Pattern extends string>(methods: string | readonly string[], pattern: Pattern, handler: Handler<ParamsOf<Pattern>> | OwnHandler): this;
  route<Pattern extends string>(
    methods: string | readonly string[],
    pattern: Pattern,
    options: RouteOptions & { streaming: true },
    handler: StreamingHandler<ParamsOf<Pattern>>,
  ): this;
  route<Pattern extends string>(methods: string | readonly string[], pattern: Pattern, ...rest: RouteArguments<Pattern>): this;
  /**
   * Takes WebSockets at a pattern: by Upgrade on HTTP/1.1 and by extended CONNECT on HTTP/2. Middleware that stands before the handlers is around
   * this route alone, sees the request that asks for a socket, and may refuse it.
   */
  ws<Data = unknown, Pattern extends string = string>(
    pattern: Pattern,
    handlers: WebSocketHandlers<Data, ParamsOf<Pattern>> | WebSocketFunction<ParamsOf<Pattern>>,
  ): this;
  ws<Data = unknown, Pattern extends string = string>(
    pattern: Pattern,
    ...rest: [
      ...middleware: (Middleware | Stock)[],
      handlers: WebSocketHandlers<Data, ParamsOf<Pattern>> | WebSocketFunction<ParamsOf<Pattern>>,
    ]
  ): this;
  ws<Data = unknown, Pattern extends string = string>(
    pattern: Pattern,
    options: WebSocketOptions,
    ...rest: [
      ...middleware: (Middleware | Stock)[],
      handlers: WebSocketHandlers<Data, ParamsOf<Pattern>> | WebSocketFunction<ParamsOf<Pattern>>,
    ]
  ): this;
  /**
   * Sends a message to all WebSockets of this app that are subscribed to a topic. It is encoded once.
   * @returns false when the app does not listen, or 64 MiB of publications wait already: then nobody gets it
   */
  publish(topic: string, data: WebSocketContent): boolean;
  /** Adds all routes of another app below a prefix; its `/` becomes the prefix itself. Its middleware stays around them. */
  mount(prefix: string, app: App): this;
  /**
   * Adds middleware around all routes of this app, those that are added later included, and around the answers to what no route takes.
   * The first is outermost.
   */
  use(...middleware: (Middleware | Stock)[]): this;
  /**
   * Listens. It serves while Node's loop runs, and keeps the process alive.
   * @param port 0 (the default) for any free one, or a whole address: `unix:/run/app.sock`, `[::1]:80`
   * @param host default `127.0.0.1`
   */
  listen(port?: number | string, host?: string): Promise<ListenAddress>;
  /** The same by names, and over TLS. Certificates are read and checked at once. */
  listen(options: ListenOptions): Promise<ListenAddress>;
  /**
   * Reads certificates and keys again. New connections get them; those that are there go on. If a file is wrong it throws, and nothing changes.
   * Waits for the disk.
   */
  reloadTls(): void;
  /** Listens, closes on SIGTERM or SIGINT, and resolves when it has ended. */
  run(port?: number | string, host?: string): Promise<CloseReport>;
  /** The same by names, and over TLS. */
  run(options: ListenOptions): Promise<CloseReport>;
  /** Where it listens. */
  readonly address: ListenAddress | undefined;
  /**
   * Ends gracefully: no more connections are accepted, idle ones close, running exchanges get this long, in milliseconds (default 30000).
   * A second call can only shorten the time.
   */
  close(timeout?: number): Promise<CloseReport>;
  /** What it has done so far; `undefined` when it does not listen. */
  stats(): Stats | undefined;
  /** Keeps the process alive while it listens, as it does unless told otherwise. */
  ref(): this;
  /** Lets the process end while it listens. */
  unref(): this;
  /** A client for tests, which needs no port. */
  testClient(): TestClient;
  on<Name extends keyof AppEvents>(event: Name, listener: (...values: AppEvents[Name]) => void): this;
  once<Name extends keyof AppEvents>(event: Name, listener: (...values: AppEvents[Name]) => void): this;
  off<Name extends keyof AppEvents>(event: Name, listener: (...values: AppEvents[Name]) => void): this;
}

/** A message as it is sent: a string as text, anything else as bytes. */
export type WebSocketContent = string | ArrayBufferLike | ArrayBufferView;

/** A message as it comes: text as a string, bytes as a `Buffer`. (Whoever sets another `binaryType` gets that, behind a cast.) */
export type WebSocketMessage = string | Buffer;

/** Settings of a WebSocket route. Sizes are in bytes, times in milliseconds (1 to 24 hours). */
export interface WebSocketOptions {
  /** Subprotocols that are spoken here; that which the client likes best is agreed. One that offers none of them gets a socket without. Default: none. */
  protocols?: readonly string[];
  /**
   * Which web pages may open a socket: those of the host that the request names (`same`, the default), all (`*`), or those of these origins, such as
   * `https://example.com`. A client that sends no Origin is no browser, and always may.
   */
  origins?: 'same' | '*' | readonly string[];
  /** The most bytes of a message, 1 to 1 GiB; more ends the socket with 1009. Default 1 MiB. */
  messageLimit?: number;
  /** A client that sent nothing for so long is sent a Ping. Default 30 s. */
  pingInterval?: number;
  /** And one that sent nothing for so long after it is gone. Default 20 s. */
  pingTimeout?: number;
  /** How long the client may take for its Close after ours; then the connection is cut. Default 10 s. */
  closeTimeout?: number;
  /** Whether messages may be compressed (permessage-deflate, RFC 7692). Default: no. */
  deflate?: boolean;
  /** Whether a compressed message may refer to those before, for about 300 KiB that each such socket holds. Default: no. */
  deflateTakeover?: boolean;
  /** Answers a GET that does not ask for a WebSocket, such as with a page. Default: 426. */
  otherwise?: Handler | OwnHandler;
}

/**
 * What happens to the sockets of a route. What a handler throws, at once or later, goes to `app.on('error')` as that of other handlers, and
 * closes the socket with 1011.
 */
export interface WebSocketHandlers<Data = unknown, Params extends string = string> {
  /**
   * A request asks for a socket. A `Reply` (with text or bytes) refuses it, and so does an `HttpError` that is thrown. Anything else becomes
   * `socket.data`. It can't wait: what has to is middleware.
   */
  upgrade?(request: RequestHead<Params>): Data | Reply;
  /** It is open. */
  open?(socket: ServerWebSocket<Data, Params>): unknown;
  /** A message came. The next one comes when this function returns, also if it gives back a promise. */
  message?(socket: ServerWebSocket<Data, Params>, data: WebSocketMessage): unknown;
  /** Messages are taken again, after `send()` was false. */
  drain?(socket: ServerWebSocket<Data, Params>): unknown;
  /** The last call. The code is the client's, or says what it did wrong; 1005: it gave none, 1006: it left without goodbye. */
  close?(socket: ServerWebSocket<Data, Params>, code: number, reason: string): unknown;
}

/**
 * A function that is called for each socket, and then listens or loops: `for await (const message of socket)`. Messages are kept for it until it
 * does (up to 256 KiB; then the client is not read). What it throws, at once or later, closes the socket with 1011.
 */
export type WebSocketFunction<Params extends string = string> = (socket: ServerWebSocket<any, Params>, request: RequestHead<Params>) => unknown;

/** What a listener of `on()` gets. */
export interface WebSocketListeners {
  open: [];
  message: [data: WebSocketMessage];
  drain: [];
  close: [code: number, reason: string, wasClean: boolean];
  error: [error: Error];
}

/** An event of a WebSocket, as browsers have them. */
export interface WebSocketEvent<Socket> extends Event {
  readonly target: Socket & EventTarget;
}

/** What a listener of `addEventListener()` gets. */
export interface WebSocketEvents<Socket> {
  open: WebSocketEvent<Socket>;
  message: WebSocketEvent<Socket> & { readonly data: any };
  drain: WebSocketEvent<Socket>;
  close: WebSocketEvent<Socket> & { readonly code: number; readonly reason: string; readonly wasClean: boolean };
  error: WebSocketEvent<Socket> & { readonly error: Error; readonly message: string };
}

/** What `addEventListener()` takes. */
export type WebSocketListener<Event> = ((event: Event) => unknown) | { handleEvent(event: Event): unknown } | null;

/** How a WebSocket has ended. */
export interface WebSocketEnd {
  /** 1005: there was no code, 1006: there was no goodbye. */
  code: number;
  reason: string;
  /** Whether both sides said goodbye. */
  wasClean: boolean;
}

/**
 * A WebSocket (RFC 6455) as WHATWG has it, with the listeners of an `EventEmitter` beside those of an `EventTarget`, and messages in a loop.
 *
 * Differences to a browser's: `send()` tells whether the message was taken, `binaryType` is `nodebuffer`, and a Blob can't be sent.
 */
export interface WebSocketBase extends AsyncIterable<WebSocketMessage> {
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;
  readonly readyState: 0 | 1 | 2 | 3;
  readonly url: string;
  /** The subprotocol that was agreed; empty for none. */
  readonly protocol: string;
  /** Bytes that were taken and wait for the peer to take what was sent before. */
  readonly bufferedAmount: number;
  /** How messages of bytes come: as `Buffer` (`nodebuffer`, the default), `ArrayBuffer` or `Blob`. */
  binaryType: 'nodebuffer' | 'arraybuffer' | 'blob';
  /**
   * Sends a message. It is taken whole or refused, and copied.
   * @returns false when nothing was taken, because more than 256 KiB wait for the peer (`drained()`, the event `drain` and the handler say when to go
   *   on) or because the socket is closing. One reply for each message that came is never refused.
   */
  send(data: WebSocketContent): boolean;
  /** Sends a Ping with at most 125 bytes. Those that find out whether the peer lives are sent without it. */
  ping(data?: WebSocketContent): boolean;
  /** Resolves when messages are taken again; rejects when the socket is closing. */
  drained(): Promise<void>;
  /**
   * Says goodbye behind what was sent, and waits a while for the peer's. Messages that come meanwhile are dropped.
   * @param code 1000 (the default) to 1003, 1007 to 1014, or 3000 to 4999
   * @param reason at most 123 bytes
   */
  close(code?: number, reason?: string): void;
  /** Resolves when it has ended, however. */
  readonly closed: Promise<WebSocketEnd>;
  onopen: ((event: WebSocketEvents<this>['open']) => unknown) | null;
  onmessage: ((event: WebSocketEvents<this>['message']) => unknown) | null;
  ondrain: ((event: WebSocketEvents<this>['drain']) => unknown) | null;
  onclose: ((event: WebSocketEvents<this>['close']) => unknown) | null;
  onerror: ((event: WebSocketEvents<this>['error']) => unknown) | null;
  addEventListener<Type extends keyof WebSocketEvents<this>>(
    type: Type,
    listener: WebSocketListener<WebSocketEvents<this>[Type]>,
    options?: { once?: boolean; signal?: AbortSignal },
  ): void;
  removeEventListener<Type extends keyof WebSocketEvents<this>>(
    type: Type,
    listener: WebSocketListener<WebSocketEvents<this>[Type]>,
  ): void;
  on<Name extends keyof WebSocketListeners>(event: Name, listener: (...values: WebSocketListeners[Name]) => unknown): this;
  once<Name extends keyof WebSocketListeners>(event: Name, listener: (...values: WebSocketListeners[Name]) => unknown): this;
  off<Name extends keyof WebSocketListeners>(event: Name, listener: (...values: WebSocketListeners[Name]) => unknown): this;
  /** The messages as they come, until the socket has ended. While the loop is busy so much is kept that the peer notices, and no more. */
  [Symbol.asyncIterator](): AsyncIterableIterator<WebSocketMessage>;
}

/** A WebSocket that a client opened. It belongs to the thread of its app. */
export interface ServerWebSocket<Data = unknown, Params extends string = string> extends WebSocketBase {
  /** The request that opened it. Its `signal` aborts when the socket has ended. */
  readonly request: RequestHead<Params>;
  /** What `upgrade()` gave; a place for what the program wants to remember of it. */
  data: Data;
  /** Publications that it has missed, because it had not taken what was sent before. */
  readonly missed: number;
  /**
   * Subscribes to a topic of this app: it gets what is published there. It leaves when it ends. Whoever lets clients name topics must bound their
   * number. Each thread and process has topics of its own.
   */
  subscribe(topic: string): this;
  /** Leaves a topic. */
  unsubscribe(topic: string): this;
  /** As `app.publish()`; to this socket too, if it is subscribed. */
  publish(topic: string, data: WebSocketContent): boolean;
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

/** Settings of a WebSocket to a server. Sizes are in bytes, times in milliseconds. */
export interface WebSocketClientOptions {
  /** Subprotocols to offer, the best first. */
  protocols?: string | readonly string[];
  /** Fields of the request, such as `authorization`, `cookie` and `origin`. */
  headers?: HeadersInit;
  /** For `wss:`. */
  tls?: ClientTlsOptions;
  /** Default: HTTP/2 where TLS agreed on it and the server has WebSockets on it, HTTP/1.1 otherwise. True or false: that alone. */
  http2?: boolean;
  /** Connects to this instead of the host of the URL: `127.0.0.1:80`, `name:port` or `unix:/path`. */
  target?: string;
  /** Name, addresses, TLS handshake and the server's answer together. Default 10 s. */
  openTimeout?: number;
  /** The most bytes of a message; more ends the socket with 1009. Default 1 MiB. */
  messageLimit?: number;
  /** A server that sent nothing for so long is sent a Ping. Default 30 s. */
  pingInterval?: number;
  /** And one that sent nothing for so long after it is gone. Default 20 s. */
  pingTimeout?: number;
  /** How long the server may take for its Close after ours. Default 10 s. */
  closeTimeout?: number;
  /** Offers to compress messages (permessage-deflate, RFC 7692). Default: no. */
  deflate?: boolean;
  /** Whether a compressed message may refer to those before, for about 300 KiB that each such socket holds. Default: no. */
  deflateTakeover?: boolean;
  /** Tries again to open it, as long as it may go well later: what is not given has its default. Default: one attempt. */
  retry?: {
    /** How many attempts in all. Default 10. */
    attempts?: number;
    /** The wait before the second attempt, which doubles each time, less a part by chance. Default 500. */
    wait?: number;
    /** The longest wait. Default 30000. */
    mostWait?: number;
    /** Waits before the first attempt too: for a socket that was lost beside many others. Default: no. */
    waitFirst?: boolean;
  };
  /** Gives up opening it, or cuts it. */
  signal?: AbortSignal;
}

/**
 * A WebSocket to a server, in Node's loop, by HTTP/1.1 or HTTP/2. It keeps the process alive until it has ended.
 *
 * When it can't be opened there are the events `error`, whose error has a `code` (`ECONNREFUSED`, `ETIMEDOUT`, `ERR_FLARE_TLS`, ...; and with
 * `ERR_FLARE_REFUSED` also `status`, `headers` and `body` of the server's answer), and `close` with 1006. Nothing is thrown when nobody listens.
 * What a listener throws is an uncaught exception, as in other emitters.
 */
export class WebSocket {
  /**
   * @param url `ws:`, `wss:`, or `http:` and `https:` for these
   * @throws a `SyntaxError` (DOMException) when URL or protocols are none, and what is wrong with options
   */
  constructor(url: string | URL, protocols?: string | readonly string[], options?: WebSocketClientOptions);
  constructor(url: string | URL, options?: WebSocketClientOptions);
  static readonly CONNECTING: 0;
  static readonly OPEN: 1;
  static readonly CLOSING: 2;
  static readonly CLOSED: 3;
}
export interface WebSocket extends WebSocketBase {
  /** Resolves when it is open; rejects with what `error` tells when it can't be opened. */
  readonly opened: Promise<void>;
  /** `permessage-deflate` when messages are compressed; otherwise empty. */
  readonly extensions: string;
  /** Cuts it at once: the server is told nothing. Then it is closed, with 1006. */
  terminate(): void;
  on<Name extends keyof WebSocketClientListeners>(event: Name, listener: (...values: WebSocketClientListeners[Name]) => unknown): this;
  once<Name extends keyof WebSocketClientListeners>(event: Name, listener: (...values: WebSocketClientListeners[Name]) => unknown): this;
  off<Name extends keyof WebSocketClientListeners>(event: Name, listener: (...values: WebSocketClientListeners[Name]) => unknown): this;
}

/** What a listener of a WebSocket to a server gets. */
export interface WebSocketClientListeners extends WebSocketListeners {
  /** The answer to a Ping, with its bytes. */
  pong: [data: Buffer];
}

/** An answer as a test client sees it. */
export interface TestResponse {
  status: number;
  headers: Record<string, string | string[]>;
  body: Buffer;
  trailers: Record<string, string | string[]>;
  interim: { status: number; headers: Record<string, string | string[]> }[];
  text(): string;
  json<T = any>(): T;
}

/** What a test request has besides its method and target. */
export interface TestRequestInit {
  headers?: HeadersInit;
  /** Text, bytes, or a value that is sent as JSON. */
  body?: unknown;
  /** Loses the connection when it aborts. */
  signal?: AbortSignal;
  /** How long to wait, in milliseconds. Default 10000. */
  timeout?: number;
}

/** Sends requests to the routes of an app without a port. Each request has a connection of its own. */
export interface TestClient {
  get(target: string, init?: TestRequestInit): Promise<TestResponse>;
  post(target: string, body?: unknown, init?: TestRequestInit): Promise<TestResponse>;
  request(method: string, target: string, init?: TestRequestInit): Promise<TestResponse>;
}

/** Requests that loops of the program pull, instead of handlers that are called. */
export class Queue<Tag = unknown> implements AsyncIterable<QueueItem<Tag>> {
  /** A handler that puts its requests here. The tag tells where they came from. */
  handler(tag: Tag): Handler;
  /** How many wait. */
  readonly size: number;
  /** The next request, when there is one. */
  next(): Promise<IteratorResult<QueueItem<Tag>, undefined>>;
  /** Nothing more is taken: requests are answered with 503. What is here can still be pulled. */
  close(): void;
  [Symbol.asyncIterator](): AsyncIterator<QueueItem<Tag>>;
}

/** What stops waiting. */
export interface MuxWait {
  /** Such as `AbortSignal.timeout(1000)`; its reason is thrown. */
  signal?: AbortSignal;
}

/**
 * One end of a connection of many streams, for sidecars: usually over a Unix socket. Each stream has its own backpressure.
 *
 * Errors have a `code`: `ERR_FLARE_MUX_ENDED` when the connection is over, `ERR_FLARE_MUX_STREAMS` when too many streams are open, and those
 * of the system, such as `ECONNREFUSED`.
 */
export class Mux implements AsyncIterable<MuxStream> {
  private constructor();
  /** Connects to `unix:/path`, `127.0.0.1:80` or `name:port`. */
  static connect(address: string, wait?: MuxWait): Promise<Mux>;
  /** Opens a stream; does not wait for the peer. */
  open(): MuxStream;
  /** The next stream of the peer. */
  accept(wait?: MuxWait): Promise<MuxStream>;
  /** Opens and accepts no more streams. The others go on; when they are done or closed the connection ends. */
  close(): void;
  /** The streams of the peer; ends when the connection is closed by either end. */
  [Symbol.asyncIterator](): AsyncIterator<MuxStream>;
}

/**
 * One stream of bytes, both ways. It is let go when both ends are done, or by `close()`.
 *
 * Errors have a `code`: `ERR_FLARE_MUX_REMOTE` with the text of the peer, `ERR_FLARE_MUX_CANCELLED`, `ERR_FLARE_MUX_FINISHED` after `finish()`,
 * `ERR_FLARE_MUX_ENDED`.
 */
export class MuxStream implements AsyncIterable<Buffer> {
  private constructor();
  /** Sends all or nothing, at once. False: the peer has to take some first. */
  trySend(data: string | Uint8Array): boolean;
  /** Sends all or nothing, and waits until the peer has taken enough of what was sent before. */
  send(data: string | Uint8Array, wait?: MuxWait): Promise<void>;
  /** The bytes that have come, at most 64 KiB; waits for some. `undefined`: the peer is done. */
  recv(wait?: MuxWait): Promise<Buffer | undefined>;
  /** This end sends no more; reading goes on. */
  finish(): void;
  /** Ends the stream in both directions, with a text for the peer. */
  error(text: string): void;
  /** Ends the stream in both directions. */
  cancel(): void;
  /** Lets go of the stream: what was finished is still sent, anything else is cancelled. */
  close(): void;
  /** The bytes as they come, until the peer is done. */
  [Symbol.asyncIterator](): AsyncIterator<Buffer>;
}

/** Listens for connections of many streams. */
export class MuxListener implements AsyncIterable<Mux> {
  /** `unix:/path`, `127.0.0.1:0` or `name:port`. It listens at once, and does not keep the process alive unless somebody waits for it. */
  constructor(address: string);
  /** Where it listens, with the port that was found for port 0. */
  readonly address: string;
  /** The next connection. */
  accept(wait?: MuxWait): Promise<Mux>;
  /** Listens no more. */
  close(): void;
  /** The connections; ends when it is closed. */
  [Symbol.asyncIterator](): AsyncIterator<Mux>;
}

export interface QueueItem<Tag> {
  request: Request;
  response: ServerResponse;
  tag: Tag;
}

export interface ServeOptions extends AppOptions {
  /** Answers a request, as programs for WHATWG servers do. */
  fetch(request: globalThis.Request, env: { request: StreamingRequest }): Response | Promise<Response>;
  /** Default 0: any free one. */
  port?: number | string;
  /** Default `127.0.0.1`. */
  hostname?: string;
  /** Serves over TLS. */
  tls?: TlsOptions;
  /** Hears what `fetch` threw. Without it, it goes to `console.error`. */
  onError?(error: unknown): void;
}

/** Serves a function from a WHATWG `Request` to a `Response`, such as `app.fetch` of Hono. Resolves when it listens. */
export function serve(options: ServeOptions): Promise<App>;

/** Gives each request an id, which `request.requestId` and the field `x-request-id` of the answer tell. */
export function requestId(options?: {
  /** Whether a sound id that came with the request stays. For servers that only a proxy can reach. Default: no. */
  trustIncoming?: boolean;
}): Stock;

/** Writes a line for each exchange that ended. */
export function accessLog(options?: {
  /** Default `combined`. */
  format?: 'common' | 'combined' | 'json';
  /** `stdout` (the default), `stderr`, or the path of a file, which is appended to. */
  to?: string;
}): Stock;

/**
 * Lets only requests with a valid bearer token pass (RFC 6750); `request.identity` tells whose it was.
 * @param realm what is protected
 * @param tokens the name of the owner for each token
 */
export function bearer(realm: string, tokens: Record<string, string>): Stock;

/** Limits how often each client may ask: 429 with `Retry-After`. */
export function rateLimit(options: {
  /** The most requests at once, at least 1. */
  capacity: number;
  /** Requests per second over time; may be a fraction. */
  perSecond: number;
  /** IPv6 clients with so many first bits in common are one. Default 64. */
  ipv6Prefix?: number;
  /** The most clients that are remembered. Default 65536. */
  maxClients?: number;
  /** Whether answers say how the client stands (`RateLimit-*`). Default: no. */
  fields?: boolean;
  /** Clients are told apart by `bearer()`, not by address. Default: no. */
  byIdentity?: boolean;
}): Stock;

/** Finds the client behind trusted proxies (RFC 7239), which `request.clientAddress` tells. Belongs before `rateLimit` and `accessLog`. */
export function forwarded(options: {
  /** The field that the proxies add. Default `both`. */
  field?: 'forwarded' | 'x-forwarded-for' | 'both';
  /** Networks of the proxies: `10.0.0.0/8`, `192.0.2.7`. */
  trusted: readonly string[];
  /** Whether peers on Unix sockets are trusted. Default: no. */
  trustUnix?: boolean;
}): Stock;

/** Serves the files of a directory. The last parameter of its route says which: `app.get('/static/*path', files('public'))`. */
export function files(directory: string, options?: {
  /** The file of a directory that is served for it, as `index.html`. Default: none. */
  index?: string;
  /** The value of `Cache-Control`. */
  cacheControl?: string;
  /** Whether `name.br`, `name.zst` or `name.gz` is sent to clients that take it. Default: no. */
  precompressed?: boolean;
  /** Whether names that begin with a dot are served. Default: no. */
  hidden?: boolean;
  /** Whether symbolic links that stay below the directory are followed. Default: no. */
  linksInside?: boolean;
}): OwnHandler;

/** A handler for an answer that never changes: it is encoded once. */
export function prepared(answer: Content | Reply | object): OwnHandler;
