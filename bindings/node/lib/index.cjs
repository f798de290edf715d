'use strict';
const { App } = require('./app.cjs');
const { Client } = require('./client.cjs');
const { Reply } = require('./reply.cjs');
const { HttpError } = require('./errors.cjs');
const { requestId, accessLog, bearer, rateLimit, forwarded, files, prepared } = require('./stock.cjs');
const { Identity } = require('./resolve.cjs');
const { serve } = require('./fetch.cjs');
const { Queue } = require('./queue.cjs');
const { Mux, MuxListener, MuxStream } = require('./mux.cjs');
const { WebSocket } = require('./websocket_client.cjs');

module.exports = { App, Client, Reply, HttpError, Identity, Queue, Mux, MuxListener, MuxStream, WebSocket, serve, requestId, accessLog, bearer, rateLimit, forwarded, files, prepared };
