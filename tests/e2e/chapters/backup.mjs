// A backup that is made while everybody works, read by a program that is not ours, damaged and found so; the machine is lost, and comes back
// from it: every word that was in it, the archive's proofs with them, and what is lacking said to the record. The same for a whole cluster.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Caller, refused } from '../harness/calls.mjs';
import { must, run, start, tail } from '../harness/children.mjs';
import { Cluster } from '../harness/cluster.mjs';
import { makeExport, readExport } from '../harness/exports.mjs';
import { binary, Product } from '../harness/product.mjs';
import { step, until } from '../harness/steps.mjs';

const archive = 'audit.v1.ArchiveService';
const admin = 'admin.v1.AdminService';
const purpose = { caseId: '2026-021', reason: '灾备演练' };

export default async function backup(world) {
  const folder = join(world.folder, 'backup');
  mkdirSync(folder);
  const identity = join(folder, 'identity');
  const { out } = await must(binary, ['backup', 'key', '--out', identity]);
  const recipient = /age1[0-9a-z]+/.exec(out)[0];
  await single(world, { folder, identity, recipient });
  await bucket(world, { folder, identity, recipient });
  await many(world, { folder, identity, recipient });
}

/** A section of yizhan.yaml. */
const section = (place, keys, recipient) => `backup:\n  to: ${place}\n  keys_to: ${keys}\n  recipients: ["${recipient}"]\n  every_minutes: 60\n`;

/** Files below a folder. */
const filesBelow = (place) => readdirSync(place, { recursive: true, withFileTypes: true }).filter((each) => each.isFile()).map((each) => join(each.parentPath ?? each.path, each.name)).sort();

/** A run that began after now, to its end. */
async function backUp(sysadmin) {
  const { lastNumber = '0' } = await until('no run is under way', async () => {
    const state = await sysadmin.call(`${admin}/GetBackup`);
    return !state.running && state;
  });
  await sysadmin.call(`${admin}/StartBackup`);
  return until('the backup has ended', async () => {
    const state = await sysadmin.call(`${admin}/GetBackup`);
    assert.equal(state.problem ?? '', '');
    return !state.running && Number(state.lastNumber ?? 0) > Number(lastNumber) && state;
  });
}

async function single(world, { folder, identity, recipient }) {
  const place = join(folder, 'place');
  const keys = join(folder, 'keys');
  const dir = join(folder, 'machine');
  mkdirSync(dir);
  const product = new Product({ dir, log: world.log('backup'), pages: '', config: section(place, keys, recipient) });
  const command = (verb, ...more) => run(binary, ['backup', verb, '--config', product.configFile, ...more], { ms: 120_000 });
  const told = async (verb, ...more) => {
    const { code, out, err } = await command(verb, ...more);
    assert.equal(code, 0, `${out}${err}`);
    return out;
  };
  // The demonstration's password is its folder's, and is not backed up: people's own are.
  let people;
  const logIn = (login) => {
    people ??= product.info.people;
    return new Caller(product.info).logIn(people.find((each) => each.login === login), 'backup');
  };
  const lost = join(folder, 'lost');
  let direct;
  let before;
  let proven;
  let vkey;

  try {
    await step('a machine backs up by itself, and when it is told to', async () => {
      await product.start();
      const sysadmin = await logIn('sysadmin');
      await until('the first backup is there', async () => Number((await sysadmin.call(`${admin}/GetBackup`)).lastNumber ?? 0) >= 1);
      const [wei, na] = [await logIn('zhang.wei'), await logIn('li.na')];
      direct = `d:${[wei.person.personId, na.person.personId].sort().join(':')}`;
      for (let i = 0; i < 30; i += 1) await wei.call('im.v1.MessageService/SendMessage', { toPersonId: na.person.personId, clientId: `b${i}`, content: { text: `灾备之前 ${i}` } });
      proven = await (await logIn('auditor')).call(`${archive}/GetConsistencyProof`, { oldSize: 1 });
      const state = await backUp(sysadmin);
      assert.ok(Number(state.records) > 30, JSON.stringify(state));
      assert.equal(state.place, place);
      const health = await sysadmin.call(`${admin}/GetHealth`);
      assert.equal(health.components.find((part) => part.name === 'backup').state, 'STATE_OK');
      assert.equal((await refused(na.call(`${admin}/StartBackup`))).code, 'permission_denied');
      before = await na.allMessages(direct);
      vkey = product.info.archive.public_key;
    }, 90_000);

    await step('nothing of what people wrote, nor who they are, can be read there; the keys lie apart', async () => {
      for (const file of [...filesBelow(place), ...filesBelow(keys)]) {
        const bytes = readFileSync(file);
        for (const word of ['灾备之前', 'zhang.wei', '张伟']) assert.ok(!bytes.includes(word), `${file} shows ${word}`);
      }
      assert.ok(filesBelow(keys).some((file) => /keys\/\d+\.age$/.test(file)) && filesBelow(keys).some((file) => file.includes('keyring-0')));
      assert.ok(!filesBelow(place).some((file) => file.includes('keyring') || /keys\/\d+\.age$/.test(file)));
    });

    await step('age, which is not ours, opens it; and makes keys that are taken', async () => {
      const segment = filesBelow(place).find((file) => file.includes('records/directory-0'));
      const plain = join(folder, 'plain.zst');
      await must('/usr/bin/age', ['--decrypt', '--identity', identity, '--output', plain, segment]);
      assert.equal(readFileSync(plain).readUInt32LE(0), 0xfd2fb528, 'a Zstandard frame');
      const { out } = await must('/usr/bin/age-keygen', ['-y', identity]);
      assert.equal(out.trim(), recipient);
    });

    await step('list, check and verify say what is there and that it is whole', async () => {
      assert.match(await told('list'), /NUMBER[^]*\n +2 /);
      assert.match(await told('check'), /objects read[^]*what was written/);
      const said = await told('verify', '--identity', identity, '--scratch', folder);
      assert.match(said, /records are those that the archive's log has taken in; its signed checkpoint over \d+ fits[^]*can be restored/);
      assert.deepEqual(readdirSync(folder).filter((name) => name.startsWith('yizhan-verify')), [], 'the scratch folder is gone');
    }, 60_000);

    await step('one byte changed, or an object gone, is found and named; nothing is made of it', async () => {
      const newest = JSON.parse((await told('list', '--json')).trim().split('\n').at(-1));
      const name = newest.partitions.find((each) => each.partition.startsWith('im/') && each.segments?.length > 0).segments[0].object.name;
      const file = join(place, name);
      const whole = readFileSync(file);
      const bad = Buffer.from(whole);
      bad[bad.length >> 1] ^= 1;
      writeFileSync(file, bad);
      const target = join(folder, 'nothing');
      for (const [verb, ...more] of [['check'], ['verify', '--identity', identity, '--scratch', folder], ['restore', '--identity', identity, '--data', target]]) {
        const { code, out, err } = await command(verb, ...more);
        assert.equal(code, 1);
        assert.ok(`${out}${err}`.includes(name), `${verb} names it: ${out}${err}`);
      }
      rmSync(file);
      const { code, out } = await command('check');
      assert.equal(code, 1);
      assert.match(out, new RegExp(`${name} is gone`));
      writeFileSync(file, whole);
      assert.ok(!existsSync(target) && !existsSync(`${target}.restoring`), 'whole or not at all');
    }, 60_000);

    await step('the machine is killed, with messages that no backup has; its folder is lost', async () => {
      const wei = await logIn('zhang.wei');
      for (let i = 0; i < 3; i += 1) await wei.call('im.v1.MessageService/SendMessage', { conversationId: direct, clientId: `late${i}`, content: { text: `灾备之后 ${i}` } });
      await product.kill();
      const full = await command('restore', '--identity', identity, '--data', product.data);
      assert.equal(full.code, 1);
      assert.match(full.err, /is there and not empty; nothing was changed/);
      renameSync(product.data, lost);
    });

    await step('only the identity opens it; a place without a backup, a number that is none, a point that is none are refused', async () => {
      const other = join(folder, 'other');
      await must('/usr/bin/age-keygen', ['--output', other]);
      const wrong = await command('restore', '--identity', other, '--data', product.data);
      assert.equal(wrong.code, 1, wrong.out);
      assert.match(wrong.err, /identit/);
      for (const [args, says] of [
        [['--identity', join(folder, 'nowhere')], /identity file .*nowhere cannot be read/],
        [['--identity', identity, '--from', folder], /there is no backup in/],
        [['--identity', identity, '--number', '99'], /no manifest 99/],
        [['--identity', identity, '--until', 'im/0@999999'], /up to record \d+, and not 999999/],
      ]) {
        const { code, err } = await command('restore', '--data', product.data, ...args);
        assert.equal(code, 1, args.join(' '));
        assert.match(err, says);
      }
      const point = await command('restore', '--data', product.data, '--identity', identity, '--until', 'yesterday');
      assert.equal(point.code, 2);
      assert.ok(!existsSync(product.data));
    }, 60_000);

    let lacking;
    await step('it is restored; what is lacking is said to the record', async () => {
      const said = await told('restore', '--identity', identity, '--data', product.data, '--beside', lost);
      lacking = [...said.matchAll(/^ {2}(\S+) +records (\d+) to (\d+) \((\d+)\), known from (\S+)$/gm)];
      const im = lacking.filter(([, partition]) => partition.startsWith('im/'));
      assert.deepEqual(im.map(([, , from, to, count, by]) => [Number(to) - Number(from) + 1, Number(count), by]), [[3, 3, lost]], said);
      assert.match(said, /archive\/restored-\d{8}T\d{6}Z\+/);
      const replay = await must(binary, ['ledger', 'replay', '--data', product.data]);
      assert.doesNotMatch(replay.out, /differ/);
    }, 60_000);

    await step('it goes on: people, history, seqs are those of the backup', async () => {
      await product.start();
      const na = await logIn('li.na');
      assert.deepEqual(await na.allMessages(direct), before);
      const wei = await logIn('zhang.wei');
      const sent = await wei.call('im.v1.MessageService/SendMessage', { conversationId: direct, clientId: 'anew', content: { text: '恢复之后' } });
      assert.equal(Number(sent.seq), Number(before.at(-1).seq) + 1);
    }, 60_000);

    await step('it does not go on into the place of the lost one', async () => {
      const sysadmin = await logIn('sysadmin');
      const state = await until('the run was refused', async () => {
        const now = await sysadmin.call(`${admin}/GetBackup`);
        return now.problem && now;
      });
      assert.match(state.problem, /before it was restored; name an empty place/);
      assert.equal((await sysadmin.call(`${admin}/GetHealth`)).components.find((part) => part.name === 'backup').state, 'STATE_DEGRADED');
      await product.stop();
      writeFileSync(product.configFile, section(join(folder, 'second'), keys, recipient).replace(keys, join(folder, 'second-keys')));
      await product.start();
      await backUp(await logIn('sysadmin'));
      await told('verify', '--identity', identity, '--scratch', folder);
    }, 90_000);

    await step('the archive’s proofs hold across it, under the new name; the restoration is on the record', async () => {
      const auditor = await logIn('auditor');
      const proof = await auditor.call(`${archive}/GetConsistencyProof`, { oldSize: proven.newSize });
      assert.equal(proof.oldRoot, proven.newRoot, 'the tree has grown, and only grown');
      const whole = await until('verified', async () => {
        const answer = await auditor.call(`${archive}/VerifyArchive`);
        return answer.ok && answer;
      });
      assert.deepEqual(whole.problems ?? [], []);
      const { publicKey, checkpoint } = await auditor.call(`${archive}/GetStatus`);
      assert.notEqual(publicKey, vkey);
      assert.match(publicKey, /archive\/restored-/);
      assert.match(checkpoint, /^\S+\/archive\/restored-/);
      // What auditors ask is on the record, too, and so found beside it.
      await until('it is found', async () => (await auditor.call(`${archive}/Search`, { purpose, text: 'restored from backup', sources: ['SOURCE_AUDIT'] })).items?.some((item) => /^restored from backup 2 of \d{4}-/.test(item.text)));
      const { entries } = await auditor.call(`${archive}/ListAccess`, { pageSize: 200 });
      assert.ok(entries.some((entry) => entry.action === 'Restore' && /^backup 2; /.test(entry.detail)));
      const words = await auditor.call(`${archive}/Search`, { purpose, text: '灾备之前', pageSize: 200 });
      assert.equal(Number(words.total), 30);
      assert.equal(Number((await auditor.call(`${archive}/Search`, { purpose, text: '灾备之后' })).total ?? 0), 0);
    }, 60_000);

    await step('and up to a record: that one, and no further', async () => {
      const [, partition] = lacking.find(([, each]) => each.startsWith('im/'));
      const until_ = join(folder, 'until');
      const restored = await must(binary, ['backup', 'restore', '--config', product.configFile, '--from', place, '--keys-from', keys, '--identity', identity, '--data', until_, '--until', `${partition}@12`]);
      assert.match(restored.out, new RegExp(`${partition} +records 13 to \\d+ .*known from the backup`));
      const { out } = await must(binary, ['ledger', 'dump', '--data', until_, '--partition', partition]);
      assert.equal(out.trim().split('\n').length, 12);
      const archived = await must(binary, ['ledger', 'verify', '--data', until_]);
      assert.match(archived.out, /audit\/0/);
    }, 60_000);
  } finally {
    await product.stop().catch((error) => console.log(`        ${error.message}`));
  }
}

/** OpenStack Swift with its S3 interface, over TLS: {endpoint, accessKey, secretKey, ca, stop}. */
async function startSwift(world, folder) {
  const authority = join(folder, 'swift-authority');
  await must(binary, ['cluster', 'authority', authority]);
  await must(binary, ['cluster', 'certificate', 'swift', '--authority', authority, '--host', '127.0.0.1', '--out', folder]);
  const data = mkdtempSync(join(world.out, 'swift-')); // attributes: no file system in memory everywhere
  const server = start('/usr/bin/python3', [join(world.root, 'services/base/objects/testing/swift_server.py'), data, join(folder, 'swift.pem'), join(folder, 'swift.key')], { log: world.log('swift'), pipe: true });
  const line = await new Promise((resolve, reject) => {
    server.stdout.once('data', (bytes) => resolve(bytes.toString()));
    void server.ended.then((how) => reject(new Error(`swift: ${JSON.stringify(how)}\n${tail(world.log('swift'))}`)));
  });
  const { https_port: port, access_key: accessKey, secret_key: secretKey } = JSON.parse(line);
  return {
    endpoint: `https://127.0.0.1:${port}`, accessKey, secretKey, ca: join(authority, 'ca.pem'),
    async stop() {
      server.kill('SIGTERM');
      await server.ended;
      rmSync(data, { recursive: true, force: true });
    },
  };
}

async function bucket(world, { folder, identity, recipient }) {
  const dir = join(folder, 'bucket');
  mkdirSync(dir);
  let swift;
  let product;
  try {
    await step('the same into an S3-compatible store: backed up, checked, verified, restored', async () => {
      swift = await startSwift(world, dir);
      const secret = join(dir, 'secret');
      writeFileSync(secret, `${swift.secretKey}\n`);
      const config = (place) => `${section(`s3://yizhan-test/${place}`, `s3://yizhan-test/${place}-keys`, recipient)}  s3_endpoint: ${swift.endpoint}\n  s3_access_key: "${swift.accessKey}"\n  s3_secret_key_file: ${secret}\n  s3_ca: ${swift.ca}\nfiles:\n  to: s3://yizhan-test/files\n  s3_endpoint: ${swift.endpoint}\n  s3_access_key: "${swift.accessKey}"\n  s3_secret_key_file: ${secret}\n  s3_ca: ${swift.ca}\n`;
      product = new Product({ dir, log: world.log('backup-s3'), pages: '', config: config('bank') });
      await product.start();
      const people = product.info.people;
      const logIn = (login) => new Caller(product.info).logIn(people.find((each) => each.login === login), 's3');
      const [wei, na] = [await logIn('zhang.wei'), await logIn('li.na')];
      for (let i = 0; i < 5; i += 1) await wei.call('im.v1.MessageService/SendMessage', { toPersonId: na.person.personId, clientId: `s${i}`, content: { text: `对象存储 ${i}` } });
      // An export's file lies there too, and is read from there when all else has been lost and restored.
      const auditor = await logIn('auditor');
      await until('all are found', async () => Number((await auditor.call(`${archive}/Search`, { purpose, text: '对象存储' })).total) === 5);
      const exported = await makeExport(auditor, { purpose, text: '对象存储' });
      assert.ok(!existsSync(join(product.data, 'files')));
      const state = await backUp(await logIn('sysadmin'));
      assert.equal(state.place, 's3://yizhan-test/bank');
      const direct = `d:${[wei.person.personId, na.person.personId].sort().join(':')}`;
      const before = await na.allMessages(direct);
      await product.kill();
      rmSync(product.data, { recursive: true });
      for (const [verb, ...more] of [['list'], ['check'], ['verify', '--identity', identity], ['restore', '--identity', identity, '--data', product.data]]) {
        const { out } = await must(binary, ['backup', verb, '--config', product.configFile, ...more]);
        if (verb === 'restore') assert.match(out, /cannot be told/, 'with nothing to compare with, nothing is promised');
      }
      writeFileSync(product.configFile, config('second'));
      await product.start();
      assert.deepEqual(await (await logIn('li.na')).allMessages(direct), before);
      assert.equal(await readExport(await logIn('auditor'), exported.exportId), exported.sha256);
    }, 120_000);

    await step('a store that is away, a wrong secret, a bucket that is none: said plainly, and tried again', async () => {
      const text = readFileSync(product.configFile, 'utf8');
      const wrong = join(dir, 'wrong');
      writeFileSync(wrong, 'nonsense\n');
      for (const [config, says] of [
        [text.replace(/s3_secret_key_file: .*/, `s3_secret_key_file: ${wrong}`), /s3:\/\/yizhan-test[^]*SignatureDoesNotMatch|access key|secret/i],
        [text.replaceAll('s3://yizhan-test', 's3://nobodys-bucket'), /nobodys-bucket/],
        [text.replace(/s3_endpoint: .*/, 's3_endpoint: https://127.0.0.1:9'), /127\.0\.0\.1:9/],
      ]) {
        const file = join(dir, 'wrong.yaml');
        writeFileSync(file, config);
        const { code, err } = await run(binary, ['backup', 'list', '--config', file]);
        assert.equal(code, 1, err);
        assert.match(err, says);
        assert.ok(!err.includes(swift.secretKey));
      }
    }, 60_000);
  } finally {
    await product?.stop().catch((error) => console.log(`        ${error.message}`));
    await swift?.stop();
  }
}

async function many(world, { folder, identity, recipient }) {
  const names = ['n1', 'n2', 'n3'];
  const place = join(folder, 'cluster-place');
  const fleet = new Cluster(join(folder, 'cluster'), (name) => world.log(`backup-${name}`));
  const { machines } = fleet;
  let people;
  const logIn = (name, login) => {
    people ??= machines.n1.info.people;
    return new Caller(machines[name].info).logIn(people.find((each) => each.login === login), `backup-${name}`);
  };
  const restore = (...more) => run(binary, ['backup', 'restore', '--config', machines.n1.configFile, '--identity', identity, ...more], { ms: 120_000 });
  let direct;
  let written;
  try {
    await step('of a cluster, the machine that decides for the archive backs up', async () => {
      await fleet.prepareEtcd();
      await fleet.prepare(names, { config: section(place, `${place}-keys`, recipient) });
      await fleet.startAll(names);
      const owner = (await fleet.status('n1')).partitions.find((one) => one.partition === 'audit/0').owner;
      const states = await until('it is backed up', async () => {
        const all = {};
        for (const name of names) all[name] = await (await logIn(name, 'sysadmin')).call(`${admin}/GetBackup`);
        return Number(all[owner].lastNumber ?? 0) > 0 && all;
      }, 30_000);
      assert.ok(states[owner].configured);
      const other = names.find((name) => name !== owner);
      assert.equal((await refused((await logIn(other, 'sysadmin')).call(`${admin}/StartBackup`))).reason, 'BACKUP_ELSEWHERE');
      const [wei, na] = [await logIn('n2', 'zhang.wei'), await logIn('n3', 'li.na')];
      direct = `d:${[wei.person.personId, na.person.personId].sort().join(':')}`;
      const send = (i, text) => wei.call('im.v1.MessageService/SendMessage', { toPersonId: na.person.personId, clientId: `m${i}`, content: { text } });
      for (let i = 0; i < 10; i += 1) await send(i, `集群 ${i}`);
      await backUp(await logIn(owner, 'sysadmin'));
      for (let i = 10; i < 20; i += 1) await send(i, `备份之后 ${i}`);
      written = await na.allMessages(direct);
      assert.equal(written.filter((each) => each.content).length, 20);
    }, 120_000);

    const data = join(folder, 'cluster-data');
    await step('it is not restored beside the machines that live', async () => {
      await machines.n2.kill();
      const { code, err } = await restore('--data', data);
      assert.equal(code, 1);
      assert.match(err, /machines of the cluster "default" are alive: n1.*n3[^]*nothing was changed/);
      assert.ok(!existsSync(data));
    }, 60_000);

    await step('all machines are lost: what etcd still has is added to the backup, and nothing is lacking', async () => {
      for (const name of ['n1', 'n3']) await machines[name].kill();
      const result = await until('their leases have ended', async () => {
        const answer = await restore('--data', data);
        return answer.code === 0 && answer;
      }, 60_000, 500);
      assert.match(result.out, /Nothing is lacking of what is known to have been acknowledged/);
      assert.match(result.out, /cluster\.name a new name/);
    }, 90_000);

    await step('it founds a cluster again, under another name, with every message', async () => {
      for (const name of names) rmSync(machines[name].data, { recursive: true });
      renameSync(data, machines.n1.data);
      for (const name of names) {
        fleet.configs[name] = fleet.configs[name].replace('cluster:\n', 'cluster:\n  name: restored\n').replaceAll(place, `${place}-2`);
      }
      await fleet.startAll(names);
      for (const name of names) assert.deepEqual(await (await logIn(name, 'li.na')).allMessages(direct), written);
      const auditor = await logIn('n2', 'auditor');
      await until('the archive is whole', async () => (await auditor.call(`${archive}/VerifyArchive`)).ok, 30_000);
    }, 120_000);
  } finally {
    await fleet.stop();
  }
}
