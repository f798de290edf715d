// Many streams on one connection.

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
