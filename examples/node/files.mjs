// The files of a folder: types, validators, conditional requests, ranges. The folder is the second argument.
import { App, files } from 'flare-node';
import { run } from './support/run.mjs';

const app = new App();
app.get('/*path', files(process.argv[3] ?? '.', { index: 'index.html', cacheControl: 'max-age=60' }));
await run(app);
