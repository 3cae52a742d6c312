// The process is killed with -9 while everybody writes, and started again on the same data: all go on by themselves, and nothing that
// was acknowledged, or that a client goes on holding, is lost or there twice.

import assert from 'node:assert/strict';
import { assertNotReloaded, deskShows, deskWrite, live, mark, openWidget, scrollBack, widgetBubbles, widgetShows, widgetWrite, write } from '../harness/browser.mjs';
import { agentCall } from '../pages/apps.mjs';
import { openChat } from '../pages/support.mjs';
import { check, step, uniqueId, until } from '../harness/steps.mjs';
import { assertInside } from './customers.mjs';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export default async function crash(world) {
  const { xmpp, desk, page } = world;
  const b = world.person('li.na');
  const bJid = world.jid(b.login);
  const written = { xmpp: [], page: [], visitor: [], agent: [] };
  let going = true;
  let run = '';

  const writers = {
    async xmpp() {
      for (let i = 0; going; i += 1) {
        const body = `${run} 桌面 ${i}`;
        const id = uniqueId('k');
        written.xmpp.push({ id, body });
        void xmpp.do('send', 'a', { to: bJid, body, id });
        await sleep(15);
      }
    },
    async page() {
      for (let i = 0; going; i += 1) {
        written.page.push(`${run} 网页 ${i}`);
        await write(page, `${run} 网页 ${i}`);
        await sleep(120);
      }
    },
    async visitor() {
      for (let i = 0; going; i += 1) {
        written.visitor.push(`${run} 访客 ${i}`);
        await widgetWrite(desk.frame, `${run} 访客 ${i}`);
        await sleep(300);
      }
    },
    async agent() {
      for (let i = 0; going; i += 1) {
        written.agent.push(`${run} 客服 ${i}`);
        await deskWrite(desk.page, `${run} 客服 ${i}`);
        await sleep(300);
      }
    },
  };

  await openChat(page, world.direct);
  for (const each of [page, desk.page, desk.frame]) await mark(each);

  await step('the process is killed with -9 while all four write, and starts again on its data within 10 s', async () => {
    run = uniqueId('kill');
    const all = Object.values(writers).map((work) => work());
    const acked = () => xmpp.all('a', 'acked').filter((each) => each.id.startsWith('k-')).length;
    await until('enough is under way', () => acked() >= 40 && Object.values(written).every((list) => list.length >= 3), 30_000, 10);
    await world.product.kill();
    await until('the desktop client knows', () => xmpp.all('a', 'offline').length > 0);
    await page.waitForSelector('[data-connection]:not([data-connection=live])', { state: 'attached' });
    // They go on writing into the outage.
    const before = Object.fromEntries(Object.entries(written).map(([who, list]) => [who, list.length]));
    await until('all have written during it', () => Object.entries(written).every(([who, list]) => list.length >= before[who] + 2), 20_000);
    going = false;
    await Promise.all(all);
    const ms = await world.product.start();
    assert.ok(ms < 10_000, `it took ${ms} ms`);
  }, 90_000);

  await step('everybody goes on by themselves, without a reload', async () => {
    await xmpp.heard('a', 'online', () => xmpp.all('a', 'online').length > 1, 30_000);
    await Promise.all([live(page, 45_000), live(desk.page, 45_000)]);
    await until('what XMPP wrote is counted', () => {
      const done = new Set(xmpp.all('a', 'acked').map((each) => each.id));
      return written.xmpp.every((each) => done.has(each.id));
    }, 30_000);
    await until('what the page wrote is sent', async () => (await page.locator('[data-unsent]').count()) === 0, 30_000);
    await deskShows(desk.page, written.visitor.at(-1), 45_000);
    await widgetShows(desk.frame, written.agent.at(-1), 45_000);
    for (const each of [page, desk.page, desk.frame]) await assertNotReloaded(each);
  }, 120_000);

  const once = (what, texts, list) => {
    const counts = new Map();
    for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
    const wrong = list.filter((text) => counts.get(text) !== 1).map((text) => `“${text}” is there ${counts.get(text) ?? 0} times`);
    assert.deepEqual(wrong.slice(0, 10), [], `${what}: ${wrong.length} of ${list.length} are wrong`);
    assert.deepEqual(texts.filter((text) => list.includes(text)), list, `${what}: the order changed`);
  };

  /** The pages show what the record has from `first` on: every text, once, in its order. */
  const shown = (what, windows, texts) => {
    const wanted = new Map(texts.map((text, index) => [text, index]));
    const seen = new Set();
    for (const texts of windows) {
      const places = texts.map((text) => wanted.get(text)).filter((place) => place !== undefined);
      assert.deepEqual(places, [...new Set(places)].sort((a, b) => a - b), `${what}: a text twice, or the order changed`);
      places.forEach((place) => seen.add(place));
    }
    assert.deepEqual(texts.filter((_, index) => !seen.has(index)), [], `${what} does not show it`);
  };

  await step('employees: every message is there once, in order, with contiguous seqs; MAM says the same', async () => {
    const messages = await world.aCaller.allMessages(world.direct);
    assert.deepEqual(messages.map((each) => Number(each.seq)), messages.map((_, index) => index + 1));
    const texts = messages.map((each) => each.content?.text ?? '');
    once('from XMPP', texts, written.xmpp.map((each) => each.body));
    once('from the page', texts, written.page);
    const archive = await xmpp.do('mam', 'a', { with: bJid, page: 200 });
    assert.deepEqual(archive.map((each) => [each.id, each.body]), messages.filter((each) => each.content).map((each) => [each.messageId, each.content.text]));
    // What was handed over and not yet reported may come once more, under the id by which clients know it.
    const heard = new Map();
    for (const { body, stanza_id: id } of xmpp.all('a', 'message')) heard.set(body, new Set(heard.get(body)).add(id));
    assert.deepEqual(written.page.filter((text) => heard.get(text)?.size !== 1), [], 'the desktop client missed messages, or has them twice');
    const mine = texts.filter((text) => text.startsWith(run));
    shown('the messenger', await scrollBack(page, '.im-text', mine[0]), mine);
  });

  await step('customer and agent: every line is there once, in order, on both sides', async () => {
    const { lines } = await agentCall(desk.page, 'ListReceptionLines', { conversationId: desk.id, pageSize: 500 });
    assert.deepEqual(lines.map((each) => Number(each.seq)), lines.map((_, index) => index + 1));
    const texts = lines.map((each) => each.text ?? '');
    once('from the visitor', texts, written.visitor);
    once('from the agent', texts, written.agent);
    const theirs = texts.filter((text) => text.startsWith(run));
    shown('the workbench', await scrollBack(desk.page, '.wb-bubble', theirs[0]), theirs);
    shown('the widget', [await widgetBubbles(desk.frame)], theirs);
  });

  await step('after it: both talk on, live', async () => {
    const hello = `${run} 恢复后`;
    await xmpp.do('send', 'a', { to: bJid, body: hello, id: uniqueId('m') });
    await until('the page shows it', () => page.locator(`.yz-log .im-text:text-is("${hello}")`).count());
    await write(page, `${hello}收到`);
    await xmpp.heard('a', 'message', (each) => each.body === `${hello}收到`);
    await xmpp.do('send', 'a', { to: world.room('credit'), type: 'groupchat', body: `${hello}群`, id: uniqueId('m') });
    await xmpp.heard('a', 'message', (each) => each.type === 'groupchat' && each.body === `${hello}群`);
    await widgetWrite(desk.frame, `${hello}访客`);
    await deskShows(desk.page, `${hello}访客`);
    assertInside(desk, await desk.frame.content());
    await world.shot(page, 'messenger-after-restart');
  });

  await step('a reload keeps the visitor’s conversation', async () => {
    await desk.visitor.reload();
    desk.frame = await until('the frame is back', () => desk.visitor.frames().find((frame) => frame.url().includes('/widget/frame.html')));
    await desk.frame.waitForSelector('.composer textarea').catch(() => openWidget(desk.visitor));
    await widgetShows(desk.frame, `${run} 恢复后访客`);
  });

  await check('the agent ends the conversation, the visitor rates it', async () => {
    await desk.page.locator('.wb-chat-head').getByRole('button', { name: '结束', exact: true }).click();
    await desk.page.locator('.wb-end').getByRole('button', { name: '结束会话' }).click();
    await desk.frame.waitForSelector('.rating', { timeout: 30_000 });
    await desk.frame.locator('.rating .stars label').nth(4).click();
    await desk.frame.fill('.rating textarea', '解释得很清楚');
    await world.shot(desk.visitor, 'widget-rating');
    await desk.frame.click('.rating button[type=submit]');
    await until('the rating is on the record', async () => {
      const { reception } = await agentCall(desk.page, 'ListReceptionLines', { conversationId: desk.id });
      assert.deepEqual([reception.owner, reception.rating, reception.ratingComment], ['OWNER_NONE', 5, '解释得很清楚']);
      return true;
    });
    assert.deepEqual([...page.problems, ...desk.page.problems, ...desk.visitor.problems], []);
  });
}
