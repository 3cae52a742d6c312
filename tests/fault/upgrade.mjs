// From one version of the program to another, machine by machine, while everybody writes; and back again. Nothing that the newer one has
// recorded may stop the older one.

import { parseArgs } from 'node:util';
import { binary } from '../e2e/harness/product.mjs';
import { step } from '../e2e/harness/steps.mjs';
import { play } from './play.mjs';

const { values } = parseArgs({ options: { from: { type: 'string', default: binary }, seed: { type: 'string' } } });
const run = { hosts: 3, seed: values.seed && Number(values.seed), program: values.from, title: `from ${values.from} to ${binary} and back`, again: `upgrade --from ${values.from}` };
await play(run, async ({ fleet }) => {
  /** One machine after the other is drained, stopped, and started as `program`. */
  const roll = async (program) => {
    for (const name of fleet.names) {
      await fleet.drain(name);
      await fleet.machines[name].stop();
      fleet.machines[name].program = program;
      await fleet.machines[name].start();
      await fleet.whole(fleet.names, 60_000);
    }
  };
  await step('one after the other becomes the new version', () => roll(binary), 180_000);
  await step('and the former one again', () => roll(values.from), 180_000);
});
