// The auditor finds all three conversations by a Chinese phrase, verifies, exports; the export proves itself to programs that are not
// ours; and whoever changes one byte is found.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { window } from '../harness/browser.mjs';
import { Caller, refused } from '../harness/calls.mjs';
import { must, run } from '../harness/children.mjs';
import { Product } from '../harness/product.mjs';
import { enter } from '../pages/apps.mjs';
import { check, step, until } from '../harness/steps.mjs';

const service = 'audit.v1.ArchiveService';
const purpose = { caseId: '2026-014', reason: '不当销售复核' };

/** All files below a folder, relative. */
function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile()).map((each) => relative(folder, join(each.parentPath ?? each.path, each.name))).sort();
}

/** Exchanges one byte in the middle of a file. */
function flip(file, at = Math.floor(statSync(file).size / 2)) {
  const bytes = readFileSync(file);
  bytes[at] ^= 0x01;
  writeFileSync(file, bytes);
}

export default async function auditor(world) {
  const { caller, info } = world;
  const person = world.holder('auditor');
  const audit = await caller.logIn(person);
  const search = { purpose, text: world.phrase };
  let hits;

  await step('a search by a Chinese phrase finds all three conversations', async () => {
    const conversations = new Set([world.direct, world.group, world.desk.id]);
    const answer = await until('all three are found', async () => {
      const found = await audit.call(`${service}/Search`, search);
      return [...conversations].every((id) => found.items?.some((item) => item.conversationId === id)) && found;
    });
    hits = answer.items;
    assert.equal(answer.totalExact, true);
    assert.equal(Number(answer.total), hits.length);
    for (const item of hits) {
      assert.ok(item.text.includes(world.phrase), item.text);
      const { start = 0, end } = item.highlights[0];
      assert.equal(Buffer.from(item.text).subarray(start, end).toString(), world.phrase);
    }
    const note = await audit.call(`${service}/Search`, { purpose, text: '对风险有误解' });
    assert.ok(note.items.length === 1 && note.items[0].internal, 'an internal note is archived too, as one');
    const single = await audit.call(`${service}/Search`, { purpose, text: '诺', pageSize: 200 });
    assert.ok(Number(single.total) >= hits.length, 'one character is enough');
  });

  await step('curl finds the same', async () => {
    const { out } = await must('curl', ['--silent', '--show-error', '--fail', '--cacert', info.ca, '-H', 'Content-Type: application/json', '-H', `Authorization: Bearer ${audit.token}`, '--data', JSON.stringify(search), `${info.web.url}/yizhan.${service}/Search`]);
    assert.deepEqual(JSON.parse(out).items.map((item) => item.leafIndex).sort(), hits.map((item) => item.leafIndex).sort());
  });

  await step('others are refused: employees, agents, administrators; and a search without a reason', async () => {
    for (const login of ['zhang.wei', 'luo.ying', 'sysadmin', 'secadmin']) {
      const other = await caller.logIn(world.person(login));
      for (const method of ['Search', 'GetProof', 'StartExport', 'ReadConversation']) {
        assert.equal((await refused(other.call(`${service}/${method}`, {}))).code, 'permission_denied', `${login} ${method}`);
      }
    }
    assert.equal((await refused(audit.call(`${service}/Search`, { text: world.phrase }))).code, 'invalid_argument');
  });

  let page;
  await step('on the page: case and reason, the phrase, a hit in its context, its proof', async () => {
    page = await window(world, { acceptDownloads: true });
    await enter(page, 'audit', person, '.au-purpose', '?lang=zh');
    await page.fill('#why-case', purpose.caseId);
    await page.fill('#why-reason', purpose.reason);
    await page.click('.au-purpose button[type=submit]');
    await page.fill('#au-text', world.phrase);
    await page.click('.au-form button[type=submit]');
    await until('the hits are listed', async () => (await page.locator('.au-hit').count()) === hits.length);
    assert.match(await page.textContent('.au-covered'), new RegExp(`共 ${hits.length} 条|${hits.length}`));
    await page.locator('.au-hit').first().click();
    await page.waitForSelector('.au-line-hit');
    await page.getByRole('button', { name: /^验证/ }).click();
    await page.waitForSelector('.au-proof[data-verified=true]');
    assert.match(await page.textContent('.au-proof'), /独立重算/);
    await world.shot(page, 'auditor');
  });

  const zip = join(world.folder, 'export.zip');
  await step('an export from the page: a job, a file with the digest that the page names', async () => {
    await page.locator('.au-foot button').click();
    await page.locator('.ant-modal .ant-btn-primary').click();
    const job = page.locator('.au-job').first();
    await page.waitForSelector('.au-job[data-state=done]', { timeout: 30_000 });
    const [download] = await Promise.all([page.waitForEvent('download'), job.locator('.ant-btn-primary').click()]);
    await download.saveAs(zip);
    const digest = createHash('sha256').update(readFileSync(zip)).digest('hex');
    assert.equal((await job.locator('code.au-sha').first().textContent()).trim(), digest);
    await job.locator('[role=status]', { hasText: '一致' }).waitFor();
    await world.shot(page, 'auditor-export');
    assert.deepEqual(page.problems, []);
  });

  const unzipped = join(world.folder, 'export');
  const key = join(world.folder, 'archive.vkey');
  const verify = (folder) => run(join(world.build, 'bin/yizhan-verify'), [folder, '--key', key]);
  const goCheck = join(world.out, 'go_check');
  let folder;
  await step('the file is unzipped and yizhan-verify finds it whole and genuine', async () => {
    await must('/usr/bin/python3', ['-m', 'zipfile', '-e', zip, unzipped]);
    const top = readdirSync(unzipped);
    folder = existsSync(join(unzipped, 'manifest.json')) ? unzipped : join(unzipped, top[0]);
    writeFileSync(key, `${info.archive.public_key}\n`);
    const { code, out } = await verify(folder);
    assert.equal(code, 0, out);
    assert.equal(filesBelow(folder).filter((each) => each.endsWith('.eml')).length, hits.length);
  });

  await step('programs that are not ours verify it: sha256sum, openssl, Go’s sumdb packages, Python’s mail and CSV readers', async () => {
    const script = join(world.root, 'tests/conformance/export/foreign_verifiers.sh');
    const { out } = await must(script, [folder, key, goCheck], { ms: 120_000 });
    assert.match(out, new RegExp(`verified: ${hits.length} items`));
  }, 130_000);

  await step('one byte changed in any file of the export is found and the file named', async () => {
    const kinds = new Map();
    for (const file of filesBelow(folder)) kinds.set(extname(file) === '' || file.includes('/') === false ? file : extname(file), file);
    assert.ok(kinds.size >= 10, [...kinds.values()].join(' '));
    const bad = join(world.folder, 'changed');
    for (const file of kinds.values()) {
      rmSync(bad, { recursive: true, force: true });
      cpSync(folder, bad, { recursive: true });
      flip(join(bad, file));
      const { code, out } = await verify(bad);
      assert.equal(code, 1, `${file}: ${out}`);
      assert.ok(out.includes(file), `${file} is not named in: ${out}`);
      if (/\.(leaf|tlog-proof)$|^checkpoint$/.test(file)) assert.notEqual((await run(goCheck, ['export', bad, key])).code, 0, `Go did not notice ${file}`);
    }
    rmSync(bad, { recursive: true, force: true });
    cpSync(folder, bad, { recursive: true });
    rmSync(join(bad, [...kinds.values()].find((each) => each.endsWith('.record'))));
    assert.equal((await verify(bad)).code, 1, 'a missing file');
  });

  await step('the archive is complete, consistent with itself, and has every act of the auditor', async () => {
    const status = await until('nothing is behind', async () => {
      const now = await audit.call(`${service}/GetStatus`);
      return now.coverage.every((each) => each.partition.startsWith('audit/') || BigInt(each.archivedSeq ?? 0) === BigInt(each.head ?? 0)) && now;
    });
    assert.ok(status.coverage.length >= 4, JSON.stringify(status.coverage));
    assert.equal(status.publicKey, info.archive.public_key);
    const whole = await audit.call(`${service}/VerifyArchive`);
    assert.deepEqual([whole.ok, whole.problems ?? []], [true, []]);
    // The list is read from the index, which follows the log.
    for (const action of ['Search', 'ReadConversation', 'GetProof', 'StartExport', 'ReadExport', 'VerifyArchive']) {
      await until(`${action} is in the record of access`, async () => {
        const { entries = [] } = await audit.call(`${service}/ListAccess`, { auditorId: audit.person.personId });
        return entries.some((entry) => entry.action === action);
      });
    }
    const own = await until('the auditor’s search is archived', async () => {
      const found = await audit.call(`${service}/Search`, { purpose, text: world.phrase, sources: ['SOURCE_AUDIT'] });
      return found.items?.length > 0 && found;
    });
    assert.equal(own.items[0].source, 'SOURCE_AUDIT');
  });

  await step('one byte changed in the archive’s files is found and named', async () => {
    await world.product.stop();
    const dir = join(world.folder, 'tampered');
    mkdirSync(dir);
    cpSync(world.product.data, join(dir, 'data'), { recursive: true });
    await world.product.start();
    const damaged = new Product({ dir, log: world.log('yizhan-tampered'), pages: '', processes: world.product.processes });
    const items = join(damaged.dataOf('audit'), 'archive');
    const tables = readdirSync(items).filter((each) => each.endsWith('.sst')).sort((a, b) => statSync(join(items, b)).size - statSync(join(items, a)).size);
    assert.ok(tables.length > 0, readdirSync(items).join(' '));
    flip(join(items, tables[0]), Math.floor(statSync(join(items, tables[0])).size / 3));
    try {
      await damaged.start();
      const told = await new Caller(damaged.info).logIn(person);
      const { ok = false, problems = [] } = await told.call(`${service}/VerifyArchive`);
      assert.equal(ok, false);
      assert.ok(problems.some((each) => each.includes(tables[0]) && /leaf \d+/.test(each)), problems.slice(0, 3).join('\n'));
    } finally {
      await damaged.stop();
    }
  }, 90_000);
  await check('after the restart the auditor’s page goes on', () => until('the status page answers', async () => {
    await page.goto(`${info.web.url}/audit/#/status`);
    await page.waitForSelector('.au-sentence', { timeout: 5_000 });
    await world.shot(page, 'auditor-status');
    return true;
  }, 20_000));
}
