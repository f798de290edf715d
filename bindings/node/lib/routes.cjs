'use strict';
// Routes by the number that the addon has of them, and what becomes of what their handlers throw.

const { Reply } = require('./reply.cjs');
const { HttpError } = require('./errors.cjs');
const { OVER } = require('./symbols.cjs');

const routes = [];
const free = [];

/**
 * A route: `{ app, handler, chain, silent, sockets }`. `silent`: its handler takes no response, so `undefined` is its answer. Without a
 * handler it is of flare's own, or none, or one of WebSockets, whose handlers are `sockets`: then only the chain is here.
 */
function register(route) {
  route.onError = (request, error) => report(route, request, error);
  const id = free.length > 0 ? free.pop() : routes.length;
  routes[id] = route;
  return id;
}

function unregister(id) {
  routes[id] = undefined;
  free.push(id);
}

/** Tells the program of an error: its listeners, or standard error. */
function report(route, request, error) {
  const { app } = route;
  if (app.listenerCount('error') > 0) app.emit('error', error, request);
  else console.error(`flare: ${request.method} ${request.path}:`, error);
}

/** What the client hears of an error: nothing of what went wrong, unless it was meant for it. */
function errorReply(route, request, error) {
  // Who waited for an exchange that is over has nobody to answer.
  if (error !== undefined && error === request[OVER]) return new Reply(503);
  if (error instanceof HttpError) {
    const reply = Reply.text(`${error.message}\n`, { status: error.status });
    reply.error = error;
    return reply;
  }
  report(route, request, error);
  const reply = Reply.text('Internal Server Error', { status: 500 });
  reply.error = error;
  return reply;
}

module.exports = { routes, register, unregister, report, errorReply };
