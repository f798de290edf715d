// The server.
import type { EventEmitter } from 'node:events';
import type { Handler, Middleware, ParamsOf, StreamingHandler } from './handler.js';
import type { RequestHead } from './request.js';
import type { OwnHandler, Stock } from './stock.js';
import type { TestClient } from './testing.js';
import type { TlsOptions } from './tls.js';
import type { WebSocketContent, WebSocketFunction, WebSocketHandlers, WebSocketOptions } from './websocket.js';

/** Where an app listens, and whether over TLS. */
export interface ListenOptions {
  /** 0 (the default) for any free one, or a whole address: `unix:/run/app.sock`, `[::1]:80` */
  port?: number | string;
  /** Default `127.0.0.1`. */
  host?: string;
  /** Without it connections are plain. */
  tls?: TlsOptions;
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
  /** A handler, middleware or `tls.resolve` threw. Without a listener the error goes to `console.error`. */
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
   * @param port 0 (the default) for any free one; a text of digits is a number, as in `process.env.PORT`; or a whole address: `unix:/run/app.sock`,
   *   `[::1]:80`
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
