// What the tests of widget, workbench, auditor's page and console share, beside support.mjs.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { appUrl, call, info, openPage, root, settled, unique } from './support.mjs';

/** Where the edge serves each app. */
const paths = { workbench: 'desk', audit: 'audit', console: 'admin', widget: 'widget' };

/** An app's address; `rest` has query and fragment. */
export function pageUrl(app, rest = '') {
  return appUrl(paths[app], rest);
}

/** The demonstration's channel, and the page that embeds it. */
export const demo = info ? { url: info.widget_demo, channel: new URL(info.widget_demo).searchParams.get('channel') } : null;

/** People who hold a role: 'agent', 'supervisor', 'system', 'security', 'audit'. An agent here is no supervisor. */
export function holders(role) {
  const roles = { agent: /AGENT/i, supervisor: /SUPERVISOR/i, system: /SYSTEM/i, security: /SECURITY/i, audit: /AUDIT/i };
  return info.people.filter((person) => (person.roles ?? []).some((each) => roles[role].test(each)) && (role !== 'agent' || !person.roles.some((each) => roles.supervisor.test(each))));
}

/** Signs in at an app's log-in and waits for `ready`. */
export async function enter(page, app, person, ready, rest = '') {
  await page.goto(pageUrl(app, rest));
  await page.fill('input[name=username]', person.login);
  await page.fill('input[name=password]', person.password);
  await page.keyboard.press('Enter');
  await page.waitForSelector(ready);
}

/** Signs in once for several windows: what openPage takes as `storageState`. */
export async function signedIn(browser, app, person, ready) {
  const page = await openPage(browser);
  await enter(page, app, person, ready);
  const state = await page.context().storageState();
  await page.context().close();
  return state;
}

/** A visitor without a page: starts a visit by the contract and writes lines. `page` is any page of the product. */
export class Visitor {
  static async start(page, more = {}) {
    const visitor = new Visitor();
    visitor.page = page;
    visitor.visit = await visitorCall(page, 'StartVisit', { channelId: demo.channel, language: 'zh-CN', pageUrl: 'https://bank.example/loan', ...more });
    return visitor;
  }
  get name() {
    return this.visit.customer.name;
  }
  async write(text = unique('我想问一下贷款')) {
    const { reception } = await visitorCall(this.page, 'SendLine', { text, clientId: unique('e2e').replace(/\W/g, ''), pageUrl: 'https://bank.example/loan' }, this.visit.token);
    this.id = reception.conversationId;
    return text;
  }
  async lines() {
    return (await visitorCall(this.page, 'ListLines', {}, this.visit.token)).lines ?? [];
  }
  rate(rating, comment = '') {
    return visitorCall(this.page, 'Rate', { conversationId: this.id, rating, comment }, this.visit.token);
  }
}

export function visitorCall(page, method, request, token) {
  return page.evaluate(async ([path, body, bearer]) => {
    const answer = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json', 'Connect-Protocol-Version': '1', ...(bearer ? { Authorization: `Bearer ${bearer}` } : {}) }, body: JSON.stringify(body), credentials: 'omit' });
    const json = await answer.json();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${JSON.stringify(json)}`);
    return json;
  }, [`/yizhan.desk.v1.VisitorService/${method}`, request, token]);
}

/** Calls the agent's service as the page's person. */
export function agentCall(page, method, request) {
  return call(page, `desk.v1.AgentService/${method}`, request);
}

/** Ends what an agent has, so that one test does not disturb the next, and sets state and capacity. */
export async function clearDesk(page, state = 'STATE_OFFLINE', capacity = 0) {
  // An agent who is online would be given the next one for each that ends.
  await agentCall(page, 'SetState', { state: 'STATE_PAUSED', requestId: unique('state') });
  const { mine = [] } = await agentCall(page, 'GetWorkbench', {});
  for (const reception of mine) await agentCall(page, 'Close', { conversationId: reception.conversationId, requestId: unique('close') });
  await agentCall(page, 'SetState', { state, capacity, requestId: unique('state') });
}

/** Takes and ends everything that waits in the agent's groups. The agent needs to be paused or online with room. */
export async function drainQueue(page) {
  const { waiting = [] } = await agentCall(page, 'GetWorkbench', {});
  for (const reception of waiting) {
    await agentCall(page, 'Accept', { conversationId: reception.conversationId, requestId: unique('accept') });
    await agentCall(page, 'Close', { conversationId: reception.conversationId, requestId: unique('close') });
  }
}

/** A site of a bank's own that embeds the widget of the channel in its address's query. Returns { origin, url }. */
export async function bankSite(t) {
  const { origin } = new URL(pageUrl('widget'));
  const server = createServer((request, answer) => {
    const channel = /channel=([0-9a-z]+)/.exec(request.url)?.[1] ?? '';
    answer.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
    answer.end(`<!doctype html><html lang="zh-CN"><title>银行</title><link rel="icon" href="data:,"><h1>贷款</h1><script async src="${origin}/widget/loader.js" data-channel="${channel}"></script>`);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const own = `http://127.0.0.1:${server.address().port}`;
  return { origin: own, url: `${own}/` };
}

/** Makes a channel that these sites may embed, served by a group of the page's person; its id. The person leads agents. */
export async function channelFor(page, ...allowedOrigins) {
  const me = (await call(page, 'directory.v1.SessionService/WhoAmI', {})).person;
  const { group } = await agentCall(page, 'PutServiceGroup', { group: { name: unique('试点'), agentIds: [me.personId] }, requestId: unique('g') });
  const { channel } = await agentCall(page, 'PutChannel', { channel: { name: unique('官网'), groupId: group.groupId, allowedOrigins }, requestId: unique('w') });
  return channel.channelId;
}

const axe = readFileSync(join(createRequire(join(root, 'package.json')).resolve('axe-core/package.json'), '../axe.min.js'), 'utf8');

/** Check 8: no serious or critical finding. `frame` is a page or a frame. */
export async function assertAccessible(frame, what) {
  await settled(frame);
  // The pages' policy forbids foreign scripts: the checker comes in through the debugger, not through the document.
  if (await frame.evaluate(() => !globalThis.axe)) await frame.evaluate(axe);
  const found = await frame.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'], preload: false });
    return violations.filter((each) => each.impact === 'serious' || each.impact === 'critical').map((each) => `${each.id}: ${each.help} — ${each.nodes.slice(0, 4).map((node) => `${node.target.join(' ')} (${node.any[0]?.message ?? node.failureSummary ?? ''})`).join('; ')}`);
  });
  assert.deepEqual(found, [], what);
}

/** Check 9: nothing has to be scrolled sideways. */
export async function assertNoSideways(frame, what) {
  const wide = await frame.evaluate(() => {
    const limit = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= limit + 1) return [];
    return [...document.querySelectorAll('body *')].filter((element) => element.getBoundingClientRect().right > limit + 1).slice(0, 5).map((element) => `${element.tagName}.${element.className} to ${Math.round(element.getBoundingClientRect().right)} of ${limit}`);
  });
  assert.deepEqual(wide, [], what);
}

/** What the focus is on, for readers of a failure. */
export function focused(frame) {
  return frame.evaluate(() => {
    const element = document.activeElement;
    return element ? `${element.tagName} ${element.getAttribute('aria-label') ?? element.textContent?.slice(0, 40) ?? ''}` : 'nothing';
  });
}

/** Everything that a page got from the network: bodies of answers and frames of sockets. Call before the page loads. */
export function listenIn(page) {
  const heard = [];
  page.on('response', async (response) => {
    try {
      heard.push(await response.text());
    } catch {
      // Redirects and cut-off answers have no body.
    }
  });
  page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => heard.push(typeof payload === 'string' ? payload : payload.toString('utf8')));
  });
  return heard;
}

/** A picture for the handbooks, where YIZHAN_SCREENSHOTS names a folder. */
export async function picture(page, name) {
  if (process.env.YIZHAN_SCREENSHOTS) await page.screenshot({ path: join(process.env.YIZHAN_SCREENSHOTS, `${name}.png`) });
}

