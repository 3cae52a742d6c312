// The visitor's widget over the running product: checks 1, 4, 5, 7, 8, 10, 11 of the pages' design as far as they concern it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentCall, assertAccessible, assertNoSideways, bankSite, channelFor, clearDesk, demo, drainQueue, enter, holders, listenIn, pageUrl, picture } from './apps.mjs';
import { assertClean, needsProduct, openPage, startBrowser, unique, until, watch } from './support.mjs';

/** The launcher lives in a closed shadow root: tests reach it as people do, by place. */
async function clickLauncher(page) {
  const { width, height } = page.viewportSize();
  await page.mouse.click(width - 52, height - 52);
}

function frameOf(page) {
  return page.frames().find((frame) => frame.url().includes('/widget/frame.html'));
}

/** Opens the widget by one click, as people do: the next one would close it. */
async function openWidget(page) {
  await until('the launcher is there', () => page.evaluate(() => globalThis.Yizhan !== undefined));
  await clickLauncher(page);
  const frame = await until('the frame is there', () => frameOf(page));
  await frame.waitForSelector('.composer textarea');
  // What is typed before goes elsewhere: on a bank's own site the frame is another process.
  await until('the box has the focus', () => frame.evaluate(() => document.activeElement?.tagName === 'TEXTAREA' && document.hasFocus()));
  return frame;
}

async function write(frame, text) {
  await frame.fill('.composer textarea', text);
  await frame.press('.composer textarea', 'Enter');
}

const bubbles = (frame) => frame.$$eval('.row:not(.system) .bubble', (elements) => elements.map((element) => element.textContent));
const hasBubble = (frame, text) => until(`“${text}” is shown`, async () => (await bubbles(frame)).includes(text));

test('the widget', { timeout: 300_000, ...needsProduct }, async (t) => {
  const browser = await startBrowser(t);
  const agent = holders('agent')[0];
  const desk = await openPage(browser);
  await enter(desk, 'workbench', agent, '.wb-lists');
  await clearDesk(desk, 'STATE_PAUSED', 20);
  await drainQueue(desk);
  t.after(() => clearDesk(desk).catch(() => {}));

  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'zh-CN', ignoreHTTPSErrors: true });
  const page = await watch(await context.newPage());
  const heard = listenIn(page);
  let frame;

  await t.test('stores nothing and asks for little before it is opened', async () => {
    const asked = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.goto(demo.url);
    await page.waitForTimeout(800);
    assert.ok(!asked.some((path) => path.includes('frame')), asked.join(' '));
    await page.mouse.move(1280 - 52, 800 - 52);
    frame = await until('first intent fetches the frame', () => frameOf(page));
    await frame.waitForSelector('.composer textarea');
    assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]), [0, 0, '']);
    assert.equal(await frame.evaluate(() => localStorage.length), 0);
    assert.deepEqual(await context.cookies(), []);
    assert.ok(!asked.some((path) => path.includes('yizhan.desk')), 'no visit before the visitor asks for one');
    assert.deepEqual(await page.evaluate(() => Object.keys(window).filter((key) => /yizhan/i.test(key))), ['Yizhan']);
  });

  await t.test('opens by keyboard, takes no focus by itself, gives it back', async () => {
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'BODY');
    for (let i = 0; i < 12; i += 1) {
      await page.keyboard.press('Tab');
      if (await page.evaluate(() => document.activeElement?.tagName === 'DIV')) break;
    }
    await page.keyboard.press('Enter');
    await until('the box has the focus', () => frame.evaluate(() => document.activeElement?.tagName === 'TEXTAREA' && document.hasFocus()));
    await page.keyboard.press('Escape');
    // From outside launcher and frame are one element: what tells them apart is that the frame has lost the focus.
    await until('the frame has lost the focus', () => frame.evaluate(() => !document.hasFocus()));
    await until('the launcher has it', () => page.evaluate(() => document.activeElement?.tagName === 'DIV' && document.hasFocus()));
    await page.keyboard.press('Enter');
    await until('the box again', () => frame.evaluate(() => document.activeElement?.tagName === 'TEXTAREA' && document.hasFocus()));
  });

  await t.test('Enter belongs to the input method first', async () => {
    await frame.waitForSelector('.status:not(:empty)');
    const devtools = await context.newCDPSession(page);
    await frame.focus('.composer textarea');
    await devtools.send('Input.imeSetComposition', { text: 'ni', selectionStart: 2, selectionEnd: 2 });
    await devtools.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', key: 'Enter', windowsVirtualKeyCode: 229, nativeVirtualKeyCode: 229 });
    await devtools.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', key: 'Escape', windowsVirtualKeyCode: 229, nativeVirtualKeyCode: 229 });
    assert.deepEqual((await bubbles(frame)).filter((text) => text.startsWith('ni')), []);
    await devtools.send('Input.insertText', { text: '你' });
    await devtools.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', key: 'Enter', windowsVirtualKeyCode: 229, nativeVirtualKeyCode: 229 });
    await page.waitForTimeout(200);
    assert.equal(await frame.inputValue('.composer textarea'), '你');
    assert.equal((await frame.$$('.row.me')).length, 0);
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'DIV', 'Escape of the input method closed nothing');
    await frame.fill('.composer textarea', '');
  });

  const first = unique('你好，贷款利率是多少？');
  await t.test('a first line waits in the queue and says its place', async () => {
    await write(frame, first);
    await hasBubble(frame, first);
    await until('the place is told', async () => /下一位|第 \d+ 位/.test(await frame.textContent('.status')));
  });

  await t.test('an agent answers; what stays inside never comes here', async () => {
    await desk.bringToFront();
    const { reception } = await agentCall(desk, 'Accept', { requestId: unique('a') });
    const id = reception.conversationId;
    const note = unique('内部：此客户为高风险');
    await agentCall(desk, 'SendReply', { conversationId: id, text: note, internal: true, clientId: unique('n').replace(/\W/g, '') });
    const answer = unique('您好，利率为 3.45%');
    await agentCall(desk, 'SendReply', { conversationId: id, text: answer, clientId: unique('r').replace(/\W/g, '') });
    await hasBubble(frame, answer);
    assert.match(await frame.textContent('.status'), /正在为您服务/);
    await page.reload();
    frame = await until('the frame is back', () => frameOf(page));
    await hasBubble(frame, answer);
    await picture(page, 'widget');
    const html = await frame.content();
    assert.ok(!html.includes(note));
    assert.ok(heard.length > 5);
    assert.ok(!heard.some((text) => text.includes('高风险')), 'an internal note came to the visitor');
    assert.ok(heard.some((text) => text.includes(answer)), 'what the visitor may see was heard, so the ear works');
  });

  await t.test('a reload keeps conversation, panel and draft; another tab agrees', async () => {
    await frame.fill('.composer textarea', '写到一半');
    await page.waitForTimeout(500);
    await page.reload();
    frame = await until('the frame is back', () => frameOf(page));
    await hasBubble(frame, first);
    assert.equal(await frame.inputValue('.composer textarea'), '写到一半');
    const other = await watch(await context.newPage());
    await other.goto(demo.url);
    const second = await openWidget(other);
    await hasBubble(second, first);
    const text = unique('第二个标签页写的');
    await write(second, text);
    await hasBubble(frame, text);
    assert.equal((await bubbles(frame)).filter((each) => each === text).length, 1);
    assertClean(other);
    await other.close();
    await frame.fill('.composer textarea', '');
  });

  await t.test('an agent who types is shown; the announcer says one arrival once', async () => {
    const { mine } = await agentCall(desk, 'GetWorkbench', {});
    await agentCall(desk, 'SetTyping', { conversationId: mine[0].conversationId, active: true });
    await frame.waitForSelector('.typing:not([hidden])');
    await frame.evaluate(() => {
      globalThis.said = [];
      new MutationObserver(() => globalThis.said.push(document.querySelector('[aria-live=polite].sr').textContent)).observe(document.querySelector('[aria-live=polite].sr'), { childList: true, characterData: true, subtree: true });
    });
    await agentCall(desk, 'SendReply', { conversationId: mine[0].conversationId, text: unique('在的'), clientId: unique('r').replace(/\W/g, '') });
    await until('one announcement', () => frame.evaluate(() => globalThis.said.length === 1));
    await frame.waitForSelector('.typing', { state: 'hidden' });
    for (let i = 0; i < 10; i += 1) await agentCall(desk, 'SendReply', { conversationId: mine[0].conversationId, text: unique('连发'), clientId: unique('r').replace(/\W/g, '') });
    await page.waitForTimeout(1500);
    assert.ok((await frame.evaluate(() => globalThis.said.length)) <= 12);
  });

  await t.test('without a network it says so, keeps what is written, and sends it once', async () => {
    await context.setOffline(true);
    const start = Date.now();
    await frame.waitForSelector('.bar:not([hidden])', { timeout: 3_000 });
    assert.ok(Date.now() - start < 3_000);
    const text = unique('断网时写的');
    await write(frame, text);
    await hasBubble(frame, text);
    await until('it says that it waits', async () => /发送中/.test(await frame.locator('.row.me').last().textContent()), 5_000);
    await context.setOffline(false);
    await frame.waitForSelector('.bar', { state: 'hidden', timeout: 15_000 });
    const { mine } = await agentCall(desk, 'GetWorkbench', {});
    await until('it has arrived, once', async () => {
      const { lines } = await agentCall(desk, 'ListReceptionLines', { conversationId: mine[0].conversationId });
      const count = lines.filter((line) => line.text === text).length;
      assert.ok(count <= 1);
      return count === 1;
    }, 20_000);
    assert.equal((await bubbles(frame)).filter((each) => each === text).length, 1);
  });

  await t.test('a reply that was lost on the way back makes no second copy', async () => {
    let dropped = 0;
    await page.route('**/yizhan.desk.v1.VisitorService/SendLine', async (route) => {
      if (dropped++ > 0) return route.continue();
      await route.fetch();
      return route.abort();
    });
    const text = unique('答复丢失');
    await write(frame, text);
    await until('sent', async () => dropped >= 2 || (await frame.$$eval('.row.me', (rows) => rows[rows.length - 1].querySelector('time') !== null)), 20_000);
    await page.unroute('**/yizhan.desk.v1.VisitorService/SendLine');
    await page.waitForTimeout(500);
    assert.equal((await bubbles(frame)).filter((each) => each === text).length, 1);
  });

  await t.test('is usable by everybody, in both languages and themes, on a phone', async () => {
    await assertAccessible(page, 'the demonstration page');
    await assertAccessible(frame, 'the open panel');
    for (const [lang, colorScheme] of [['en', 'dark'], ['zh', 'dark'], ['en', 'light']]) {
      const phone = await openPage(browser, { viewport: { width: 360, height: 640 }, colorScheme, locale: lang === 'en' ? 'en-US' : 'zh-CN' });
      await phone.goto(`${demo.url}&lang=${lang}`);
      const panel = await openWidget(phone);
      await panel.waitForSelector('.status:not(:empty)');
      await assertAccessible(panel, `the panel, ${lang}, ${colorScheme}`);
      await assertNoSideways(panel, `the panel on a phone, ${lang}`);
      assert.deepEqual(await panel.evaluate(() => [innerWidth, innerHeight]), [360, 640], 'the panel fills a phone');
      const small = await panel.$$eval('button', (buttons) => buttons.filter((button) => button.offsetParent && button.getBoundingClientRect().height < 44).map((button) => button.textContent || button.title));
      assert.deepEqual(small, [], 'every button is 44 pixels high');
      assertClean(phone);
      await phone.context().close();
    }
  });

  await t.test('asks for a rating when it is over, in every tab, and thanks', async () => {
    const { mine } = await agentCall(desk, 'GetWorkbench', {});
    const id = mine[0].conversationId;
    await agentCall(desk, 'Close', { conversationId: id, requestId: unique('c') });
    await frame.waitForSelector('.rating');
    await assertAccessible(frame, 'the rating');
    await frame.focus('#star0');
    await page.keyboard.press('Space');
    for (let i = 0; i < 3; i += 1) await page.keyboard.press('ArrowRight');
    await frame.fill('.rating textarea', '很专业');
    await frame.click('.rating button[type=submit]');
    await frame.waitForSelector('.rating', { state: 'detached' });
    assert.match(await frame.textContent('.status'), /4 星/);
    const { reception } = await agentCall(desk, 'ListReceptionLines', { conversationId: id });
    assert.equal(reception.rating, 4);
    assert.equal(reception.ratingComment, '很专业');
    // Asked once: not by the next page, and not by the news that come after it.
    await page.reload();
    frame = await until('the frame is back', () => frameOf(page));
    await until('the thanks are back', async () => /4 星/.test(await frame.textContent('.status')));
    await page.waitForTimeout(500);
    assert.equal(await frame.locator('.rating').count(), 0, 'asked again after a reload');
    const again = unique('还有一个问题');
    await write(frame, again);
    await hasBubble(frame, again);
    await until('queued again', async () => /下一位|第 \d+ 位|排队/.test(await frame.textContent('.status')));
  });

  await t.test('the visitor ends it, with a question first', async () => {
    await frame.click('header .icon[aria-label="结束对话"]');
    await frame.waitForSelector('.ask:not([hidden])');
    assert.equal(await frame.evaluate(() => document.activeElement.textContent), '继续对话', 'the focus is on what harms nobody');
    await frame.click('.ask .danger');
    await frame.waitForSelector('.rating');
    await frame.click('.rating .plain');
    await frame.waitForSelector('.rating', { state: 'detached' });
    await page.reload();
    frame = await until('the frame is back', () => frameOf(page));
    await until('it is over', async () => /\S/.test(await frame.textContent('.status')) && !/正在/.test(await frame.textContent('.status')));
    await page.waitForTimeout(500);
    assert.equal(await frame.locator('.rating').count(), 0, 'asked again although it was declined');
  });

  await t.test('is embedded by the sites of its channel, and refused by browsers everywhere else', async () => {
    const lead = await openPage(browser);
    await enter(lead, 'workbench', holders('supervisor')[0], '.wb-lists');
    const sites = await Promise.all(['allowed', 'refused'].map(() => bankSite(t)));
    const channelId = await channelFor(lead, sites[0].origin);
    assert.ok(channelId, 'a channel that names its sites');
    const [allowed, refused] = await Promise.all(sites.map(async (site) => {
      const visitor = await browser.newPage({ viewport: { width: 1280, height: 800 }, locale: 'zh-CN', ignoreHTTPSErrors: true });
      visitor.said = [];
      visitor.on('console', (message) => visitor.said.push(message.text()));
      visitor.calls = [];
      visitor.on('request', (request) => visitor.calls.push(request.url()));
      await visitor.goto(`${site.url}?channel=${channelId}`);
      return visitor;
    }));
    const panel = await openWidget(allowed);
    await panel.waitForSelector('.status:not(:empty)');
    const text = unique('从银行自己的网站');
    await write(panel, text);
    await hasBubble(panel, text);

    await clickLauncher(refused);
    await until('the browser says that it refuses', () => refused.said.some((line) => /frame-ancestors/.test(line)));
    assert.equal(frameOf(refused), undefined, 'the frame was shown');
    assert.ok(!refused.calls.some((url) => url.includes('VisitorService')), 'a visit began');
    for (const each of [allowed, refused, lead]) await each.close();
  });

  await t.test('a hostile page does not break it, foreign messages do nothing', async () => {
    const hostile = await openPage(browser, { viewport: { width: 1280, height: 800 } });
    const own = new URL(pageUrl('widget')).origin;
    await hostile.route('**/widget/hostile.html', (route) => route.fulfill({
      contentType: 'text/html; charset=utf-8',
      headers: { 'Content-Security-Policy': `default-src 'none'; script-src 'self' 'nonce-x'; style-src 'nonce-x'; frame-src ${own}; require-trusted-types-for 'script'` },
      body: `<!doctype html><html lang="en"><title>hostile</title><style nonce="x">*{all:unset!important}@layer l{*{opacity:0!important;transform:scale(0)!important}}
        .over{display:block!important;position:fixed!important;inset:0!important;z-index:2147483647!important;background:#fff!important}</style>
        <body><script nonce="x">for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, { get() { throw new Error('no'); } });
        Object.defineProperty(Storage.prototype, 'setItem', { value() { throw new Error('no'); } });</script>
        <script src="loader.js" data-channel="${demo.channel}" async></script><div class="over">over everything</div></body></html>`,
    }));
    await hostile.goto(pageUrl('widget', 'hostile.html'));
    await hostile.evaluate(() => {
      document.querySelector('.over').addEventListener('click', () => { document.title = 'the overlay was clicked'; });
    });
    const panel = await openWidget(hostile);
    assert.notEqual(await hostile.title(), 'the overlay was clicked');
    await panel.waitForSelector('.status:not(:empty)');
    const text = unique('在恶意页面里');
    await write(panel, text);
    // The visit begins with the first line, and brings the channel's greeting.
    const before = await until('the greeting stands above it', async () => {
      const all = await bubbles(panel);
      return all.length === 2 && all[1] === text && all;
    });
    await hostile.evaluate(() => {
      for (const type of ['ready', 'open', 'close', 'resize', 'unread', 'identify', 'context', 'session']) {
        window.postMessage({ v: 1, type, body: { page: 'https://evil.example/', open: false, blob: '{"token":"x"}' } }, '*');
        for (let i = 0; i < frames.length; i += 1) frames[i].postMessage({ v: 1, type, body: { page: 'https://evil.example/', name: 'evil' } }, '*');
      }
    });
    await hostile.waitForTimeout(500);
    assert.deepEqual(await bubbles(panel), before);
    const more = unique('仍然可用');
    await write(panel, more);
    await hasBubble(panel, more);
    assert.deepEqual(hostile.problems.filter((problem) => !/^policy: (style|script)-src/.test(problem)), []);
    await hostile.context().close();
  });

  assertClean(page);
});
