// Checks 3, 4 and 10: nothing is read by accident, live or says that it is not, a retry cannot duplicate, text is never lost.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appUrl, assertClean, bubble, bubbles, call, chatHash, crew, drawn, live, makeGroup, needsProduct, openChat, openPage, say, signIn, startBrowser, type, unique, until, watch } from './support.mjs';

const newest = '18446744073709551615';
const IM_FRAME = 0x22;
const moves = (page) => {
  const seen = [];
  page.on('request', (request) => { if (request.url().endsWith('/MoveCursor')) seen.push(request); });
  return seen;
};

// Three at a time, where they are started together: they wait for time-outs, in windows of their own.
test('reliability', { timeout: 300_000, concurrency: 3, ...needsProduct }, async (t) => {
  const browser = await startBrowser(t);
  const [one, two] = crew('reliability');
  const a = await openPage(browser);
  const b = await openPage(browser);
  await Promise.all([signIn(a, one), signIn(b, two)]);
  const group = await makeGroup(unique('可靠'), a, b);
  const unread = async () => (await call(b, 'im.v1.ConversationService/GetConversation', { conversationId: group })).conversation.unread ?? 0;
  /** One more window of the second person, on the group. */
  const newWindow = async (prepare = () => {}) => {
    const page = await openPage(browser, { storageState: await b.context().storageState() });
    await prepare(page);
    await page.goto(appUrl('client', chatHash(group)));
    await live(page);
    await page.waitForSelector('.yz-log-row');
    return page;
  };
  const texts = async () => (await call(a, 'im.v1.MessageService/ListMessages', { conversationId: group, beforeSeq: newest, pageSize: 200 })).messages.map((message) => message.content?.text).filter(Boolean);
  await say(a, group, unique('开始'));
  await openChat(b, group);
  await until('read', async () => (await unread()) === 0);

  await t.test('a window without focus reads nothing; with focus, all of it in one move', async () => {
    // Playwright pretends that every page has focus.
    const devtools = await b.context().newCDPSession(b);
    await devtools.send('Emulation.setFocusEmulationEnabled', { enabled: false });
    const other = await b.context().newPage();
    await other.goto('about:blank');
    await other.bringToFront();
    await until('no focus', () => b.evaluate(() => !document.hasFocus()));
    const seen = moves(b);
    const stamp = unique('无人看');
    for (let i = 0; i < 5; i += 1) await say(a, group, `${stamp} ${i}`);
    await until('arrived', async () => (await b.locator(`.im-text:has-text("${stamp} 4")`).count()) === 1);
    // Longer than it takes to be seen and told.
    await b.waitForTimeout(2000);
    assert.equal(await unread(), 5);
    assert.equal(seen.length, 0);
    assert.match(await b.textContent('.im-new'), /5/);
    await devtools.send('Emulation.setFocusEmulationEnabled', { enabled: true });
    await other.close();
    await b.bringToFront();
    await until('read', async () => (await unread()) === 0);
    await b.waitForTimeout(700);
    assert.equal(seen.length, 1, 'one move for all five');
    assert.ok(await b.$('.im-new'), 'the line stays');
  });

  await t.test('announces one arrival once, a burst at most twice, and a chat that opens not at all', async () => {
    const count = () => b.getAttribute('[data-announcer]', 'data-announcer').then(Number);
    const start = await count();
    await b.evaluate(() => { location.hash = '#/settings'; });
    await openChat(b, group);
    await b.waitForSelector('.yz-log-row');
    await b.waitForTimeout(400);
    assert.equal(await count(), start);
    await say(a, group, unique('一条'));
    await until('one', async () => (await count()) === start + 1);
    const stamp = unique('连发');
    await Promise.all(Array.from({ length: 10 }, (_, i) => say(a, group, `${stamp} ${i}`)));
    await until('all are there', async () => (await bubbles(b)).filter((text) => text.startsWith(stamp)).length === 10);
    // Two seconds lie between two announcements: what waits has been said by then.
    await b.waitForTimeout(2500);
    assert.ok((await count()) - start <= 3, `${(await count()) - start} announcements`);
  });

  await t.test('offline: said within 3 s; back: no gap, right order, the bar gone', async () => {
    await b.context().setOffline(true);
    const since = Date.now();
    await b.waitForSelector('.yz-bar', { timeout: 3000 });
    assert.ok(Date.now() - since <= 3000);
    const stamp = unique('断网');
    const own = `${stamp} 自己`;
    await type(b, own);
    for (let i = 0; i < 5; i += 1) await say(a, group, `${stamp} ${i}`);
    await until('it says that it waits', async () => /等待连接/.test(await b.locator('[data-unsent]').last().textContent()));
    assert.ok(!(await texts()).includes(own));
    await b.context().setOffline(false);
    await live(b);
    await until('no bar', async () => (await b.$('.yz-bar')) === null);
    await until('sent', async () => (await texts()).includes(own));
    await bubble(b, own);
    const there = (await texts()).filter((text) => text.startsWith(stamp));
    assert.deepEqual(there, [0, 1, 2, 3, 4].map((i) => `${stamp} ${i}`).concat(own));
    // The rows that fill the gap have their places once they are measured.
    await until('shown in the order of the record', async () => {
      assert.deepEqual((await bubbles(b)).filter((text) => text.startsWith(stamp)), there);
      return true;
    });
  });

  await t.test('says so on every route', async () => {
    for (const [hash, ready] of [['#/directory', '.im-person'], ['#/settings', '.im-devices li'], ['#/chat', '.im-main .yz-state']]) {
      await b.evaluate((to) => { location.hash = to; }, hash);
      await drawn(b, ready);
      await b.context().setOffline(true);
      await b.waitForSelector('.yz-bar', { timeout: 3000 });
      await b.context().setOffline(false);
      await live(b);
      await until('no bar', async () => (await b.$('.yz-bar')) === null);
    }
    await openChat(b, group);
  });

  await t.test('drafts survive a reload, a switch and a second tab', async () => {
    const draft = unique('没写完');
    await b.fill('.im-chat-column textarea', draft);
    await b.reload();
    await live(b);
    await b.waitForSelector('.im-chat-column textarea');
    assert.equal(await b.inputValue('.im-chat-column textarea'), draft);
    await b.evaluate(() => { location.hash = '#/settings'; });
    await b.waitForSelector('.im-settings');
    await openChat(b, group);
    assert.equal(await b.inputValue('.im-chat-column textarea'), draft);
    const tab = await watch(await b.context().newPage());
    await tab.goto(b.url());
    await tab.waitForSelector('.im-chat-column textarea');
    assert.equal(await tab.inputValue('.im-chat-column textarea'), draft);
    await b.evaluate(() => document.activeElement.blur());
    await tab.fill('.im-chat-column textarea', `${draft}！`);
    await until('the first tab follows', async () => (await b.inputValue('.im-chat-column textarea')) === `${draft}！`);
    await tab.fill('.im-chat-column textarea', '');
    await tab.close();
    await until('both are empty', async () => (await b.inputValue('.im-chat-column textarea')) === '');
  });

  const lost = t.test('the answer is lost: failed after 15 s, Retry makes no second copy and keeps the row', async () => {
    let deaf = true;
    // Neither the acknowledgement nor the event comes back, though the link is alive.
    const c = await newWindow(async (page) => {
      await page.routeWebSocket(/\/live/, (socket) => {
        const server = socket.connectToServer();
        server.onMessage((message) => { if (!(deaf && typeof message !== 'string' && message[0] === IM_FRAME)) socket.send(message); });
      });
      await page.route(/SendMessage$/, async (route) => {
        if (!deaf) return route.continue();
        await route.fetch().catch(() => undefined);
        return route.abort();
      });
    });
    const text = unique('只有一份');
    await type(c, text);
    const row = await c.waitForSelector(`[data-key]:has(.im-text:text-is("${text}"))`);
    await row.evaluate((element) => { element.marked = true; });
    await c.waitForTimeout(500);
    assert.ok(!/发送中/.test(await row.textContent()), 'no clock within the first 2 s');
    await until('a clock', async () => /发送中/.test(await row.textContent()), 4000);
    await until('failed', async () => /未发出/.test(await row.textContent()), 25_000);
    assert.equal((await texts()).filter((each) => each === text).length, 1, 'the server has it');
    deaf = false;
    await row.$('button').then((button) => button.click());
    await until('sent', async () => !/未发出|发送中/.test(await row.textContent()));
    const same = await c.$(`[data-key]:has(.im-text:text-is("${text}"))`);
    assert.ok(await same.evaluate((element) => element.marked === true), 'the same row element');
    assert.equal((await texts()).filter((each) => each === text).length, 1, 'one copy');
    assert.equal((await bubbles(c)).filter((each) => each === text).length, 1, 'shown once');
    assertClean(c);
    await c.context().close();
  });

  const swallowed = t.test('a link that swallows is noticed within 15 s, and nothing is missed', async () => {
    let swallow = false;
    const c = await newWindow((page) => page.routeWebSocket(/\/live/, (socket) => {
      const server = socket.connectToServer();
      const mine = swallow;
      server.onMessage((message) => { if (!swallow || mine) socket.send(message); });
      socket.onMessage((message) => { if (!swallow || mine) server.send(message); });
    }));
    // Noted in the page: it may be back before anybody asks.
    await c.evaluate(() => {
      globalThis.lostAt = 0;
      new MutationObserver(() => { if (document.querySelector('[data-connection=waiting]')) globalThis.lostAt ||= Date.now(); }).observe(document.body, { attributes: true, attributeFilter: ['data-connection'], subtree: true });
    });
    swallow = true;
    const since = Date.now();
    const stamp = unique('吞掉');
    for (let i = 0; i < 3; i += 1) await say(a, group, `${stamp} ${i}`);
    const took = (await until('noticed', () => c.evaluate(() => globalThis.lostAt), 20_000)) - since;
    assert.ok(took <= 15_000, `noticed after ${took} ms`);
    await live(c);
    await until('nothing is missed', async () => (await bubbles(c)).filter((text) => text.startsWith(stamp)).length === 3);
    assertClean(c);
    await c.context().close();
  });

  const reloaded = t.test('what is unsent survives a reload', async () => {
    const c = await newWindow();
    let blocked = true;
    await c.route(/SendMessage$/, (route) => (blocked ? route.abort() : route.continue()));
    const text = unique('重载之后');
    await type(c, text);
    await c.waitForTimeout(500);
    assert.ok(!(await texts()).includes(text));
    blocked = false;
    await c.reload();
    await until('sent after the reload', async () => (await texts()).filter((each) => each === text).length === 1, 15_000);
    await bubble(c, text);
    await c.context().close();
  });
  await Promise.all([lost, swallowed, reloaded]);

  assertClean(a);
  assertClean(b);
});
