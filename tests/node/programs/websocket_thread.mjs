// WebSockets in a worker thread, with topics of its own.
import { parentPort, workerData } from 'node:worker_threads';
import { App } from 'flare-node';

const app = new App();
app.ws('/', {
  open(socket) { socket.subscribe('all').send(`thread ${workerData}`); },
  message(socket, data) { app.publish('all', `${workerData}: ${data}`); },
});
parentPort.postMessage((await app.listen()).port);
