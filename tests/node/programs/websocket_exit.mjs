// Ends when its socket has, and before that ends a thread with one.
import { once } from 'node:events';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'flare-node';

const socket = new WebSocket(isMainThread ? process.argv[2] : workerData);
await socket.opened;
socket.send('echo');
if (isMainThread) {
  console.log(String((await once(socket, 'message'))[0]));
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: process.argv[2] });
  await once(worker, 'message');
  await worker.terminate();
  console.log('thread ended');
  socket.on('close', (code) => console.log(`closed ${code}`));
  setTimeout(() => socket.close(), 20);
} else {
  socket.onmessage = ({ data }) => parentPort.postMessage(data);
}
