// Check 1: Enter belongs to the input method first. Check 10: the announcer.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertClean, harness, openPage, startBrowser, until } from './support.mjs';

test('the composer and the input method', { timeout: 120_000 }, async (t) => {
  const url = await harness(t);
  const browser = await startBrowser(t);
  const page = await openPage(browser);
  await page.goto(url);
  await page.waitForSelector('textarea');
  const input = await page.context().newCDPSession(page);
  const key = (keyCode, key = 'Enter') => input.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', key, code: key, windowsVirtualKeyCode: keyCode }).then(() => input.send('Input.dispatchKeyEvent', { type: 'keyUp', key, code: key, windowsVirtualKeyCode: keyCode }));
  const sent = () => page.evaluate(() => window.harness.sent());
  const text = () => page.inputValue('textarea');

  await page.focus('textarea');
  await t.test('Enter while composing sends nothing', async () => {
    await input.send('Input.imeSetComposition', { text: 'ni', selectionStart: 2, selectionEnd: 2 });
    await key(229);
    await key(13);
    assert.deepEqual(await sent(), []);
    assert.equal(await text(), 'ni');
  });

  await t.test('the Enter that ends a composition sends nothing', async () => {
    await input.send('Input.insertText', { text: '你' });
    await key(229);
    assert.deepEqual(await sent(), []);
    assert.equal(await text(), '你');
  });

  await t.test('the next Enter sends, once', async () => {
    await page.waitForTimeout(150);
    await key(13);
    await until('sent', async () => (await sent()).length === 1);
    assert.deepEqual(await sent(), ['你']);
    assert.equal(await text(), '');
  });

  await t.test('Shift+Enter starts a line, blank text is not sent', async () => {
    await page.keyboard.press('Enter');
    await page.keyboard.type('a');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('b');
    assert.equal(await text(), 'a\nb');
    assert.equal((await sent()).length, 1);
    await page.fill('textarea', '');
  });

  await t.test('Escape while composing closes nothing', async () => {
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press('?');
    await page.waitForSelector('.ant-modal');
    await page.keyboard.press('Escape');
    await until('closed', async () => (await page.$('.ant-modal')) === null || !(await page.isVisible('.ant-modal')));
    await page.focus('textarea');
    await input.send('Input.imeSetComposition', { text: 'hao', selectionStart: 3, selectionEnd: 3 });
    await key(229, 'Escape');
    assert.equal(await text(), 'hao');
    await input.send('Input.insertText', { text: '好' });
    await page.fill('textarea', '');
  });

  await t.test('a draft survives a reload', async () => {
    await page.fill('textarea', '还没写完');
    await page.reload();
    await page.waitForSelector('textarea');
    assert.equal(await text(), '还没写完');
    await page.fill('textarea', '');
  });

  await t.test('the announcer: one for one arrival, at most two for a burst', async () => {
    const count = () => page.getAttribute('[data-announcer]', 'data-announcer').then(Number);
    assert.equal(await count(), 0);
    await page.evaluate(() => window.harness.announce('甲: 你好'));
    await until('announced', async () => (await count()) === 1);
    assert.equal(await page.textContent('[data-announcer]'), '甲: 你好');
    await page.waitForTimeout(2200);
    await page.evaluate(() => { for (let i = 0; i < 10; i += 1) window.harness.announce(`乙: ${i}`); });
    await page.waitForTimeout(3000);
    assert.ok((await count()) <= 3, `${await count()} announcements`);
    assert.equal(await page.textContent('[data-announcer]'), '10 条新消息');
  });

  assertClean(page);
});
