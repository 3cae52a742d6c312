// Two employees chat in their browsers: the main flow of the messenger, over the running product.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertClean, bubble, bubbles, call, chatHash, crew, makeGroup, needsProduct, openChat, openPage, personId, say, signIn, startBrowser, type, unique, until } from './support.mjs';

// Two at a time, where they are started together.
test('chatting', { timeout: 300_000, concurrency: 2, ...needsProduct }, async (t) => {
  const browser = await startBrowser(t);
  const [one, two, three] = crew('chat');
  const a = await openPage(browser);
  const b = await openPage(browser);
  await Promise.all([signIn(a, one), signIn(b, two)]);
  const [aId, bId] = await Promise.all([personId(a), personId(b)]);
  const direct = `d:${[aId, bId].sort().join(':')}`;

  await t.test('a direct message is sent, delivered, read; typing shows', async () => {
    await openChat(a, direct);
    const text = unique('请在 17:00 前确认');
    await type(a, text);
    await bubble(a, text);
    await b.waitForSelector(`[data-conversation="${direct}"]`);
    await until('delivered', async () => ['delivered', 'read'].includes(await a.locator('.im-state').last().getAttribute('data-state')));
    await openChat(b, direct);
    await bubble(b, text);
    // It may be below the fold: it is read once it is seen.
    await b.evaluate(() => { const log = document.querySelector('.yz-log'); log.scrollTop = log.scrollHeight; });
    await until('read', async () => (await a.locator('.im-state').last().getAttribute('data-state')) === 'read');
    await b.focus('.im-chat-column textarea');
    await b.keyboard.type('正在');
    await until('typing shows', async () => /\S/.test(await a.textContent('.im-typing')));
    await b.fill('.im-chat-column textarea', '');
    await until('typing ends', async () => !/\S/.test(await a.textContent('.im-typing')));
  });

  await t.test('an answer names what it answers', async () => {
    const question = unique('利率是多少？');
    await type(a, question);
    const row = await bubble(b, question);
    await row.hover();
    const body = b.locator('.im-row', { has: b.locator(`.im-text:text-is("${question}")`) });
    await body.getByRole('button', { name: /^(回复|Reply)$/ }).click();
    const answer = unique('3.1%');
    await type(b, answer);
    await bubble(a, answer);
    const quote = await a.locator('.im-row', { has: a.locator(`.im-text:text-is("${answer}")`) }).locator('.im-quote').textContent();
    assert.ok(quote.includes(question), quote);
  });

  await t.test('twenty messages from both sides arrive in one order', async () => {
    const stamp = unique('序');
    await Promise.all([
      (async () => { for (let i = 0; i < 10; i += 1) await type(a, `${stamp} a${i}`); })(),
      (async () => { for (let i = 0; i < 10; i += 1) await type(b, `${stamp} b${i}`); })(),
    ]);
    const mine = async (page) => (await bubbles(page)).filter((text) => text.startsWith(stamp));
    const all = await until('all are there', async () => {
      const list = (await call(a, 'im.v1.MessageService/ListMessages', { conversationId: direct, beforeSeq: '18446744073709551615', pageSize: 40 })).messages.map((message) => message.content?.text ?? '').filter((text) => text.startsWith(stamp));
      return list.length === 20 && list;
    });
    assert.equal(new Set(all).size, 20);
    for (const page of [a, b]) {
      await until('shown to the end', async () => (await mine(page)).includes(all[19]));
      const shown = await mine(page);
      assert.deepEqual(shown, all.slice(all.indexOf(shown[0]), all.indexOf(shown[0]) + shown.length));
    }
    assert.deepEqual(all.filter((text) => text.includes(' a')), Array.from({ length: 10 }, (_, i) => `${stamp} a${i}`));
  });

  await t.test('a group is made in the page, renamed, joined, left', async () => {
    const title = unique('风控小组');
    const login = two.login;
    await a.getByRole('button', { name: '新建群聊' }).click();
    const dialog = a.locator('.ant-modal').last();
    await dialog.locator('input').nth(0).fill(title);
    await dialog.locator('input').nth(1).fill(login);
    await dialog.getByRole('option').first().click();
    await dialog.getByRole('button', { name: /创\s*建/ }).click();
    await a.waitForSelector(`h1:text-is("${title}")`);
    await b.waitForSelector(`.im-item:has-text("${title}")`);
    const text = unique('欢迎');
    await type(a, text);
    await b.click(`.im-item:has-text("${title}")`);
    await bubble(b, text);
    // Who has read it.
    const state = a.locator('.im-row', { has: a.locator(`.im-text:text-is("${text}")`) }).locator('.im-state');
    await until('read by one of one', async () => /全部已读|1\/1/.test(await state.textContent()));
    await state.click();
    await a.waitForSelector('.im-readers');
    await a.keyboard.press('Escape');
    // Renamed by its owner.
    await a.getByRole('button', { name: '成员面板' }).click();
    await a.getByRole('button', { name: '修改群名' }).click();
    const renamed = unique('风控二组');
    await a.locator('.ant-modal').last().locator('input').fill(renamed);
    await a.keyboard.press('Enter');
    await b.waitForSelector(`h1:text-is("${renamed}")`);
    // Left by the other.
    await b.getByRole('button', { name: '成员面板' }).click();
    await b.getByRole('button', { name: '退出群聊' }).first().click();
    await b.locator('.ant-modal-confirm').getByRole('button', { name: '退出群聊' }).click();
    await until('gone from the list', async () => (await b.locator(`.im-item:has-text("${renamed}")`).count()) === 0);
    await until('one member is left', async () => (await a.locator('.im-member').count()) === 1);
  });

  await t.test('a mention is chosen by pinyin or name and marked', async () => {
    const c = await openPage(browser);
    await signIn(c, three);
    const group = await makeGroup(unique('提及'), a, b, c);
    await openChat(a, group);
    await openChat(b, direct);
    const person = (await call(b, 'directory.v1.SessionService/WhoAmI', {})).person;
    await a.focus('.im-chat-column textarea');
    await a.keyboard.type('@');
    await until('people are offered', async () => (await a.locator('.yz-mentions [role=option]').count()) >= 3);
    await a.keyboard.type(person.searchKeys?.[0] ?? person.login);
    await a.waitForSelector(`.yz-mentions [role=option]:has-text("${person.name}")`);
    await a.keyboard.press('Enter');
    await a.keyboard.type('请看');
    await a.keyboard.press('Enter');
    await b.waitForSelector(`[data-conversation="${group}"]:has-text("有人@我")`);
    const sent = (await call(a, 'im.v1.MessageService/ListMessages', { conversationId: group, beforeSeq: '18446744073709551615' })).messages.at(-1);
    assert.deepEqual(sent.content.mentions, [person.personId]);
    await openChat(b, group);
    await b.waitForSelector('.im-mention-me');
    assertClean(c);
    await c.context().close();
  });

  await t.test('a chat opens at the first unread message', async () => {
    const group = await makeGroup(unique('未读'), a, b);
    await Promise.all(Array.from({ length: 60 }, (_, i) => say(a, group, `旧 ${i}`)));
    await openChat(b, group);
    await until('read to the end', async () => {
      const conv = (await call(b, 'im.v1.ConversationService/GetConversation', { conversationId: group })).conversation;
      return (conv.unread ?? 0) === 0 || (await b.evaluate(() => { const log = document.querySelector('.yz-log'); log.scrollTop = log.scrollHeight; return false; }));
    }, 20_000);
    await openChat(b, direct);
    await say(a, group, '新 0');
    await Promise.all(Array.from({ length: 39 }, (_, i) => say(a, group, `新 ${i + 1}`)));
    await b.waitForSelector(`[data-conversation="${group}"] .im-badge:has-text("40")`);
    await openChat(b, group);
    const line = await b.waitForSelector('.im-new');
    assert.match(await line.textContent(), /40/);
    await until('the line is in the upper half', async () => {
      const top = (await (await b.$('.im-new'))?.boundingBox())?.y;
      return top > 0 && top < 450;
    });
    await bubble(b, '新 0');
    // The line stays until one leaves, though what stands below it has been read.
    await until('some of it is read', async () => ((await call(b, 'im.v1.ConversationService/GetConversation', { conversationId: group })).conversation.unread ?? 0) < 40);
    assert.ok(await b.$('.im-new'));
    await openChat(b, direct);
    await b.waitForSelector(`[data-conversation="${direct}"][aria-current]`);
    await openChat(b, group);
    await bubble(b, '新 0');
    const next = await b.$('.im-new');
    assert.ok(!next || !/40/.test(await next.textContent()));
  });

  const paged = t.test('older pages come in without moving what is read, and none is missing', async () => {
    const group = await makeGroup(unique('翻页'), a, b);
    for (let i = 0; i < 200; i += 20) await Promise.all(Array.from({ length: 20 }, (_, j) => say(j % 3 ? a : b, group, `翻页 ${i + j} ${'很长的一段话，'.repeat(j % 7)}`)));
    await openChat(a, group);
    await a.waitForSelector('.yz-log-row');
    // As a person who reads it all: to the end first.
    await until('at the end', () => a.evaluate(() => { const log = document.querySelector('.yz-log'); const left = log.scrollHeight - log.scrollTop - log.clientHeight; log.scrollTop = log.scrollHeight; return left <= 1 && !document.querySelector('.yz-pill'); }), 20_000);
    const seen = new Set();
    const numbers = () => [...seen].map((text) => Number(/^翻页 (\d+)/.exec(text)?.[1])).filter((n) => n >= 0).sort((x, y) => x - y);
    const at = () => a.evaluate(() => document.querySelector('.yz-log').scrollTop);
    /** Where the wheel has brought it. */
    const rests = () => a.evaluate(async () => {
      const log = document.querySelector('.yz-log');
      for (let top = -1, still = 0; still < 3; ) {
        await new Promise((resolve) => requestAnimationFrame(resolve));
        still = log.scrollTop === top ? still + 1 : 0;
        top = log.scrollTop;
      }
    });
    await a.mouse.move(800, 400);
    for (let step = 0; step < 120; step += 1) {
      const marked = await a.evaluate(() => {
        const log = document.querySelector('.yz-log').getBoundingClientRect();
        const row = [...document.querySelectorAll('.yz-log-row')].find((each) => each.getBoundingClientRect().top > log.top + 200);
        return row && { key: row.dataset.key, top: row.getBoundingClientRect().top };
      });
      await a.waitForTimeout(120);
      // What came meanwhile did not move the row.
      const top = await a.evaluate((key) => document.querySelector(`[data-key="${key}"]`)?.getBoundingClientRect().top ?? null, marked?.key);
      if (marked) assert.ok(top !== null && Math.abs(top - marked.top) <= 2, `step ${step}: moved ${top - marked.top} px`);
      for (const text of await bubbles(a)) seen.add(text);
      if (numbers().length === 200) break;
      const before = await at();
      if (before === 0) {
        await until('older ones come in at the top', async () => (await at()) > 0);
        continue;
      }
      await a.mouse.wheel(0, -400);
      await until('the wheel moves it', async () => (await at()) !== before);
      await rests();
    }
    assert.deepEqual(numbers(), Array.from({ length: 200 }, (_, i) => i));
  });

  const ended = t.test('devices are listed and ended', async () => {
    const again = await openPage(browser);
    await signIn(again, two);
    await b.evaluate(() => { location.hash = '#/settings'; });
    await until('two devices', async () => (await b.locator('.im-devices li').count()) >= 2);
    await b.getByRole('button', { name: '退出其他所有设备' }).click();
    await b.locator('.ant-modal-confirm').getByRole('button', { name: '退出其他所有设备' }).click();
    await until('the other page says so', async () => /在别处退出登录/.test(await again.textContent('.im-bar')), 30_000);
    await until('one device', async () => (await b.locator('.im-devices li').count()) === 1);
  });

  // The end of a session is told to its page within half a minute.
  await Promise.all([paged, ended]);

  await t.test('presence follows the window of the other', async () => {
    const c = await openPage(browser);
    await signIn(c, three);
    const cId = await personId(c);
    const with3 = `d:${[aId, cId].sort().join(':')}`;
    await openChat(a, with3);
    await type(a, unique('在吗'));
    await until('online', async () => (await a.locator('.im-chat-head .yz-dot-online').count()) === 1);
    await c.context().close();
    await until('offline', async () => (await a.locator('.im-chat-head .yz-dot-online').count()) === 0, 20_000);
  });

  await t.test('someone else’s conversation is not shown', async () => {
    const group = await makeGroup(unique('私密'), a, a);
    await b.evaluate((hash) => { location.hash = hash; }, chatHash(group));
    await until('refused with words', async () => /找不到|不在其中|操作未能完成/.test(await b.textContent('.im-main')));
  });

  assertClean(a);
  assertClean(b);
});
