// Hosts on one machine: network namespaces on a bridge, and what can happen between them.

import { must, run, start } from '../e2e/harness/children.mjs';

const ip = (...args) => must('/usr/sbin/ip', args);

/** 10.77.0.1, 10.77.0.2, …; this process is at 10.77.0.254. */
export class Hosts {
  constructor(count) {
    this.names = Array.from({ length: count }, (_, i) => `n${i + 1}`);
    this.rules = new Map(this.names.map((name) => [name, []]));
  }

  address(name) {
    return `10.77.0.${name.slice(1)}`;
  }

  async make() {
    await ip('link', 'add', 'br0', 'type', 'bridge');
    await ip('addr', 'add', '10.77.0.254/24', 'dev', 'br0');
    await ip('link', 'set', 'br0', 'up');
    for (const name of this.names) {
      await ip('netns', 'add', name);
      await ip('link', 'add', `v-${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
      await ip('link', 'set', `v-${name}`, 'master', 'br0', 'up');
      await ip('-n', name, 'addr', 'add', `${this.address(name)}/24`, 'dev', 'eth0');
      await ip('-n', name, 'link', 'set', 'eth0', 'up');
      await ip('-n', name, 'link', 'set', 'lo', 'up');
    }
  }

  /** A program on a host; the child is the program itself. */
  start(name, program, args, options) {
    return start('/usr/sbin/ip', ['netns', 'exec', name, program, ...args], options);
  }

  /** Packets that `rule` (nft's words) finds among those that a host receives go nowhere, until heal(). */
  async drop(name, rule) {
    this.rules.get(name).push(`${rule} drop`);
    await this.apply(name);
  }

  /** No packet between the two, or only none from `a` to `b`. */
  async cut(a, b, { oneWay = false } = {}) {
    await this.drop(b, `ip saddr ${this.address(a)}`);
    if (!oneWay) await this.drop(a, `ip saddr ${this.address(b)}`);
  }

  /** Some of the packets that a host receives from others are lost. */
  async lose(name, percent) {
    await this.drop(name, `ip saddr 10.77.0.0/24 numgen random mod 100 < ${percent}`);
  }

  /** A host sends at this rate and no more: what is over waits, up to half a second, and then is lost. */
  async slow(name, rate) {
    await must('/usr/sbin/tc', ['-n', name, 'qdisc', 'replace', 'dev', 'eth0', 'root', 'tbf', 'rate', rate, 'burst', '16kbit', 'latency', '500ms']);
    this.slowed = name;
  }

  async heal() {
    for (const name of this.names) {
      if (this.rules.get(name).length === 0) continue;
      this.rules.set(name, []);
      await this.apply(name);
    }
    if (this.slowed) await must('/usr/sbin/tc', ['-n', this.slowed, 'qdisc', 'del', 'dev', 'eth0', 'root']);
    this.slowed = undefined;
  }

  async apply(name) {
    const rules = this.rules.get(name).map((rule) => `    ${rule}\n`).join('');
    const table = `table inet faults {\n  chain in {\n    type filter hook input priority 0;\n${rules}  }\n}\n`;
    await must('/usr/sbin/ip', ['netns', 'exec', name, '/usr/sbin/nft', '-f', '-'], { input: `table inet faults\ndelete table inet faults\n${table}` });
  }

  async stop() {
    for (const name of this.names) await run('/usr/sbin/ip', ['netns', 'del', name]);
  }
}
