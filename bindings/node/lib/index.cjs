'use strict';
const { App } = require('./app.cjs');
const { Reply } = require('./reply.cjs');
const { HttpError } = require('./errors.cjs');

module.exports = { App, Reply, HttpError };
