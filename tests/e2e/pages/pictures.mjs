// Pictures for README and handbooks: five pages at work, with a conversation that people would have. Not a test.
//
//   YIZHAN_INFO=FILE YIZHAN_SCREENSHOTS=FOLDER node tests/e2e/pages/pictures.mjs [all]
//
// Five pictures at 1280 × 800, in Chinese; "all": in English, dark, and narrow too, to be looked at. Best on a fresh data folder.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Visitor, agentCall, clearDesk, demo, drainQueue, enter, holders, pageUrl } from './apps.mjs';
import { appUrl, call, info, live, openChat, openPage, say, signIn, startBrowser, unique, until } from './support.mjs';

const folder = process.env.YIZHAN_SCREENSHOTS;
if (!folder || !info) {
  console.error('pictures.mjs: YIZHAN_INFO names the running product, YIZHAN_SCREENSHOTS the folder for the pictures');
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
const endings = [];
const browser = await startBrowser({ after: (fn) => endings.push(fn) }, ['--lang=zh-CN']);
/** Times as in the bank, not as on the machine that takes the pictures. */
const open = (options = {}) => openPage(browser, { timezoneId: 'Asia/Shanghai', ...options });
const wide = { width: 1280, height: 800 };
const views = process.argv[2] === 'all'
  ? [['', '?lang=zh&theme=light', wide], ['-en', '?lang=en&theme=light', wide], ['-dark', '?lang=zh&theme=dark', wide], ['-narrow', '?lang=en&theme=light', { width: 390, height: 800 }]]
  : [['', '?lang=zh&theme=light', wide]];

/** Shows the page in each view and takes its picture once `ready` says so. */
async function take(page, name, url, ready) {
  for (const [suffix, query, size] of views) {
    await page.setViewportSize(size);
    const to = new URL(url);
    await page.goto(`${to.origin}${to.pathname}${query}${to.hash}`);
    await ready();
    await page.mouse.move(0, 0);
    await page.waitForTimeout(1_500);
    await page.screenshot({ path: join(folder, `${name}${suffix}.png`) });
  }
}

const person = (login) => info.people.find((each) => each.login === login);

async function messenger() {
  const [zhang, li, wang] = await Promise.all(['zhang.wei', 'li.na', 'wang.fang'].map(async (login) => {
    const page = await open();
    await signIn(page, person(login));
    return page;
  }));
  const group = await until('the group of the department', () => zhang.evaluate(() => [...document.querySelectorAll('[data-conversation^="g:"]')].find((each) => each.textContent.includes('信贷部'))?.dataset.conversation));
  const said = [
    [li, '各位早，二季度的贷后检查名单已经发到共享盘。'], [zhang, '收到，请大家在 17:00 前确认各自的客户。'], [wang, '我这边有三户需要补充流水，今天下午联系。'],
    [li, '其中宏达机械的抵押物评估已过期，建议重新评估后再续贷。'], [zhang, '同意。评估报告出来之前，不要向客户做任何承诺。'], [wang, '明白，我先跟客户说明情况，明天给大家反馈。'],
    [li, '另外，上周的风险提示有更新，见风险评审群。'],
  ];
  for (const [page, text] of said) await say(page, group, text);
  const id = async (page) => (await call(page, 'directory.v1.SessionService/WhoAmI', {})).person.personId;
  const [a, b] = await Promise.all([id(zhang), id(li)]);
  await say(li, `d:${[a, b].sort().join(':')}`, '张经理，明天的评审材料放您桌上了。');
  await openChat(wang, group);
  await take(zhang, 'messenger', `${appUrl('client')}#/chat/${encodeURIComponent(group)}`, async () => {
    await zhang.waitForSelector('.yz-log .im-text:text-is("另外，上周的风险提示有更新，见风险评审群。")', { state: 'attached' });
    await live(zhang);
    await zhang.evaluate(() => { const log = document.querySelector('.yz-log'); log.scrollTop = log.scrollHeight; });
  });
}

async function desk() {
  const agent = holders('agent')[0];
  const page = await open();
  await enter(page, 'workbench', agent, '.wb-lists', '?lang=zh');
  await clearDesk(page, 'STATE_PAUSED', 8);
  await drainQueue(page);

  // A visitor in the widget, as the bank's customers see it.
  const visitor = await open({ viewport: { width: 1280, height: 800 } });
  await visitor.goto(demo.url);
  const frame = await until('the widget opens', async () => {
    await visitor.mouse.click(1228, 748);
    return until('its frame', () => visitor.frames().find((each) => each.url().includes('/widget/frame.html')), 1_000);
  });
  const write = async (text) => {
    await frame.fill('.composer textarea', text);
    await frame.press('.composer textarea', 'Enter');
    await frame.locator('.row.me', { hasText: text }).locator('time').waitFor();
  };
  await frame.waitForSelector('.composer textarea');
  await write('您好，我想了解一下消费贷款的年利率。');
  const { reception } = await agentCall(page, 'Accept', { requestId: unique('a') });
  const reply = (text, internal = false) => agentCall(page, 'SendReply', { conversationId: reception.conversationId, text, internal, clientId: unique('p').replace(/\W/g, '') });
  await reply('您好！12 个月的消费贷款，目前年利率为 3.45%。');
  await write('提前还款要收手续费吗？');
  await reply('客户为代发工资户，可按优惠流程办理。', true);
  await reply('满六个月后提前还款不收手续费。需要我为您预约客户经理吗？');
  await write('好的，请帮我预约周五下午。');
  const others = [];
  for (const text of ['信用卡账单的还款日能改吗？', '卡片丢失了，怎么挂失？', '外币消费的汇率怎么算？']) {
    const other = await Visitor.start(page);
    await other.write(text);
    others.push(other);
  }
  await agentCall(page, 'Accept', { requestId: unique('a') });
  await frame.waitForSelector('.row.agent >> nth=2');
  await visitor.waitForTimeout(800);
  await visitor.screenshot({ path: join(folder, 'widget.png') });
  if (views.length > 1) {
    await visitor.setViewportSize({ width: 390, height: 800 });
    await visitor.waitForTimeout(800);
    await visitor.screenshot({ path: join(folder, 'widget-narrow.png') });
  }
  await take(page, 'workbench', pageUrl('workbench', `#/${encodeURIComponent(reception.conversationId)}`), async () => {
    await live(page);
    if (await page.locator('.wb-row-main', { hasText: '周五下午' }).first().isVisible()) await page.locator('.wb-row-main', { hasText: '周五下午' }).first().click();
    await page.waitForSelector('.wb-bubble');
  });
  await clearDesk(page, 'STATE_PAUSED', 8);
  await drainQueue(page);
  await clearDesk(page);
}

async function audit() {
  const page = await open();
  await enter(page, 'audit', holders('audit')[0], '#why-case', '?lang=zh');
  await take(page, 'audit', pageUrl('audit', '#/search'), async () => {
    await page.waitForSelector('#why-case, #au-text');
    if (await page.locator('#why-case').count()) {
      await page.fill('#why-case', '2026-014');
      await page.fill('#why-reason', '误导销售复核');
      await page.keyboard.press('Enter');
      await page.waitForSelector('#au-text');
    }
    await page.fill('#au-text', '承诺');
    await page.press('#au-text', 'Enter');
    await page.waitForSelector('.au-hit');
    await page.locator('.au-hit').first().click();
    await page.waitForSelector('.au-line-hit');
    await page.keyboard.press('v');
    await page.waitForSelector('.au-proof[data-verified]');
  });
}

async function admin() {
  const page = await open();
  await enter(page, 'console', holders('system')[0], '.co-sentence', '?lang=zh');
  await take(page, 'console', pageUrl('console', '#/health'), () => page.waitForSelector('.co-parts li'));
}

try {
  for (const part of [messenger, desk, audit, admin]) await part();
} finally {
  for (const end of endings) await end();
}
