// Fields behind the content (RFC 9110, 6.5): the sum of the content is only known at its end. Both sides send one.
import { App, Reply } from 'flare-node';
import { run } from './support/run.mjs';

const app = new App();
app.post('/sum', (req) => {
  const sum = String(req.body().reduce((sum, byte) => (sum + byte) >>> 0, 0));
  if (req.trailers['x-sum'] !== sum) return Reply.text('the trailer x-sum is missing or wrong\n', { status: 400 });
  return Reply.bytes(req.body(), { headers: { trailer: 'x-sum' } }).trailer('x-sum', sum);
});
await run(app);
