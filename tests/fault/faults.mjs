// A run: clients write, read and audit while faults happen; then everything has to be there.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { results, step, StepFailed } from '../e2e/harness/steps.mjs';
import { Fleet } from './fleet.mjs';
import { History, random } from './history.mjs';
import { faults, strike } from './nemesis.mjs';

const { values } = parseArgs({ options: { hosts: { type: 'string', default: '3' }, seed: { type: 'string' }, faults: { type: 'string', default: '8' }, only: { type: 'string' }, list: { type: 'boolean' } } });
if (values.list) {
  for (const name of Object.keys(faults)) console.log(name);
  process.exit(0);
}
const seed = Number(values.seed ?? Math.floor(Math.random() * 4_294_967_296));
const dice = random(seed);
const folder = mkdtempSync(join(tmpdir(), 'yizhan-fault-'));
const logs = 'build/fault';
rmSync(logs, { recursive: true, force: true });
mkdirSync(logs, { recursive: true });
console.log(`seed ${seed}, ${values.hosts} hosts; logs in ${logs}`);

const fleet = new Fleet(folder, (name) => join(logs, `${name}.log`), Number(values.hosts));
const history = new History(fleet, dice);
try {
  await step(`${values.hosts} hosts, an etcd and a machine on each`, () => fleet.begin(), 120_000);
  await step('clients log in, and begin to write, read and audit', () => history.begin());
  const pool = values.only ? Object.keys(faults).filter((name) => values.only.split(',').some((word) => name.includes(word))) : Object.keys(faults);
  for (let i = 0, bag = []; i < Number(values.faults); i += 1) {
    if (bag.length === 0) bag = [...pool];
    const [name] = bag.splice(dice.below(bag.length), 1);
    const before = history.acknowledged;
    await step(name, async () => {
      const { said, seconds } = await strike(fleet, dice, name);
      console.log(`        ${said}; whole again ${seconds} s after; ${history.acknowledged - before} acknowledged meanwhile`);
    }, 150_000);
  }
  await step('everybody stops; what was sent is acknowledged', () => history.end(), 90_000);
  await step('all machines hold the same', () => fleet.settled(fleet.names, 60_000), 90_000);
  await step('nothing is lost, twice, or out of order; the archive has one history', () => history.check(), 120_000);
  const waits = history.waits();
  console.log(`        ${waits.length} messages; waits p50 ${waits[waits.length >> 1]} ms, p99 ${waits[Math.floor(waits.length * 0.99)]} ms, longest ${waits.at(-1)} ms`);
} catch (error) {
  if (!(error instanceof StepFailed)) console.log(error);
  for (const problem of history.problems.slice(0, 20)) console.log(`        ${problem}`);
  console.log(`again with: tests/fault/run.sh --seed ${seed} --hosts ${values.hosts} --faults ${values.faults}`);
} finally {
  history.going = false;
  await fleet.stop().catch((error) => console.log(error));
  if (process.env.YIZHAN_KEEP !== '1') rmSync(folder, { recursive: true, force: true });
}
const { passed, failed } = results();
console.log(`${passed} steps passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
