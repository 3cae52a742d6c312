// Machines of a cluster: each a process with a folder, a certificate and ports of its own; on loopback with one etcd, unless told otherwise.

import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must, start } from './children.mjs';
import { binary, freePortBase, Product } from './product.mjs';
import { until } from './steps.mjs';

export class Cluster {
  constructor(folder, log) {
    Object.assign(this, { folder, log, machines: {}, configs: {} });
    mkdirSync(folder, { recursive: true });
  }

  /** An etcd with one member. */
  async prepareEtcd(launch = start) {
    const base = await freePortBase();
    this.etcdEndpoint = `127.0.0.1:${base}`;
    this.etcdArgs = ['--name', 'e', '--data-dir', join(this.folder, 'etcd'), '--listen-client-urls', `http://${this.etcdEndpoint}`, '--advertise-client-urls', `http://${this.etcdEndpoint}`, '--listen-peer-urls', `http://127.0.0.1:${base + 1}`, '--initial-advertise-peer-urls', `http://127.0.0.1:${base + 1}`, '--initial-cluster', `e=http://127.0.0.1:${base + 1}`, '--logger', 'zap'];
    this.startEtcd(launch);
  }

  /** The authority, and for each name a certificate and a configuration: `address` and `etcd` of a name, `launch` as start() behind a name, `config` for all. */
  async prepare(names, { address = () => '127.0.0.1', etcd = () => [this.etcdEndpoint], launch, pages = '', config = '' } = {}) {
    const authority = join(this.folder, 'authority');
    await must(binary, ['cluster', 'authority', authority]);
    for (const name of names) {
      await must(binary, ['cluster', 'certificate', name, '--authority', authority, '--host', address(name), '--out', join(this.folder, 'certificates')]);
      const dir = join(this.folder, name);
      mkdirSync(dir);
      const portBase = await freePortBase();
      const found = name === names[0];
      const single = `data: ${join(dir, 'data')}
address: ${address(name)}
demonstration: ${found}
log_level: info
${config}`;
      this.configs[name] = `${single}cluster:
  node: ${name}
  found: ${found}
  address: ${address(name)}:${(await freePortBase()) + 4}
  ca: ${authority}/ca.pem
  certificate: ${this.folder}/certificates/${name}.pem
  key: ${this.folder}/certificates/${name}.key
  etcd: ${JSON.stringify(etcd(name))}
`;
      this.machines[name] = new Product({ dir, log: this.log(`machine-${name}`), pages, config: single, portBase, ...(launch ? { launch: (...args) => launch(name, ...args) } : {}) });
    }
  }

  /** All of them, from nothing: the first one founds. */
  async startAll(names) {
    for (const name of names) {
      this.enlist(name);
      if (name !== names[0]) this.copyKeys(names[0], name);
      await this.machines[name].start();
    }
    await this.whole(names, 60_000);
  }

  /** From a single machine to one of the cluster: its configuration names it. */
  enlist(name) {
    writeFileSync(this.machines[name].configFile, this.configs[name]);
  }

  startEtcd(launch = start) {
    this.etcd = launch('/usr/bin/etcd', this.etcdArgs, { log: this.log('etcd') });
  }

  /** A further machine, made by one command at `from` into the folder `out`, brought to its place and started. */
  async add(name, from, out) {
    const address = `127.0.0.1:${(await freePortBase()) + 4}`;
    await must(binary, ['cluster', 'add', name, '--config', this.machines[from].configFile, '--authority', join(this.folder, 'authority'), '--address', address, '--out', out]);
    const dir = join(this.folder, name);
    mkdirSync(dir);
    const machine = new Product({ dir, log: this.log(`machine-${name}`), pages: '', portBase: await freePortBase() });
    this.machines[name] = machine;
    cpSync(join(out, 'yizhan.yaml'), machine.configFile);
    for (const each of [`${name}.pem`, `${name}.key`]) cpSync(join(out, each), join(this.folder, 'certificates', each));
    cpSync(join(out, 'keys'), join(machine.data, 'keys'), { recursive: true });
    await machine.start();
  }

  /** Gives what a machine decides for to the others, and waits until it has; or lets it take part again. */
  async drain(name, verb = 'drain') {
    await must(binary, ['cluster', verb, '--config', this.machines[name].configFile]);
  }

  async resume(name) {
    await this.drain(name, 'resume');
  }

  /** Who decides for the conversation that `write` lengthens, while nobody else writes: its partition is the one that grows. */
  async ownerOf(write) {
    const heads = async () => (await this.status(Object.keys(this.machines)[0])).partitions.filter((one) => one.partition.startsWith('im/'));
    const then = await heads();
    await write();
    const now = await heads();
    return now.find((one, i) => one.head !== then[i].head).owner;
  }

  /** What all machines share, as an administrator would copy it. */
  copyKeys(from, to) {
    cpSync(join(this.machines[from].data, 'keys'), join(this.machines[to].data, 'keys'), { recursive: true });
  }

  async status(name) {
    const { out } = await must(binary, ['cluster', 'status', '--json', '--config', this.machines[name].configFile]);
    return JSON.parse(out);
  }

  /** Until these machines and no others are there, up to date, and each partition is owned by one of them. */
  async whole(names, ms = 30_000) {
    return until(`${names} are all there is`, async () => {
      const all = await Promise.all(names.map((name) => this.status(name)));
      return all.every((each) => each.ready && each.members.length === names.length && each.partitions.every((one) => names.includes(one.owner) && one.problem === '')) && all;
    }, ms, 200);
  }

  /** And until they hold the same. While nobody writes. */
  async settled(names, ms = 30_000) {
    return until(`${names} hold the same`, async () => {
      const all = await this.whole(names, ms);
      return new Set(all.map((each) => JSON.stringify(each.partitions.map((one) => [one.partition, one.head])))).size === 1 && all[0];
    }, ms, 200);
  }

  async stop() {
    // The first one has what may be needed longest.
    for (const machine of Object.values(this.machines).reverse()) await machine.stop().catch((error) => console.log(`        ${error.message}`));
    this.etcd?.kill('SIGTERM');
    await this.etcd?.ended;
  }
}
