// An interim answer: 103 (RFC 8297) tells the client what to load while the page is still being made.
import { App, Reply } from 'flare-node';
import { run } from './support/run.mjs';

const PAGE = '<!doctype html><title>flare</title><link rel=stylesheet href=/style.css><p>hello\n';

const app = new App();
app.get('/', (req, res) => {
  res.inform(103, { link: '</style.css>; rel=preload; as=style' });
  // Here a real page would ask a database, unless the client has left.
  return Reply.html(PAGE);
});
app.get('/style.css', () => new Reply(200, 'p { color: tomato }\n', { 'content-type': 'text/css; charset=utf-8' }));
await run(app);
