// HTTP that is none, and calls that break the contract: each answered with a status, a code and a reason, and changing nothing.

import assert from 'node:assert/strict';
import { Raw } from '../../harness/raw.mjs';
import { check } from '../../harness/steps.mjs';

export default async function badCalls(world) {
  const { info } = world;
  const port = Number(new URL(info.web.url).port);
  const person = await world.caller.logIn(world.person('xu.qing'));
  const send = '/yizhan.im.v1.MessageService/SendMessage';
  const logIn = '/yizhan.directory.v1.SessionService/LogIn';
  const json = { 'Content-Type': 'application/json' };
  const bearer = { Authorization: `Bearer ${person.token}` };

  const requests = {
    'no request line': ['\x00\x01\x02\r\n\r\n', 400],
    'no HTTP': ['HELO bank.example\r\n\r\n', 400],
    'a header of 40 KB': [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`, 431],
    'a header without a colon': ['GET / HTTP/1.1\r\nHost: localhost\r\nnonsense\r\n\r\n', 400],
    'another version': ['GET / HTTP/3.7\r\nHost: localhost\r\n\r\n', '(400|505)'],
    'a length that is none': [`POST ${logIn} HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n`, 400],
    'two lengths': [`POST ${logIn} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\n{}{}`, 400],
    'a length beside chunks (smuggling)': [`POST ${logIn} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    'a chunk that is none': [`POST ${logIn} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`, 400],
    'a body of 6 MB': [`POST ${send} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer ${person.token}\r\nContent-Length: 6291456\r\n\r\n`, 413],
  };
  for (const [name, [bytes, status]] of Object.entries(requests)) {
    await check(`HTTP: ${name}: ${status}`, async () => {
      const raw = await Raw.tls(port, info);
      raw.send(bytes);
      await raw.until(new RegExp(`^HTTP/1\\.1 ${status} `));
      await raw.untilClosed();
    });
  }
  await check('HTTP: a body of 6 MB that is sent before anything is read: 413, and it can be read', async () => {
    const answer = await world.caller.raw('POST', send, { headers: { ...json, ...bearer }, body: Buffer.alloc(6 << 20, 0x20) });
    assert.equal(answer.status, 413);
  });
  await check('HTTP without TLS on the TLS port is closed', async () => {
    const raw = await Raw.tcp(port);
    raw.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await raw.untilClosed();
    assert.ok(!raw.text.includes('200'));
  });

  const calls = {
    'an unknown method': [{ path: '/yizhan.im.v1.MessageService/Nonsense', headers: json, body: '{}' }, 404, 'METHOD_UNKNOWN'],
    'GET': [{ method: 'GET', path: send }, 405, 'POST_REQUIRED'],
    'text': [{ headers: { 'Content-Type': 'text/plain' }, body: 'hello' }, 415, 'CONTENT_TYPE'],
    'a form, as another site’s page could send it': [{ headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: 'a=b' }, 415, 'CONTENT_TYPE'],
    'compressed': [{ headers: { ...json, 'Content-Encoding': 'gzip' }, body: 'x' }, 415, 'CONTENT_ENCODING'],
    'another protocol version': [{ headers: { ...json, 'Connect-Protocol-Version': '9' }, body: '{}' }, 400, 'PROTOCOL_VERSION'],
    'a time-out that is none': [{ headers: { ...json, 'Connect-Timeout-Ms': 'soon' }, body: '{}' }, 400, 'TIMEOUT'],
    'half a JSON': [{ headers: json, body: '{"content": {"text": "' }, 400, 'MALFORMED_REQUEST'],
    'JSON of another shape': [{ headers: json, body: '["SendMessage"]' }, 400, 'MALFORMED_REQUEST'],
    'an unknown field': [{ headers: json, body: '{"clientID": "x", "sender_id": "boss"}' }, 400, 'MALFORMED_REQUEST'],
    'JSON 10,000 deep': [{ headers: json, body: `{"content":${'{"x":'.repeat(10_000)}` }, 400, 'MALFORMED_REQUEST'],
    'JSON that is no UTF-8': [{ headers: json, body: Buffer.concat([Buffer.from('{"clientId":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]) }, 400, 'MALFORMED_REQUEST'],
    'protobuf that is none': [{ headers: { 'Content-Type': 'application/proto' }, body: Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2]) }, 400, 'MALFORMED_REQUEST'],
    'protobuf whose text is no UTF-8': [{ headers: { 'Content-Type': 'application/proto' }, body: Buffer.from([0x1a, 2, 0xff, 0xfe]) }, 400, 'MALFORMED_REQUEST'],
    '100 KB without a session': [{ path: logIn, headers: json, anonymous: true, body: JSON.stringify({ login: 'x'.repeat(100_000) }) }, 413, 'REQUEST_TOO_LARGE'],
  };
  for (const [name, [{ method = 'POST', path = send, headers = {}, body, anonymous = false }, status, reason]] of Object.entries(calls)) {
    await check(`call: ${name}: ${status} ${reason}`, async () => {
      const answer = await world.caller.raw(method, path, { headers: { ...(anonymous ? {} : bearer), ...headers }, body });
      const text = answer.body.toString('utf8');
      assert.equal(answer.status, status, text);
      assert.equal(JSON.parse(text).details[0].debug.reason, reason, text);
      assert.ok(!/password|token.*[0-9a-f]{32}/i.test(text));
    });
  }

  const self = { toPersonId: person.person.personId };
  const id = (clientId) => ({ clientId });
  const contents = {
    'no content': [{ ...self, ...id('c1') }],
    'an empty text': [{ ...self, ...id('c2'), content: { text: '' } }],
    '20,001 characters': [{ ...self, ...id('c3'), content: { text: '字'.repeat(20_001) } }],
    'no client id': [{ ...self, content: { text: 'x' } }],
    'a client id of 129 bytes': [{ ...self, ...id('c'.repeat(129)), content: { text: 'x' } }],
    'nobody to send to': [{ ...id('c5'), content: { text: 'x' } }],
    'an id that is none': [{ ...id('c6'), conversationId: 'd:../../etc', content: { text: 'x' } }],
    'an id of 100 KB': [{ ...id('c7'), conversationId: `g:${'a'.repeat(100_000)}`, content: { text: 'x' } }],
    'a person who is none': [{ ...id('c8'), toPersonId: 'p000000000000', content: { text: 'x' } }],
  };
  for (const [name, [message]] of Object.entries(contents)) {
    await check(`SendMessage with ${name} is refused`, async () => {
      const answer = await world.caller.raw('POST', send, { headers: { ...json, ...bearer }, body: JSON.stringify(message) });
      const { code, details } = JSON.parse(answer.body.toString('utf8'));
      assert.ok(['invalid_argument', 'not_found', 'permission_denied', 'failed_precondition'].includes(code), answer.body.toString('utf8'));
      assert.match(details[0].debug.reason ?? '', /^[A-Z_]+$/, `a reason: ${answer.body}`);
    });
  }

  await check('paths out of the pages’ folder lead nowhere', async () => {
    for (const path of ['/../../../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/..%2f..%2fetc/passwd', '/desk/..;/admin/x.y', '/assets/%00.js', '/widget/\\..\\..\\x.js', '/.stamps/client', '//etc/passwd.txt']) {
      const raw = await Raw.tls(port, info);
      raw.send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      await raw.until(/^HTTP\/1\.1 (400|404|302|308) /);
      assert.ok(!raw.text.includes('root:'), path);
      raw.drop();
    }
  });
}
