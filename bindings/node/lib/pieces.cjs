'use strict';

/** The pieces of a stream of any making, and how to give it up. */
function piecesOf(source) {
  if (typeof source.getReader === 'function') {
    const reader = source.getReader();
    return { next: () => reader.read(), stop: (error) => reader.cancel(error).catch(() => {}) };
  }
  const iterator = (source[Symbol.asyncIterator] ?? source[Symbol.iterator]).call(source);
  const stop = (error) => {
    if (typeof source.destroy === 'function') source.destroy();
    else Promise.resolve(iterator.return?.(error)).catch(() => {});
  };
  return { next: () => iterator.next(), stop };
}

/** Whether content comes piece by piece. */
const isStream = (value) =>
  typeof value[Symbol.asyncIterator] === 'function' || typeof value.getReader === 'function' ||
  (typeof value.next === 'function' && typeof value[Symbol.iterator] === 'function');

module.exports = { piecesOf, isStream };
