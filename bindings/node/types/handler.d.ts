// What answers requests: handlers and middleware.
import type { Content, StreamContent } from './content.js';
import type { Request, StreamingRequest } from './request.js';
import type { Reply, ServerResponse } from './response.js';

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
