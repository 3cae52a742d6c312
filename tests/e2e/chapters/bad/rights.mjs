// Tokens that are none, and the things of others.

import assert from 'node:assert/strict';
import { refused } from '../../harness/calls.mjs';
import { check, step, unique, uniqueId } from '../../harness/steps.mjs';
import { Xmpp } from '../../harness/raw.mjs';

export default async function rights(world) {
  const { caller, info } = world;
  const me = await caller.logIn(world.person('yuan.quan'));
  const [one, two] = await Promise.all(['shen.teng', 'zeng.li'].map((login) => caller.logIn(world.person(login))));
  const denied = async (promise, codes = ['permission_denied', 'not_found']) => {
    const error = await refused(promise);
    assert.ok(codes.includes(error.code), `${error.message}`);
    assert.match(error.reason, /^[A-Z_]+$/, error.message);
    return error;
  };
  const secret = unique('保密：年度调薪');
  const direct = `d:${[one.person.personId, two.person.personId].sort().join(':')}`;

  await step('others have a conversation and a group', async () => {
    await one.call('im.v1.MessageService/SendMessage', { toPersonId: two.person.personId, clientId: uniqueId('r'), content: { text: secret } });
    await one.call('im.v1.ConversationService/CreateGroup', { title: '调薪', handle: 'pay-review', memberIds: [two.person.personId], requestId: uniqueId('r') });
  });

  await check('tokens: none, garbage, ended, of another kind', async () => {
    const who = 'directory.v1.SessionService/WhoAmI';
    await denied(caller.call(who), ['unauthenticated']);
    for (const token of ['x', '0'.repeat(43), 'a'.repeat(5_000), `${me.token}x`]) await denied(caller.as(token).call(who), ['unauthenticated']);
    await denied(caller.call(who, {}, { Authorization: 'Basic YTpi' }), ['unauthenticated']);
    const brief = await caller.logIn(world.person('deng.chao'));
    await brief.call('directory.v1.SessionService/LogOut');
    await denied(brief.call(who), ['unauthenticated']);
    // A session that another device ends is over at once.
    const lost = await caller.logIn(world.person('deng.chao'));
    const keeper = await caller.logIn(world.person('deng.chao'));
    await keeper.call('directory.v1.SessionService/EndSession', { allOthers: true });
    await denied(lost.call('im.v1.ConversationService/Sync'), ['unauthenticated']);
    await keeper.call(who);
  });

  await check('a foreign conversation: read, written, managed — refused, by every call', async () => {
    for (const conversationId of [direct, 'g:pay-review', 'g:does-not-exist', 'd:p0:p1', 'nonsense', '']) {
      const im = (method, more = {}) => denied(me.call(`im.v1.${method}`, { conversationId, ...more }), ['permission_denied', 'not_found', 'invalid_argument']);
      await im('ConversationService/GetConversation');
      await im('ConversationService/ListMembers');
      await im('ConversationService/AddMembers', { personIds: [me.person.personId], requestId: uniqueId('r') });
      await im('ConversationService/RemoveMember', { personId: one.person.personId, requestId: uniqueId('r') });
      await im('ConversationService/RenameGroup', { title: '我的', requestId: uniqueId('r') });
      await im('MessageService/ListMessages');
      await im('MessageService/SendMessage', { clientId: uniqueId('r'), content: { text: 'x' } });
      await im('MessageService/MoveCursor', { readSeq: '1' });
      await im('MessageService/SetTyping', { active: true });
    }
    await denied(me.call('im.v1.MessageService/ListArchive', { conversationId: 'g:pay-review' }));
    const own = await me.call('im.v1.MessageService/ListArchive', { withPersonId: one.person.personId });
    assert.deepEqual(own.messages ?? [], []);
    const { conversations = [] } = await me.call('im.v1.ConversationService/Sync', {});
    assert.ok(!conversations.some((each) => [direct, 'g:pay-review'].includes(each.conversationId)));
    const { messages } = await two.call('im.v1.MessageService/ListMessages', { conversationId: direct });
    assert.deepEqual(messages.filter((each) => each.content).map((each) => each.content.text), [secret]);
  });

  await check('a foreign conversation by XMPP: room and archive — refused', async () => {
    const stream = await (await Xmpp.open(info)).session(world.person('yuan.quan'), 'rights');
    const room = world.room('pay-review');
    await stream.ask(`<presence to='${room}/x' id='r1'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, /id='r1'[^]*?<(registration-required|forbidden|item-not-found)/);
    await stream.ask(`<iq type='set' id='r2' to='${room}'><query xmlns='urn:xmpp:mam:2'/></iq>`, /id='r2'[^]*?<(forbidden|item-not-found|registration-required)/);
    stream.raw.bytes = Buffer.alloc(0);
    await stream.ask(`<iq type='set' id='r3'><query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field><field var='with'><value>${world.jid('shen.teng')}</value></field></x></query></iq>`, /<iq[^>]*id='r3'[^>]*>/);
    assert.ok(!stream.raw.text.includes('<body>'), stream.raw.text);
    stream.raw.drop();
  });

  await check('visitors: another’s reception, people’s calls, a channel that is none', async () => {
    const channelId = new URL(info.widget_demo).searchParams.get('channel');
    const visit = async () => {
      const started = await caller.call('desk.v1.VisitorService/StartVisit', { channelId, language: 'zh-CN', pageUrl: 'https://bank.example/' });
      const visitor = caller.as(started.token);
      const { reception } = await visitor.call('desk.v1.VisitorService/SendLine', { text: unique('我的账户余额'), clientId: uniqueId('v') });
      return { visitor, id: reception.conversationId };
    };
    const [first, second] = [await visit(), await visit()];
    await denied(first.visitor.call('desk.v1.VisitorService/Rate', { conversationId: second.id, rating: 1 }), ['permission_denied', 'not_found', 'failed_precondition']);
    const { lines } = await first.visitor.call('desk.v1.VisitorService/ListLines');
    assert.ok(lines.every((line) => line.conversationId === first.id));
    for (const method of ['im.v1.ConversationService/Sync', 'directory.v1.DirectoryService/ListPeople', 'desk.v1.AgentService/GetWorkbench', 'audit.v1.ArchiveService/GetStatus', 'directory.v1.SessionService/WhoAmI']) {
      await denied(first.visitor.call(method), ['permission_denied', 'unauthenticated']);
    }
    await denied(caller.call('desk.v1.VisitorService/StartVisit', { channelId: 'w000000000000' }), ['not_found', 'invalid_argument', 'permission_denied']);
    await denied(caller.call('desk.v1.VisitorService/ListLines'), ['unauthenticated']);
    await denied(me.call('desk.v1.VisitorService/ListLines'), ['permission_denied']);

    // An agent of another group sees none of it; an employee nothing at all.
    const elsewhere = await caller.logIn(world.person('tang.wen'));
    for (const who of [elsewhere, me]) {
      for (const [method, more] of [['ListReceptionLines', {}], ['SendReply', { text: 'x', clientId: uniqueId('v') }], ['Close', { requestId: uniqueId('v') }], ['Accept', { requestId: uniqueId('v') }]]) {
        await denied(who.call(`desk.v1.AgentService/${method}`, { conversationId: first.id, ...more }), ['permission_denied', 'not_found', 'failed_precondition']);
      }
    }
    for (const { visitor } of [first, second]) await visitor.call('desk.v1.VisitorService/EndVisit');
  });

  await check('services’ own calls are for services', async () => {
    for (const [method, message] of [['directory.v1.SessionService/Introspect', { token: one.token }], ['directory.v1.SessionService/GetScramParameters', { login: 'zeng.li' }], ['directory.v1.SessionService/LogInScram', {}], ['desk.v1.VisitorService/Introspect', { token: 'x' }]]) {
      await denied(me.call(method, message), ['permission_denied']);
      await denied(caller.call(method, message), ['permission_denied', 'unauthenticated']);
    }
    for (const method of ['CreatePerson', 'UpdatePerson', 'PutDepartment', 'PutGroup', 'SyncLdap']) await denied(me.call(`directory.v1.DirectoryService/${method}`), ['permission_denied']);
    await denied(me.call('directory.v1.DirectoryService/SetPassword', { personId: one.person.personId, newPassword: 'long enough' }), ['permission_denied']);
    const security = await caller.logIn(world.person('secadmin'));
    await denied(security.call('directory.v1.DirectoryService/UpdatePerson', { person: { ...one.person, roles: ['ROLE_SYSTEM_ADMIN', 'ROLE_AUDITOR'] }, requestId: uniqueId('r') }), ['failed_precondition', 'invalid_argument', 'permission_denied']);
  });

  await check('a cookie counts for pages of this address alone', async () => {
    const { person } = await me.call('directory.v1.SessionService/WhoAmI');
    const logIn = await caller.raw('POST', '/yizhan.directory.v1.SessionService/LogIn', { headers: { 'Content-Type': 'application/json', 'Yizhan-Session': 'cookie' }, body: JSON.stringify({ login: person.login, password: world.person(person.login).password }) });
    const [cookie] = logIn.headers['set-cookie'];
    assert.match(cookie, /HttpOnly/);
    assert.match(cookie, /SameSite=Strict/);
    assert.match(cookie, /Secure/);
    assert.ok(!logIn.body.toString().includes('"token"'), 'the token is in the cookie alone');
    const ask = async (headers) => {
      const answer = await caller.raw('POST', '/yizhan.directory.v1.SessionService/WhoAmI', { headers: { 'Content-Type': 'application/json', Cookie: cookie.split(';')[0], ...headers }, body: '{}' });
      return [answer.status, JSON.parse(answer.body.toString()).details?.[0].debug.reason ?? ''];
    };
    assert.deepEqual(await ask({ Origin: new URL(info.web.url).origin }), [200, '']);
    assert.deepEqual(await ask({}), [200, '']);
    for (const headers of [{ Origin: 'https://evil.example' }, { Origin: 'null' }, { Origin: 'http://localhost' }, { 'Sec-Fetch-Site': 'cross-site' }, { 'Sec-Fetch-Site': 'same-site' }]) {
      assert.deepEqual(await ask(headers), [403, 'CROSS_ORIGIN'], JSON.stringify(headers));
    }
  });

  await check('wrong passwords are slowed down for who guesses, and for nobody else', async () => {
    const victim = world.person('fu.biao');
    const codes = [];
    for (let i = 0; i < 8; i += 1) codes.push((await refused(caller.logIn({ ...victim, password: `guess-${i}` }))));
    assert.equal(codes[0].code, 'unauthenticated');
    const slowed = codes.find((each) => each.code === 'resource_exhausted');
    assert.ok(slowed, codes.map((each) => each.code).join(' '));
    assert.ok(slowed.body.details[0].debug.retryAfterMs > 0, JSON.stringify(slowed.body));
    await caller.logIn(world.person('zeng.li'));
    const [unknown, known] = [await refused(caller.logIn({ login: 'nobody.at.all', password: 'x1234567' })), await refused(caller.logIn({ ...world.person('sun.li'), password: 'x1234567' }))];
    assert.deepEqual([unknown.code, unknown.reason, unknown.said], [known.code, known.reason, known.said]);
  });
}
