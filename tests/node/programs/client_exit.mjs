// Asks, and ends without closing its client; before that a thread is ended that waits for an answer.
import { once } from 'node:events';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { Client } from 'flare-node';

if (isMainThread) {
  const client = new Client(process.argv[2]);
  console.log(await (await client.get('/')).text());
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: process.argv[2] });
  await once(worker, 'message');
  await worker.terminate();
  console.log('thread ended');
} else {
  const client = new Client(workerData);
  await (await client.get('/')).text();
  client.get('/hang').catch(() => {});
  // In another turn of the loop, when the request is on its way.
  setTimeout(() => parentPort.postMessage('waits'), 20);
}
