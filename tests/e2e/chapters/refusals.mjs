// What the program refuses to start with, each with an exit status and a sentence: 2 for what it was told, 1 for what it found. Nothing
// that it refuses is changed. And a full disk.

import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Caller, refused } from '../harness/calls.mjs';
import { must, run } from '../harness/children.mjs';
import { binary, freePortBase, Product } from '../harness/product.mjs';
import { check, step, unique, uniqueId, until } from '../harness/steps.mjs';
import crowds from './bad/crowd.mjs';
import expired from './bad/expired.mjs';

export default async function refusals(world) {
  const dir = join(world.folder, 'refusals');
  mkdirSync(dir);
  const file = (name, text) => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const start = (args) => run(binary, ['run', ...(args.includes('--port-base') ? [] : ['--port-base', '0']), '--no-demonstration', ...args], { ms: 20_000 });
  const refuses = (name, args, code, ...says) => check(`${name}: ${code}`, async () => {
    const result = await start(args);
    assert.equal(result.code, code, result.out + result.err);
    for (const word of says) assert.match(result.err, word);
    assert.ok(result.err.length < 2_000, result.err);
  });

  const data = join(dir, 'data');
  await refuses('no such configuration file', ['--data', data, '--config', join(dir, 'none.yaml')], 2, /none\.yaml/);
  await refuses('a configuration that is no YAML', ['--data', data, '--config', file('broken.yaml', 'domain: [unclosed\nport_base: 1\n')], 2, /broken\.yaml:\d+/);
  await refuses('an unknown setting', ['--data', data, '--config', file('unknown.yaml', 'domain: bank.example\nprot_base: 8440\n')], 2, /unknown\.yaml:2/, /prot_base/, /port_base/);
  await refuses('a setting of another kind', ['--data', data, '--config', file('kind.yaml', 'port_base: many\n')], 2, /kind\.yaml:1/, /port_base/);
  await refuses('an LDAP source without TLS', ['--data', data, '--config', file('plain.yaml', 'ldap:\n  - name: bank\n    urls: ["ldap://ldap.bank.example"]\n    start_tls: false\n    bind_dn: cn=r\n    people_base: dc=bank\n')], 2, /plain\.yaml/, /tls/i);
  await refuses('a password file that is not there', ['--data', data, '--config', file('nopass.yaml', 'ldap:\n  - name: bank\n    urls: ["ldaps://ldap.bank.example"]\n    bind_password_file: /nonexistent/password\n')], 2, /\/nonexistent\/password/);
  await refuses('an unknown flag', ['--data', data, '--nonsense'], 2, /nonsense/);
  await refuses('known passwords without --domain', ['--data', data, '--bench-people', '3'], 2, /--bench-people/, /--domain/);
  await refuses('plain XMPP beyond loopback', ['--data', data, '--address', '0.0.0.0', '--plain-xmpp', '0'], 2, /--plain-xmpp/, /loopback/);
  await refuses('an address that is none', ['--data', data, '--address', 'everywhere'], 2, /everywhere/);
  await refuses('a domain that is none', ['--data', data, '--domain', 'Bank Example'], 2, /Bank Example/);
  await refuses('a port beyond ports', ['--data', data, '--port-base', '70000'], 2, /70000/);
  await refuses('a folder without pages', ['--data', join(dir, 'no-pages'), '--pages', dir], 2, /pages/);
  await refuses('a data folder that is a file', ['--data', file('a-file', 'x')], 1, /a-file/);
  await refuses('a port in use', ['--data', join(dir, 'port'), '--port-base', String(world.product.portBase)], 1, new RegExp(`127\\.0\\.0\\.1:${String(world.product.portBase).slice(0, -1)}\\d`), /in use/);
  await refuses('a data folder in use', ['--data', world.product.data], 1, /in use|another process|already/i);
  await check('nothing was made where the command line was wrong', () => assert.ok(!existsSync(data)));

  const small = new Product({ dir, log: world.log('yizhan-refusals'), pages: '' });
  const digests = async (folder) => (await must(binary, ['ledger', 'verify', '--data', folder])).out;
  let whole;
  await step('a small installation starts, and ends in order', async () => {
    await small.start();
    await small.stop('SIGINT');
    whole = await digests(small.data);
    assert.match(whole, /directory\/0/);
  });
  /** A copy of it, changed: how the program refuses it; and that it is whole once the change is taken back. */
  const refusesFolder = (name, change, undo, ...says) => check(`${name}: 1`, async () => {
    const copy = join(dir, 'copy');
    rmSync(copy, { recursive: true, force: true });
    cpSync(small.data, copy, { recursive: true });
    await change(copy);
    const result = await start(['--data', copy]);
    assert.equal(result.code, 1, result.out + result.err);
    for (const word of says) assert.match(result.err, word);
    await undo(copy);
    assert.equal(await digests(copy), whole, 'the ledger is what it was');
  });
  // What a newer program would write: RocksDB's own tool puts it there.
  const put = (family, key, value) => (copy) => must('ldb', [`--db=${join(copy, family === 'default' ? 'archive' : 'ledger')}`, `--column_family=${family}`, '--key_hex', '--value_hex', 'put', key, value]);
  const restore = (key) => (copy) => cpSync(join(small.data, 'keys', key), join(copy, 'keys', key));
  const lose = (key) => (copy) => rmSync(join(copy, 'keys', key));
  await refusesFolder('a data folder of a newer version', put('meta', '0x56', '0x00000002'), put('meta', '0x56', '0x00000001'), /format 2/, /version/);
  await refusesFolder('an archive of a newer version', put('default', '0x', '0x02'), put('default', '0x', '0x01'), /archive/, /newer/);
  await refusesFolder('a lost installation key', lose('installation.key'), restore('installation.key'), /installation\.key/);
  await refusesFolder('a lost signing key of the archive', lose('archive.key'), restore('archive.key'), /archive\.key/);
  await refusesFolder('the installation key of another installation', (copy) => writeFileSync(join(copy, 'keys/installation.key'), Buffer.alloc(32, 7)), restore('installation.key'), /key/);

  await check('the ledger can be read, verified and replayed while nobody uses it', async () => {
    for (const action of ['verify', 'replay', 'dump']) {
      const result = await run(binary, ['ledger', action, '--data', small.data], { ms: 60_000 });
      assert.equal(result.code, 0, result.out + result.err);
      assert.match(result.out, /audit\/0|directory\/0|keyring\/0/);
    }
    const busy = await run(binary, ['ledger', 'verify', '--data', world.product.dataOf('im')]);
    assert.equal(busy.code, 1, busy.out + busy.err);
    assert.match(busy.err, /another process uses this folder/);
    assert.equal((await run(binary, ['ledger', 'nonsense'])).code, 2);
  });

  await expired(small);
  await step('the small installation starts again', () => small.start());
  await crowds(small);
  await small.stop();
  await fullDisk(world, dir);
}

/** A disk of its own that fills up. Needs the right to mount. */
async function fullDisk(world, dir) {
  const disk = join(dir, 'disk');
  mkdirSync(disk);
  if ((await run('mount', ['-t', 'tmpfs', '-o', 'size=400m', 'tmpfs', disk])).code !== 0) {
    console.log('--              a full disk: not tried, mounting is not allowed here');
    return;
  }
  const product = new Product({ dir: disk, log: world.log('yizhan-disk'), pages: '' });
  try {
    await check('a full disk: writes are refused clearly, reading goes on; with room again, so does writing; nothing acknowledged is lost', async () => {
      await product.start();
      const person = product.info.people.find((each) => each.login === 'zhang.wei');
      const caller = await new Caller(product.info).logIn(person);
      const peer = await caller.call('directory.v1.DirectoryService/GetPerson', { login: 'li.na' });
      const kept = [];
      const send = async (text) => {
        const { seq, conversationId } = await caller.call('im.v1.MessageService/SendMessage', { toPersonId: peer.person.personId, clientId: uniqueId('d'), content: { text } });
        kept.push(`${seq} ${text}`);
        return conversationId;
      };
      const conversationId = await send(unique('满之前'));
      const history = async (who) => (await who.allMessages(conversationId)).filter((each) => each.content).map((each) => `${each.seq} ${each.content.text}`);
      /** Writes until a write is refused; that refusal. */
      const untilRefused = () => until('a write is refused', async () => {
        try {
          await send(`满 ${kept.length}`);
          return null;
        } catch (error) {
          return error;
        }
      }, 20_000);
      const goesOn = () => until('writing goes on by itself', async () => {
        assert.ok(product.running(), 'the process ended');
        await send(unique('有空间了'));
        return true;
      }, 30_000, 200);

      // Little room: it stops writing while there is still enough to end in order.
      await must('dd', ['if=/dev/zero', `of=${join(disk, 'ballast')}`, 'bs=1M', 'count=180']);
      const error = await untilRefused();
      assert.deepEqual([error.code, error.reason], ['resource_exhausted', 'DISK_FULL'], error.message);
      assert.match(error.said, /MiB free/);
      assert.deepEqual(await history(caller), kept, 'reading goes on');
      const health = await (await new Caller(product.info).logIn(product.info.people.find((each) => each.login === 'sysadmin')).catch(() => null))?.call('admin.v1.AdminService/GetHealth');
      if (health) assert.notEqual(health.state, 'STATE_OK');
      // It starts with as little room: who has a session reads; nobody can log in, which would be a record.
      await product.stop();
      await product.start();
      assert.deepEqual(await history(caller), kept, 'reading goes on after a start');
      assert.equal((await refused(caller.logIn(person))).reason, 'DISK_FULL');
      assert.equal((await untilRefused()).reason, 'DISK_FULL');
      rmSync(join(disk, 'ballast'));
      await goesOn();

      // No room at all.
      await run('dd', ['if=/dev/zero', `of=${join(disk, 'ballast')}`, 'bs=64k']);
      await run('dd', ['if=/dev/zero', `of=${join(disk, 'rest')}`, 'bs=512']);
      assert.equal((await untilRefused()).reason, 'DISK_FULL');
      assert.deepEqual(await history(caller), kept, 'reading goes on');
      // A start needs some room for its own files, and says so.
      await product.kill();
      const begun = await run(binary, product.args(), { ms: 20_000 });
      assert.equal(begun.code, 1, begun.out + begun.err);
      assert.match(begun.err, /0 MiB free/);
      for (const name of ['ballast', 'rest']) rmSync(join(disk, name));
      await product.start();
      await goesOn();
      await product.kill();
      await product.start();
      assert.deepEqual(await history(await new Caller(product.info).logIn(person)), kept, 'after kill -9');
    }, 150_000);
  } finally {
    await product.stop().catch(() => {});
    await must('umount', [disk]).catch(() => run('umount', ['-l', disk]));
  }
}
