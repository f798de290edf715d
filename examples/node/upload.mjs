// Content that is used while it comes: it is counted, and nothing of it is kept.
import { App } from 'flare-node';
import { run } from './support/run.mjs';

const app = new App();
// Called at the head of the request, before any content is read: here it could still be refused.
app.post('/upload', { streaming: true, bodyLimit: 2 ** 40 }, async (req) => {
  let bytes = 0;
  let lines = 0;
  for await (const part of req) {
    bytes += part.length;
    for (let at = part.indexOf('\n'); at >= 0; at = part.indexOf('\n', at + 1)) lines++;
  }
  return `${bytes} bytes, ${lines} lines\n`;
});
await run(app);
