// WebSockets to servers.
import type { HeadersInit } from './content.js';
import type { ClientTlsOptions } from './tls.js';
import type { WebSocketBase, WebSocketListeners } from './websocket.js';

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
