// What the tests of the pages share: the browser, the running product's addresses and accounts, and what no page may ever do.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Names resolve to nothing, but for the product's own: a page that needs the outside fails here. */
const ownHost = process.env.YIZHAN_INFO ? new URL(JSON.parse(readFileSync(process.env.YIZHAN_INFO, 'utf8')).web.url).hostname : '127.0.0.1';
const flags = [`--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE ${ownHost}`, '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** The JSON that `run --info FILE` wrote, named by YIZHAN_INFO; null without it: then tests that need the product are skipped. */
export const info = process.env.YIZHAN_INFO ? JSON.parse(readFileSync(process.env.YIZHAN_INFO, 'utf8')) : null;

export const needsProduct = info ? {} : { skip: 'YIZHAN_INFO names no running product' };

/** Who plays in which file: files run side by side, after the story's chapters, and nobody's sessions or conversations are in two of them. */
const crews = {
  chat: ['wang.fang', 'zeng.xiaoxian', 'liu.yang'],
  log_out: ['chen.jing', 'yang.min'],
  look: ['zhao.lei', 'huang.lan'],
  reliability: ['shan.chuan', 'xu.jie'],
};

/** Employees of the demonstration bank, for one file of tests. */
export function crew(file) {
  return crews[file].map((login) => info.people.find((person) => person.login === login));
}

/** Starts Chromium. `t` is the test: the browser ends with it, and a part of it that fails leaves pictures of every page in YIZHAN_OUT. */
export async function startBrowser(t, more = []) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: [...flags, ...more] });
  t.after(() => browser.close());
  t.afterEach?.((part) => part.passed || !process.env.YIZHAN_OUT || witness(browser, part.name));
  return browser;
}

let pictures = 0;
async function witness(browser, name) {
  for (const page of browser.contexts().flatMap((context) => context.pages())) {
    pictures += 1;
    const file = `failed-${basename(process.argv[1], '.test.mjs')}-${pictures}.png`;
    await page.screenshot({ path: join(process.env.YIZHAN_OUT, file), timeout: 5_000 }).catch(() => {});
    console.log(`${file}: “${name}” failed; ${page.url()} ${JSON.stringify(page.problems ?? [])}`);
  }
}

/**
 * A context and a page that keep a record of what no page may do: `page.problems` has policy violations, errors of scripts and of the
 * console, and requests off the own origin. An answer that refuses (401 before log-in, a refused message) is no error.
 */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'zh-CN', ignoreHTTPSErrors: true, ...options });
  return watch(await context.newPage());
}

/** As openPage, for one more page of a context. */
export async function watch(page) {
  const problems = [];
  page.problems = problems;
  page.on('pageerror', (error) => problems.push(`exception: ${error.stack}`));
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    if (/Failed to load resource|WebSocket connection to/.test(message.text())) return;
    problems.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (/^(https?|wss?):$/.test(url.protocol) && page.url().startsWith('http') && url.host !== new URL(page.url()).host && !request.isNavigationRequest()) problems.push(`off the own origin: ${request.url()}`);
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`));
  });
  return page;
}

export function assertClean(page) {
  assert.deepEqual(page.problems, []);
}

/** An address of the running product. app: its folder at the edge, 'client' for the messenger, which is at the root. */
export function appUrl(app, rest = '') {
  const base = info.web.url.endsWith('/') ? info.web.url : `${info.web.url}/`;
  return new URL(app === 'client' ? `./${rest}` : `${app}/${rest}`, base).href;
}

/** Signs a person in to the messenger and waits for its list. */
export async function signIn(page, person, url = appUrl('client')) {
  await page.goto(url);
  await page.fill('input[name=username]', person.login);
  await page.fill('input[name=password]', person.password);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.im-list');
  await live(page);
}

/** Waits until the page says that its stream is live. */
export async function live(page, ms = 20_000) {
  await page.waitForSelector('[data-connection=live]', { state: 'attached', timeout: ms });
}

/** A call of the contract as JSON, with the cookie of the page's session: what a second device of the person would do. */
export async function call(page, method, request) {
  return page.evaluate(async ([path, body]) => {
    const answer = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json', 'Connect-Protocol-Version': '1' }, body: JSON.stringify(body) });
    const json = await answer.json();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${JSON.stringify(json)}`);
    return json;
  }, [`/yizhan.${method}`, request]);
}

export async function personId(page) {
  return (await call(page, 'directory.v1.SessionService/WhoAmI', {})).person.personId;
}

/** Sends a text as the page's person, past its screen. */
export function say(page, conversationId, text) {
  return call(page, 'im.v1.MessageService/SendMessage', { conversationId, clientId: `e2e-${Date.now()}-${Math.random()}`, content: { text } });
}

/** Makes a group of the pages' people, the first as owner; returns its id. */
export async function makeGroup(title, owner, ...others) {
  const memberIds = await Promise.all(others.map(personId));
  const made = await call(owner, 'im.v1.ConversationService/CreateGroup', { title, memberIds, requestId: `e2e-${Date.now()}-${Math.random()}` });
  return made.conversation.conversationId;
}

export const chatHash = (id) => `#/chat/${encodeURIComponent(id)}`;

export async function openChat(page, id) {
  await page.evaluate((hash) => { location.hash = hash; }, chatHash(id));
  await page.waitForSelector('.im-chat-column textarea');
}

export async function until(what, check, ms = 10_000) {
  const end = Date.now() + ms;
  for (let last; ; ) {
    try {
      last = await check();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what} (last: ${last})`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Gives what comes in or goes out (dialogs, messages) 3 s to have done so: in between colours are mixed and places are not final. */
export async function settled(frame) {
  const still = () => frame.evaluate(() => !document.querySelector('[class*="ant-zoom-"], [class*="ant-fade-"], [class*="ant-move-"]')
    && document.getAnimations().every((each) => each.playState !== 'running' || each.effect?.getComputedTiming().endTime === Infinity));
  // What moves on after that is looked at as it is.
  for (const end = Date.now() + 3_000; Date.now() < end && !(await still()); ) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Waits until `ready` is on the page, and nothing that loads, comes in or goes out. */
export async function drawn(page, ready) {
  await page.waitForSelector(ready);
  await page.waitForSelector('.yz-skeleton', { state: 'detached' });
  await settled(page);
}

const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

/** Serves a folder of built pages under the product's policy; returns the base URL. */
export async function serve(t, folder) {
  const server = createServer((request, answer) => {
    const path = normalize(new URL(request.url, 'http://x').pathname);
    let content;
    try {
      content = readFileSync(join(folder, path.endsWith('/') ? `${path}index.html` : path));
    } catch {
      answer.writeHead(404).end();
      return;
    }
    answer.writeHead(200, {
      'Content-Type': types[extname(path)] ?? types['.html'],
      'Content-Security-Policy': `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; media-src 'self' blob:; connect-src 'self' ws://${request.headers.host}; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    });
    answer.end(content);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}/`;
}

/** Builds the kit's test page and serves it. */
export async function harness(t) {
  const out = mkdtempSync(join(tmpdir(), 'yizhan-harness-'));
  t.after(() => rmSync(out, { recursive: true, force: true }));
  const vite = join(createRequire(join(root, 'package.json')).resolve('vite/package.json'), '../bin/vite.js');
  execFileSync(process.execPath, [vite, 'build', '--logLevel', 'error', '--emptyOutDir', '--outDir', out], { cwd: join(root, 'services/web/kit/harness'), stdio: 'inherit' });
  return serve(t, out);
}

/** Sends text in the open chat by keyboard. */
export async function type(page, text) {
  await page.fill('.im-chat-column textarea', text);
  await page.focus('.im-chat-column textarea');
  await page.keyboard.press('Enter');
}

/** The texts of the bubbles on the screen, from above. */
export function bubbles(page) {
  return page.$$eval('.yz-log .im-text', (elements) => elements.map((element) => ({ top: element.getBoundingClientRect().top, text: element.textContent })).sort((a, b) => a.top - b.top).map((each) => each.text));
}

export async function bubble(page, text, ms = 10_000) {
  return page.waitForSelector(`.yz-log .im-text:text-is("${text}")`, { timeout: ms });
}

let counter = 0;
/** A text that no other test wrote. */
export function unique(text) {
  counter += 1;
  return `${text} ${Date.now().toString(36)}${counter}`;
}
