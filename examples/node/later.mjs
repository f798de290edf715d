// An answer from another thread: slow work must not block the loop, so the handler gives back a promise and the loop goes on.
import { once } from 'node:events';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { App, HttpError } from 'flare-node';
import { run } from './support/run.mjs';

function isPrime(n) {
  for (let i = 2; i * i <= n; i++) if (n % i === 0) return false;
  return n >= 2;
}

if (isMainThread) {
  const app = new App();
  app.get('/primes/:below', async ({ params: { below } }) => {
    if (!/^\d{1,7}$/.test(below) || below > 1_000_000) throw new HttpError(400, 'not a number from 0 to 1000000');
    const [primes] = await once(new Worker(new URL(import.meta.url), { workerData: Number(below) }), 'message');
    return `${primes} primes below ${below}\n`;
  });
  await run(app);
} else {
  let primes = 0;
  for (let n = 0; n < workerData; n++) primes += isPrime(n);
  parentPort.postMessage(primes);
}
