// The auditor's page over the running product: checks 7, 8, 9, 13 of the pages' design as far as they concern it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Visitor, assertAccessible, assertNoSideways, enter, focused, holders, pageUrl, picture } from './apps.mjs';
import { assertClean, call, needsProduct, openPage, startBrowser, unique, until } from './support.mjs';

const archive = (page, method, request) => call(page, `audit.v1.ArchiveService/${method}`, request);
const fullTime = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d$/;

/** Says the purpose, if it is asked for. */
async function purpose(page, caseId, reason) {
  await page.waitForSelector('#why-case, #au-text');
  if (!(await page.$('#why-case'))) return;
  await page.fill('#why-case', caseId);
  await page.fill('#why-reason', reason);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#au-text');
}

async function search(page, text) {
  await page.fill('#au-text', text);
  await page.press('#au-text', 'Enter');
  await page.waitForSelector('.au-hits[aria-busy=false] .au-covered:not(:empty)');
}

test('the auditor’s page', { timeout: 400_000, ...needsProduct }, async (t) => {
  const browser = await startBrowser(t);
  const auditor = holders('audit')[0];
  const page = await openPage(browser, { acceptDownloads: true, timezoneId: 'Asia/Shanghai' });

  // What there is to find: a visitor's lines, from one rare word to one common character.
  const word = `保本承诺${Date.now().toString(36)}`;
  const stranger = await openPage(browser);
  await stranger.goto(pageUrl('audit'));
  const visitor = await Visitor.start(stranger);
  for (let i = 0; i < 30; i += 1) await visitor.write(`第 ${i} 行：这款理财产品有${word}吗？𠮷先生在场。`);
  await stranger.context().close();

  await t.test('asks for case and reason before anything can be searched', async () => {
    await enter(page, 'audit', auditor, '#why-case', '?lang=zh');
    assert.equal(await page.$('#au-text'), null);
    await assertAccessible(page, 'the purpose');
    await page.fill('#why-case', '2025-014');
    await page.press('#why-case', 'Enter');
    await page.locator('.yz-problem', { hasText: '原因' }).waitFor();
    await page.fill('#why-reason', '误导销售复核');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#au-text');
    await until('the field has the focus', async () => (await focused(page)).startsWith('INPUT'));
  });

  await t.test('finds Chinese text from one character up and says what it searched', async () => {
    await until('indexed', async () => {
      await search(page, word);
      return (await page.locator('.au-hit').count()) === 30;
    }, 15_000);
    const covered = await page.textContent('.au-covered');
    assert.match(covered, /30 条，精确/);
    assert.match(covered, /索引至 \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+08:00/);
    assert.match(covered, /无法检索/);
    assert.match(covered, /范围/);
    assert.equal(await page.locator('.au-hit').first().locator('mark').textContent(), word);
    for (const time of await page.$$eval('.au-hit time', (elements) => elements.map((element) => element.textContent))) assert.match(time, fullTime);
    await search(page, '𠮷');
    assert.ok((await page.locator('.au-hit').count()) >= 30);
    assert.equal(await page.locator('.au-hit').first().locator('mark').first().textContent(), '𠮷');
    await search(page, `${word} 第`);
    assert.ok((await page.locator('.au-hit').count()) >= 30);
    await search(page, `"${word} 没有这个短语"`);
    await page.locator('.yz-state', { hasText: '没有找到' }).waitFor();
    // What can be done about it stands beside it, until it has been done.
    await page.getByRole('button', { name: '检索全部来源，不限日期' }).click();
    await until('every source was searched', async () => /即时消息 \+ 客服 \+ 目录与登录 \+ 审计行为/.test(await page.textContent('.au-covered')));
    await page.getByRole('button', { name: '检索全部来源，不限日期' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: '清除条件' }).click();
  });

  await t.test('an unknown syntax is an error, not another search', async () => {
    await page.fill('#au-text', '"没有闭合');
    await page.press('#au-text', 'Enter');
    await page.locator('.yz-problem', { hasText: '双引号' }).waitFor();
    await search(page, word);
  });

  await t.test('is read in its context by keyboard: J K N P Enter', async () => {
    await page.locator('.au-hit').first().focus();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    await page.keyboard.press('n');
    await page.waitForSelector('.au-line-hit');
    assert.match(await page.textContent('.au-reader-head'), /第 2 条，共 30 条/);
    await page.keyboard.press('n');
    await until('the third', async () => /第 3 条/.test(await page.textContent('.au-reader-head')));
    await page.keyboard.press('p');
    await until('the second', async () => /第 2 条/.test(await page.textContent('.au-reader-head')));
    await page.waitForSelector('.au-line-hit mark');
    assert.ok((await page.locator('.au-line').count()) >= 15);
    for (const time of await page.$$eval('.au-line time', (elements) => elements.map((element) => element.textContent))) assert.match(time, fullTime);
    const before = page.getByRole('button', { name: '更早 20 条' });
    if (await before.count()) {
      const top = () => page.$eval('.au-line-hit', (element) => element.getBoundingClientRect().top);
      const count = await page.locator('.au-line').count();
      await before.scrollIntoViewIfNeeded();
      const was = await top();
      await before.click();
      await until('more lines', async () => (await page.locator('.au-line').count()) > count);
      assert.ok(Math.abs((await top()) - was) <= 2, 'what is read does not move');
    }
  });

  await t.test('V proves the line; the page computes it again by itself; the proof is a file', async () => {
    await page.keyboard.press('v');
    await page.waitForSelector('.au-proof[data-verified=true]');
    const sentence = await page.textContent('.au-proof-head');
    assert.match(sentence, /完整无误/);
    assert.match(sentence, /独立重算/);
    await assertAccessible(page, 'a proof');
    const seen = await page.evaluate(() => {
      const box = document.querySelector('.au-body').getBoundingClientRect();
      const line = document.querySelector('.au-line-chosen').getBoundingClientRect();
      return line.top >= box.top - 1 && line.bottom <= box.bottom + 1;
    });
    assert.ok(seen, 'the line that is proven stays in sight');
    await picture(page, 'audit');
    await page.locator('.au-proof summary').click();
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: '下载证明文件' }).click()]);
    const text = readFileSync(await file.path(), 'utf8');
    assert.match(text, /^c2sp\.org\/tlog-proof@v1\n(extra .*\n)?index \d+\n/);
    assert.equal(text, await page.textContent('.au-proof pre'));
  });

  await t.test('a proof that does not fit is red and stays', async () => {
    await page.route('**/*ArchiveService/GetProof', async (route) => {
      const answer = await route.fetch();
      const body = await answer.body();
      // One byte of the proof's text is another one.
      const at = body.indexOf('\nindex ') - 4;
      body[at] = body[at] === 0x41 ? 0x42 : 0x41;
      return route.fulfill({ response: answer, body });
    });
    await page.keyboard.press('n');
    await page.waitForSelector('.au-line-hit');
    await page.keyboard.press('v');
    await page.waitForSelector('.au-proof[data-verified=false] [role=alert]');
    assert.equal(await page.locator('.au-proof').getByRole('button', { name: '收起' }).count(), 0, 'it cannot be dismissed');
    await page.unroute('**/*ArchiveService/GetProof');
  });

  await t.test('an export is a job; the file has the digest that the page says', async () => {
    await search(page, word);
    await page.locator('.au-hit').first().focus();
    await page.keyboard.press('e');
    await page.waitForSelector('.ant-modal');
    await assertAccessible(page, 'the export dialog');
    const dialog = page.locator('.ant-modal').last();
    assert.match(await dialog.textContent(), new RegExp(`${word}.*2025-014`, 's'));
    await dialog.getByRole('button', { name: '开始导出' }).click();
    const job = page.locator('.au-job', { hasText: word }).first();
    await job.waitFor();
    await until('done', async () => (await job.getAttribute('data-state')) === 'done', 60_000);
    assert.match(await job.textContent(), /30\/30/);
    const digest = await job.locator('.au-sha').textContent();
    const [file] = await Promise.all([page.waitForEvent('download'), job.getByRole('button', { name: /下\s*载/ }).click()]);
    const bytes = readFileSync(await file.path());
    assert.equal(createHash('sha256').update(bytes).digest('hex'), digest);
    await job.locator('[role=status]', { hasText: '一致' }).waitFor();
    await assertAccessible(page, 'the jobs');
  });

  await t.test('a file that changed on the way is not saved', async () => {
    await page.route('**/*ArchiveService/ReadExport', async (route) => {
      const answer = await route.fetch();
      const body = await answer.body();
      body[Math.floor(body.length / 2)] ^= 1;
      return route.fulfill({ response: answer, body });
    });
    const job = page.locator('.au-job', { hasText: word }).first();
    let saved = false;
    page.once('download', () => { saved = true; });
    await job.getByRole('button', { name: /下\s*载/ }).click();
    await job.locator('[role=alert]', { hasText: '不一致' }).waitFor();
    assert.ok(!saved);
    await page.unroute('**/*ArchiveService/ReadExport');
  });

  await t.test('each act stands in the record of access', async () => {
    const me = (await call(page, 'directory.v1.SessionService/WhoAmI', {})).person.personId;
    const count = async (action) => {
      const { entries = [] } = await archive(page, 'ListAccess', { auditorId: me, pageSize: 200 });
      return entries.filter((entry) => entry.action === action && entry.purpose?.caseId === '2025-014').length;
    };
    await page.goto(pageUrl('audit', '?lang=zh#/search'));
    await purpose(page, '2025-014', '误导销售复核');
    const searches = await count('Search');
    const reads = await count('ReadConversation');
    const proofs = await count('GetProof');
    await search(page, word);
    await page.locator('.au-hit').first().click();
    await page.waitForSelector('.au-line-hit');
    await page.keyboard.press('v');
    await page.waitForSelector('.au-proof[data-verified]');
    assert.equal(await count('Search'), searches + 1);
    assert.equal(await count('ReadConversation'), reads + 1);
    assert.equal(await count('GetProof'), proofs + 1);
    await page.getByRole('link', { name: '访问记录' }).click();
    await page.locator('.au-table tbody tr').first().waitFor();
    assert.match(await page.locator('.au-table tbody').textContent(), /误导销售复核/);
    for (const time of await page.$$eval('.au-table time', (elements) => elements.map((element) => element.textContent))) assert.match(time, fullTime);
    await assertAccessible(page, 'the record of access');
  });

  await t.test('the archive is complete, and checks out as a whole', async () => {
    await page.getByRole('link', { name: '归档状态' }).click();
    await page.waitForSelector('.au-table tbody tr');
    // Others write meanwhile: what was there is archived two seconds later, whatever has come since.
    const { coverage } = await archive(page, 'GetStatus', {});
    await until('what was there is archived', async () => (await page.$$eval('.au-table tbody tr', (rows) => rows.map((row) => Number(row.cells[2].textContent)))).every((archived, i) => archived >= Number(coverage[i].head ?? 0)));
    const [behind, sentence] = await page.$eval('.au-sentence', (element) => [element.dataset.behind, element.textContent]);
    assert.match(sentence, behind === '0' ? /归档完整/ : /归档落后/);
    assert.match(await page.textContent('.au-page'), /检查点/);
    await page.getByRole('button', { name: '校验全部归档' }).click();
    await until('verified', async () => (await page.getAttribute('.au-verify', 'data-verify')) === 'done', 60_000);
    assert.equal(await page.getAttribute('.au-verify', 'data-problems'), '0');
    await assertAccessible(page, 'the archive');
  });

  await t.test('every look is usable by everybody and fits at 200 %', async () => {
    for (const look of ['?theme=light&lang=zh', '?theme=dark&lang=zh', '?theme=light&lang=en', '?theme=dark&lang=en', '?lang=pseudo']) {
      for (const route of ['search', 'exports', 'status', 'access']) {
        await page.setViewportSize({ width: 1440, height: 900 });
        await page.goto(pageUrl('audit', `${look}#/${route}`));
        await page.waitForSelector('.au-main :is(h2, #au-text)');
        if (route === 'search') {
          await purpose(page, '2025-014', 'review');
          await assertAccessible(page, `an empty search, ${look}`);
          await search(page, word);
          await page.locator('.au-hit').first().click();
          await page.waitForSelector('.au-line-hit');
        } else {
          await page.waitForSelector('.au-main :is(.au-job, .au-table, .yz-state)');
        }
        if (!look.includes('pseudo')) await assertAccessible(page, `${route}, ${look}`);
        await page.setViewportSize({ width: 720, height: 450 });
        await assertNoSideways(page, `${route} at 200 %, ${look}`);
      }
    }
    await page.setViewportSize({ width: 1440, height: 900 });
  });

  await t.test('nobody else comes in', async () => {
    const other = await openPage(browser);
    await enter(other, 'audit', holders('agent')[0], '.yz-state', '?lang=zh');
    assert.match(await other.textContent('.yz-state'), /没有使用此页面的权限/);
    await assert.rejects(archive(other, 'Search', { purpose: { caseId: 'x', reason: 'y' }, text: word }), /permission_denied/);
    assertClean(other);
    await other.context().close();
  });

  assertClean(page);
});
