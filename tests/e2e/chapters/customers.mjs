// A visitor of the bank's site and an agent: asks, waits, is answered. The end of their conversation is in crash.mjs.

import assert from 'node:assert/strict';
import { deskShows, deskWrite, mark, openWidget, widgetShows, widgetWrite, window } from '../harness/browser.mjs';
import { agentCall, enter, listenIn } from '../pages/apps.mjs';
import { live, watch } from '../pages/support.mjs';
import { step, unique, until } from '../harness/steps.mjs';

export default async function customers(world) {
  const desk = {};
  world.desk = desk;
  await step('an agent opens the workbench and is not yet at work', async () => {
    desk.person = world.person('luo.ying');
    desk.page = await window(world);
    await enter(desk.page, 'workbench', desk.person, '.wb-lists', '?lang=zh');
    await live(desk.page);
    await desk.page.locator('.wb-state').getByRole('radio', { name: '离线' }).click();
    await until('offline', async () => /STATE_OFFLINE/.test((await agentCall(desk.page, 'GetWorkbench', {})).me.state));
  });

  await step('a visitor opens the widget on the bank’s page, writes Chinese, and waits in the queue', async () => {
    const context = await world.browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'zh-CN', ignoreHTTPSErrors: true });
    desk.visitor = await watch(await context.newPage());
    desk.heard = listenIn(desk.visitor);
    await desk.visitor.goto(world.info.widget_demo);
    desk.frame = await openWidget(desk.visitor);
    desk.question = unique(`你们的理财有${world.phrase}吗？`);
    await widgetWrite(desk.frame, desk.question);
    await widgetShows(desk.frame, desk.question);
    await until('the visitor’s place is told', async () => /下一位|第 \d+ 位|排队|等/.test(await desk.frame.textContent('.status')));
    await world.shot(desk.visitor, 'widget-waiting');
  });

  await step('the agent sees who waits and why, goes online and gets them', async () => {
    const { page } = desk;
    await page.getByRole('tab', { name: /排队/ }).click();
    const { waiting } = await until('somebody waits', async () => {
      const bench = await agentCall(page, 'GetWorkbench', {});
      return bench.waiting?.length > 0 && bench;
    });
    desk.id = waiting[0].conversationId;
    desk.name = waiting[0].customer.name;
    await page.locator('.wb-row', { hasText: desk.name }).waitFor();
    await page.locator('.wb-state').getByRole('radio', { name: '在线' }).click();
    await until('the queue gives it to the agent', async () => (await agentCall(page, 'GetWorkbench', {})).mine?.some((each) => each.conversationId === desk.id));
    await page.getByRole('tab', { name: /我的/ }).click();
    await page.locator('.wb-row', { hasText: desk.name }).getByRole('button').first().click();
    await deskShows(page, desk.question);
    await until('the visitor is told', async () => /为您服务/.test(await desk.frame.textContent('.status')));
  });

  await step('the agent answers; an internal note stays inside', async () => {
    desk.answer = unique('您好，理财非存款，没有保本收益');
    await deskWrite(desk.page, desk.answer);
    await widgetShows(desk.frame, desk.answer);
    await desk.page.keyboard.press('F8');
    desk.note = unique('内部：客户对风险有误解');
    await deskWrite(desk.page, desk.note);
    await deskShows(desk.page, desk.note);
    await world.shot(desk.page, 'workbench');
    await desk.page.keyboard.press('F8');
    const more = unique('那风险等级怎么看？');
    await widgetWrite(desk.frame, more);
    await deskShows(desk.page, more);
    const again = unique('在产品说明书首页');
    await deskWrite(desk.page, again);
    await widgetShows(desk.frame, again);
    assertInside(desk, await desk.frame.content());
    await world.shot(desk.visitor, 'widget-served');
  });
  await mark(desk.frame);
  await mark(desk.page);
}

/** The visitor's side never had the note: not on the screen, not on the wire. */
export function assertInside(desk, html) {
  assert.ok(!html.includes('对风险有误解'), 'the visitor’s page holds an internal note');
  assert.ok(desk.heard.length > 3);
  assert.ok(!desk.heard.some((text) => text.includes('对风险有误解')), 'an internal note went to the visitor’s page');
}
