// The agents' workbench over the running product: checks 4, 5, 7, 8, 9, 10, 12 of the pages' design as far as they concern it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Visitor, agentCall, assertAccessible, assertNoSideways, clearDesk, drainQueue, enter, focused, holders, pageUrl, picture } from './apps.mjs';
import { assertClean, drawn, live, needsProduct, openPage, startBrowser, unique, until } from './support.mjs';

const box = '.wb-writer textarea';
const row = (page, name) => page.locator('.wb-row', { hasText: name });
const bubbles = (page) => page.$$eval('.wb-bubble', (elements) => elements.map((element) => element.textContent));
const shows = (page, text) => until(`“${text}” is shown`, async () => (await bubbles(page)).includes(text));

async function work(page, agent) {
  await enter(page, 'workbench', agent, '.wb-lists', '?lang=zh');
  await live(page);
}

async function say(page, text) {
  await page.fill(box, text);
  await page.press(box, 'Enter');
  await shows(page, text);
}

test('the workbench', { timeout: 400_000, ...needsProduct }, async (t) => {
  const browser = await startBrowser(t);
  const [one, two] = holders('agent');
  const a = await openPage(browser);
  const b = await openPage(browser);
  await Promise.all([work(a, one), work(b, two)]);
  await Promise.all([clearDesk(a, 'STATE_PAUSED', 8), clearDesk(b, 'STATE_PAUSED', 8)]);
  await drainQueue(a);
  t.after(async () => {
    await clearDesk(a).catch(() => {});
    await clearDesk(b).catch(() => {});
  });

  await t.test('who waits appears by itself, says why, and one of two racing agents is told within a second', async () => {
    await a.getByRole('tab', { name: /排队/ }).click();
    await b.getByRole('tab', { name: /排队/ }).click();
    const visitor = await Visitor.start(a);
    await visitor.write();
    for (const page of [a, b]) {
      await row(page, visitor.name).waitFor();
      assert.match(await row(page, visitor.name).textContent(), /等|分配|满|在线|转接/);
    }
    // Both have asked before either is answered: whoever heard of the other's success first would have no button any more.
    let go;
    const together = new Promise((resolve) => { go = resolve; });
    let asked = 0;
    for (const page of [a, b]) {
      await page.route(/AgentService\/Accept$/, async (route) => {
        asked += 1;
        if (asked === 2) go(Date.now());
        await together;
        await route.continue();
      });
      // Noted in the page: looking for it takes time too.
      await page.evaluate(() => {
        globalThis.toldAt = 0;
        new MutationObserver(() => { if (document.querySelector('.ant-message')?.textContent.includes('已由他人接入')) globalThis.toldAt ||= Date.now(); }).observe(document.body, { childList: true, characterData: true, subtree: true });
      });
      await row(page, visitor.name).getByRole('button', { name: /^接入/ }).click();
    }
    const at = await together;
    const winner = await until('one has it', async () => {
      for (const page of [a, b]) if (await page.locator('.wb-chat-head', { hasText: visitor.name }).getByRole('button', { name: '结束' }).count()) return page;
      return null;
    });
    const loser = winner === a ? b : a;
    const took = (await until('the other one is told', () => loser.evaluate(() => globalThis.toldAt))) - at;
    assert.ok(took <= 1_000, `told after ${took} ms`);
    t.diagnostic(`told after ${took} ms`);
    for (const page of [a, b]) await page.unroute(/AgentService\/Accept$/);
    const benches = await Promise.all([a, b].map(async (page) => ((await agentCall(page, 'GetWorkbench', {})).mine ?? []).map((each) => each.conversationId)));
    assert.equal(benches.flat().filter((id) => id === visitor.id).length, 1);
    await agentCall(winner, 'Close', { conversationId: visitor.id, requestId: unique('c') });
  });

  const visitor = await Visitor.start(a);
  const question = await visitor.write(unique('理财产品保本吗？'));

  await t.test('F4 accepts the next; what the visitor types and writes comes live', async () => {
    await a.keyboard.press('F4');
    await a.locator('.wb-chat-head', { hasText: visitor.name }).waitFor();
    await shows(a, question);
    await a.getByRole('tab', { name: /我的/, selected: true }).waitFor();
    assert.match(await row(a, visitor.name).textContent(), /\d+:\d\d/);
    const more = await visitor.write(unique('在吗？'));
    await shows(a, more);
    await a.evaluate(async ([token, id]) => {
      // As the widget does: without hello=1 the agent's cookie would open the stream.
      const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/live?format=json&hello=1`);
      await new Promise((resolve) => { socket.onopen = resolve; });
      socket.send(JSON.stringify({ hello: { token } }));
      await new Promise((resolve) => { socket.onmessage = resolve; });
      socket.send(JSON.stringify({ typing: { conversationId: id, active: true, preview: '我其实想问' } }));
    }, [visitor.visit.token, visitor.id]);
    await a.locator('.wb-preview', { hasText: '我其实想问' }).waitFor();
  });

  await t.test('reply and note: two drafts, two looks; a fresh conversation opens in reply mode', async () => {
    await a.fill(box, '写给客户的草稿');
    await a.keyboard.press('F8');
    await until('the note has its own empty box', async () => (await a.inputValue(box)) === '');
    const look = await a.evaluate(() => ({ note: getComputedStyle(document.querySelector('.wb-writer')).backgroundColor, button: document.querySelector('.yz-composer-foot .ant-btn').textContent, hint: document.querySelector('.wb-modes').textContent }));
    assert.match(look.button, /保存备注/);
    assert.match(look.hint, /仅内部可见/);
    await a.fill(box, '备注的草稿');
    await a.keyboard.press('F8');
    assert.equal(await a.inputValue(box), '写给客户的草稿');
    assert.notEqual(await a.evaluate(() => getComputedStyle(document.querySelector('.wb-writer')).backgroundColor), look.note);
    await a.keyboard.press('F8');
    await a.reload();
    await live(a);
    await a.waitForSelector(box);
    assert.equal(await a.inputValue(box), '写给客户的草稿', 'a reload opens the reply, with its draft');
    await a.keyboard.press('F8');
    assert.equal(await a.inputValue(box), '备注的草稿');
    const note = unique('客户为高净值');
    await say(a, note);
    await a.keyboard.press('F8');
    const answer = unique('非保本浮动收益');
    await say(a, answer);
    await picture(a, 'workbench');
    const lines = (await visitor.lines()).map((line) => line.text);
    assert.ok(lines.includes(answer));
    assert.ok(!lines.includes(note));
    assert.match(await row(a, visitor.name).textContent(), /已回复/);
  });

  await t.test('a transfer shows load, takes a note, and arrives', async () => {
    await agentCall(b, 'SetState', { state: 'STATE_ONLINE', requestId: unique('s') });
    await a.keyboard.press('F9');
    const dialog = a.locator('.ant-modal').last();
    await dialog.getByText(/^\d+\/\d+ · 在线$/).first().waitFor();
    await assertAccessible(a, 'the transfer dialog');
    await dialog.getByRole('button', { name: /转\s*接/ }).click();
    await dialog.locator('[role=alert]', { hasText: '请选择' }).waitFor();
    await dialog.locator('label', { hasText: two.name }).click();
    const note = unique('请跟进风险测评');
    await dialog.locator('textarea').fill(note);
    await dialog.getByRole('button', { name: /转\s*接/ }).click();
    await b.getByRole('tab', { name: /我的/ }).click();
    await row(b, visitor.name).waitFor();
    await row(b, visitor.name).locator('.wb-row-main').click();
    await shows(b, note);
    await shows(b, question);
    assert.equal(await row(a, visitor.name).locator('.wb-row-main:enabled').count(), 0);
  });

  await t.test('an end can be undone for 5 s; then it is over, and the rating shows', async () => {
    await b.keyboard.press('Shift+F9');
    await b.locator('.wb-end textarea').fill('已解答，无投诉');
    await b.getByRole('button', { name: '结束会话' }).click();
    await b.locator('.wb-ending').getByRole('button', { name: /撤\s*销/ }).click();
    await b.waitForTimeout(5_500);
    const { reception } = await agentCall(b, 'ListReceptionLines', { conversationId: visitor.id });
    assert.equal(reception.owner, 'OWNER_AGENT', 'undone');
    await b.keyboard.press('Shift+F9');
    await b.locator('.wb-end textarea').fill('已解答，无投诉');
    await b.getByRole('button', { name: '结束会话' }).click();
    await until('closed', async () => (await agentCall(b, 'ListReceptionLines', { conversationId: visitor.id })).reception.owner === 'OWNER_NONE', 9_000);
    await shows(b, '已解答，无投诉');
    await visitor.rate(5, '非常好');
    await b.locator('.wb-info', { hasText: '5 星' }).waitFor();
    await b.getByRole('tab', { name: '已完成' }).click();
    await b.locator('.wb-row', { hasText: visitor.name }).first().waitFor();
  });

  await t.test('a list stands still while the pointer is in it', async () => {
    await b.getByRole('tab', { name: /排队/ }).click();
    await clearDesk(b, 'STATE_PAUSED', 8);
    const waiting = [await Visitor.start(a), await Visitor.start(a), await Visitor.start(a)];
    for (const each of waiting.slice(0, 2)) await each.write();
    await row(b, waiting[1].name).waitFor();
    const order = () => b.$$eval('.wb-list .wb-row', (rows) => rows.map((each) => each.querySelector('.wb-row-text').textContent));
    await row(b, waiting[0].name).hover();
    const before = await order();
    await agentCall(a, 'Accept', { conversationId: waiting[0].id, requestId: unique('x') });
    await waiting[2].write();
    await row(b, waiting[2].name).waitFor();
    const during = await order();
    assert.equal(during.length, before.length + 1);
    assert.match(during[before.findIndex((text) => text.includes(waiting[0].name))], /已由他人接入/);
    await b.mouse.move(720, 500);
    await until('it follows again', async () => !(await order()).some((text) => text.includes(waiting[0].name)));
    await clearDesk(a, 'STATE_PAUSED', 8);
    await drainQueue(a);
  });

  await t.test('earlier receptions of a customer open read only', async () => {
    await visitor.write(unique('我又来了'));
    await a.keyboard.press('F4');
    await a.locator('.wb-chat-head', { hasText: visitor.name }).waitFor();
    const past = a.locator('.wb-history button').first();
    await past.click();
    await shows(a, '已解答，无投诉');
    assert.equal(await a.locator(box).count(), 0);
    await a.locator('.yz-composer-closed', { hasText: '已结束' }).waitFor();
  });

  await t.test('without a network: the bar within 3 s, lines wait and go out once, in order', async () => {
    await clearDesk(a, 'STATE_PAUSED', 8);
    const other = await Visitor.start(b);
    await other.write();
    await a.keyboard.press('F4');
    await a.locator('.wb-chat-head', { hasText: other.name }).waitFor();
    await a.context().setOffline(true);
    await a.locator('.yz-bar').waitFor({ timeout: 3_000 });
    const texts = [unique('断网一'), unique('断网二'), unique('断网三')];
    for (const text of texts) await say(a, text);
    const missed = await other.write(unique('断网时客户写的'));
    await a.waitForTimeout(500);
    await a.context().setOffline(false);
    await a.locator('.yz-bar').waitFor({ state: 'detached', timeout: 15_000 });
    await shows(a, missed);
    await until('all arrived', async () => {
      const lines = (await other.lines()).map((line) => line.text).filter((text) => texts.includes(text));
      return lines.length === 3 && assert.deepEqual(lines, texts) === undefined;
    }, 20_000);
    const shown = (await bubbles(a)).filter((text) => texts.includes(text));
    assert.equal(new Set(shown).size, shown.length);
  });

  await t.test('the announcer: opening a conversation says nothing, an arrival says itself once', async () => {
    await clearDesk(a, 'STATE_PAUSED', 8);
    const other = await Visitor.start(b);
    for (let i = 0; i < 20; i += 1) await other.write();
    const count = () => a.getAttribute('[data-announcer]', 'data-announcer').then(Number);
    await a.keyboard.press('F4');
    await a.locator('.wb-chat-head', { hasText: other.name }).waitFor();
    // Two seconds lie between two announcements: what waits has been said by then.
    await a.waitForTimeout(2_200);
    const before = await count();
    await other.write();
    await until('one', async () => (await count()) === before + 1);
    let last;
    for (let i = 0; i < 10; i += 1) last = await other.write();
    await shows(a, last);
    await a.waitForTimeout(2_500);
    assert.ok((await count()) <= before + 3, `${await count()} after ${before}`);
  });

  await t.test('every look is usable by everybody', async () => {
    for (const look of ['?theme=light&lang=zh', '?theme=dark&lang=zh', '?theme=light&lang=en', '?theme=dark&lang=en']) {
      await a.goto(pageUrl('workbench', `${look}#/`));
      await live(a);
      await assertAccessible(a, `mine, ${look}`);
      await a.locator('.wb-row-main').first().click();
      await a.waitForSelector('.wb-bubble');
      await assertAccessible(a, `a conversation, ${look}`);
      await a.keyboard.press('F8');
      await assertAccessible(a, `a note, ${look}`);
      await a.locator('[role=tab]').nth(1).click();
      await a.locator('[role=tab]').nth(2).click();
      await drawn(a, '[role=tab]:nth-child(3)[aria-selected=true]');
      await assertAccessible(a, `done, ${look}`);
      await a.keyboard.press('Shift+F9');
      await a.waitForSelector('.wb-end');
      await assertAccessible(a, `ending, ${look}`);
    }
    for (const look of ['?lang=zh', '?lang=en', '?lang=pseudo']) {
      await a.setViewportSize({ width: 720, height: 450 });
      await a.goto(pageUrl('workbench', `${look}#/`));
      await live(a);
      await assertNoSideways(a, `the list at 200 %, ${look}`);
      await a.locator('.wb-row-main').first().click();
      await a.waitForSelector('.wb-bubble');
      await assertNoSideways(a, `a conversation at 200 %, ${look}`);
    }
    await a.setViewportSize({ width: 1440, height: 900 });
  });

  await t.test('the main task by keyboard alone; focus returns from a dialog', async () => {
    await clearDesk(a, 'STATE_PAUSED', 8);
    const other = await Visitor.start(b);
    await other.write();
    await a.goto(pageUrl('workbench', '?lang=zh#/'));
    await live(a);
    await a.keyboard.press('F4');
    await a.locator('.wb-chat-head', { hasText: other.name }).waitFor();
    await a.keyboard.press('F2');
    await until('the box has the focus', async () => (await focused(a)).startsWith('TEXTAREA'));
    const text = unique('键盘回复');
    await a.keyboard.type(text);
    await a.keyboard.press('Enter');
    await shows(a, text);
    const here = await focused(a);
    await a.keyboard.press('F9');
    await a.waitForSelector('.ant-modal');
    await a.keyboard.press('Escape');
    await a.waitForSelector('.ant-modal', { state: 'hidden' });
    await until('the focus is back', async () => (await focused(a)) === here);
    await a.keyboard.press('Shift+F9');
    await a.waitForSelector('.wb-end textarea');
    await a.keyboard.press('Escape');
    await a.waitForSelector('.wb-end', { state: 'detached' });
    await a.keyboard.press('Shift+F9');
    await a.keyboard.type('键盘小结');
    await a.keyboard.press('Tab');
    await a.keyboard.press('Tab');
    await a.keyboard.press('Enter');
    await until('closed', async () => (await agentCall(a, 'ListReceptionLines', { conversationId: other.id })).reception.owner === 'OWNER_NONE', 9_000);
  });

  await t.test('nothing chosen, and nothing to be found, are said in the agent’s language, with what to do', async () => {
    await clearDesk(a, 'STATE_PAUSED', 8);
    await drainQueue(a);
    await a.goto(pageUrl('workbench', '?lang=zh#/r%3Anothing'));
    await live(a);
    await a.locator('.wb-main [role=alert]', { hasText: '找不到此接待，或您无权查看。' }).waitFor();
    await assertAccessible(a, 'a reception that is not there');
    await a.goto(pageUrl('workbench', '?lang=zh#/'));
    await live(a);
    const next = a.locator('.wb-main').getByRole('button', { name: '接入下一位' });
    assert.equal(await next.isDisabled(), true);
    const other = await Visitor.start(b);
    await other.write();
    await until('somebody waits', () => next.isEnabled());
    await next.click();
    await a.locator('.wb-chat-head', { hasText: other.name }).waitFor();
  });

  await t.test('state and capacity are set on the page', async () => {
    await a.getByRole('radio', { name: '在线', exact: true }).click({ force: true });
    await until('online', async () => (await agentCall(a, 'GetWorkbench', {})).me.state === 'STATE_ONLINE');
    await a.fill('.wb-capacity input', '3');
    await a.press('.wb-capacity input', 'Enter');
    await until('capacity', async () => (await agentCall(a, 'GetWorkbench', {})).me.capacity === 3);
    await a.locator('.wb-load', { hasText: '/3' }).waitFor();
    const other = await Visitor.start(b);
    await other.write();
    await a.getByRole('tab', { name: /我的/ }).click();
    await row(a, other.name).waitFor();
  });

  assertClean(a);
  assertClean(b);
});
