// Clients that take more than their share: they ask and never read the answers, or begin what they never end. The server holds a bounded
// amount for each and for all of them, lets them go, and serves everybody else meanwhile.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Raw, WebSocketRaw, Xmpp } from '../../harness/raw.mjs';
import { check, uniqueId } from '../../harness/steps.mjs';

const mib = 1 << 20;

/** MiB of memory that a process holds. */
function resident(pid) {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}

/** Writes `bytes` again and again without reading anything, until `total` bytes are out, the other side takes no more, or it ends. */
async function pour(raw, bytes, total) {
  raw.socket.pause();
  let sent = 0;
  while (sent < total && !raw.closed && !raw.socket.destroyed) {
    sent += bytes.length;
    if (raw.socket.write(bytes)) continue;
    const took = await Promise.race([
      once(raw.socket, 'drain').then(() => true, () => false),
      new Promise((resolve) => { setTimeout(() => resolve(false), 1_500); }),
    ]);
    if (!took) break;
  }
  return sent;
}

export default async function greedy(world) {
  const { info } = world;
  const { pid } = world.product.child;
  const port = Number(new URL(info.web.url).port);
  const hungry = world.person('gao.yuan');
  const me = await world.caller.logIn(hungry);
  const bearer = { Authorization: `Bearer ${me.token}` };
  const other = await world.caller.logIn(world.person('he.ping'));

  /** `work` answers connections; none of it may cost more than `most` MiB, and others are served while it lasts. */
  const bounded = (name, most, work) => check(name, async () => {
    const before = resident(pid);
    let peak = before;
    let asked = 0;
    let done = false;
    const watch = (async () => {
      while (!done) {
        peak = Math.max(peak, resident(pid));
        await other.call('directory.v1.SessionService/WhoAmI');
        asked += 1;
        await new Promise((resolve) => { setTimeout(resolve, 50); });
      }
    })();
    const opened = [];
    try {
      await work(opened);
      done = true;
      await watch;
      peak = Math.max(peak, resident(pid));
      assert.ok(asked > 0);
      assert.ok(peak - before < most, `it grew by ${Math.round(peak - before)} MiB, from ${Math.round(before)}`);
    } finally {
      done = true;
      for (const raw of opened) raw.drop();
    }
  });

  await bounded('greedy: HTTP requests in a row, no answer ever read', 60, async (opened) => {
    const raw = await Raw.tls(port, info);
    opened.push(raw);
    const body = JSON.stringify({ pageSize: 200 });
    const request = `POST /yizhan.directory.v1.DirectoryService/ListPeople HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: ${bearer.Authorization}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    await pour(raw, Buffer.from(request.repeat(64)), 8 * mib);
    await new Promise((resolve) => { setTimeout(resolve, 3_000); });
  });
  await bounded('greedy: WebSocket pings, no pong ever read', 40, async (opened) => {
    const socket = await WebSocketRaw.open(info, '/live?format=json', bearer);
    opened.push(socket.raw);
    await socket.raw.until(/"ready"/);
    const ping = Buffer.concat([Buffer.from([0x89, 0x80 | 125]), Buffer.alloc(4), Buffer.alloc(125, 0x41)]);
    await pour(socket.raw, Buffer.concat(Array.from({ length: 512 }, () => ping)), 100 * mib);
  });
  for (const [name, stanza] of Object.entries({
    'requests for acknowledgement': "<r xmlns='urn:xmpp:sm:3'/>",
    'queries': "<iq type='get' id='q'><query xmlns='jabber:iq:roster'/></iq>",
    'queries of the archive': "<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>200</max></set></query></iq>",
  })) {
    await bounded(`greedy: XMPP ${name}, no answer ever read`, 60, async (opened) => {
      const stream = await (await Xmpp.open(info)).session(hungry, uniqueId('greedy'));
      opened.push(stream.raw);
      if (stanza.startsWith('<r')) await stream.ask("<enable xmlns='urn:xmpp:sm:3'/>", /<enabled/);
      await pour(stream.raw, Buffer.from(stanza.repeat(256)), 60 * mib);
    });
  }
  await bounded('greedy: 60 bodies of 5 MB that never end, from nobody', 140, async (opened) => {
    const piece = Buffer.alloc(4_900_000, 0x20);
    await Promise.all(Array.from({ length: 60 }, async () => {
      const raw = await Raw.tls(port, info);
      opened.push(raw);
      raw.send('POST /yizhan.im.v1.MessageService/SendMessage HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000000\r\n\r\n');
      await pour(raw, piece, piece.length);
    }));
  });
}
