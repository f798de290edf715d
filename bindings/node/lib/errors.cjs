'use strict';

/** An error that the client may see: it is answered with this status and message. */
class HttpError extends Error {
  constructor(status, message, options) {
    if (!Number.isInteger(status) || status < 400 || status > 599) throw new RangeError(`${status} is no status of an error`);
    super(message ?? `status ${status}`, options);
    this.name = 'HttpError';
    this.status = status;
  }
}

function coded(code, message) {
  return Object.assign(new Error(message), { code });
}

/** Why an exchange is over, from the number that the addon gives: `refusal` in src/answer.rs. */
function overError(number) {
  switch (number) {
    case -10: return coded('ERR_FLARE_PEER_GONE', 'the client is gone');
    case -11: return coded('ERR_FLARE_DEADLINE', 'a deadline passed');
    case -12: return coded('ERR_FLARE_DRAIN', 'the server ended');
    case -13: return coded('ERR_FLARE_RESET', 'the answer was given up');
    default: return coded('ERR_FLARE_OVER', 'the exchange is over');
  }
}

module.exports = { HttpError, coded, overError };
