'use strict';
// Names of what the modules share and programs don't see.

module.exports = {
  PACKED: Symbol('packed'), ID: Symbol('id'), FLAGS: Symbol('flags'), CACHE: Symbol('cache'), EXCHANGE: Symbol('exchange'),
  REQUEST: Symbol('request'), STATE: Symbol('state'), FIELDS: Symbol('fields'), LATER: Symbol('later'),
  NOTICE: Symbol('notice'), OVER: Symbol('over'), SINK: Symbol('sink'), PASS: Symbol('pass'), OWN: Symbol('own'), ROUTE: Symbol('route'),
  WIRE: Symbol('wire'), TELL: Symbol('tell'), MESSAGE: Symbol('message'), DRAIN: Symbol('drain'), CLOSED: Symbol('closed'),
  FAILED: Symbol('failed'), OPENED: Symbol('opened'), HOLD: Symbol('hold'), LISTENS: Symbol('listens'),
};
