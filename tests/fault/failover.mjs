// How long senders wait when the machine that decides for their conversation dies: as a distribution.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Caller } from '../e2e/harness/calls.mjs';
import { Fleet } from './fleet.mjs';

const { values } = parseArgs({ options: { trials: { type: 'string', default: '50' } } });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const folder = mkdtempSync(join(tmpdir(), 'yizhan-failover-'));
mkdirSync('build/fault', { recursive: true });
const fleet = new Fleet(folder, (name) => join('build/fault', `${name}.log`), 3);
const gaps = { killed: [], drained: [] };
let code = 1;
try {
  await fleet.begin();
  const { info } = fleet.machines.n1;
  const [a, b] = info.people.filter((each) => each.roles.includes('employee'));
  const session = await new Caller(info).logIn(a, 'failover');
  const second = await new Caller(info).logIn(b, 'failover');
  const conversationId = `d:${[session.person.personId, second.person.personId].sort().join(':')}`;
  await session.call('im.v1.MessageService/SendMessage', { toPersonId: second.person.personId, clientId: 'begin', content: { text: '始' } });
  let n = 0;
  /** Writes at machines other than `away`, one message after the other, until `until` is done: the longest time between two acknowledgements. */
  const longestGap = async (away, until) => {
    const at = fleet.names.filter((name) => name !== away).map((name) => Object.assign(new Caller(fleet.machines[name].info, session.token), { ms: 15_000 }));
    let going = true;
    void until.then(() => { going = false; });
    let last = Date.now();
    for (let longest = 0; ; n += 1) {
      for (let tries = 0; ; tries += 1) {
        try {
          await at[(n + tries) % at.length].call('im.v1.MessageService/SendMessage', { conversationId, clientId: `m-${n}`, content: { text: `m-${n}` } });
          break;
        } catch {
          await pause(20);
        }
      }
      longest = Math.max(longest, Date.now() - last);
      last = Date.now();
      if (!going) return longest;
      await pause(5);
    }
  };
  const ownerNow = () => fleet.ownerOf(() => session.call('im.v1.MessageService/SendMessage', { conversationId, clientId: `who-${n}-${Date.now()}`, content: { text: '谁定' } }));
  for (let trial = 0; trial < Number(values.trials); trial += 1) {
    await fleet.whole(fleet.names, 60_000);
    let owner = await ownerNow();
    gaps.killed.push(await longestGap(owner, (async () => {
      await pause(300);
      await fleet.machines[owner].kill();
      await fleet.whole(fleet.names.filter((name) => name !== owner), 30_000);
    })()));
    await fleet.machines[owner].start();
    await fleet.whole(fleet.names, 60_000);
    owner = await ownerNow();
    gaps.drained.push(await longestGap(owner, (async () => {
      await fleet.drain(owner);
      await pause(300);
    })()));
    await fleet.resume(owner);
    console.log(`trial ${trial + 1}: killed ${gaps.killed.at(-1)} ms, drained ${gaps.drained.at(-1)} ms`);
  }
  for (const [what, list] of Object.entries(gaps)) {
    const sorted = [...list].sort((x, y) => x - y);
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
    console.log(`${what}: ${sorted.length} trials, p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms, longest ${sorted.at(-1)} ms`);
  }
  code = Math.max(...gaps.killed) <= 5_000 && Math.max(...gaps.drained) <= 1_000 ? 0 : 1;
} catch (error) {
  console.log(error);
} finally {
  await fleet.stop().catch((error) => console.log(error));
  if (process.env.YIZHAN_KEEP !== '1') rmSync(folder, { recursive: true, force: true });
}
process.exit(code);
