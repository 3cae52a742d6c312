// The first console over the running product: health, partitions, people; each administrator sees their own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, assertNoSideways, enter, focused, holders, pageUrl, picture, signedIn } from './apps.mjs';
import { assertClean, call, needsProduct, openPage, startBrowser, until } from './support.mjs';

// Two at a time, where they are started together.
test('the console', { timeout: 300_000, concurrency: 2, ...needsProduct }, async (t) => {
  const browser = await startBrowser(t);
  const [system, security, audit, agent] = ['system', 'security', 'audit', 'agent'].map((role) => holders(role)[0]);

  const storageState = await signedIn(browser, 'console', security, '.co-sentence');
  /** A window of the security administrator. */
  const office = async (rest, ready) => {
    const page = await openPage(browser, { storageState });
    await page.goto(pageUrl('console', rest));
    await page.waitForSelector(ready);
    return page;
  };

  // Health is asked for every three seconds.
  const health = t.test('health is a sentence first, then the parts; what is not known is never green', async () => {
    const page = await openPage(browser);
    await enter(page, 'console', system, '.co-sentence', '?lang=zh');
    assert.match(await page.textContent('.co-sentence'), /一切正常|需要处理|不工作|未知/);
    await picture(page, 'console');
    const known = await call(page, 'admin.v1.AdminService/GetHealth', {});
    assert.equal(await page.locator('.co-parts li').count(), known.components.length);
    if (known.components.every((part) => part.state === 'STATE_OK')) assert.equal(await page.getAttribute('.co-sentence', 'data-health'), 'ok');
    else assert.notEqual(await page.getAttribute('.co-sentence', 'data-health'), 'ok');
    await page.route('**/*AdminService/GetHealth', (route) => route.abort());
    await page.locator('.co-sentence[data-health=unknown]', { hasText: '无法取得' }).waitFor();
    await page.unroute('**/*AdminService/GetHealth');
    await until('it recovers', async () => !/无法取得/.test(await page.textContent('.co-sentence')));

    await page.getByRole('link', { name: '分区' }).click();
    await page.waitForSelector('.co-table tbody tr');
    const { partitions } = await call(page, 'admin.v1.AdminService/ListPartitionStates', {});
    assert.equal(await page.locator('.co-table tbody tr').count(), partitions.length);
    await assertAccessible(page, 'partitions');

    assert.deepEqual(await page.$$eval('.co-nav a', (links) => links.map((link) => link.textContent)), ['运行状况', '分区', '备份']);
    await page.getByRole('link', { name: '备份' }).click();
    await page.waitForSelector('[data-backup=ok]');
    const { lastNumber } = await call(page, 'admin.v1.AdminService/GetBackup', {});
    await page.getByRole('button', { name: '立即备份' }).click();
    await until('one more', async () => Number(/第 (\d+) 次/.exec(await page.textContent('.co-facts'))[1]) > Number(lastNumber), 20_000);
    await page.locator('[data-running=false]').waitFor();
    await picture(page, 'console-backup');
    await assertAccessible(page, 'backup');
    await page.setViewportSize({ width: 720, height: 450 });
    await assertNoSideways(page, 'backup at 200 %');
    await page.goto(pageUrl('console', '?lang=en#/backup'));
    await page.getByRole('button', { name: 'Back up now' }).waitFor();
    await page.setViewportSize({ width: 1440, height: 900 });

    await page.goto(pageUrl('console', '?lang=zh#/people'));
    await page.waitForSelector('[data-refused=people]');
    assert.match(await page.textContent('[data-refused=people]'), /安全管理员.*系统管理员/s);
    await assertAccessible(page, 'a refused page');
    assertClean(page);
    await page.context().close();
  });

  const people = t.test('the security administrator adds a person, changes roles, disables them', async () => {
    const page = await office('?lang=zh', '.co-sentence');
    assert.deepEqual(await page.$$eval('.co-nav a', (links) => links.map((link) => link.textContent)), ['运行状况', '人员', '部门']);
    await page.getByRole('link', { name: '人员' }).click();
    await page.waitForSelector('.co-table tbody tr');
    const login = `e2e.${Date.now().toString(36)}`;
    await page.getByRole('button', { name: '新增人员' }).click();
    const dialog = page.locator('.ant-modal').last();
    await dialog.getByLabel('登录名').fill('Not Allowed');
    await dialog.getByLabel('姓名', { exact: true }).fill('䶮𠮷');
    await dialog.getByLabel('初始密码').fill('first password');
    await dialog.getByRole('button', { name: /创\s*建/ }).click();
    await dialog.locator('.yz-problem', { hasText: '登录名' }).waitFor();
    await assertAccessible(page, 'the dialog with an error');
    await dialog.getByLabel('登录名').fill(login);
    await dialog.getByRole('button', { name: /创\s*建/ }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.fill('.co-find input', login);
    const row = page.locator(`tr[data-login="${login}"]`);
    // The whole list holds them too: what is clicked must not move away when the narrowed one comes.
    await until('the list is narrowed', async () => (await page.locator('.co-table tbody tr').count()) === 1 && row.isVisible());
    assert.match(await row.textContent(), /䶮𠮷/);

    await row.getByRole('button').click();
    await dialog.getByLabel('系统管理员').check();
    await dialog.getByLabel('安全管理员').check();
    assert.equal(await dialog.getByLabel('系统管理员').isChecked(), false, 'no two administrators’ roles together');
    await dialog.getByLabel('安全管理员').uncheck();
    await dialog.getByLabel('客服', { exact: true }).check();
    await dialog.getByRole('button', { name: '查看改动' }).click();
    await dialog.getByText('（空） → 客服').waitFor();
    await dialog.getByRole('button', { name: /保\s*存/ }).click();
    await dialog.waitFor({ state: 'hidden' });
    await until('the role is there', async () => /客服/.test(await row.textContent()));

    const other = await openPage(browser);
    await enter(other, 'workbench', { login, password: 'first password' }, '.wb-lists', '?lang=zh');

    await row.getByRole('button').click();
    await dialog.getByRole('button', { name: /停\s*用/ }).click();
    const confirm = page.locator('.ant-modal-confirm');
    await confirm.waitFor();
    assert.match(await confirm.textContent(), new RegExp(`䶮𠮷.*${login.replaceAll('.', '\\.')}.*退出`, 's'));
    await until('the focus is on what harms nobody', async () => /取\s*消/.test(await focused(page)));
    await assertAccessible(page, 'the confirmation');
    await confirm.getByRole('button', { name: /停\s*用/ }).click();
    await row.waitFor({ state: 'detached' });
    await page.locator('.co-strip', { hasText: '停用' }).waitFor();
    await page.locator('.co-check input').first().check();
    await row.waitFor();
    assert.match(await row.textContent(), /已停用/);
    await assert.rejects(call(other, 'directory.v1.SessionService/WhoAmI', {}), /unauthenticated/);
    await other.context().close();
    assertClean(page);
    await page.context().close();
  });
  await Promise.all([health, people]);

  await t.test('a name that is taken is told, and nothing typed is lost', async () => {
    const page = await office('?lang=zh#/people', '.co-table');
    await page.getByRole('button', { name: '新增人员' }).click();
    const dialog = page.locator('.ant-modal').last();
    await dialog.getByLabel('登录名').fill(agent.login);
    await dialog.getByLabel('姓名', { exact: true }).fill('重名');
    await dialog.getByLabel('初始密码').fill('long enough');
    await dialog.getByRole('button', { name: /创\s*建/ }).click();
    await dialog.locator('.yz-problem', { hasText: '未能完成' }).waitFor();
    assert.equal(await dialog.getByLabel('姓名', { exact: true }).inputValue(), '重名');
    await page.locator('.co-strip [data-task=failed]').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await until('the focus is back', async () => /新增人员/.test(await focused(page)));
    await page.context().close();
  });

  await t.test('departments are a tree with their people', async () => {
    const page = await office('?lang=zh', '.co-sentence');
    await page.getByRole('link', { name: '部门' }).click();
    await page.waitForSelector('.co-table tbody tr');
    const { departments } = await call(page, 'directory.v1.DirectoryService/ListDepartments', {});
    assert.equal(await page.locator('.co-table tbody tr').count(), departments.length);
    const name = `支行 ${Date.now().toString(36)}`;
    await page.getByRole('button', { name: '新增下级' }).first().click();
    await page.locator('.ant-modal').last().getByLabel('部门名称').fill(name);
    await page.keyboard.press('Enter');
    await page.locator('.co-table', { hasText: name }).waitFor();
    assertClean(page);
    await page.context().close();
  });

  await t.test('every look is usable by everybody and fits at 200 %', async () => {
    const page = await office('', '.co-sentence');
    for (const look of ['?theme=light&lang=zh', '?theme=dark&lang=zh', '?theme=light&lang=en', '?theme=dark&lang=en', '?lang=pseudo']) {
      for (const route of ['health', 'people', 'departments', 'partitions', 'backup', 'nowhere']) {
        await page.setViewportSize({ width: 1440, height: 900 });
        await page.goto(pageUrl('console', `${look}#/${route}`));
        await page.waitForSelector('.co-main :is(.co-parts, .co-table, .yz-state a)');
        if (!look.includes('pseudo')) await assertAccessible(page, `${route}, ${look}`);
        await page.setViewportSize({ width: 720, height: 450 });
        await assertNoSideways(page, `${route} at 200 %, ${look}`);
      }
    }
    assertClean(page);
    await page.context().close();
  });

  await t.test('the auditor sees health and partitions; others are told why not', async () => {
    const page = await openPage(browser);
    await enter(page, 'console', audit, '.co-sentence', '?lang=zh');
    assert.deepEqual(await page.$$eval('.co-nav a', (links) => links.map((link) => link.textContent)), ['运行状况', '分区', '备份']);
    await page.getByRole('link', { name: '备份' }).click();
    await page.waitForSelector('[data-backup=ok]');
    assert.equal(await page.getByRole('button', { name: '立即备份' }).count(), 0, 'who looks does not begin');
    await page.context().close();
    const other = await openPage(browser);
    await enter(other, 'console', agent, '.yz-state', '?lang=zh');
    assert.match(await other.textContent('.yz-state'), /没有使用此页面的权限/);
    await other.context().close();
  });
});
