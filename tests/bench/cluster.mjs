// One process beside a process for each service and beside three machines of a cluster, the same load on each in one run: messages a second, how long they take, and what one costs in
// processor time, in bytes on disk and on the wire. In a network namespace of its own, so that every byte on the wire is one of these.
//
//   cluster.mjs --load DIR [--seconds N] [--rates R,…] [--people N] [--shapes one,processes,three] [--share F]
//
// All servers share core 0 and the load has core 1: what is compared is work, not what three machines could do side by side. With --share each server, etcd among
// them, has that part of core 0 for itself and no more (a control group's quota): machines of one size, as small as three and an etcd have to be to fit on one core.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { must, run, start } from '../e2e/harness/children.mjs';
import { Cluster } from '../e2e/harness/cluster.mjs';
import { Product } from '../e2e/harness/product.mjs';

const { values } = parseArgs({ options: { load: { type: 'string' }, seconds: { type: 'string', default: '10' }, rates: { type: 'string', default: '500,1000,2000' }, people: { type: 'string', default: '1000' }, shapes: { type: 'string', default: 'one,processes,three' }, share: { type: 'string', default: '0' } } });
const folder = mkdtempSync(join(tmpdir(), 'yizhan-bench-'));
const xmppPort = 15_522;
const ticks = Number(execFileSync('getconf', ['CLK_TCK']));
const groups = [];
const pinned = (program, args, options) => {
  const share = Number(values.share);
  if (share === 0) return start('/usr/bin/taskset', ['-c', '0', program, ...args], options);
  // Of 10 ms: what is used up early waits for the next.
  const [period, quota] = [10_000, Math.round(10_000 * share)];
  const old = existsSync('/sys/fs/cgroup/cpu/cpu.cfs_quota_us');
  const group = `/sys/fs/cgroup/${old ? 'cpu/' : ''}yizhan-bench-${process.pid}-${groups.length}`;
  mkdirSync(group);
  groups.push(group);
  if (old) {
    writeFileSync(`${group}/cpu.cfs_period_us`, String(period));
    writeFileSync(`${group}/cpu.cfs_quota_us`, String(quota));
  } else {
    writeFileSync(`${group}/cpu.max`, `${quota} ${period}`);
  }
  return start('/bin/sh', ['-c', `echo $$ > ${group}/cgroup.procs && exec /usr/bin/taskset -c 0 "$0" "$@"`, program, ...args], options);
};
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Seconds of processor time that processes have used. */
const processorTime = (pids) => pids.reduce((sum, pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return sum + (Number(fields[11]) + Number(fields[12])) / ticks;
}, 0);
const diskBytes = (paths) => paths.reduce((sum, path) => sum + Number(execFileSync('du', ['--summarize', '--block-size=1', path], { encoding: 'utf8' }).split('\t')[0]), 0);
/** Bytes over the loopback, by whom they concern. */
const wireBytes = () => Object.fromEntries([...execFileSync('nft', ['list', 'counters', 'inet'], { encoding: 'utf8' }).matchAll(/counter (\w+) \{\s+packets \d+ bytes (\d+)/g)].map(([, name, bytes]) => [name, Number(bytes)]));

async function countWire(ports) {
  const rules = Object.entries(ports).map(([name, list]) => `    tcp sport { ${list.join(', ')} } counter name ${name} accept\n    tcp dport { ${list.join(', ')} } counter name ${name} accept\n`).join('');
  const counters = [...Object.keys(ports), 'other'].map((name) => `  counter ${name} {}\n`).join('');
  await run('nft', ['delete', 'table', 'inet', 'bench']);
  await must('nft', ['-f', '-'], { input: `table inet bench {\n${counters}  chain out {\n    type filter hook output priority 0;\n${rules}    counter name other\n  }\n}\n` });
}

/** The load program against a product that runs: its results, one for each mode and rate. */
async function load(pids) {
  const args = ['-c', '1', join(folder, 'xmppload'), '--port', String(xmppPort), '--domain', 'localhost', '--scenario', 'chat', '--users', values.people, '--conc', '100', '--hold', '2', '--sm', '--window', '1', '--duration', values.seconds, '--warmup', '2', '--rates', values.rates, '--no-stop', '--pid', pids.join(',')];
  const file = join(folder, 'load.json');
  await must('/usr/bin/taskset', [...args, '--out', file], { ms: 600_000 });
  return JSON.parse(readFileSync(file, 'utf8')).results.filter((each) => each.scenario === 'chat');
}

/** What is measured of a shape: `machines` by name, each with its process and folder. */
async function measure(name, machines, others, ports) {
  const all = [...machines, ...others];
  const pids = () => all.map((each) => each.child.pid);
  await countWire(ports);
  await pause(5_000);
  const resting = processorTime(pids());
  await pause(5_000);
  const idle = (processorTime(pids()) - resting) / 5;
  const before = { cpu: machines.map((each) => processorTime([each.child.pid])), others: others.map((each) => processorTime([each.child.pid])), disk: diskBytes(all.map((each) => each.data)), wire: wireBytes() };
  const results = await load(pids());
  await pause(5_000);
  const messages = results.reduce((sum, each) => sum + each.received, 0);
  const per = (bytes) => Math.round(bytes / messages);
  const micro = (after, then) => Math.round((1e6 * (after - then)) / messages);
  const wire = wireBytes();
  return {
    name, messages, results, idle,
    cpu: machines.map((each, i) => micro(processorTime([each.child.pid]), before.cpu[i])),
    others: others.map((each, i) => micro(processorTime([each.child.pid]), before.others[i])),
    disk: per(diskBytes(all.map((each) => each.data)) - before.disk),
    wire: Object.fromEntries(Object.keys(wire).map((key) => [key, per(wire[key] - before.wire[key])])),
  };
}

const bench = ['--domain', 'localhost', '--plain-xmpp', String(xmppPort), '--bench-people', values.people];

async function one() {
  const dir = join(folder, 'one');
  mkdirSync(dir);
  const product = new Product({ dir, log: join(folder, 'one.log'), pages: '', config: 'demonstration: false\n', flags: bench, launch: pinned });
  await product.start(300_000);
  try {
    return await measure('one machine', [product], [], { clients: [xmppPort] });
  } finally {
    await product.stop();
  }
}

async function processes() {
  const dir = join(folder, 'processes');
  mkdirSync(dir);
  const product = new Product({ dir, log: join(folder, 'processes.log'), pages: '', processes: true, config: 'demonstration: false\n', flags: bench, launch: pinned });
  await product.start(300_000);
  try {
    const services = Object.entries(product.services()).map(([service, pid]) => ({ service, child: { pid }, data: product.dataOf(service) }));
    const inner = Array.from({ length: 6 }, (_, offset) => product.innerPortBase + offset);
    return await measure(`processes (${services.map((each) => each.service).join(', ')})`, services, [], { clients: [xmppPort], services: inner });
  } finally {
    await product.stop();
  }
}

async function three() {
  const names = ['n1', 'n2', 'n3'];
  const fleet = new Cluster(join(folder, 'three'), (name) => join(folder, `${name}.log`));
  await fleet.prepareEtcd(pinned);
  try {
    await fleet.prepare(names, { launch: (name, ...rest) => pinned(...rest), config: '' });
    for (const name of names) {
      fleet.configs[name] = fleet.configs[name].replace('demonstration: true', 'demonstration: false').replace('log_level: info', 'log_level: warning');
      fleet.machines[name].flags = name === 'n1' ? bench : ['--domain', 'localhost', '--plain-xmpp', String(xmppPort + names.indexOf(name))];
    }
    await fleet.startAll(names);
    // People come in at the three in turn, as a balancer of connections sends them.
    const doors = names.map((_, i) => `${i} : ${xmppPort + i}`).join(', ');
    await must('nft', ['-f', '-'], { input: `table ip doors {\n  chain out {\n    type nat hook output priority -100;\n    ip daddr 127.0.0.1 tcp dport ${xmppPort} dnat to 127.0.0.1 : numgen inc mod 3 map { ${doors} }\n  }\n}\n` });
    const machines = names.map((name) => fleet.machines[name]);
    const etcd = { child: fleet.etcd, data: join(fleet.folder, 'etcd') };
    const inner = names.map((name) => Number(/address: 127\.0\.0\.1:(\d+)/.exec(fleet.configs[name])[1]));
    return await measure('three machines', machines, [etcd], { clients: names.map((_, i) => xmppPort + i), etcd: [Number(fleet.etcdEndpoint.split(':')[1])], machines: inner });
  } finally {
    await run('nft', ['delete', 'table', 'ip', 'doors']);
    await fleet.stop();
  }
}

try {
  execFileSync('g++', ['-O2', '-std=c++17', '-o', join(folder, 'xmppload'), join(values.load, 'xmppload.cc')], { stdio: 'ignore' });
  const shapes = [];
  for (const shape of values.shapes.split(',')) shapes.push(await { one, processes, three }[shape]());
  mkdirSync('build/bench-cluster', { recursive: true });
  writeFileSync('build/bench-cluster/results.json', JSON.stringify(shapes, null, 1));
  for (const { name, messages, results, idle, cpu, others, disk, wire } of shapes) {
    console.log(`${name}: ${messages} messages; at rest ${idle.toFixed(3)} cores`);
    for (const each of results) console.log(`  ${each.mode} ${each.rate || ''}: ${Math.round(each.msgs_per_s)}/s, p50 ${each.latency.p50_ms} ms, p99 ${each.latency.p99_ms} ms, lost ${each.lost_or_late}, cores ${each.server_cores}, stolen ${each.steal_cores}`);
    console.log(`  a message costs: processor ${cpu.join(' + ')} µs${others.length ? `, etcd ${others.join()} µs` : ''}; disk ${disk} bytes; wire ${Object.entries(wire).map(([who, bytes]) => `${who} ${bytes}`).join(', ')} bytes`);
  }
} finally {
  for (const group of groups) rmdirSync(group);
  if (process.env.YIZHAN_KEEP !== '1') rmSync(folder, { recursive: true, force: true });
}
