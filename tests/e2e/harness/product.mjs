// The appliance as its operator has it: a process, a data folder, a configuration file, ports.

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { start, tail } from './children.mjs';
import { until } from './steps.mjs';

const build = process.env.YIZHAN_BUILD;
export const binary = join(build, 'bin/yizhan');

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** The first of some free ports in a row: after a restart everything is where it was. */
export async function freePortBase(count = 5) {
  for (let tries = 0; tries < 200; tries += 1) {
    const base = 20_000 + count * Math.floor(Math.random() * (12_000 / count));
    const free = await Promise.all(Array.from({ length: count }, (_, offset) => isFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
  throw new Error(`no ${count} free ports in a row`);
}

export class Product {
  /** dir: a folder of its own; config: lines of YAML beside the flags; flags: more of them; processes: each service as one; env: of its process; launch: as start(). */
  constructor({ dir, log, pages = process.env.YIZHAN_PAGES, config = '', flags = [], processes = false, portBase, env = {}, launch = start, program = binary }) {
    Object.assign(this, { dir, log, pages, flags, processes, portBase, env, launch, program });
    this.data = join(dir, 'data');
    this.infoFile = join(dir, 'info.json');
    this.configFile = join(dir, 'yizhan.yaml');
    writeFileSync(this.configFile, config);
  }

  /** Where a service's data is. */
  dataOf(service) {
    return this.processes ? join(this.data, service) : this.data;
  }

  /** The folders with a ledger. */
  ledgers() {
    return this.processes ? ['directory', 'im', 'desk', 'audit'].map((service) => this.dataOf(service)) : [this.data];
  }

  /** Each service's process that runs now: {service: pid}. */
  services() {
    const found = {};
    for (const task of readdirSync(`/proc/${this.child.pid}/task`)) {
      for (const child of readFileSync(`/proc/${this.child.pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean)) {
        const words = readFileSync(`/proc/${child}/cmdline`, 'utf8').split('\0');
        if (words[1] === 'serve') found[words[2]] = Number(child);
      }
    }
    return found;
  }

  args() {
    return ['run', '--config', this.configFile, '--data', this.data, '--info', this.infoFile, '--port-base', String(this.portBase), ...(this.pages ? ['--pages', this.pages] : []), ...(this.processes ? ['--processes', '--inner-port-base', String(this.innerPortBase)] : []), ...this.flags];
  }

  /** Starts it and waits until it says where it is; milliseconds that took. */
  async start(ms = 60_000) {
    this.portBase ??= await freePortBase();
    if (this.processes) this.innerPortBase ??= await freePortBase(16);
    rmSync(this.infoFile, { force: true });
    const begun = Date.now();
    const child = this.launch(this.program, this.args(), { log: this.log, env: this.env });
    this.child = child;
    let end;
    void child.ended.then((how) => { end = how; });
    await until('the product runs', () => end ?? existsSync(this.infoFile), ms, 20).catch((error) => {
      child.kill('SIGKILL');
      throw error;
    });
    if (end) throw new Error(`it did not start: ${JSON.stringify(end)}\n${tail(this.log, 12)}`);
    this.info = JSON.parse(readFileSync(this.infoFile, 'utf8'));
    return Date.now() - begun;
  }

  /** kill -9: nothing is written any more. */
  async kill() {
    this.child.kill('SIGKILL');
    await this.child.ended;
  }

  /** As Ctrl-C: it has 20 s to end in order. */
  async stop(signal = 'SIGTERM') {
    if (!this.child || this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill(signal);
    const late = setTimeout(() => this.child.kill('SIGKILL'), 20_000);
    const how = await this.child.ended;
    clearTimeout(late);
    if (how.code !== 0) throw new Error(`it did not end in order: ${JSON.stringify(how)}\n${tail(this.log)}`);
  }

  running() {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }
}
