// The pages' own tests (tests/e2e/pages), against the product that runs.

import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../harness/children.mjs';
import { check } from '../harness/steps.mjs';

export default async function pages(world) {
  const folder = join(world.root, 'tests/e2e/pages');
  for (const file of readdirSync(folder).filter((each) => each.endsWith('.test.mjs')).sort()) {
    await check(`pages/${file}`, async () => {
      const { code, out, err } = await run(process.execPath, ['--test', '--test-reporter=spec', join(folder, file)], { cwd: world.root, ms: 290_000, env: { YIZHAN_INFO: world.product.infoFile, YIZHAN_SCREENSHOTS: world.shots } });
      writeFileSync(join(world.out, `${file}.txt`), out + err);
      if (code !== 0) throw new Error(`${file} failed:\n${(out + err).split('\n').slice(-120).join('\n')}`);
    }, 300_000);
  }
}
