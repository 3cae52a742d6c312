// Each service as a process of its own: what each holds and what it does not; who may ask whom for what; one of them dies and the others go
// on; certificates are renewed while all of it runs.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Caller, refused } from '../harness/calls.mjs';
import { must, run, start, tail } from '../harness/children.mjs';
import { field, innerCall } from '../harness/inner.mjs';
import { binary, freePortBase, Product } from '../harness/product.mjs';
import { check, step, uniqueId, until } from '../harness/steps.mjs';

const services = ['directory', 'im', 'desk', 'audit', 'admin', 'edge'];
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const denied = 7;

export default async function processes(world) {
  const dir = join(world.folder, 'processes');
  mkdirSync(dir);
  const product = new Product({ dir, log: world.log('yizhan-processes'), pages: '', processes: true });
  try {
    await play(world, product);
  } finally {
    await product.stop();
  }
}

async function play(world, product) {
  let info;
  const person = (login) => info.people.find((each) => each.login === login);
  const logIn = (login, device = uniqueId('device')) => new Caller(info).logIn(person(login), device);
  const tlsOf = (service) => ({ ca: join(product.dataOf(service), 'inner/ca.pem'), cert: join(product.dataOf(service), 'inner/house.pem'), key: join(product.dataOf(service), 'inner/house.key') });
  const portOf = (service) => product.innerPortBase + services.indexOf(service);

  await step('six processes start, each with a folder of its own', async () => {
    await product.start();
    info = product.info;
    const children = await until('all run', () => {
      const found = product.services();
      return Object.keys(found).length === services.length && found;
    });
    assert.deepEqual(Object.keys(children).sort(), [...services].sort());
    for (const service of services) assert.equal(statSync(product.dataOf(service)).mode & 0o77, 0, `${service}: others can look into its folder`);
  }, 60_000);

  await check('each holds what it needs and no more', async () => {
    // Where people come in there is no key, no record, and nothing of the archive.
    for (const service of ['edge', 'admin']) assert.deepEqual(['keys', 'ledger', 'archive'].filter((each) => existsSync(join(product.dataOf(service), each))), [], service);
    const { partitions } = await (await logIn('sysadmin')).call('admin.v1.AdminService/ListPartitionStates');
    const owners = Object.fromEntries(partitions.map((each) => [each.position.partition, each.owner]));
    assert.equal(owners['im/0'], 'im');
    assert.equal(owners['desk/0'], 'desk');
    assert.equal(owners['keyring/0'], 'directory');
    assert.equal(owners['audit/0'], 'audit');
    for (const service of services) {
      const { out } = await must('openssl', ['x509', '-in', tlsOf(service).cert, '-noout', '-ext', 'subjectAltName']);
      assert.match(out, new RegExp(`URI:yizhan://house/${service}\\b`));
    }
  });

  await check('who asks is who the certificate names, and may ask for what the contract lets it', async () => {
    const follow = (partition) => field(1, Buffer.concat([field(1, partition), field(2, 1)]));
    const ask = (as, of, method, request) => innerCall(portOf(of), as ? tlsOf(as) : { ca: tlsOf('edge').ca }, method, request);
    const ledger = '/yizhan.ledger.v1.LedgerService';
    assert.equal((await ask('audit', 'im', `${ledger}/Follow`, follow('im/0'))).status, 0, 'the archive reads all');
    assert.equal((await ask('im', 'directory', `${ledger}/Follow`, follow('directory/0'))).status, 0);
    const wrong = {
      'customer service, employees’ conversations': ['desk', 'im', `${ledger}/Follow`, follow('im/0')],
      'the edge, records': ['edge', 'im', `${ledger}/Follow`, follow('im/0')],
      'the edge, records one by one': ['edge', 'directory', `${ledger}/ReadRecords`, Buffer.concat([field(1, 'directory/0'), field(2, 1)])],
      'the edge, a data key': ['edge', 'directory', `${ledger}/EnsureDataKey`, field(1, 'c@20260101')],
      'customer service, what a token stands for': ['desk', 'directory', '/yizhan.directory.v1.SessionService/Introspect', field(1, 'yzp_x')],
      'messaging, that a session be forgotten': ['im', 'edge', '/yizhan.live.v1.EdgeService/ForgetSession', field(1, 's')],
    };
    for (const [what, [as, of, method, request]] of Object.entries(wrong)) {
      const { status, message } = await ask(as, of, method, request);
      assert.equal(status, denied, `${what}: ${status} ${message}`);
    }
    await assert.rejects(ask(null, 'im', `${ledger}/Follow`, follow('im/0')), 'without a certificate');
    assert.ok((await innerCall(portOf('edge'), tlsOf('directory'), '/yizhan.live.v1.EdgeService/ForgetSession', field(1, 's'))).status === 0);
  });

  await check('a log-out counts at once, also where people come in', async () => {
    const caller = await logIn('liu.yang');
    await caller.call('directory.v1.SessionService/WhoAmI');
    await caller.call('directory.v1.SessionService/LogOut');
    await until('the edge has heard of it', async () => {
      const error = await caller.call('directory.v1.SessionService/WhoAmI').then(() => null, (refusal) => refusal);
      return error?.status === 401;
    }, 5_000);
  });

  const wei = await logIn('zhang.wei');
  const na = await logIn('li.na');
  const direct = `d:${[wei.person.personId, na.person.personId].sort().join(':')}`;
  const sent = [];
  /** Until it is acknowledged, with the same id: once in effect. How long it took. */
  const send = async (text) => {
    const begun = Date.now();
    const clientId = uniqueId('m');
    await until(`“${text}” is taken`, () => wei.call('im.v1.MessageService/SendMessage', { toPersonId: na.person.personId, clientId, content: { text } }).catch((error) => {
      assert.equal(error.code ?? 'unavailable', 'unavailable', error.message);
      return null;
    }), 20_000, 50);
    sent.push(text);
    return Date.now() - begun;
  };
  const health = async () => (await logIn('sysadmin')).call('admin.v1.AdminService/GetHealth');
  const whole = async () => {
    const messages = await na.allMessages(direct);
    assert.deepEqual(messages.map((each) => Number(each.seq)), messages.map((_, index) => index + 1));
    assert.deepEqual(messages.filter((each) => each.content).map((each) => each.content.text), sent);
  };
  /** The process of a service that has been started again. */
  const again = (service, old) => until(`${service} is there again`, () => {
    const pid = product.services()[service];
    return pid && pid !== old && pid;
  }, 20_000);

  for (const service of services) {
    await step(`${service} is killed with -9: what needs it waits, and goes on by itself`, async () => {
      await send(`在 ${service} 之前`);
      const old = product.services()[service];
      process.kill(old, 'SIGKILL');
      const ms = await send(`在 ${service} 之后`);
      assert.ok(ms < 10_000, `it took ${ms} ms`);
      await again(service, old);
      await until('all of it is healthy again', async () => (await health().catch(() => ({}))).state === 'STATE_OK', 30_000, 200);
      await whole();
    }, 60_000);
  }

  await step('the archive is away: people go on, health says so, and it has everything once it is back', async () => {
    const pid = product.services().audit;
    process.kill(pid, 'SIGSTOP');
    for (let i = 0; i < 100; i += 1) await send(`存档不在 ${i}`);
    const sick = await health();
    assert.equal(sick.state, 'STATE_DOWN');
    assert.match(sick.components.find((each) => each.name === 'audit').message, /does not answer/);
    const auditor = await logIn('auditor');
    const away = await auditor.call('audit.v1.ArchiveService/GetStatus').catch((error) => error);
    assert.ok(['unavailable', 'deadline_exceeded'].includes(away.code), `${away.code}`);
    process.kill(pid, 'SIGKILL');
    await again('audit', pid);
    await until('nothing is missing', async () => {
      const { partitions } = await (await logIn('sysadmin')).call('admin.v1.AdminService/ListPartitionStates');
      return partitions.filter((each) => each.position.partition.startsWith('im/')).every((each) => (each.archivedSeq ?? '0') === (each.position.head ?? '0'));
    }, 30_000, 200);
    const found = await until('the auditor finds the last one', async () => {
      const { items = [] } = await auditor.call('audit.v1.ArchiveService/Search', { purpose: { caseId: '2026-015', reason: '存档检查' }, text: '"存档不在 99"' });
      return items.length > 0 && items;
    }, 20_000);
    assert.equal(found.length, 1);
    const { ok = false, problems = [] } = await auditor.call('audit.v1.ArchiveService/VerifyArchive');
    assert.ok(ok, problems.join('\n'));
    await whole();
  }, 90_000);

  await step('certificates are renewed by one command while people write; each process takes its new one', async () => {
    const serial = async (service) => {
      const shown = await run('openssl', ['s_client', '-connect', `127.0.0.1:${portOf(service)}`, '-cert', tlsOf('audit').cert, '-key', tlsOf('audit').key, '-CAfile', tlsOf('audit').ca], { input: '' });
      return (await must('openssl', ['x509', '-noout', '-serial'], { input: /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/.exec(shown.out)[0] })).out;
    };
    const before = Object.fromEntries(await Promise.all(services.map(async (service) => [service, await serial(service)])));
    const { out } = await must(binary, ['prepare', '--data', product.data, '--renew']);
    for (const service of services) assert.match(out, new RegExp(`${service}: certificate until 20\\d\\d-`));
    for (let i = 0; i < 20; i += 1) {
      await send(`换证 ${i}`);
      await pause(100);
    }
    for (const service of services) await until(`${service} shows its new certificate`, async () => (await serial(service)) !== before[service], 15_000, 300);
    // And one that begins now speaks to all others by it.
    const old = product.services().edge;
    process.kill(old, 'SIGKILL');
    await again('edge', old);
    await send('换证之后');
    await whole();
    assert.equal((await must(binary, ['prepare', '--data', product.data])).out, '', 'what is good stays');
  }, 90_000);

  await check('one that waits for the others ends when it is told to', async () => {
    const alone = join(world.folder, 'alone');
    await must(binary, ['prepare', '--data', alone]);
    const child = start(binary, ['serve', 'im', '--data', alone, '--inner-port-base', String(await freePortBase(16))], { log: world.log('yizhan-alone') });
    const end = child.ended.then((how) => ({ how, at: Date.now() }));
    await until('it waits, and says so', () => /still waits for the other services/.test(tail(world.log('yizhan-alone'))), 20_000);
    const told = Date.now();
    child.kill('SIGTERM');
    const { how, at } = await end;
    assert.equal(how.code, 1, JSON.stringify(how));
    assert.ok(at - told < 5_000, `it took ${at - told} ms`);
    assert.match(tail(world.log('yizhan-alone')), /told to stop before the other services had answered/);
  });

  await check('what was not prepared, or is another shape’s, is refused with what to do', async () => {
    const refuses = async (args, code, ...says) => {
      const result = await run(binary, args, { ms: 20_000 });
      assert.equal(result.code, code, result.out + result.err);
      for (const word of says) assert.match(result.err, word);
    };
    await refuses(['serve', 'im', '--data', join(world.folder, 'nothing')], 1, /yizhan prepare/);
    await refuses(['serve', 'mail', '--data', product.data], 2, /no service "mail"/, /directory, im, desk/);
    await refuses(['run', '--data', product.data, '--port-base', '0'], 1, /processes of their own/);
    await refuses(['prepare', '--data', world.product.data], world.product.processes ? 0 : 1, ...(world.product.processes ? [] : [/in one process/]));
    await refuses(['serve', 'im', '--data', product.data, '--inner-port-base', String(product.innerPortBase)], 1, /another process uses this folder|in use/);
    assert.equal((await refused(new Caller(info).call('directory.v1.SessionService/WhoAmI'))).status, 401);
  });
}
