// Two employees, one at a desktop client that speaks XMPP, one in the browser: alone with each other, and in a group.

import assert from 'node:assert/strict';
import { bubble, lookAtEnd, messenger, stateOf, write } from '../harness/browser.mjs';
import { call, openChat, personId } from '../pages/support.mjs';
import { step, unique, uniqueId, until } from '../harness/steps.mjs';

export default async function employees(world) {
  const { xmpp, info } = world;
  const a = world.person('zhang.wei');
  const b = world.person('li.na');
  const [aJid, bJid] = [world.jid(a.login), world.jid(b.login)];
  const messages = (method, request) => call(world.page, `im.v1.MessageService/${method}`, request);
  /** A message as the contract has it, asked by the browser's person. */
  const find = (conversationId, text) => until(`“${text}” is in the history`, async () => {
    const { messages: list = [] } = await messages('ListMessages', { conversationId, beforeSeq: '18446744073709551615', pageSize: 50 });
    return list.find((message) => message.content?.text === text);
  });

  await step('a desktop client trusts no certificate but the installation’s', async () => {
    await assert.rejects(xmpp.do('login', 'stranger', { ...world.xmppServer(), ca: null, jid: aJid, password: a.password }), /refused: certificate/);
    await assert.rejects(xmpp.do('login', 'stranger', { ...world.xmppServer(), jid: aJid, password: 'wrong' }), /refused: log-in/);
  });

  await step('an employee logs in by XMPP: STARTTLS, SCRAM, a roster from the directory', async () => {
    const session = await xmpp.do('login', 'a', { ...world.xmppServer(), jid: aJid, password: a.password });
    assert.equal(session.mechanism, 'SCRAM-SHA-256');
    assert.match(session.tls, /^TLSv1\.[23]$/);
    const colleague = (await xmpp.do('roster', 'a')).find((each) => each.jid === bJid);
    assert.equal(colleague?.name, b.name);
    assert.deepEqual(colleague.groups, ['信贷部']);
    const { features } = await xmpp.do('disco', 'a', { jid: info.xmpp.domain });
    for (const feature of ['urn:xmpp:ping', 'urn:xmpp:carbons:2']) assert.ok(features.includes(feature), `${feature} of ${features}`);
    await xmpp.do('ping', 'a', { jid: info.xmpp.domain });
  });

  await step('another logs in in the browser', async () => {
    world.page = await messenger(world, b);
    world.bToken = (await world.caller.logIn(b)).token;
    world.aCaller = await world.caller.logIn(a);
    world.direct = `d:${[world.aCaller.person.personId, await personId(world.page)].sort().join(':')}`;
  });

  let sent;
  await step('XMPP to browser: the message, its receipt, its read marker', async () => {
    const text = unique(`客户问产品有没有${world.phrase}，该怎么答？`);
    const id = uniqueId('m');
    await xmpp.do('send', 'a', { to: bJid, body: text, id });
    await xmpp.heard('a', 'acked', (each) => each.id === id);
    await openChat(world.page, world.direct);
    await bubble(world.page, text);
    await xmpp.heard('a', 'receipt', (each) => each.id === id && each.from === bJid);
    await lookAtEnd(world.page);
    await xmpp.heard('a', 'displayed', (each) => each.id === id && each.from === bJid);
    sent = await find(world.direct, text);
  });

  let answered;
  await step('browser to XMPP: the message with the stanza-id that is its message id; delivered and read show', async () => {
    const text = unique('没有，任何人不得作此承诺');
    await write(world.page, text);
    const heard = await xmpp.heard('a', 'message', (each) => each.body === text);
    assert.equal(heard.from, bJid);
    answered = await find(world.direct, text);
    assert.equal(heard.stanza_id, answered.messageId);
    assert.equal(BigInt(answered.seq), BigInt(sent.seq) + 1n, 'the next seq of the same conversation');
    await until('delivered shows', async () => ['delivered', 'read'].includes(await stateOf(world.page, text)));
    await xmpp.do('displayed', 'a', { to: bJid, id: heard.id });
    await until('read shows', async () => (await stateOf(world.page, text)) === 'read');
  });

  await step('the page, the JSON calls of the other side, and MAM tell the same history', async () => {
    const page = (await messages('ListMessages', { conversationId: world.direct, pageSize: 200 })).messages;
    const other = await world.aCaller.allMessages(world.direct);
    const facts = (list) => list.map((each) => [each.seq, each.messageId, each.senderId, each.content?.text ?? '']);
    assert.deepEqual(facts(other), facts(page));
    const archive = await xmpp.do('mam', 'a', { with: bJid });
    assert.deepEqual(archive.map((each) => [each.id, each.body]), page.filter((each) => each.content).map((each) => [each.messageId, each.content.text]));
    assert.ok(archive.length >= 2);
    await world.shot(world.page, 'messenger-direct');
  });

  const room = world.room('credit');
  world.group = 'g:credit';
  await step('a group is a room: XMPP joins, both write, both read', async () => {
    const joined = await xmpp.do('join', 'a', { room, nick: a.login });
    assert.equal(joined.subject, '信贷部');
    await openChat(world.page, world.group);
    const question = unique(`大家注意：${world.phrase}一律不得出现`);
    const id = uniqueId('g');
    await xmpp.do('send', 'a', { to: room, type: 'groupchat', body: question, id });
    await bubble(world.page, question);
    const reflected = await xmpp.heard('a', 'message', (each) => each.body === question);
    assert.equal(reflected.from, `${room}/${a.login}`);
    assert.equal(reflected.stanza_id, (await find(world.group, question)).messageId);
    await lookAtEnd(world.page);
    await until('the reader’s cursor moves', async () => {
      const { members } = await world.aCaller.call('im.v1.ConversationService/ListMembers', { conversationId: world.group });
      const reader = members.find((each) => each.personId !== world.aCaller.person.personId && BigInt(each.readSeq ?? 0) > 0n);
      return reader && BigInt(reader.readSeq) >= BigInt((await find(world.group, question)).seq);
    });

    const answer = unique('收到，已转告柜面');
    await write(world.page, answer);
    const heard = await xmpp.heard('a', 'message', (each) => each.body === answer);
    assert.equal(heard.from, `${room}/${b.login}`);
    const kept = await find(world.group, answer);
    assert.equal(heard.stanza_id, kept.messageId);
    const archive = await xmpp.do('mam', 'a', { room });
    assert.deepEqual(archive.slice(-2).map((each) => [each.id, each.body]), [[reflected.stanza_id, question], [heard.stanza_id, answer]]);
    await world.shot(world.page, 'messenger-group');
  });

  await step('a second device of the same person gets copies (carbons), over direct TLS', async () => {
    const session = await xmpp.do('login', 'a2', { ...world.xmppServer({ tls: 'direct' }), tls: 'direct', jid: `${aJid}/tablet`, password: a.password, mechanism: 'SCRAM-SHA-1' });
    assert.equal(session.mechanism, 'SCRAM-SHA-1');
    const text = unique('从桌面发出');
    await xmpp.do('send', 'a', { to: bJid, body: text, id: uniqueId('m') });
    await xmpp.heard('a2', 'carbon', (each) => each.direction === 'sent' && each.body === text && each.to === bJid);
    const back = unique('两台设备都收到');
    await openChat(world.page, world.direct);
    await write(world.page, back);
    for (const who of ['a', 'a2']) await xmpp.heard(who, 'message', (each) => each.body === back);
    await xmpp.do('logout', 'a2');
  });

  await step('the pages kept to their policy', () => assert.deepEqual(world.page.problems, []));
}
