// An etcd member and the product on each host.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { must, run } from '../e2e/harness/children.mjs';
import { Cluster } from '../e2e/harness/cluster.mjs';
import { until } from '../e2e/harness/steps.mjs';
import { Hosts } from './hosts.mjs';

export class Fleet extends Cluster {
  constructor(folder, log, count) {
    super(folder, log);
    this.hosts = new Hosts(count);
    this.names = this.hosts.names;
    this.members = {};
  }

  etcdUrl(name, port) {
    return `http://${this.hosts.address(name)}:${port}`;
  }

  startMember(name, state = 'new') {
    const peers = this.names.map((each) => `${each}=${this.etcdUrl(each, 2380)}`).join(',');
    this.members[name] = this.hosts.start(name, '/usr/bin/etcd', ['--name', name, '--data-dir', join(this.folder, `etcd-${name}`), '--listen-client-urls', this.etcdUrl(name, 2379), '--advertise-client-urls', this.etcdUrl(name, 2379), '--listen-peer-urls', this.etcdUrl(name, 2380), '--initial-advertise-peer-urls', this.etcdUrl(name, 2380), '--initial-cluster', peers, '--initial-cluster-state', state, '--heartbeat-interval', '100', '--election-timeout', '1000', '--logger', 'zap'], { log: this.log(`etcd-${name}`) });
  }

  async killMember(name) {
    this.members[name].kill('SIGKILL');
    await this.members[name].ended;
  }

  /** The member that leads, as one says that can be asked. */
  async leader() {
    for (const name of this.names) {
      try {
        const answer = await fetch(`${this.etcdUrl(name, 2379)}/v3/maintenance/status`, { method: 'POST', body: '{}', signal: AbortSignal.timeout(2_000) });
        const { header, leader } = await answer.json();
        if (header.member_id === leader) return name;
      } catch {
        // Another one is asked.
      }
    }
    return undefined;
  }

  /** Leaves no byte on a machine's disk. */
  async fillDisk(name) {
    await run('/usr/bin/dd', ['if=/dev/zero', `of=${this.machines[name].data}/filler`, 'bs=1M']);
  }

  freeDisk(name) {
    rmSync(join(this.machines[name].data, 'filler'));
  }

  /** What every machine's process is preloaded with: a clock that can be moved, and power that can be cut. */
  async makeLibraries() {
    for (const [name, source] of [['clock', '../e2e/harness/clock_shift.c'], ['power', 'power.c']]) {
      await must('/usr/bin/gcc', ['-shared', '-fPIC', '-O1', '-o', join(this.folder, `${name}.so`), fileURLToPath(new URL(source, import.meta.url))]);
    }
  }

  /** Seconds that a machine's clock is ahead, from now on. */
  setClock(name, seconds) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(seconds));
    writeFileSync(join(this.folder, `clock-${name}`), bytes, { flag: 'r+' });
  }

  /** Whether a machine's end from its next start on is a power cut (what was not synced is gone), or that of its process only. */
  setPower(name, cut) {
    this.machines[name].env = {
      LD_PRELOAD: [join(this.folder, 'clock.so'), join(this.folder, 'power.so')].join(':'),
      CLOCK_SHIFT_FILE: join(this.folder, `clock-${name}`),
      POWER_DIR: cut ? this.machines[name].data : '',
    };
  }

  /** Hosts, etcd, and the machines of a cluster that the first one founds. */
  async begin(program) {
    await this.makeLibraries();
    await this.hosts.make();
    for (const name of this.names) this.startMember(name);
    await until('etcd has a leader', () => this.leader(), 30_000);
    await this.prepare(this.names, {
      address: (name) => this.hosts.address(name),
      etcd: (name) => [name, ...this.names.filter((each) => each !== name)].map((each) => `${this.hosts.address(each)}:2379`),
      launch: (name, program, args, options) => this.hosts.start(name, program, args, options),
    });
    for (const name of this.names) {
      // A disk of its own, which can be full.
      mkdirSync(this.machines[name].data);
      await must('/usr/bin/mount', ['-t', 'tmpfs', '-o', 'size=1g', 'disk', this.machines[name].data]);
      writeFileSync(join(this.folder, `clock-${name}`), Buffer.alloc(8));
      this.setPower(name, true);
      if (program) this.machines[name].program = program;
    }
    await this.startAll(this.names);
  }

  async stop() {
    for (const machine of Object.values(this.machines)) {
      if (machine.running()) await machine.kill();
    }
    for (const name of Object.keys(this.members)) await this.killMember(name);
    for (const machine of Object.values(this.machines)) await run('/usr/bin/umount', [machine.data]);
    await this.hosts.stop();
  }
}
