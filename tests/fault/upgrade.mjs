// From one version of the program to another, machine by machine, while everybody writes; and back again. Nothing that the newer one has
// recorded may stop the older one.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { binary } from '../e2e/harness/product.mjs';
import { results, step, StepFailed } from '../e2e/harness/steps.mjs';
import { Fleet } from './fleet.mjs';
import { History, random } from './history.mjs';

const { values } = parseArgs({ options: { from: { type: 'string', default: binary }, seed: { type: 'string' } } });
const seed = Number(values.seed ?? Math.floor(Math.random() * 4_294_967_296));
const folder = mkdtempSync(join(tmpdir(), 'yizhan-upgrade-'));
const logs = 'build/fault';
rmSync(logs, { recursive: true, force: true });
mkdirSync(logs, { recursive: true });
console.log(`seed ${seed}, from ${values.from} to ${binary} and back; logs in ${logs}`);

const fleet = new Fleet(folder, (name) => join(logs, `${name}.log`), 3);
const history = new History(fleet, random(seed));

/** One machine after the other is drained, stopped, and started as `program`. */
async function roll(program) {
  for (const name of fleet.names) {
    await fleet.drain(name);
    await fleet.machines[name].stop();
    fleet.machines[name].program = program;
    await fleet.machines[name].start();
    await fleet.whole(fleet.names, 60_000);
  }
}

try {
  await step('three machines of the version of before', () => fleet.begin(values.from), 120_000);
  await step('clients log in, and begin to write, read and audit', () => history.begin());
  await step('one after the other becomes the new version', () => roll(binary), 180_000);
  await step('and the former one again', () => roll(values.from), 180_000);
  await step('everybody stops; what was sent is acknowledged', () => history.end(), 90_000);
  await step('all machines hold the same', () => fleet.settled(fleet.names, 60_000), 90_000);
  await step('nothing is lost, twice, or out of order; the archive has one history', () => history.check(), 120_000);
  const waits = history.waits();
  console.log(`        ${waits.length} messages; waits p50 ${waits[waits.length >> 1]} ms, p99 ${waits[Math.floor(waits.length * 0.99)]} ms, longest ${waits.at(-1)} ms`);
} catch (error) {
  if (!(error instanceof StepFailed)) console.log(error);
  for (const problem of history.problems.slice(0, 20)) console.log(`        ${problem}`);
} finally {
  history.going = false;
  await fleet.stop().catch((error) => console.log(error));
  if (process.env.YIZHAN_KEEP !== '1') rmSync(folder, { recursive: true, force: true });
}
const { passed, failed } = results();
console.log(`${passed} steps passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
