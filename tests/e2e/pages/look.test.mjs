// Checks 6 to 9 for the messenger: weight, policy, accessibility, keyboard, zoom, languages, rare characters.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { assertAccessible } from './apps.mjs';
import { appUrl, assertClean, bubble, call, crew, drawn, live, makeGroup, needsProduct, openChat, openPage, personId, say, settled, signIn, startBrowser, unique, until } from './support.mjs';

/** Elements whose text does not fit and is neither cut with an ellipsis nor scrolled. */
const overflowing = () => [...document.querySelectorAll('body *')].filter((element) => {
  const style = getComputedStyle(element);
  if (element.scrollWidth <= element.clientWidth + 1 || element.clientWidth === 0 || style.display === 'inline') return false;
  if (style.overflowX !== 'visible' || element.closest('.yz-hidden, svg')) return false;
  return true;
}).map((element) => `${element.tagName}.${element.className}: ${element.textContent.slice(0, 40)}`);

test('the messenger’s look', { timeout: 400_000, ...needsProduct }, async (t) => {
  const browser = await startBrowser(t);
  const [one, two] = crew('look');

  await t.test('first load is light and stays on its own origin', async () => {
    const page = await openPage(browser);
    let bytes = 0;
    const names = [];
    page.on('response', async (response) => {
      if (!/\.(js|css)$|\/$/.test(new URL(response.url()).pathname)) return;
      names.push(response.url());
      const body = await response.body().catch(() => Buffer.alloc(0));
      bytes += gzipSync(body, { level: 9 }).length;
    });
    await page.goto(appUrl('client'));
    await page.waitForSelector('input[name=username]');
    await page.waitForTimeout(500);
    assert.ok(names.length >= 3 && bytes <= 300 * 1024, `${bytes} bytes in ${names.length} files`);
    t.diagnostic(`first load ${(bytes / 1024).toFixed(0)} KiB compressed`);
    const policy = (await page.request.get(appUrl('client'), { ignoreHTTPSErrors: true })).headers()['content-security-policy'] ?? '';
    for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]) assert.ok(policy.includes(rule), `policy lacks ${rule}: ${policy}`);
    assertClean(page);
    await page.context().close();
  });

  await t.test('a wrong password is said, and the text stays', async () => {
    const page = await openPage(browser);
    await page.goto(appUrl('client'));
    await page.fill('input[name=username]', one.login);
    await page.fill('input[name=password]', 'not the password');
    await page.keyboard.press('Enter');
    await until('said', async () => /不正确|再试/.test(await page.textContent('.yz-problem')));
    assert.equal(await page.inputValue('input[name=username]'), one.login);
    assertClean(page);
    await page.context().close();
  });

  const a = await openPage(browser);
  await signIn(a, one);
  const b = await openPage(browser);
  await signIn(b, two);
  const title = unique('观感');
  const group = await makeGroup(title, a, b);
  const rare = '𠮷𠮷 䶮 👨‍👩‍👧‍👦 完';
  await say(b, group, rare);
  for (let i = 0; i < 12; i += 1) await say(i % 3 ? b : a, group, `第 ${i} 条——“请确认”…${'很长的一段话，'.repeat(i)}`);

  const visits = [
    ['chat', '#/chat', '.im-item'],
    ['open chat', `#/chat/${encodeURIComponent(group)}`, '.yz-log-row'],
    ['directory', '#/directory', '.im-directory:has([role=tree]) .im-person'],
    ['settings', '#/settings', '.im-devices li'],
  ];
  /** Goes there; what it has to show is on the page. */
  const visit = async (page, query, hash, ready) => {
    await page.goto(appUrl('client', `${query}${hash}`));
    await live(page);
    await drawn(page, ready);
  };
  const dialogs = [
    ['new group', (page) => page.click('.im-list-head .ant-btn'), '.ant-modal:visible input'],
    ['jump', (page) => page.keyboard.press('Control+k'), '.yz-jump:visible li'],
    ['keys', (page) => page.evaluate(() => document.activeElement.blur()).then(() => page.keyboard.press('?')), '.yz-keys:visible'],
    ['members', (page) => page.click('.im-chat-head .ant-btn'), '.im-member'],
    ['leave', (page) => page.click('.im-panel-actions .ant-btn-dangerous'), '.ant-modal-confirm:visible'],
  ];

  for (const theme of ['light', 'dark']) {
    for (const lang of ['zh', 'en']) {
      await t.test(`accessible and clean: ${theme}, ${lang}`, async () => {
        const page = await openPage(browser, { storageState: await a.context().storageState() });
        const query = `?theme=${theme}&lang=${lang}`;
        for (const [name, hash, ready] of visits) {
          await visit(page, query, hash, ready);
          assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), theme);
          await assertAccessible(page, name);
        }
        await visit(page, query, `#/chat/${encodeURIComponent(group)}`, '.yz-log-row');
        for (const [name, show, ready] of dialogs) {
          await show(page);
          await drawn(page, ready);
          await assertAccessible(page, name);
          if (name === 'members') continue;
          await page.keyboard.press('Escape');
          await page.waitForSelector(ready, { state: 'detached' });
          await settled(page);
        }
        await page.context().clearCookies();
        await page.reload();
        await page.waitForSelector('input[name=username]');
        await assertAccessible(page, 'log-in');
        assertClean(page);
        await page.context().close();
      });
    }
  }

  await t.test('an error state names what failed and can be tried again', async () => {
    const page = await openPage(browser, { storageState: await a.context().storageState() });
    let broken = true;
    await page.route(/ListDepartments$/, (route) => (broken ? route.abort() : route.continue()));
    await page.goto(appUrl('client', '#/directory'));
    await page.waitForSelector('[role=alert]');
    await assertAccessible(page, 'the error');
    broken = false;
    await page.getByRole('button', { name: /重\s*试/ }).click();
    await page.waitForSelector('[role=tree]');
    await page.context().close();
  });

  await t.test('the main task by keyboard alone, with a visible ring', async () => {
    const page = await openPage(browser);
    await page.goto(appUrl('client'));
    await page.waitForSelector('input[name=username]');
    await page.keyboard.type(one.login);
    await page.keyboard.press('Tab');
    await page.keyboard.type(one.password);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.im-list');
    await live(page);
    await page.keyboard.press('Control+k');
    await page.waitForSelector('.yz-jump-field');
    await page.keyboard.type(title);
    await page.waitForSelector(`.yz-jump-list [aria-selected=true]:has-text("${title}")`);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.yz-log-row');
    for (let i = 0; i < 8 && (await page.evaluate(() => document.activeElement.tagName)) !== 'TEXTAREA'; i += 1) await page.keyboard.press(i < 4 ? 'F6' : 'Tab');
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'TEXTAREA');
    const text = unique('只用键盘');
    await page.keyboard.type(text);
    await page.keyboard.press('Enter');
    await bubble(page, text);
    // The ring, on whatever Tab reaches.
    for (let i = 0; i < 12; i += 1) {
      await page.keyboard.press('Tab');
      const ring = await page.evaluate(() => {
        const element = document.activeElement;
        if (!element || element === document.body) return 'body';
        // A radio is drawn by its label.
        const shown = [element, element.nextElementSibling].filter(Boolean);
        return shown.some((each) => { const style = getComputedStyle(each); return (parseFloat(style.outlineWidth) >= 1 && style.outlineStyle !== 'none') || style.boxShadow !== 'none'; }) ? 'ring' : element.outerHTML.slice(0, 120);
      });
      assert.ok(['ring', 'body'].includes(ring), ring);
    }
    // Focus returns to where the dialog was asked for.
    await page.focus('.im-list-head .ant-btn');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.ant-modal input');
    await page.keyboard.press('Escape');
    await until('focus is back', () => page.evaluate(() => document.activeElement?.closest('.im-list-head') !== null));
    assertClean(page);
    await page.context().close();
  });

  await t.test('200 % zoom has no sideways scroll', async () => {
    const page = await openPage(browser, { storageState: await a.context().storageState(), viewport: { width: 720, height: 450 }, deviceScaleFactor: 2 });
    for (const [name, hash, ready] of visits) {
      await visit(page, '', hash, ready);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), name);
      assert.deepEqual(await page.evaluate(overflowing), [], name);
    }
    assertClean(page);
    await page.context().close();
  });

  for (const lang of ['zh', 'en', 'pseudo']) {
    await t.test(`fits, and shows no raw keys: ${lang}`, async () => {
      const page = await openPage(browser, { storageState: await a.context().storageState() });
      for (const [name, hash, ready] of visits) {
        await visit(page, `?lang=${lang}`, hash, ready);
        assert.deepEqual(await page.evaluate(overflowing), [], name);
        const text = await page.evaluate(() => document.body.innerText);
        assert.ok(!/\{\w+\}/.test(text), `${name}: unfilled text`);
        if (lang === 'pseudo') {
          const plain = await page.$$eval('button, h1, h2:not(.im-day)', (elements) => elements.map((element) => element.innerText.trim()).filter((each) => /^[A-Z][a-z]+( [a-z]+)*$/.test(each)));
          assert.deepEqual(plain, [], `${name}: not from the texts`);
        }
      }
      assertClean(page);
      await page.context().close();
    });
  }

  await t.test('rare characters stay whole', async () => {
    await openChat(a, group);
    await a.waitForSelector('.yz-log-row');
    await a.evaluate(() => { const log = document.querySelector('.yz-log'); log.scrollTop = 0; });
    await bubble(a, rare);
    const broken = await a.evaluate(() => /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(document.body.innerText));
    assert.ok(!broken, 'half a character');
  });

  await t.test('people are found by name, pinyin and initials', async () => {
    const { people } = await call(a, 'directory.v1.DirectoryService/ListPeople', { pageSize: 200 });
    const me = await personId(a);
    const others = people.filter((each) => each.personId !== me);
    const person = others.find((each) => each.name.startsWith('曾')) ?? others.find((each) => /\p{Script=Han}/u.test(each.name) && each.searchKeys?.length > 1);
    assert.ok(person, 'somebody with a Chinese name');
    await a.evaluate(() => { location.hash = '#/directory'; });
    const words = [person.name, person.name.slice(1), ...person.searchKeys, person.searchKeys[0].slice(0, 4), ...(person.name.startsWith('曾') ? ['zeng'] : [])];
    for (const word of words) {
      await a.fill('.im-people-pane input', word);
      await a.waitForSelector(`.im-person:has-text("${person.name}")`, { timeout: 8000 });
    }
    await a.fill('.im-people-pane input', 'zzzqqq不存在');
    await a.waitForSelector('.yz-state');
    await a.evaluate(() => { location.hash = '#/chat'; });
    await a.keyboard.press('Control+k');
    await a.keyboard.type(person.searchKeys[0].slice(0, 4));
    await a.waitForSelector(`.yz-jump-list li:has-text("${person.name}")`);
    await a.keyboard.press('Escape');
  });

  await t.test('reduced motion, forced colours, no flash of the other theme', async () => {
    const page = await openPage(browser, { storageState: await a.context().storageState(), colorScheme: 'dark', reducedMotion: 'reduce', forcedColors: 'active' });
    await page.addInitScript(() => {
      window.themes = [];
      new MutationObserver(() => { if (document.body) window.themes.push(document.documentElement.dataset.theme); }).observe(document, { childList: true, subtree: true });
    });
    await page.goto(appUrl('client'));
    await live(page);
    assert.deepEqual([...new Set(await page.evaluate(() => window.themes))], ['dark']);
    const moving = await page.evaluate(() => [...document.querySelectorAll('*')].filter((element) => { const style = getComputedStyle(element); return style.animationName !== 'none' || parseFloat(style.transitionDuration) > 0; }).length);
    assert.equal(moving, 0);
    assertClean(page);
    await page.context().close();
  });

  assertClean(a);
  assertClean(b);
});
