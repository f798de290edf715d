// WebSockets that clients open: backpressure, topics, limits and ends.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { deferred, echo, errorsOf, open, settled, sockets } from './support.mjs';

test('a loop that is slow stops the client, and loses nothing', () => {
  const begin = deferred();
  const end = deferred();
  return sockets((app) => {
    app.ws('/', async (socket) => {
      await begin.promise;
      let bytes = 0;
      for await (const message of socket) bytes += message.length;
      end.resolve(bytes);
    });
  }, async ({ base }) => {
    const client = await open(base);
    const part = Buffer.alloc(64 * 1024);
    // More than queues, sockets and buffers of the system hold.
    for (let i = 0; i < 1000; i++) client.send(part);
    const left = await settled(() => client.bufferedAmount);
    assert.ok(left > 32 << 20, `the server took all but ${left} bytes though nobody reads`);
    begin.resolve();
    client.close();
    assert.equal(await end.promise, 1000 * part.length);
  });
});

test('a message is taken or refused, and drain says when to go on', () => {
  const story = { refusals: 0, drains: 0, sent: 0, buffered: 0 };
  const done = deferred();
  return sockets((app) => {
    app.ws('/', {
      async open(socket) {
        const part = Buffer.alloc(100_000, 1);
        while (story.sent < 400) {
          if (socket.send(part)) {
            story.sent++;
          } else {
            story.refusals++;
            story.buffered = Math.max(story.buffered, socket.bufferedAmount);
            await socket.drained();
          }
        }
        socket.close();
      },
      drain: () => { story.drains++; },
      close: () => done.resolve(),
    });
  }, async ({ base }) => {
    const client = await open(base);
    client.pause();
    // Stands still: only the client's reading lets it go on.
    const stopped = await settled(() => story.sent);
    assert.ok(stopped > 0 && stopped < 300, `${stopped} messages were taken while the client does not read`);
    client.resume();
    await done.promise;
    await client.ended;
    assert.equal(client.messages.length, 400);
    assert.ok(story.refusals > 0 && story.drains === story.refusals, `${story.refusals} refusals, ${story.drains} drains`);
    assert.ok(story.buffered > 64 * 1024 && story.buffered < 600_000, `${story.buffered} bytes waited`);
  });
});

test('who waits for a socket that ends hears of it', () => {
  const over = deferred();
  return sockets((app) => {
    app.ws('/', async (socket) => {
      while (socket.send(Buffer.alloc(200_000))) ;
      const waiting = assert.rejects(socket.drained(), { code: 'ERR_FLARE_CLOSED' });
      socket.close();
      socket.close();
      await waiting;
      await assert.rejects(socket.drained(), { code: 'ERR_FLARE_CLOSED' });
      assert.equal(socket.readyState, socket.CLOSING);
      over.resolve(await socket.closed);
    });
  }, async ({ app, base }) => {
    const errors = errorsOf(app);
    const client = await open(base);
    client.terminate();
    assert.deepEqual(await over.promise, { code: 1006, reason: '', wasClean: false });
    assert.deepEqual(errors, []);
  });
});

test('limits: long messages, silent clients, clients that do not say goodbye', () => {
  const ends = [];
  const end = () => new Promise((resolve) => ends.push(resolve));
  const close = (socket, code, reason) => ends.shift()([code, reason]);
  return sockets((app) => {
    app.ws('/long', { messageLimit: 100 }, { close });
    app.ws('/silent', { pingInterval: 20, pingTimeout: 20 }, { close });
    app.ws('/rude', { closeTimeout: 20 }, { open: (socket) => socket.close(4001), close });
  }, async ({ port, base }) => {
    const long = end();
    const client = await open(`${base}/long`);
    client.send('x'.repeat(101));
    assert.equal((await client.ended).code, 1009);
    assert.equal((await long)[0], 1009);
    const silent = end();
    await open(`${base}/silent`, { autoPong: false });
    assert.deepEqual(await silent, [1006, 'the Ping was not answered']);
    const rude = end();
    const key = 'dGhlIHNhbXBsZSBub25jZQ==';
    const socket = connect(port, '127.0.0.1');
    socket.write(`GET /rude HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`);
    assert.deepEqual(await rude, [1006, 'the Close frame was not answered']);
    socket.destroy();
    const lost = end();
    (await open(`${base}/long`)).terminate();
    assert.deepEqual(await lost, [1006, '']);
    const wrong = end();
    const bad = await open(`${base}/long`);
    bad._socket.write(Buffer.from([0x81, 0x01, 0x61])); // not masked
    assert.equal((await wrong)[0], 1002);
  });
});

test('topics', () => sockets((app) => {
  app.ws('/room/:name', {
    open(socket) {
      socket.subscribe(socket.request.params.name).subscribe('all');
      socket.send('ready');
    },
    message(socket, data) {
      if (data === 'leave') socket.unsubscribe('all');
      else socket.publish(socket.request.params.name, data);
      socket.send('done');
    },
  });
}, async ({ app, base }) => {
  const [a1, a2, b] = await Promise.all(['a', 'a', 'b'].map((room) => open(`${base}/room/${room}`)));
  const say = async (client, message) => {
    const before = client.messages.filter((one) => one === 'done').length;
    client.send(message);
    while (client.messages.filter((one) => one === 'done').length === before) await once(client, 'message');
  };
  await say(a1, 'leave');
  await say(a1, 'to a');
  assert.equal(app.publish('all', Buffer.from('bytes')), true);
  assert.equal(app.publish('nobody', 'x'), true);
  await say(b, 'to b');
  // A publication is sent before what is asked for behind it.
  await Promise.all([a1, a2, b].map((client) => say(client, 'last')));
  const heard = (client) => client.messages.filter((one) => one !== 'done' && one !== 'ready').map(String);
  assert.deepEqual(heard(a1).sort(), ['last', 'last', 'to a']);
  assert.deepEqual(heard(a2).sort(), ['bytes', 'last', 'last', 'to a']);
  assert.deepEqual(heard(b).sort(), ['bytes', 'last', 'to b']);
  await app.close();
  assert.equal(app.publish('all', 'x'), false);
  assert.throws(() => app.publish(1, 'x'), TypeError);
}));

test('a slow subscriber misses publications, and knows how many', () => {
  const asked = deferred();
  return sockets((app) => {
    app.ws('/', { open(socket) { socket.subscribe('t'); asked.resolve(socket); } });
  }, async ({ app, base }) => {
    const client = await open(base);
    client.pause();
    const socket = await asked.promise;
    const part = 'x'.repeat(1 << 20);
    let published = 0;
    while (socket.missed === 0) {
      assert.ok(app.publish('t', part));
      published++;
      await new Promise(setImmediate);
    }
    assert.ok(published > 1);
    client.terminate();
    await socket.closed;
  });
});

test('a server that closes says goodbye, and waits for clients', () => {
  const ends = [];
  return sockets((app) => {
    app.ws('/', { close: (socket, code) => ends.push(code) });
  }, async ({ app, base }) => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => open(base)));
    const busy = setInterval(() => { for (const client of clients) if (client.readyState === 1) client.send('x'); }, 1);
    const report = await app.close(5000);
    clearInterval(busy);
    for (const client of clients) assert.equal((await client.ended).code, 1001);
    assert.deepEqual([report.aborted, ends.length], [0, 20]);
  // Clients that have closed their side are not waited for.
  }, { lingerTimeout: 60_000 });
});

test('a server that is closed at once tells the handlers', () => {
  const over = deferred();
  return sockets((app) => {
    app.ws('/', { closeTimeout: 60_000 }, { close: (socket, code) => over.resolve(code) });
  }, async ({ app, port }) => {
    const socket = connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n');
    await once(socket, 'data');
    const report = await app.close(50);
    assert.equal(report.aborted, 1);
    assert.equal(await over.promise, 1006);
    socket.destroy();
  });
});

test('deflate is agreed where the route allows it', () => sockets((app) => {
  app.ws('/on', { deflate: true, deflateTakeover: true }, echo);
  app.ws('/off', echo);
}, async ({ base }) => {
  for (const [path, extensions] of [['on', /permessage-deflate/], ['off', /^$/]]) {
    const client = await open(`${base}/${path}`);
    assert.match(client.extensions, extensions);
    for (const text of ['abc'.repeat(1000), 'x']) client.send(text);
    while (client.messages.length < 2) await once(client, 'message');
    assert.deepEqual(client.messages, ['abc'.repeat(1000), 'x']);
    client.terminate();
  }
}));
