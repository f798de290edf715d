// The same package by `require`.
import flare = require('flare-node');

const app = new flare.App();
app.get('/:a', (req) => req.params.a);
export = app;
