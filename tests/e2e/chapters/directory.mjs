// People of an LDAP directory (a real slapd): taken over by the security administrator, then at work like everybody else.

import assert from 'node:assert/strict';
import { bubble, messenger, write } from '../harness/browser.mjs';
import { refused } from '../harness/calls.mjs';
import { openChat } from '../pages/support.mjs';
import { step, unique, uniqueId, until } from '../harness/steps.mjs';

export default async function directory(world) {
  const { slapd, caller, xmpp } = world;
  const security = await caller.logIn(world.holder('security_admin'));
  const sync = (more = {}) => security.call('directory.v1.DirectoryService/SyncLdap', { source: 'bank', ...more });
  const [inPage, inXmpp] = ['wangwei', 'zhangmin'].map((login) => slapd.person(login));

  await step('a dry run says what would come, and changes nothing', async () => {
    const dry = await sync({ dryRun: true });
    assert.ok(dry.added >= 10, JSON.stringify(dry));
    assert.equal((await refused(security.call('directory.v1.DirectoryService/GetPerson', { login: inPage.login }))).code, 'not_found');
    assert.equal((await refused(sync({ source: 'nowhere' }))).code, 'not_found');
  });

  await step('who is not known yet and logs in with an LDAP account is added at once', async () => {
    const early = await caller.logIn(slapd.person('huanglei'));
    assert.deepEqual([early.person.name, early.person.source, early.person.departmentId ?? ''], ['黄磊', 'bank', '']);
  });

  await step('the full sync takes over people and departments', async () => {
    const first = await sync();
    assert.ok(first.added >= 10 && first.departments >= 4, JSON.stringify(first));
    // A log-in name that XMPP and the contract cannot hold is passed over, and said.
    assert.ok(first.skipped.some((each) => each.includes('wu(qi)*')), JSON.stringify(first.skipped));
    const again = await sync();
    assert.deepEqual([again.added ?? 0, again.changed ?? 0, again.unchanged], [0, 0, first.added + first.changed]);
    const { person } = await security.call('directory.v1.DirectoryService/GetPerson', { login: inPage.login });
    assert.deepEqual([person.name, person.source], ['王伟', 'bank']);
  });

  await step('an LDAP person logs in in the browser, another by XMPP with PLAIN, and they write to each other', async () => {
    const page = await messenger(world, inPage);
    const session = await xmpp.do('login', 'l', { ...world.xmppServer(), jid: world.jid(inXmpp.login), password: inXmpp.password, mechanism: 'PLAIN' });
    assert.equal(session.mechanism, 'PLAIN');
    const [one, two] = await Promise.all([caller.logIn(inPage), caller.logIn(inXmpp)]);
    await openChat(page, `d:${[one.person.personId, two.person.personId].sort().join(':')}`);
    const text = unique('域账号也能聊');
    await write(page, text);
    const heard = await xmpp.heard('l', 'message', (each) => each.body === text);
    assert.equal(heard.from, world.jid(inPage.login));
    const back = unique('收到');
    await xmpp.do('send', 'l', { to: world.jid(inPage.login), body: back, id: uniqueId('m') });
    await bubble(page, back);
    assert.deepEqual(page.problems, []);
    await xmpp.do('logout', 'l');
    await page.context().close();
  });

  await step('wrong and empty passwords are refused; the directory gone, live sessions go on; back, log-ins do', async () => {
    assert.equal((await refused(caller.logIn({ ...inPage, password: 'wrong' }))).code, 'unauthenticated');
    assert.ok(['unauthenticated', 'invalid_argument'].includes((await refused(caller.logIn({ ...inPage, password: '' }))).code));
    await assert.rejects(xmpp.do('login', 'l', { ...world.xmppServer(), jid: world.jid(inXmpp.login), password: 'wrong', mechanism: 'PLAIN' }), /refused: log-in/);
    const live = await caller.logIn(inPage);
    await slapd.tell('stop');
    await live.call('directory.v1.SessionService/WhoAmI');
    const gone = await refused(caller.logIn(slapd.person('liuyang')));
    assert.deepEqual([gone.code, gone.reason], ['unavailable', 'LDAP_UNAVAILABLE'], gone.message);
    // Who is not of that directory does not notice.
    await caller.logIn(world.person('zeng.li'));
    await slapd.tell('start');
    await until('log-ins are back', () => caller.logIn(slapd.person('liuyang')));
  });
}
