// Requests to an app without a port.
import type { HeadersInit } from './content.js';

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
