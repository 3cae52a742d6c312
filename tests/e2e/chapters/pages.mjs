// The pages' own tests (tests/e2e/pages), against the product that runs: two files at a time.

import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../harness/children.mjs';
import { check, unique } from '../harness/steps.mjs';
import { agentCall } from '../pages/apps.mjs';

/** They share the desk's queue and its agents: one after the other. */
const desk = ['workbench', 'widget', 'audit'];
/** The kit without the product: services/web/unit.sh runs these. */
const without = ['ime', 'message_list'];

export default async function pages(world) {
  // Whoever is left from the other chapters goes home: an agent who stays online would be given this one's visitors.
  if (world.desk?.page) await agentCall(world.desk.page, 'SetState', { state: 'STATE_OFFLINE', requestId: unique('home') });
  for (const context of world.browser.contexts()) await context.close();

  const folder = join(world.root, 'tests/e2e/pages');
  const path = (name) => join(folder, `${name}.test.mjs`);
  const found = readdirSync(folder).filter((each) => each.endsWith('.test.mjs')).map((each) => each.slice(0, -'.test.mjs'.length));
  // The long ones first.
  const others = found.filter((each) => !desk.includes(each) && !without.includes(each)).sort((a, b) => statSync(path(b)).size - statSync(path(a)).size);
  const play = (name) => check(`pages/${name}`, async () => {
    const { code, out, err } = await run(process.execPath, ['--test', '--test-reporter=spec', path(name)], { cwd: world.root, ms: 290_000, env: { YIZHAN_INFO: world.product.infoFile, YIZHAN_SCREENSHOTS: world.shots, YIZHAN_OUT: world.out } });
    writeFileSync(join(world.out, `${name}.test.txt`), out + err);
    if (code !== 0) throw new Error(`${name}.test.mjs failed:\n${(out + err).split('\n').slice(-120).join('\n')}`);
  }, 300_000);
  const all = async (names) => {
    for (let name; (name = names.shift()); ) await play(name);
  };
  await Promise.all([all([...desk]).then(() => all(others)), all(others)]);
}
