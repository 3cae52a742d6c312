// WebSocket frames that break RFC 6455, and streams that break the contract.

import assert from 'node:assert/strict';
import { WebSocketRaw } from '../../harness/raw.mjs';
import { check } from '../../harness/steps.mjs';

export default async function badSockets(world) {
  const { info } = world;
  const { token } = await world.caller.logIn(world.person('yuan.quan'));
  const bearer = { Authorization: `Bearer ${token}` };
  const url = new URL(info.web.url);

  const upgrades = {
    'without Upgrade': [{ Upgrade: undefined, Connection: undefined }, 426],
    'another version': [{ 'Sec-WebSocket-Version': '7' }, '4\\d\\d'],
    'no key': [{ 'Sec-WebSocket-Key': undefined }, '4\\d\\d'],
    'a page of another site': [{ Origin: 'https://evil.example' }, 403],
    'a token that is none': [{ Authorization: 'Bearer 00000000' }, 401],
    'another scheme': [{ Authorization: 'Basic YTpi' }, 401],
    'a cookie that is none': [{ Cookie: 'yizhan_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }, 401],
  };
  for (const [name, [headers, status]] of Object.entries(upgrades)) {
    await check(`WebSocket: ${name}: ${status}`, async () => {
      const socket = await WebSocketRaw.open(info, '/live', headers);
      assert.match(String(socket.status), new RegExp(`^${status}$`));
      socket.raw.drop();
    });
  }

  /** `open`: with a session, in JSON. */
  const frames = {
    'a frame without a mask': { send: (socket) => socket.frame(1, '{}', { masked: false }), code: 1002 },
    'an opcode that is none': { send: (socket) => socket.frame(5, 'x'), code: 1002 },
    'a ping of 200 bytes': { send: (socket) => socket.frame(9, 'x'.repeat(200)), code: 1002 },
    'a continuation of nothing': { send: (socket) => socket.frame(0, 'x'), code: 1002 },
    'a message of 2 MB': { send: (socket) => socket.frame(1, 'x'.repeat(1000), { length: 2_000_000 }), code: 1009 },
    'a text that is no UTF-8': { send: (socket) => socket.frame(1, Buffer.from([0x7b, 0xff, 0xfe])), code: '(1002|1007)' },
    'binary where text was agreed': { send: (socket) => socket.frame(2, 'x'), code: 1002, says: /PROTOCOL_ERROR/ },
    'half a JSON': { send: (socket) => socket.text('{"ping":'), code: 1002, says: /PROTOCOL_ERROR/ },
    'an unknown frame': { send: (socket) => socket.text({ shutdown: {} }), code: 1002, says: /PROTOCOL_ERROR/ },
    'typing in what is no conversation': { send: (socket) => socket.text({ typing: { conversationId: '../../x', active: true } }), code: 1008, says: /PROTOCOL_ERROR/ },
    '600 people to watch': { send: (socket) => socket.text({ watchPresence: { personIds: Array.from({ length: 600 }, (_, i) => `p${i}`) } }), code: 1008, says: /PROTOCOL_ERROR/ },
    '1,000 frames in one second': { send: (socket) => { for (let i = 0; i < 1_000; i += 1) socket.text({ ping: { nonce: String(i) } }); }, code: 1008, says: /PROTOCOL_ERROR/ },
    'a Hello with a token that is none': { anonymous: true, send: (socket) => socket.text({ hello: { token: 'nonsense' } }), code: 1008, says: /SESSION_ENDED/ },
    'anything before Hello': { anonymous: true, send: (socket) => socket.text({ watchPresence: { personIds: [] } }), code: 1008, says: /PROTOCOL_ERROR/ },
  };
  for (const [name, { send, code, says = /./, anonymous = false }] of Object.entries(frames)) {
    await check(`WebSocket: ${name}: ${code}`, async () => {
      const socket = await WebSocketRaw.open(info, '/live?format=json', anonymous ? {} : bearer);
      assert.equal(socket.status, 101);
      if (!anonymous) await socket.raw.until(/"ready"/);
      send(socket);
      const goodbye = await socket.goodbye();
      assert.match(String(goodbye.code), new RegExp(`^${code}$`), goodbye.bye);
      assert.match(goodbye.bye, says);
    });
  }
  await check('WebSocket: binary garbage', async () => {
    const socket = await WebSocketRaw.open(info, '/live', bearer);
    socket.frame(2, Buffer.from([0xff, 0xff, 0xff, 0xff]));
    assert.equal((await socket.goodbye()).code, 1002);
  });
  await check('WebSocket: a page of this very address may', async () => {
    const socket = await WebSocketRaw.open(info, '/live?format=json', { ...bearer, Origin: url.origin });
    await socket.raw.until(/"ready"/);
    socket.raw.drop();
  });
}
