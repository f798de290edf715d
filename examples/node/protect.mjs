// The middleware that comes with flare: a log around everything, a key to get in, and a limit for each client. None of it comes to
// JavaScript.
import { App, accessLog, bearer, rateLimit } from 'flare-node';
import { run } from './support/run.mjs';

const app = new App();
// The first is outermost: the log sees what the others refuse.
app.use(accessLog({ format: 'common' }));
app.use(bearer('api', { 'open-sesame': 'ann' }));
app.use(rateLimit({ capacity: 3, perSecond: 1 / 60 }));
app.get('/hello', (req) => `hello, ${req.identity}\n`);
await run(app);
