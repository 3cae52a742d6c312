// Check 2 of the pages' design: nothing moves what someone is reading. The kit's list with 10,000 rows, without a server.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertClean, harness, openPage, startBrowser, until } from './support.mjs';

/** The row in the middle of the view, and where it is. */
const anchor = () => {
  const log = document.querySelector('.yz-log').getBoundingClientRect();
  const rows = [...document.querySelectorAll('.yz-log-row')].map((row) => ({ key: row.dataset.key, top: row.getBoundingClientRect().top, bottom: row.getBoundingClientRect().bottom }));
  const middle = log.top + log.height / 2;
  return rows.find((row) => row.top <= middle && row.bottom > middle) ?? null;
};
const topOf = (key) => document.querySelector(`[data-key="${key}"]`)?.getBoundingClientRect().top ?? null;
const distance = () => {
  const log = document.querySelector('.yz-log');
  return log.scrollHeight - log.scrollTop - log.clientHeight;
};
const settle = (page) => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve, 60)))));

test('the message list never moves what someone is reading', { timeout: 180_000 }, async (t) => {
  const url = await harness(t);
  const browser = await startBrowser(t);
  const page = await openPage(browser);
  await page.goto(url);
  await page.waitForSelector('.yz-log-row');
  await settle(page);
  // Work of the page's thread in its own time: what else the machine does is not in it.
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  const spent = async () => (await devtools.send('Performance.getMetrics')).metrics.find((metric) => metric.name === 'TaskDuration').value * 1000;
  const costs = [];

  await t.test('begins at the end', async () => {
    await until('at the end', async () => (await page.evaluate(distance)) <= 1);
  });

  await t.test('stays at the end through 50 appends', async () => {
    for (let i = 0; i < 50; i += 1) {
      const start = await spent();
      await page.evaluate(() => window.harness.append(1));
      await settle(page);
      costs.push((await spent()) - start);
      const off = await page.evaluate(distance);
      assert.ok(off <= 1, `append ${i}: ${off} px from the end`);
    }
  });

  await t.test('keeps the anchor through 20 prepends', async () => {
    await page.evaluate(() => { document.querySelector('.yz-log').scrollTop = 4000; });
    await settle(page);
    for (let i = 0; i < 20; i += 1) {
      // A little reading in between.
      await page.mouse.move(600, 400);
      await page.mouse.wheel(0, i % 2 ? 60 : -40);
      await page.waitForTimeout(200);
      await settle(page);
      const before = await page.evaluate(anchor);
      const start = await spent();
      await page.evaluate(() => window.harness.prepend(50));
      await settle(page);
      costs.push((await spent()) - start);
      const after = await page.evaluate(topOf, before.key);
      assert.ok(after !== null && Math.abs(after - before.top) <= 2, `prepend ${i}: moved ${after - before.top} px`);
    }
  });

  await t.test('keeps the anchor at the very top', async () => {
    await page.evaluate(() => { document.querySelector('.yz-log').scrollTop = 0; });
    await settle(page);
    const before = await page.evaluate(() => document.querySelector('.yz-log-row').dataset.key);
    const top = await page.evaluate(topOf, before);
    await page.evaluate(() => window.harness.prepend(50));
    await settle(page);
    const after = await page.evaluate(topOf, before);
    assert.ok(after !== null && Math.abs(after - top) <= 14, `moved ${after - top} px`);
  });

  await t.test('keeps the anchor when pictures come late', async () => {
    await page.evaluate(() => { document.querySelector('.yz-log').scrollTop = 90_000; });
    await page.waitForTimeout(300);
    await settle(page);
    const before = await page.evaluate(anchor);
    await page.evaluate(() => window.harness.pictures());
    await page.waitForTimeout(400);
    const after = await page.evaluate(topOf, before.key);
    assert.ok(after !== null && Math.abs(after - before.top) <= 2, `moved ${after - before.top} px`);
  });

  await t.test('scrolled up, 50 arrivals move nothing and are counted', async () => {
    const before = await page.evaluate(anchor);
    for (let i = 0; i < 50; i += 1) await page.evaluate(() => window.harness.append(1));
    await settle(page);
    const after = await page.evaluate(topOf, before.key);
    assert.ok(after !== null && Math.abs(after - before.top) <= 2, `moved ${after - before.top} px`);
    assert.equal(await page.getAttribute('.yz-pill', 'data-news'), '50');
    await page.click('.yz-pill');
    await until('at the end', async () => (await page.evaluate(distance)) <= 1);
    await until('no pill', async () => (await page.$('.yz-pill')) === null);
  });

  await t.test('a taller composer keeps the end', async () => {
    await page.fill('textarea', 'a\nb\nc\nd\ne\nf');
    await until('at the end', async () => (await page.evaluate(distance)) <= 1);
    await page.fill('textarea', '');
    await until('at the end', async () => (await page.evaluate(distance)) <= 1);
  });

  await t.test('is cheap', async () => {
    const rows = await page.evaluate(() => document.querySelectorAll('.yz-log-row').length);
    assert.ok(rows <= 120, `${rows} rows in the document`);
    // All tasks of one step together, so no single one is longer.
    const worst = Math.round(Math.max(...costs));
    assert.ok(costs.length === 70 && worst <= 100, `a step took ${worst} ms`);
    t.diagnostic(`worst step ${worst} ms, median ${Math.round(costs.sort((a, b) => a - b)[35])} ms`);
  });

  assertClean(page);
});
