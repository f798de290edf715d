// A handler that blocks: JavaScript runs on the thread of its loop, so what blocks belongs into a worker thread.
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { App } from 'flare-node';
import { run } from './support/run.mjs';

if (isMainThread) {
  const waiting = [];
  const sleeper = new Worker(new URL(import.meta.url));
  sleeper.on('message', (text) => waiting.shift()(text));
  sleeper.unref();

  const app = new App();
  // Who waits longer gets 503.
  app.get('/sleep', { timeout: 10_000 }, () => {
    sleeper.postMessage(20);
    return new Promise((resolve) => waiting.push(resolve));
  });
  await run(app);
} else {
  parentPort.on('message', (ms) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    parentPort.postMessage(`slept ${ms} ms\n`);
  });
}
