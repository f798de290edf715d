// WebSockets: what both sides have, and those that are accepted.
import type { Handler } from './handler.js';
import type { RequestHead } from './request.js';
import type { Reply } from './response.js';
import type { OwnHandler } from './stock.js';

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
