// Requests that are pulled.
import type { Handler } from './handler.js';
import type { Request } from './request.js';
import type { ServerResponse } from './response.js';

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

export interface QueueItem<Tag> {
  request: Request;
  response: ServerResponse;
  tag: Tag;
}
