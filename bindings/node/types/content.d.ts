// Content and fields, of both sides.

/** Fields of an answer: an object (a list of values makes several fields), pairs, or a `Headers`. */
export type HeadersInit =
  | Fields
  | Record<string, string | number | readonly (string | number)[]>
  | Iterable<readonly [string, string | number]>;

/** Content that is there. */
export type Content = string | Uint8Array;

/** Content that comes piece by piece: a Readable, a ReadableStream, an async generator, a generator. */
export type StreamContent =
  | AsyncIterable<Content>
  | ReadableStream<Content>
  | Generator<Content, unknown, unknown>;

/** Fields of an answer. Names are kept in lower case. */
export interface Fields {
  /** The first field of this name. */
  get(name: string): string | undefined;
  /** Sets a field, in place of all of its name. */
  set(name: string, value: string | number | readonly (string | number)[]): void;
  /** Adds a field. */
  append(name: string, value: string | number): void;
  /** Removes the fields of a name. */
  remove(name: string): void;
}
