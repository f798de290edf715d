// Both ways at once: the content goes back while it comes. When the client takes none of it, no more of the request is read.
import { App, Reply } from 'flare-node';
import { run } from './support/run.mjs';

const app = new App();
app.post('/echo', { streaming: true }, (req) => Reply.bytes(req));
await run(app);
