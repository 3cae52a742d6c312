// What happens to the hosts. Each fault is brought about, lasts, and is taken back; `names` are picked by the seed.

import { until } from '../e2e/harness/steps.mjs';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Another one than `name`. */
const other = (dice, names, name) => dice.of(names.filter((each) => each !== name));

/** The machine that decides for one of the partitions whose names begin so. */
async function owner(fleet, dice, begin = 'im/') {
  const { partitions } = await fleet.status(dice.of(fleet.names));
  return dice.of(partitions.filter((one) => one.partition.startsWith(begin) && one.owner)).owner;
}

/** Starts a machine again; whether its next end is a power cut is the seed's to say. */
function revive(fleet, dice, name) {
  fleet.setPower(name, dice.below(3) > 0);
  return fleet.machines[name].start();
}

const clocks = { 'an hour ahead': 3_600, 'an hour behind': -3_600, 'twelve days ahead': 12 * 86_400, 'ten years behind': -10 * 365 * 86_400 };

/** name -> async (fleet, dice) => how it is taken back. */
export const faults = {
  'kill -9 of a machine that decides': async (fleet, dice) => {
    const name = await owner(fleet, dice);
    await fleet.machines[name].kill();
    return { said: name, back: () => revive(fleet, dice, name) };
  },
  'kill -9 of the machine that keeps the archive': async (fleet, dice) => {
    const name = await owner(fleet, dice, 'audit/');
    await fleet.machines[name].kill();
    return { said: name, back: () => revive(fleet, dice, name) };
  },
  'kill -9 of a machine, and again while it comes back': async (fleet, dice) => {
    const name = await owner(fleet, dice);
    await fleet.machines[name].kill();
    for (let i = 0; i < 3; i += 1) {
      const coming = revive(fleet, dice, name).catch(() => {});
      await pause(100 + dice.below(600));
      await fleet.machines[name].kill();
      await coming;
    }
    return { said: name, back: () => revive(fleet, dice, name) };
  },
  'the clock of a machine that decides jumps, and back': async (fleet, dice) => {
    const name = await owner(fleet, dice);
    const how = dice.of(Object.keys(clocks));
    fleet.setClock(name, clocks[how]);
    return { said: `${name}, ${how}`, ms: 5_000, back: () => fleet.setClock(name, 0) };
  },
  'the disk of a machine that decides is full': async (fleet, dice) => {
    const name = await owner(fleet, dice);
    await fleet.fillDisk(name);
    return { said: name, ms: 6_000, back: () => fleet.freeDisk(name) };
  },
  'kill -9 of all machines at once': async (fleet, dice) => {
    await Promise.all(fleet.names.map((name) => fleet.machines[name].kill()));
    return { said: 'all', ms: 500, back: () => Promise.all(fleet.names.map((name) => revive(fleet, dice, name))) };
  },
  'a machine is paused for longer than its lease': async (fleet, dice) => {
    const name = await owner(fleet, dice);
    fleet.machines[name].child.kill('SIGSTOP');
    return { said: name, ms: 8_000, back: () => fleet.machines[name].child.kill('SIGCONT') };
  },
  'a host is cut off from all others': async (fleet, dice) => {
    const name = await owner(fleet, dice);
    for (const each of fleet.names) if (each !== name) await fleet.hosts.cut(name, each);
    return { said: name, ms: 8_000 };
  },
  'a host hears the others, and they do not hear it': async (fleet, dice) => {
    const name = await owner(fleet, dice);
    for (const each of fleet.names) if (each !== name) await fleet.hosts.cut(name, each, { oneWay: true });
    return { said: name, ms: 8_000 };
  },
  'two hosts do not reach one another': async (fleet, dice) => {
    const name = dice.of(fleet.names);
    const second = other(dice, fleet.names, name);
    await fleet.hosts.cut(name, second);
    return { said: `${name}, ${second}`, ms: 6_000 };
  },
  'a host loses a third of its packets': async (fleet, dice) => {
    const name = dice.of(fleet.names);
    await fleet.hosts.lose(name, 33);
    return { said: name, ms: 6_000 };
  },
  'a host has a slow line': async (fleet, dice) => {
    const name = dice.of(fleet.names);
    await fleet.hosts.slow(name, '512kbit');
    return { said: name, ms: 6_000 };
  },
  'an etcd member is killed': async (fleet, dice) => {
    const name = dice.of(fleet.names);
    await fleet.killMember(name);
    return { said: name, back: () => fleet.startMember(name, 'existing') };
  },
  'an etcd member is paused': async (fleet, dice) => {
    const name = dice.of(fleet.names);
    fleet.members[name].kill('SIGSTOP');
    return { said: name, ms: 8_000, back: () => fleet.members[name].kill('SIGCONT') };
  },
  "etcd's leader is killed": async (fleet) => {
    const name = await until('etcd has a leader', () => fleet.leader(), 20_000);
    await fleet.killMember(name);
    return { said: name, back: () => fleet.startMember(name, 'existing') };
  },
  "etcd's leader reaches no other member, but its clients": async (fleet) => {
    const name = await until('etcd has a leader', () => fleet.leader(), 20_000);
    for (const each of fleet.names) {
      if (each === name) continue;
      await fleet.hosts.drop(each, `ip saddr ${fleet.hosts.address(name)} tcp dport 2380`);
      await fleet.hosts.drop(name, `ip saddr ${fleet.hosts.address(each)} tcp dport 2380`);
    }
    return { said: name, ms: 8_000 };
  },
  "etcd's quorum is gone": async (fleet) => {
    const gone = fleet.names.slice(0, Math.floor(fleet.names.length / 2) + 1);
    for (const name of gone) await fleet.killMember(name);
    return { said: gone.join(', '), ms: 6_000, back: () => gone.forEach((name) => fleet.startMember(name, 'existing')) };
  },
};

/** Brings one about, waits, takes it back, and waits until the fleet is whole again: seconds that took. */
export async function strike(fleet, dice, name) {
  const { said, ms = 4_000, back = () => {} } = await faults[name](fleet, dice);
  await pause(ms);
  await fleet.hosts.heal();
  await back();
  const begun = Date.now();
  await fleet.whole(fleet.names, 60_000);
  return { said, seconds: ((Date.now() - begun) / 1000).toFixed(1) };
}
