'use strict';
// Connections and sockets to servers by the number that the addon has of them: those on which something happens.

const { connectClients } = require('./native.cjs');

const hosted = new Map();
let last = 0;

function nextNumber() {
  do last = last === 0x7fffffff ? 1 : last + 1; while (hosted.has(last));
  return last;
}

connectClients((number, id, what, first, second) => hosted.get(number)?.happens(id, what, first, second));

module.exports = { hosted, nextNumber };
