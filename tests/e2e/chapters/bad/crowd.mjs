// More connections than the process has descriptors for. Those who are in go on and what they write is kept; new ones are turned away;
// once the crowd is gone everybody comes in again.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { Caller } from '../../harness/calls.mjs';
import { must } from '../../harness/children.mjs';
import { Raw } from '../../harness/raw.mjs';
import { check, unique, uniqueId, until } from '../../harness/steps.mjs';

/** `count` connections that say nothing; those that are refused or closed count too. */
function crowd(port, count) {
  return Promise.all(Array.from({ length: count }, () => new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => resolve(socket));
    socket.on('error', () => resolve(socket));
  })));
}

export default async function crowds(product) {
  const { info } = product;
  const { pid } = product.child;
  const person = info.people.find((each) => each.login === 'zhang.wei');
  const caller = await new Caller(info).logIn(person);
  const peer = await caller.call('directory.v1.DirectoryService/GetPerson', { login: 'li.na' });
  const kept = [];
  let conversationId;
  const send = async () => {
    const text = unique('人多的时候');
    const answer = await caller.call('im.v1.MessageService/SendMessage', { toPersonId: peer.person.personId, clientId: uniqueId('c'), content: { text } });
    kept.push(`${answer.seq} ${text}`);
    ({ conversationId } = answer);
  };
  await send();
  const descriptors = () => readdirSync(`/proc/${pid}/fd`).length;
  const before = descriptors();
  const limit = Math.ceil((before + 150) * 4 / 3);
  await must('prlimit', ['--pid', String(pid), `--nofile=${limit}:${limit}`]);
  const ports = { HTTPS: Number(new URL(info.web.url).port), 'XMPP': info.xmpp.port, 'XMPP over TLS': info.xmpp.tls_port, metrics: Number(new URL(info.metrics.url).port), gRPC: Number(info.grpc.address.split(':').pop()) };
  for (const [name, port] of Object.entries(ports)) {
    await check(`a crowd of ${2 * limit} at the port of ${name}: who is in goes on, and everybody comes in again after it`, async () => {
      const sockets = await crowd(port, 2 * limit);
      try {
        // Enough for the store to need another file, too.
        for (let i = 0; i < 20; i += 1) await send();
        assert.ok(product.running());
        if (name !== 'gRPC') assert.ok(descriptors() < limit - 20, `${descriptors()} of ${limit}`);
      } finally {
        for (const socket of sockets) socket.destroy();
      }
      await until('new connections are taken', async () => {
        const raw = name === 'metrics' || name === 'XMPP' ? await Raw.tcp(port) : await Raw.tls(port, info, { servername: name.startsWith('XMPP') ? info.xmpp.domain : 'localhost', ALPNProtocols: [name === 'gRPC' ? 'h2' : name === 'HTTPS' ? 'http/1.1' : 'xmpp-client'] });
        if (name === 'metrics') await raw.send('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n').until(/^HTTP\/1\.1 200/, 2_000);
        if (name === 'XMPP') await raw.send(`<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='${info.xmpp.domain}' version='1.0'>`).until(/<starttls/, 2_000);
        raw.drop();
        return true;
      }, 30_000, 200);
    });
  }
  await check('what was written while it was crowded is there', async () => {
    const messages = await caller.allMessages(conversationId);
    assert.deepEqual(messages.filter((each) => each.content).map((each) => `${each.seq} ${each.content.text}`).slice(-kept.length), kept);
  });
  await must('prlimit', ['--pid', String(pid), '--nofile=20000:20000']).catch(() => {});
}
