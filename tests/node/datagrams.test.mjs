// Datagrams of requests (RFC 9297), in the capsules of HTTP/1.1. How they travel is no matter of JavaScript's; QUIC has its tests in the core and with aioquic.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from 'node:net';
import { once } from 'node:events';
import { deferred, errorsOf, raw, serving } from './support.mjs';

const OFFER = 'GET /echo HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n';

async function echo(request, response) {
  if (request.offeredProtocol === undefined) return response.status(426).send('offer something');
  const datagrams = response.header('x-kind', 'echo').datagrams('echo');
  for await (const datagram of datagrams) assert.equal(datagrams.send(datagram), true);
  assert.equal(datagrams.send('bye'), true);
  datagrams.close();
  datagrams.close();
}

/** A connection, and what has come on it. */
function offering(port, text = OFFER) {
  const socket = connect(port, '127.0.0.1');
  socket.came = Buffer.alloc(0);
  socket.on('data', (part) => { socket.came = Buffer.concat([socket.came, part]); });
  socket.until = async (bytes) => {
    while (!socket.came.includes(bytes)) await once(socket, 'data');
  };
  socket.write(text);
  return socket;
}

test('datagrams are capsules of the byte stream', () => serving((app) => app.route(['GET', 'CONNECT'], '/echo', echo), async ({ app, port }) => {
  const errors = errorsOf(app);
  const socket = offering(port);
  await socket.until('\r\n\r\n');
  const head = socket.came.toString('latin1');
  assert.match(head, /^HTTP\/1\.1 101 [^]*\r\ncapsule-protocol: \?1\r\n/);
  assert.match(head, /\r\nx-kind: echo\r\n/);
  socket.came = Buffer.alloc(0);
  // A capsule of an unknown kind between two datagrams.
  socket.write('\0\x05hello\x21\x01x\0\0', 'latin1');
  await socket.until('\0\x05hello\0\0');
  socket.end();
  await once(socket, 'close');
  assert.equal(socket.came.toString('latin1'), '\0\x05hello\0\0\0\x03bye');
  assert.match(await raw(port, 'GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 426 [^]*offer something$/);
  assert.equal(app.stats().httpDatagramsIn, 2);
  assert.deepEqual(errors, []);
}));

test('what can not be sent is told', () => {
  const told = deferred();
  const talk = async (request, response) => {
    assert.throws(() => response.datagrams('other'), RangeError);
    assert.throws(() => response.datagrams(7), TypeError);
    const datagrams = response.datagrams('echo');
    assert.throws(() => response.datagrams('echo'), { code: 'ERR_FLARE_ANSWERED' });
    assert.equal(datagrams.maxSize, 65536);
    assert.throws(() => datagrams.send(Buffer.alloc(65537)), /65536 bytes/);
    assert.throws(() => datagrams.send(7), TypeError);
    let taken = 0;
    for (let i = 0; i < 200; i++) taken += datagrams.send('x') ? 1 : 0;
    datagrams.close();
    assert.equal(datagrams.send('late'), false);
    told.resolve(taken);
  };
  return serving((app) => app.get('/echo', (...all) => talk(...all).catch(told.reject)), async ({ port }) => {
    const socket = offering(port);
    assert.equal(await told.promise, 128);
    await once(socket, 'close');
    assert.equal(socket.came.subarray(socket.came.indexOf('\r\n\r\n') + 4).toString('latin1'), '\0\x01x'.repeat(128));
  });
});

test('a client that leaves ends the wait, and a handler that throws cuts', () => {
  const ended = deferred();
  return serving((app) => {
    app.get('/echo', async (request, response) => {
      const datagrams = response.datagrams('echo');
      try {
        for await (const datagram of datagrams) throw new Error(`not ${datagram}`);
      } catch (error) {
        ended.resolve(error);
        response.destroy();
      }
    });
    app.get('/left', async (request, response) => {
      await response.datagrams('echo').receive().then(() => {}, (error) => ended.resolve(error));
    });
  }, async ({ port }) => {
    const socket = offering(port);
    const closed = once(socket, 'error');
    await socket.until('\r\n\r\n');
    socket.write('\0\x01x', 'latin1');
    assert.equal((await ended.promise).message, 'not x');
    assert.equal((await closed)[0].code, 'ECONNRESET');
    Object.assign(ended, deferred());
    const left = offering(port, OFFER.replace('/echo', '/left'));
    await left.until('\r\n\r\n');
    left.resetAndDestroy();
    assert.equal((await ended.promise).code, 'ERR_FLARE_PEER_GONE');
  });
});
