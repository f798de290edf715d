// Middleware and handlers of flare's own.
import type { Content } from './content.js';
import type { Reply } from './response.js';

/** Middleware of flare's own, in Rust. It runs before all middleware in JavaScript. */
export interface Stock {
  readonly __stock: never;
}

/** A handler of flare's own, in Rust. */
export interface OwnHandler {
  readonly __handler: never;
}

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
