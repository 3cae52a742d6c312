// Terminals are shared: what was typed survives a reload, and never a log-out; and nobody loses it unasked.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enter, holders, pageUrl } from './apps.mjs';
import { assertClean, call, crew, live, makeGroup, needsProduct, openChat, openPage, signIn, startBrowser, type, unique, until, watch } from './support.mjs';

const box = '.im-chat-column textarea';
const kept = (page) => page.evaluate(() => Object.keys(localStorage).filter((key) => /^yz:(draft|outbox)/.test(key)));
const loggedOut = (page) => page.waitForSelector('input[name=username]');
const dialog = (page) => page.locator('.ant-modal-confirm');

/** Presses "sign out" in the messenger's settings. */
async function signOut(page) {
  await page.evaluate(() => { location.hash = '#/settings'; });
  await page.locator('.im-settings').getByRole('button', { name: '退出登录', exact: true }).click();
}

async function signInHere(page, person) {
  await page.fill('input[name=username]', person.login);
  await page.fill('input[name=password]', person.password);
  await page.keyboard.press('Enter');
  await live(page);
}

test('logging out', { timeout: 300_000, ...needsProduct }, async (t) => {
  const browser = await startBrowser(t);
  const [one, two] = crew('log_out');
  const page = await openPage(browser);
  await signIn(page, one);
  const group = await makeGroup(unique('柜台'), page);

  await t.test('with nothing typed it asks nothing, and leaves no name in the address', async () => {
    await openChat(page, group);
    await signOut(page);
    await loggedOut(page);
    assert.equal(await page.evaluate(() => location.hash), '');
    await signInHere(page, one);
  });

  await t.test('a draft survives a reload; the way out names it, and staying keeps it', async () => {
    await openChat(page, group);
    await page.fill(box, '客户张三的账号是');
    await page.reload();
    await page.waitForSelector(box);
    assert.equal(await page.inputValue(box), '客户张三的账号是');
    await live(page);
    await signOut(page);
    await dialog(page).waitFor();
    assert.match(await dialog(page).textContent(), /1 份草稿.*删除/s);
    assert.doesNotMatch(await dialog(page).textContent(), /条消息/);
    await until('the focus is on what harms nobody', () => page.evaluate(() => /不退出/.test(document.activeElement?.textContent.replace(/\s/g, ''))));
    await page.keyboard.press('Enter');
    await dialog(page).waitFor({ state: 'hidden' });
    await openChat(page, group);
    assert.equal(await page.inputValue(box), '客户张三的账号是');
  });

  await t.test('an unsent message is named too; leaving removes both, in every tab', async () => {
    const other = await watch(await page.context().newPage());
    await other.goto(page.url());
    await other.waitForSelector(box);
    await live(other);
    for (const each of [page, other]) await each.route('**/*MessageService/SendMessage', (route) => route.abort());
    const text = unique('没有发出去');
    await type(page, text);
    await page.fill(box, '又写了一半');
    await signOut(page);
    await dialog(page).waitFor();
    assert.match(await dialog(page).textContent(), /1 条消息.*1 份草稿/s);
    assert.equal((await kept(page)).length, 2);
    await dialog(page).getByRole('button', { name: '丢弃并退出' }).click();
    await Promise.all([loggedOut(page), loggedOut(other)]);
    assert.deepEqual(await kept(page), []);
    for (const each of [page, other]) {
      assert.equal(await each.evaluate(() => location.hash), '');
      await each.unroute('**/*MessageService/SendMessage');
    }
    await other.close();
    await signInHere(page, one);
    await openChat(page, group);
    assert.equal(await page.inputValue(box), '');
    assert.equal(await page.locator('.im-text', { hasText: text }).count(), 0);
    const { messages = [] } = await call(page, 'im.v1.MessageService/ListMessages', { conversationId: group, beforeSeq: '18446744073709551615' });
    assert.ok(!messages.some((message) => message.content?.text === text), 'it was sent all the same');
  });

  await t.test('a refused log-out removes nothing and says so', async () => {
    await page.fill(box, '还在写');
    await page.route('**/*SessionService/LogOut', (route) => route.abort());
    await signOut(page);
    await dialog(page).getByRole('button', { name: '丢弃并退出' }).click();
    await page.waitForSelector('.ant-message-error');
    await page.unroute('**/*SessionService/LogOut');
    assert.equal((await kept(page)).length, 1);
  });

  await t.test('a session that ended elsewhere leaves the draft to its writer, and to nobody else', async () => {
    const end = async () => {
      const elsewhere = await openPage(browser);
      await signIn(elsewhere, one);
      await call(elsewhere, 'directory.v1.SessionService/EndSession', { allOthers: true });
      await elsewhere.context().close();
      await page.reload();
      await loggedOut(page);
    };
    await end();
    await signInHere(page, one);
    await openChat(page, group);
    assert.equal(await page.inputValue(box), '还在写');
    await end();
    await signInHere(page, two);
    assert.deepEqual(await kept(page), []);
    await signOut(page);
    await loggedOut(page);
  });

  await t.test('the workbench’s drafts go too, wherever the way out was taken; so does the auditor’s reason', async () => {
    const desk = await openPage(browser);
    // No agent of those who play in workbench.test.mjs and widget.test.mjs.
    const agent = holders('agent').at(-1);
    await enter(desk, 'workbench', agent, '.wb-lists', '?lang=zh');
    const { person } = await call(desk, 'directory.v1.SessionService/WhoAmI', {});
    // As the workbench writes them: a note that is half done, and a reply that no server took.
    await desk.evaluate((id) => {
      localStorage.setItem(`yz:draft:${id}:r:1/note`, '内部');
      localStorage.setItem(`yz:outbox:${id}`, JSON.stringify([{ id: 'x1', conversationId: 'r:none', text: '您好', internal: false }]));
    }, person.personId);
    await desk.locator('.yz-me').click();
    await desk.locator('.ant-modal').getByRole('button', { name: '退出登录' }).click();
    await dialog(desk).waitFor();
    assert.match(await dialog(desk).textContent(), /1 条消息.*1 份草稿/s);
    await dialog(desk).getByRole('button', { name: '丢弃并退出' }).click();
    await loggedOut(desk);
    assert.deepEqual(await kept(desk), []);

    await enter(desk, 'audit', holders('audit')[0], '.au-main', '?lang=zh');
    await desk.evaluate(() => sessionStorage.setItem('yz:audit:why', '{"caseId":"2025-014","reason":"误导销售"}'));
    await desk.locator('.yz-me').click();
    await desk.locator('.ant-modal').getByRole('button', { name: '退出登录' }).click();
    await loggedOut(desk);
    assert.equal(await desk.evaluate(() => sessionStorage.length), 0);
    assert.ok(desk.url().startsWith(pageUrl('audit')));
    assertClean(desk);
    await desk.context().close();
  });

  assertClean(page);
});
