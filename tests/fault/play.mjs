// A run: clients write, read and audit while something happens; then everything has to be there.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { results, step, StepFailed } from '../e2e/harness/steps.mjs';
import { Fleet } from './fleet.mjs';
import { History, random } from './history.mjs';

/** `happens`: async ({ fleet, dice, history }), in steps; `program`: what the machines begin as; `title` and `again`: for people. Ends the process. */
export async function play({ hosts, seed = Math.floor(Math.random() * 4_294_967_296), program, title, again }, happens) {
  const dice = random(seed);
  const folder = mkdtempSync(join(tmpdir(), 'yizhan-fault-'));
  const logs = 'build/fault';
  rmSync(logs, { recursive: true, force: true });
  mkdirSync(logs, { recursive: true });
  console.log(`seed ${seed}, ${title}; logs in ${logs}`);

  const fleet = new Fleet(folder, (name) => join(logs, `${name}.log`), hosts);
  const history = new History(fleet, dice);
  try {
    await step(`${hosts} hosts, an etcd and a machine on each`, () => fleet.begin(program), 120_000);
    await step('clients log in, and begin to write, read and audit', () => history.begin());
    await happens({ fleet, dice, history });
    await step('everybody stops; what was sent is acknowledged', () => history.end(), 90_000);
    await step('all machines hold the same', () => fleet.settled(fleet.names, 60_000), 90_000);
    await step('nothing is lost, twice, or out of order; the archive has one history', () => history.check(), 120_000);
    const waits = history.waits();
    console.log(`        ${waits.length} messages; waits p50 ${waits[waits.length >> 1]} ms, p99 ${waits[Math.floor(waits.length * 0.99)]} ms, longest ${waits.at(-1)} ms`);
  } catch (error) {
    if (!(error instanceof StepFailed)) console.log(error);
    for (const problem of history.problems.slice(0, 20)) console.log(`        ${problem}`);
    console.log(`again with: tests/fault/run.sh ${again} --seed ${seed}`);
  } finally {
    history.going = false;
    await fleet.stop().catch((error) => console.log(error));
    if (process.env.YIZHAN_KEEP !== '1') rmSync(folder, { recursive: true, force: true });
  }
  const { passed, failed } = results();
  console.log(`${passed} steps passed, ${failed} failed`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}
