// Programs that are a function from a Request to a Response.
import type { App, AppOptions } from './app.js';
import type { StreamingRequest } from './request.js';
import type { TlsOptions } from './tls.js';

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
