// Pages of the story, beside what the pages' own tests share (pages/support.mjs).

import assert from 'node:assert/strict';
import { bubble, live, openPage, signIn } from '../pages/support.mjs';
import { until } from './steps.mjs';

/** A window of its own with a page that keeps a record of what no page may do. */
export function window(world, options) {
  return openPage(world.browser, options).then((page) => (page.context().setDefaultTimeout(15_000), page));
}

/** Signs somebody in to the messenger. */
export async function messenger(world, person, options) {
  const page = await window(world, options);
  await signIn(page, person, `${world.info.web.url}/`);
  return page;
}

/** A mark that only a reload removes. */
export async function mark(frame) {
  await frame.evaluate(() => { globalThis.storyMark = 'still here'; });
}

export async function assertNotReloaded(frame) {
  assert.equal(await frame.evaluate(() => globalThis.storyMark), 'still here', 'the page was reloaded');
}

/** The state that stands below the last own message with this text: sent, delivered, read, or "1/4". */
export function stateOf(page, text) {
  return page.locator('.im-row', { has: page.locator(`.im-text:text-is("${text}")`) }).last().locator('.im-state').getAttribute('data-state');
}

export async function write(page, text) {
  const box = page.locator('.im-chat-column textarea');
  await box.fill(text);
  await box.press('Enter');
}

/** The reader is there and looks: scrolls to the end, as reading does. */
export async function lookAtEnd(page) {
  await page.bringToFront();
  await page.locator('.yz-log').evaluate((log) => { log.scrollTop = log.scrollHeight; });
}

/**
 * What a reader of the messenger or the workbench sees who scrolls from the end up to the text `first`, and back: the texts of one window after the
 * other, each from above; windows overlap.
 */
export function scrollBack(page, bubbles, first) {
  return page.evaluate(async ([selector, last]) => {
    const log = document.querySelector('.yz-log');
    const drawn = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const windows = [];
    log.scrollTop = log.scrollHeight;
    for (let quiet = 0; quiet < 20; ) {
      await drawn();
      const texts = [...log.querySelectorAll(selector)].map((element) => [element.getBoundingClientRect().top, element.textContent]).sort((a, b) => a[0] - b[0]).map((each) => each[1]);
      windows.push(texts);
      if (texts.includes(last)) break;
      const before = log.scrollTop;
      log.scrollTop = before - log.clientHeight / 2;
      // At the top more may be on its way.
      quiet = log.scrollTop === before ? quiet + 1 : 0;
    }
    log.scrollTop = log.scrollHeight;
    await drawn();
    return windows;
  }, [bubbles, first]);
}

/** The launcher lives in a closed shadow root: it is reached as people do, by place. */
export async function openWidget(page) {
  const { width, height } = page.viewportSize();
  const find = () => page.frames().find((frame) => frame.url().includes('/widget/frame.html'));
  await until('the widget opens', async () => {
    await page.mouse.click(width - 52, height - 52);
    return until('its frame', find, 1_000);
  });
  const frame = find();
  await frame.waitForSelector('.composer textarea');
  return frame;
}

export async function widgetWrite(frame, text) {
  await frame.fill('.composer textarea', text);
  await frame.press('.composer textarea', 'Enter');
}

export const widgetBubbles = (frame) => frame.$$eval('.row:not(.system) .bubble', (elements) => elements.map((element) => element.textContent));
export const widgetShows = (frame, text, ms = 15_000) => until(`the visitor sees “${text}”`, async () => (await widgetBubbles(frame)).includes(text), ms);

const deskBox = '.wb-writer textarea';
export async function deskWrite(page, text) {
  await page.fill(deskBox, text);
  await page.press(deskBox, 'Enter');
}
export const deskShows = (page, text, ms = 15_000) => until(`the agent sees “${text}”`, () => page.$$eval('.wb-bubble', (elements, wanted) => elements.some((element) => element.textContent === wanted), text), ms);

export { bubble, live };
