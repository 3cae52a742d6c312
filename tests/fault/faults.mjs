// A seeded sequence of faults, while everybody works.

import { parseArgs } from 'node:util';
import { step } from '../e2e/harness/steps.mjs';
import { faults, strike } from './nemesis.mjs';
import { play } from './play.mjs';

const { values } = parseArgs({ options: { hosts: { type: 'string', default: '3' }, seed: { type: 'string' }, faults: { type: 'string', default: '8' }, only: { type: 'string' }, list: { type: 'boolean' } } });
if (values.list) {
  for (const name of Object.keys(faults)) console.log(name);
  process.exit(0);
}
const only = values.only ? ` --only ${JSON.stringify(values.only)}` : '';
const run = { hosts: Number(values.hosts), seed: values.seed && Number(values.seed), title: `${values.hosts} hosts`, again: `--hosts ${values.hosts} --faults ${values.faults}${only}` };
await play(run, async ({ fleet, dice, history }) => {
  const pool = Object.keys(faults).filter((name) => !values.only || values.only.split(',').some((word) => name.includes(word)));
  for (let i = 0, bag = []; i < Number(values.faults); i += 1) {
    if (bag.length === 0) bag = [...pool];
    const [name] = bag.splice(dice.below(bag.length), 1);
    const before = history.acknowledged;
    await step(name, async () => {
      const { said, seconds } = await strike(fleet, dice, name);
      console.log(`        ${said}; whole again ${seconds} s after; ${history.acknowledged - before} acknowledged meanwhile`);
    }, 150_000);
  }
});
