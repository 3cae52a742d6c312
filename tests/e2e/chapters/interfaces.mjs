// One contract, three ways in, with clients that others wrote: @connectrpc/connect, curl, gRPC's own. All see one history.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { must, start } from '../harness/children.mjs';
import { Caller, refused } from '../harness/calls.mjs';
import { Product } from '../harness/product.mjs';
import { step, unique, uniqueId, until } from '../harness/steps.mjs';

export default async function interfaces(world) {
  const { info, root } = world;
  const [one, peer] = ['yu.bo', 'dong.jie'].map(world.person);
  const conformance = join(root, 'tests/conformance/api');
  // Below the repository, so that the generated code finds its library.
  const generated = mkdtempSync(join(world.out, 'generated-'));
  const sent = [];

  try {
    await step('code is generated from the contract for JavaScript and Python', async () => {
      const proto = join(root, 'proto');
      const files = readdirSync(proto, { recursive: true }).filter((each) => each.endsWith('.proto')).map((each) => join(proto, each));
      for (const language of ['js', 'python']) mkdirSync(join(generated, language));
      const path = `${join(root, 'node_modules/.bin')}:${process.env.PATH}`;
      await must('protoc', ['-I', proto, '--es_out', join(generated, 'js'), '--es_opt=target=js,import_extension=js', ...files], { env: { PATH: path } });
      await must('protoc', ['-I', proto, '--python_out', join(generated, 'python'), ...files]);
    });

    await step('@connectrpc/connect logs in, sends, syncs: protobuf and JSON', async () => {
      const { out } = await must(process.execPath, [join(conformance, 'connect_client.mjs'), join(generated, 'js'), info.web.url, one.login, one.password, peer.login], { env: { NODE_EXTRA_CA_CERTS: info.ca } });
      sent.push(...JSON.parse(out));
    });

    await step('curl does the same with JSON', async () => {
      const curl = async (method, message, token) => JSON.parse((await must('curl', ['--silent', '--show-error', '--fail-with-body', '--cacert', info.ca, '-H', 'Content-Type: application/json', ...(token ? ['-H', `Authorization: Bearer ${token}`] : []), '--data', JSON.stringify(message), `${info.web.url}/yizhan.${method}`])).out);
      const { token } = await curl('directory.v1.SessionService/LogIn', { login: one.login, password: one.password, device: 'curl' });
      const { person } = await curl('directory.v1.DirectoryService/GetPerson', { login: peer.login }, token);
      const text = '用 curl 发送';
      const answer = await curl('im.v1.MessageService/SendMessage', { toPersonId: person.personId, clientId: uniqueId('curl'), content: { text } }, token);
      const { conversations } = await curl('im.v1.ConversationService/Sync', { lastSeqs: {} }, token);
      assert.equal(conversations.find((each) => each.conversationId === answer.conversationId).lastMessage.content.text, text);
      sent.push({ ...answer, text });
    });

    await step('gRPC over TLS does the same, with typed errors and the live stream', async () => {
      const { out } = await must('/usr/bin/python3', [join(conformance, 'grpc_client.py'), join(generated, 'python'), info.grpc.address, info.ca, one.login, one.password, peer.login]);
      sent.push(...JSON.parse(out));
    });

    await step('all of it is one history, in order, once', async () => {
      const other = await world.caller.logIn(peer);
      const messages = await other.allMessages(sent[0].conversationId);
      const texts = messages.filter((each) => each.content).map((each) => [each.seq, each.messageId, each.content.text]);
      assert.deepEqual(texts.slice(-sent.length), sent.map((each) => [each.seq, each.messageId, each.text]));
    });
  } finally {
    rmSync(generated, { recursive: true, force: true });
  }

  await step('go-sendxmpp writes over STARTTLS and direct TLS and into a room, and hears what others write', async () => {
    const { xmpp } = info;
    const as = (person, port, ...more) => ['-u', world.jid(person.login), '-p', person.password, '-j', `localhost:${port}`, ...more];
    const env = { SSL_CERT_FILE: info.ca };
    const [first, second, third, back] = ['STARTTLS', '直连', '群里', '回来'].map((each) => unique(`来自 Go ${each}`));
    const listener = start('go-sendxmpp', ['-l', ...as(peer, xmpp.port)], { env, pipe: true });
    let heard = '';
    listener.stdout.on('data', (bytes) => { heard += bytes; });
    try {
      await must('go-sendxmpp', as(one, xmpp.port, world.jid(peer.login)), { env, input: first });
      await must('go-sendxmpp', ['-t', ...as(one, xmpp.tls_port, world.jid(peer.login))], { env, input: second });
      await must('go-sendxmpp', ['-c', ...as(one, xmpp.port, `risk-review@${xmpp.groups_domain}`)], { env, input: third });
      const other = await world.caller.logIn(peer, 'beside-go');
      const { personId } = (await world.caller.logIn(one, 'go')).person;
      const direct = await other.allMessages(`d:${[personId, other.person.personId].sort().join(':')}`);
      for (const text of [first, second]) assert.equal(direct.filter((each) => each.content?.text === text).length, 1, text);
      const room = await other.allMessages('g:risk-review');
      assert.equal(room.filter((each) => each.content?.text === third && each.senderId === personId).length, 1);
      for (const text of [first, second]) await until('the listener prints it', () => heard.includes(`${world.jid(one.login)}: ${text}`));
      const writer = await world.caller.logIn(one, 'beside-go');
      await writer.call('im.v1.MessageService/SendMessage', { toPersonId: other.person.personId, clientId: uniqueId('go'), content: { text: back } });
      await until('the listener prints what came from elsewhere', () => heard.includes(back));
    } finally {
      listener.kill('SIGKILL');
      await listener.ended;
    }
  });

  await step('health, readiness and metrics answer on a port of their own; a log-in leaves no password in them', async () => {
    const get = async (path) => {
      const answer = await fetch(new URL(path, info.metrics.url));
      return { status: answer.status, text: await answer.text() };
    };
    const metrics = await get('/metrics');
    assert.equal(metrics.status, 200);
    assert.match(metrics.text, /^# TYPE yizhan_\w+ (counter|gauge|histogram)$/m);
    assert.ok(!metrics.text.includes(one.password));
    const ready = await until('ready', async () => (await get('/readyz')).status === 200 && get('/readyz'));
    assert.equal(ready.status, 200);
    assert.equal((await get('/healthz')).status, 200);
    assert.equal((await get('/yizhan.im.v1.MessageService/SendMessage')).status, 404, 'no calls on this port');
  });

  await step('a request is followed by its id: from the caller through the edge into the service, in logs that hold no content', async () => {
    const log = world.log('yizhan-followed');
    const dir = join(world.folder, 'followed');
    mkdirSync(dir);
    const product = new Product({ dir, log, pages: '', config: 'log_level: debug\n' });
    await product.start();
    try {
      const caller = new Caller(product.info);
      const people = [one, peer].map(({ login }) => product.info.people.find((each) => each.login === login));
      const [me, other] = await Promise.all(people.map((each) => caller.logIn(each)));
      const said = () => readFileSync(log, 'utf8').split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
      const linesOf = (id, count) => until(`${count} lines of ${id}`, () => {
        const lines = said().filter((line) => line.request_id === id);
        return lines.length >= count && lines;
      });
      const send = (id, message) => me.raw('POST', '/yizhan.im.v1.MessageService/SendMessage', { headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${me.token}`, 'X-Request-Id': id }, body: JSON.stringify(message) });
      const method = '/yizhan.im.v1.MessageService/SendMessage';

      const [taken, text] = [uniqueId('trace'), unique('此句不入日志')];
      const answer = await send(taken, { toPersonId: other.person.personId, clientId: uniqueId(), content: { text } });
      assert.deepEqual([answer.status, answer.headers['yizhan-request-id']], [200, taken]);
      const lines = await linesOf(taken, 2);
      assert.deepEqual(lines.map((line) => [line.component, line.message, line.method]).sort(), [['edge', 'http call', method], ['rpc', 'call', method]]);
      assert.equal(lines.find((line) => line.component === 'rpc').actor, `person:${me.person.personId}`);

      const wrong = uniqueId('trace');
      const refusal = await send(wrong, { toPersonId: 'pnobody', clientId: uniqueId(), content: { text } });
      const { reason, requestId } = JSON.parse(refusal.body.toString()).details[0].debug;
      assert.deepEqual([refusal.headers['yizhan-request-id'], requestId], [wrong, wrong]);
      assert.deepEqual((await linesOf(wrong, 2)).map((line) => [line.component, line.reason]).sort(), [['edge', reason], ['rpc', reason]]);

      // A caller without an id of its own is told the one that it was given.
      const own = await refused(me.call('im.v1.MessageService/SendMessage', { toPersonId: 'pnobody', clientId: uniqueId(), content: { text } }));
      assert.equal((await linesOf(own.body.details[0].debug.requestId, 2)).length, 2);
      // What the edge itself refuses can be found, too.
      await caller.as('yzp_none').raw('POST', method, { headers: { 'Content-Type': 'text/plain', 'X-Request-Id': `${wrong}-type` }, body: '{}' });
      assert.deepEqual((await linesOf(`${wrong}-type`, 1)).map((line) => [line.component, line.reason]), [['edge', 'CONTENT_TYPE']]);
      for (const secret of [text, me.token, other.token, people[0].password]) assert.ok(!readFileSync(log, 'utf8').replace(/^[^{].*$/gm, '').includes(secret), 'content or a secret in the log');
    } finally {
      await product.stop();
    }
  });

  await step('administrators see health and partitions, and no content', async () => {
    const admin = await world.caller.logIn(world.person('sysadmin'));
    const health = await admin.call('admin.v1.AdminService/GetHealth');
    assert.equal(health.state, 'STATE_OK', JSON.stringify(health.components));
    const { partitions } = await admin.call('admin.v1.AdminService/ListPartitionStates');
    assert.ok(partitions.length >= 4);
    const other = await world.caller.logIn(peer);
    assert.equal((await refused(other.call('admin.v1.AdminService/GetHealth'))).code, 'permission_denied');
    assert.ok(['permission_denied', 'not_found'].includes((await refused(admin.call('im.v1.MessageService/ListMessages', { conversationId: sent[0].conversationId }))).code));
  });
}
