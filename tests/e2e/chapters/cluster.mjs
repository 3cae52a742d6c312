// Three machines on an etcd: what is written at one is read at all, in one order; one dies and the others go on; it comes back; nothing
// that was acknowledged is lost or there twice; the archive has all of it.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Caller, refused, Refused } from '../harness/calls.mjs';
import { must, run } from '../harness/children.mjs';
import { Cluster } from '../harness/cluster.mjs';
import { makeExport, readExport } from '../harness/exports.mjs';
import { binary } from '../harness/product.mjs';
import { Xmpp } from '../harness/raw.mjs';
import { step, until } from '../harness/steps.mjs';

const names = ['n1', 'n2', 'n3'];
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export default async function cluster(world) {
  const fleet = new Cluster(join(world.folder, 'cluster'), world.log);
  const { machines } = fleet;
  try {
    await play(world, fleet, machines);
  } finally {
    await fleet.stop();
  }
}

async function play(world, fleet, machines) {
  const archive = 'audit.v1.ArchiveService';
  const logIn = (name, login, device) => new Caller(machines[name].info).logIn(machines.n1.info.people.find((each) => each.login === login), device);
  let direct;
  let before;
  let proven;
  await step('a single machine grows into a cluster: it founds it from what it has, two join with its keys', async () => {
    await fleet.prepareEtcd();
    await fleet.prepare(names);
    await machines.n1.start();
    const [wei, na] = [await logIn('n1', 'zhang.wei', 'single'), await logIn('n1', 'li.na', 'single')];
    await wei.call('im.v1.MessageService/SendMessage', { toPersonId: na.person.personId, clientId: 'first', content: { text: '第一句' } });
    direct = `d:${[wei.person.personId, na.person.personId].sort().join(':')}`;
    before = await na.allMessages(direct);
    proven = await (await logIn('n1', 'auditor', 'single')).call(`${archive}/GetConsistencyProof`, { oldSize: 1 });
    await machines.n1.stop();
    for (const name of names) {
      fleet.enlist(name);
      if (name !== 'n1') fleet.copyKeys('n1', name);
      await machines[name].start();
    }
  }, 120_000);

  await step('at every machine each message has its seq, and the archive is the one that it was', async () => {
    await fleet.settled(names);
    for (const name of names) {
      assert.deepEqual(await (await logIn(name, 'li.na', `grown-${name}`)).allMessages(direct), before);
      const auditor = await logIn(name, 'auditor', `grown-${name}`);
      const proof = await auditor.call(`${archive}/GetConsistencyProof`, { oldSize: proven.newSize });
      assert.equal(proof.oldRoot, proven.newRoot, 'the tree has grown, and only grown');
      const { ok = false, problems = [] } = await until(`verified at ${name}`, async () => {
        const whole = await auditor.call(`${archive}/VerifyArchive`);
        return whole.ok && whole;
      });
      assert.ok(ok, problems.join('\n'));
    }
    assert.equal(new Set(names.map((name) => machines[name].info.archive.public_key)).size, 1, 'one archive, one key');
  });

  await step('all know one another, and each decides for some of the partitions', async () => {
    const seen = await until('partitions are spread', async () => {
      const status = await fleet.settled(names);
      return new Set(status.partitions.map((one) => one.owner)).size === 3 && status;
    }, 40_000);
    assert.deepEqual(seen.members.map((each) => each.node), names);
  }, 60_000);

  const people = machines.n1.info.people;
  const person = (login) => people.find((each) => each.login === login);
  const at = {};
  await step('people log in at every machine, also where the directory is not decided', async () => {
    for (const name of names) {
      at[name] = await new Caller(machines[name].info).logIn(person(name === 'n1' ? 'zhang.wei' : 'li.na'), name);
    }
  });

  await step('a log-in that fails is on the record, at whatever machine it was tried', async () => {
    for (const name of names) {
      const failed = await refused(new Caller(machines[name].info).logIn({ login: `stranger-${name}`, password: 'wrong' }, 'wrong'));
      assert.equal(failed.code, 'unauthenticated');
    }
    const auditor = await logIn('n1', 'auditor', 'failures');
    for (const name of names) {
      await until(`the one at ${name} is found`, async () => Number((await auditor.call(`${archive}/Search`, { purpose: { caseId: '1', reason: '复核' }, text: `stranger-${name}`, sources: ['SOURCE_DIRECTORY'] })).total) === 1);
    }
  });

  const idOf = {};
  for (const login of ['li.na', 'wang.fang']) idOf[login] = (await logIn('n1', login, 'id')).person.personId;
  /** Reachability and status line of somebody, as a machine knows them. */
  const showOf = async (name, login) => {
    const { presences } = await at[name].call('im.v1.ConversationService/GetPresence', { personIds: [idOf[login]] });
    return `${presences[0].show ?? 'SHOW_OFFLINE'} ${presences[0].status ?? ''}`.trim();
  };
  await step('who is there and who types is the same at every machine', async () => {
    const [wei, na] = [person('zhang.wei'), person('li.na')];
    const first = await (await Xmpp.open(machines.n1.info)).session(wei, 'n1');
    await first.ask("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>", /id=.roster.[^]*<\/iq>/);
    const second = await (await Xmpp.open(machines.n2.info)).session(na, 'n2');
    await first.raw.until(/<presence[^>]*from=.li\.na@/);
    second.raw.send('<presence><show>away</show><status>午饭</status></presence>');
    await first.raw.until(/<presence[^>]*from=.li\.na@[^]*午饭/);
    await until('told at the third machine', async () => (await showOf('n3', 'li.na')) === 'SHOW_AWAY 午饭');
    second.raw.send(`<message to='zhang.wei@${second.domain}' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`);
    await first.raw.until(/<message[^>]*from=.li\.na@[^]*<composing/);
    first.raw.bytes = Buffer.alloc(0);
    second.raw.drop();
    await first.raw.until(/<presence[^>]*(type=.unavailable[^>]*from=.li\.na@|from=.li\.na@[^>]*type=.unavailable)/, 30_000);
    assert.equal(await showOf('n3', 'li.na'), 'SHOW_OFFLINE');
    first.raw.drop();
  }, 60_000);

  /** Sends until it is acknowledged, as a client does: with the same id. */
  const send = async (caller, conversationId, text, ms = 20_000) => {
    const end = Date.now() + ms;
    for (;;) {
      try {
        return await caller.call('im.v1.MessageService/SendMessage', { conversationId, clientId: `c-${text.slice(0, 40)}`, content: { text } });
      } catch (error) {
        if (Date.now() > end || (error instanceof Refused && error.status < 429 && error.status !== 408)) throw error;
        await pause(100);
      }
    }
  };
  const texts = async (caller) => (await caller.allMessages(direct)).map((message) => [message.seq, message.content?.text]);

  await step('what is written at one machine is there for its writer at once, and for the others in the same order', async () => {
    for (let i = 0; i < 10; i += 1) {
      await send(at[names[i % 3]], direct, `第 ${i} 条`);
      assert.ok((await texts(at[names[i % 3]])).some(([, text]) => text === `第 ${i} 条`), 'the writer sees it');
    }
    const first = await texts(at.n1);
    for (const name of names) await until('the same everywhere', async () => assert.deepEqual(await texts(at[name]), first) ?? true);
    assert.equal(first.length, before.length + 10);
  });

  let written = 0;
  let longest = 0;
  let victim;
  await step('the machine that decides for a conversation dies with -9 while two others write to it: they go on within seconds', async () => {
    victim = await fleet.ownerOf(() => send(at.n1, direct, '谁定'));
    const others = names.filter((name) => name !== victim);
    await (await Xmpp.open(machines[victim].info)).session(person('wang.fang'), 'gone');
    await until('seen at another machine', async () => (await showOf(others[0], 'wang.fang')) === 'SHOW_ONLINE');
    let going = true;
    const writer = (async () => {
      while (going) {
        const begun = Date.now();
        await send(at[others[written % 2]], direct, `续 ${written}`);
        longest = Math.max(longest, Date.now() - begun);
        written += 1;
      }
    })();
    await until('some are written', () => written >= 20);
    await machines[victim].kill();
    const killed = written;
    await fleet.whole(others, 20_000);
    await until('it goes on', () => written >= killed + 30, 20_000);
    going = false;
    await writer;
    assert.ok(longest > 500, `somebody waited for the new owner, not only ${longest} ms`);
    assert.ok(longest < 10_000, `the longest wait was ${longest} ms`);
    console.log(`        the longest wait of a sender: ${longest} ms`);
    for (const name of others) {
      await logIn(name, 'zhang.wei', 'after');
      await until('who was connected to it is gone', async () => (await showOf(name, 'wang.fang')) === 'SHOW_OFFLINE');
    }
  }, 90_000);

  await step('it comes back, gets what it missed, and takes its share again', async () => {
    await machines[victim].start();
    await fleet.settled(names);
    at[victim] = await new Caller(machines[victim].info).logIn(person(victim === 'n1' ? 'zhang.wei' : 'li.na'), 'again');
    const first = await texts(at[names[0]]);
    const said = first.map(([, text]) => text);
    assert.equal(new Set(said).size, said.length, 'nothing twice');
    for (let i = 0; i < written; i += 1) assert.ok(said.includes(`续 ${i}`), `续 ${i} is there`);
    assert.deepEqual(first.map(([seq]) => Number(seq)), first.map((_, i) => i + 1), 'without a gap');
    for (const name of names) assert.deepEqual(await texts(at[name]), first);
    await until('it decides for something', async () => (await fleet.status(names[0])).partitions.some((one) => one.owner === victim), 30_000, 300);
  }, 90_000);

  await step('a machine is drained under load without a refusal, stopped and started', async () => {
    let going = true;
    let slowest = 0;
    let sent = 0;
    const writer = (async () => {
      for (; going; sent += 1) {
        const begun = Date.now();
        await at.n2.call('im.v1.MessageService/SendMessage', { conversationId: direct, clientId: `d-${sent}`, content: { text: `搬 ${sent}` } });
        slowest = Math.max(slowest, Date.now() - begun);
      }
    })();
    await fleet.drain('n1');
    assert.ok((await fleet.status('n2')).partitions.every((one) => one.owner !== 'n1'));
    await machines.n1.stop();
    await pause(500);
    going = false;
    await writer;
    assert.ok(sent > 20);
    console.log(`        the slowest of ${sent}: ${slowest} ms`);
    await machines.n1.start();
    await fleet.settled(names);
    at.n1 = await logIn('n1', 'zhang.wei', 'back');
  }, 90_000);

  await step('a fourth machine is added by one command, and removed by one', async () => {
    const out = join(world.folder, 'cluster', 'enrolled');
    await fleet.add('n4', 'n1', out);
    await fleet.settled([...names, 'n4']);
    await until('it decides for something', async () => (await fleet.status('n4')).partitions.some((one) => one.owner === 'n4'), 30_000, 300);
    const fourth = await logIn('n4', 'zhang.wei', 'fourth');
    await send(fourth, direct, '第四台');
    await must(binary, ['cluster', 'remove', '--config', machines.n4.configFile]);
    assert.deepEqual(await machines.n4.child.ended, { code: 0, signal: null });
    await fleet.settled(names);
    assert.ok((await texts(at.n2)).some(([, text]) => text === '第四台'));
    const again = await run(binary, ['cluster', 'add', 'n4', '--config', machines.n1.configFile, '--authority', join(fleet.folder, 'authority'), '--address', '127.0.0.1:1', '--out', out]);
    assert.equal(again.code, 1);
    assert.match(again.err, /is there already/);
  }, 120_000);

  await step('etcd stops: nothing is acknowledged, reading goes on; it comes back: so do they, by themselves', async () => {
    fleet.etcd.kill('SIGKILL');
    await fleet.etcd.ended;
    await pause(4_000);
    const before = await texts(at.n2);
    await assert.rejects(at.n2.call('im.v1.MessageService/SendMessage', { conversationId: direct, clientId: 'q-1', content: { text: '无法定' } }));
    assert.deepEqual(await texts(at.n2), before);
    fleet.startEtcd();
    await fleet.settled(names, 40_000);
    await send(at.n2, direct, '又好了');
  }, 90_000);

  await step('the auditor finds it at any machine, and the archive lacks nothing', async () => {
    const auditor = people.find((each) => each.roles.includes('auditor'));
    const purpose = { caseId: '2026-020', reason: '复核' };
    for (const name of names) {
      const caller = await new Caller(machines[name].info).logIn(auditor, `audit-${name}`);
      await until(`found at ${name}`, async () => {
        const found = await caller.call('audit.v1.ArchiveService/Search', { purpose, text: '又好了' });
        return Number(found.total) === 1;
      }, 20_000, 200);
    }
  }, 60_000);

  await step('an export that was made at one machine is read at each, also when the one that made it is dead and a disk has lost it', async () => {
    const purpose = { caseId: '2026-021', reason: '复核' };
    // Too much for one piece of a file, and nothing that could be packed.
    for (let i = 0; i < 60; i += 1) await send(at.n1, direct, `附件 ${i} ${randomBytes(9_000).toString('base64')}`);
    const auditor = await logIn('n2', 'auditor', 'export');
    await until('all are found', async () => Number((await auditor.call(`${archive}/Search`, { purpose, text: '附件' })).total) === 60, 20_000, 200);
    const done = await makeExport(auditor, { purpose, text: '附件' });
    assert.ok(Number(done.sizeBytes) > 1 << 20, `${done.sizeBytes} bytes are one piece`);
    const readAt = async (name) => readExport(await logIn(name, 'auditor', `read-${name}`), done.exportId);
    for (const name of names) assert.equal(await readAt(name), done.sha256, name);

    const folderOf = (name) => join(machines[name].data, 'files/exports', done.sha256);
    const pieces = Math.ceil(Number(done.sizeBytes) / (1 << 20));
    for (const name of names) assert.equal(readdirSync(folderOf(name)).length, pieces, `${name} has all of it on its disk`);
    const owner = (await fleet.status('n1')).partitions.find((one) => one.partition === 'audit/0').owner;
    const [loser, other] = names.filter((name) => name !== owner);
    rmSync(folderOf(loser), { recursive: true });
    await until('it has got its pieces again', () => existsSync(folderOf(loser)) && readdirSync(folderOf(loser)).length === pieces, 20_000, 200);
    await machines[owner].kill();
    await fleet.whole([loser, other], 20_000);
    for (const name of [loser, other]) assert.equal(await readAt(name), done.sha256, name);
    await machines[owner].start();
    await fleet.settled(names);
  }, 180_000);

  await step('all stop in order', async () => {
    for (const name of names) await machines[name].stop();
  }, 60_000);
}
