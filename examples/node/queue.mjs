// Requests that loops of the program pull, instead of handlers that are called. The tag tells which route it was.
import { App, Queue, Reply } from 'flare-node';
import { run } from './support/run.mjs';

const CHANGES = {
  upper: [/[a-z]/g, (letter) => letter.toUpperCase()],
  lower: [/[A-Z]/g, (letter) => letter.toLowerCase()],
};

async function pull(queue) {
  // Ends when the queue is closed and empty.
  for await (const { request, response, tag } of queue) {
    const [letters, change] = CHANGES[tag];
    response.send(Reply.text(request.text().replace(letters, change)));
  }
}

const queue = new Queue();
const app = new App();
app.post('/upper', queue.handler('upper'));
app.post('/lower', queue.handler('lower'));
const pulling = [pull(queue), pull(queue)];
await run(app);
queue.close();
await Promise.all(pulling);
