// gRPC's port: HTTP/2 by hand. What breaks the framing, the contract or the bounds is refused; floods end their own connection.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect, constants } from 'node:http2';
import { Raw } from '../../harness/raw.mjs';
import { check } from '../../harness/steps.mjs';

/** A message as gRPC frames it; `length` lies about it. */
function framed(bytes, { length = bytes.length, compressed = 0 } = {}) {
  const head = Buffer.alloc(5);
  head[0] = compressed;
  head.writeUInt32BE(length >>> 0, 1);
  return Buffer.concat([head, bytes]);
}

export default async function grpcCalls(world) {
  const port = Number(world.info.grpc.address.split(':').pop());
  const open = (settings = {}) => new Promise((resolve, reject) => {
    const session = connect(`https://localhost:${port}`, { ca: readFileSync(world.info.ca), settings });
    session.once('connect', () => resolve(session));
    session.once('error', reject);
    session.on('error', () => {});
  });
  /** {status: grpc-status or the stream's error, message}. */
  const call = (session, path, body, headers = {}, end = true) => new Promise((resolve) => {
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers });
    let found = {};
    const take = (each) => { found = { ...found, ...each }; };
    stream.on('response', take);
    stream.on('trailers', take);
    stream.on('error', (error) => resolve({ status: `stream: ${error.code ?? error.message}`, message: '' }));
    stream.on('close', () => resolve({ status: String(found['grpc-status'] ?? `http: ${found[':status']}`), message: decodeURIComponent(found['grpc-message'] ?? '') }));
    stream.resume();
    if (body) stream.write(body);
    if (end) stream.end();
    setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), 15_000).unref();
  });
  const { token } = await world.caller.logIn(world.person('guo.jing'));
  const bearer = { authorization: `Bearer ${token}` };
  const who = '/yizhan.directory.v1.SessionService/WhoAmI';
  const send = '/yizhan.im.v1.MessageService/SendMessage';
  const none = framed(Buffer.alloc(0));

  const calls = {
    'protobuf that is none': [send, framed(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])), bearer, /^3$/],
    'text that is no UTF-8': [send, framed(Buffer.from([0x1a, 2, 0xff, 0xfe])), bearer, /^3$/],
    'a message of 4 GB by its length': [send, framed(Buffer.alloc(100), { length: 0xffff_fff0 }), bearer, /^(8|3)$/],
    'a message of 6 MB': [send, framed(Buffer.alloc(6 << 20)), bearer, /^(8|3|stream)/],
    'a message cut short': [send, framed(Buffer.alloc(10), { length: 100 }), bearer, /^(3|13|stream)/],
    'an unknown compression': [send, framed(Buffer.alloc(10), { compressed: 1 }), { ...bearer, 'grpc-encoding': 'nonsense' }, /^(12|13|3)$/],
    'no message at all': [who, null, bearer, /^(3|13)$/],
    'an unknown method': ['/yizhan.im.v1.MessageService/Nonsense', none, bearer, /^(12|5)$/],
    'a path of 10 KB': [`/${'x'.repeat(10_000)}`, none, bearer, /^(12|5|8|13|stream)/],
    'no token': [who, none, {}, /^16$/],
    'a token that is none': [who, none, { authorization: 'Bearer x' }, /^16$/],
    'another scheme': [who, none, { authorization: 'Basic YTpi' }, /^16$/],
    'headers of 4 MB': [who, none, { ...bearer, ...Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`x-large-${i}`, '~'.repeat(40_000)])) }, /^(8|stream|http)/],
    'the edges’ link': ['/yizhan.live.v1.LinkService/OpenLink', none, bearer, /^(7|5|12)$/],
    'what services call': ['/yizhan.directory.v1.SessionService/Introspect', none, bearer, /^7$/],
    'a caller of one’s own making': [who, none, { 'yizhan-caller-bin': Buffer.from([0x08, 2, 0x12, 1, 0x41]).toString('base64') }, /^16$/],
    'a deadline that is none': [who, none, { ...bearer, 'grpc-timeout': 'soon' }, /./],
  };
  for (const [name, [path, body, headers, status]] of Object.entries(calls)) {
    await check(`gRPC: ${name}: ${String(status).replace(/\//g, '')}`, async () => {
      const session = await open();
      const answer = await call(session, path, body, headers);
      assert.match(answer.status, status, answer.message);
      assert.ok(answer.message.length < 2_000);
      session.destroy();
    });
  }
  await check('gRPC: HTTP/1.1, and garbage in TLS, are closed', async () => {
    for (const bytes of ['GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', Buffer.alloc(5_000, 0x5a), 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + '\xff'.repeat(200)]) {
      const raw = await Raw.tls(port, world.info, { ALPNProtocols: ['h2'] });
      raw.send(bytes);
      await raw.untilClosed();
    }
  });
  const serves = async () => {
    const session = await open();
    assert.equal((await call(session, who, none, bearer)).status, '0');
    session.destroy();
  };
  await check('gRPC: 20,000 streams that are begun and taken back (rapid reset)', async () => {
    const session = await open();
    for (let i = 0; i < 20_000 && !session.destroyed && !session.closed; i += 1) {
      const stream = session.request({ ':method': 'POST', ':path': who, 'content-type': 'application/grpc', te: 'trailers', ...bearer });
      stream.on('error', () => {});
      stream.close(constants.NGHTTP2_CANCEL);
      if (i % 500 === 499) await Promise.race([serves(), new Promise((resolve) => { setTimeout(resolve, 5_000); })]);
    }
    session.destroy();
    await serves();
  });
  await check('gRPC: 1,000 calls at once over one connection that end never', async () => {
    const session = await open();
    const held = Array.from({ length: 1_000 }, () => call(session, send, framed(Buffer.alloc(10), { length: 1_000 }), bearer, false));
    await serves();
    session.destroy();
    await Promise.all(held);
  });
  await check('gRPC: 100,000 pings', async () => {
    const session = await open();
    let gone = false;
    session.on('close', () => { gone = true; });
    for (let i = 0; i < 100_000 && !gone; i += 1) {
      if (!session.destroyed && !session.closed) try { session.ping(() => {}); } catch { /* too many are outstanding */ }
      if (i % 10 === 9) await new Promise((resolve) => { setImmediate(resolve); });
    }
    await serves();
    session.destroy();
  });
}
