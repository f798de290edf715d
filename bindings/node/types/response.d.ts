// What it answers.
import type { Writable } from 'node:stream';
import type { Content, Fields, HeadersInit, StreamContent } from './content.js';
import type { Answer } from './handler.js';
import type { Datagrams } from './request.js';

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
