// What every client sent, was acknowledged and saw; and whether that can be.

import assert from 'node:assert/strict';
import { Caller, Refused } from '../e2e/harness/calls.mjs';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const send = 'im.v1.MessageService/SendMessage';

/** Numbers from a seed: the same sequence for the same seed. */
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return { next, below: (n) => Math.floor(next() * n), of: (list) => list[Math.floor(next() * list.length)] };
}

const textOf = (message) => message.content?.text ?? `notice ${JSON.stringify(message.notice ?? {})}`;

/**
 * What cannot be. sent: {conversation, writer, n, text, seq} in the order of sending, seq undefined where nothing was acknowledged;
 * seen: conversation -> seq -> text; views: conversation -> what each machine shows in the end, [seq, text] each.
 */
export function judge(sent, seen, views) {
  const problems = [];
  for (const [id, [first, ...others]] of views) {
    for (const view of others) {
      const differs = view.findIndex(([seq, text], i) => first[i]?.[0] !== seq || first[i]?.[1] !== text);
      if (differs >= 0 || view.length !== first.length) problems.push(`${id} is not the same everywhere, from ${differs >= 0 ? view[differs][0] : `seq ${Math.min(view.length, first.length) + 1}`} on`);
    }
    const at = new Map();
    first.forEach(([seq, text], i) => {
      if (seq !== i + 1) problems.push(`${id}: seq ${seq} is in place ${i + 1}`);
      if (at.has(text)) problems.push(`${id}: "${text}" is there twice, at ${at.get(text)} and ${seq}`);
      at.set(text, seq);
    });
    for (const [seq, text] of seen.get(id) ?? []) {
      if (first[seq - 1]?.[1] !== text) problems.push(`${id}: seq ${seq} showed "${text}" and is "${first[seq - 1]?.[1]}"`);
    }
    const last = new Map();
    for (const one of sent.filter((each) => each.conversation === id)) {
      if (one.seq === undefined) {
        problems.push(`"${one.text}" was never acknowledged`);
      } else if (at.get(one.text) !== one.seq) {
        problems.push(`"${one.text}" was acknowledged as ${one.seq} and is at ${at.get(one.text)}`);
      } else if (one.seq <= (last.get(one.writer) ?? 0)) {
        problems.push(`"${one.text}" stands before what its writer had sent before`);
      }
      last.set(one.writer, Math.max(one.seq ?? 0, last.get(one.writer) ?? 0));
    }
  }
  return problems;
}

/** A person who writes and reads at whatever machine answers. */
class Client {
  constructor(fleet, caller, dice) {
    Object.assign(this, { dice, person: caller.person });
    this.at = Object.fromEntries(fleet.names.map((name) => [name, Object.assign(new Caller(fleet.machines[name].info, caller.token), { person: caller.person, ms: 4_000 })]));
    this.names = fleet.names;
  }

  anywhere() {
    return this.at[this.dice.of(this.names)];
  }
}

export class History {
  constructor(fleet, dice) {
    Object.assign(this, { fleet, dice, going: true, problems: [], sent: [], acknowledged: 0, gaps: [], roots: new Map() });
    this.seen = new Map(); // conversation -> seq -> text, as anybody saw it anywhere
    this.work = [];
  }

  async begin() {
    const { info } = this.fleet.machines[this.fleet.names[0]];
    const people = info.people.filter((each) => each.roles.includes('employee')).slice(0, 6);
    const clients = [];
    for (const person of people) clients.push(new Client(this.fleet, await new Caller(info).logIn(person, 'faults'), this.dice));
    const first = clients[0].at[this.fleet.names[0]];
    const group = await first.call('im.v1.ConversationService/CreateGroup', { title: '故障', handle: 'faults', memberIds: clients.slice(1).map((each) => each.person.personId) });
    const conversations = [{ id: group.conversation?.conversationId ?? 'g:faults', clients }];
    for (let i = 0; i + 1 < clients.length; i += 2) {
      const pair = clients.slice(i, i + 2);
      await pair[0].at[this.fleet.names[0]].call(send, { toPersonId: pair[1].person.personId, clientId: 'begin', content: { text: `始 ${i}` } });
      conversations.push({ id: `d:${pair.map((each) => each.person.personId).sort().join(':')}`, clients: pair });
    }
    this.conversations = conversations;
    this.auditor = new Client(this.fleet, await new Caller(info).logIn(info.people.find((each) => each.roles.includes('auditor')), 'faults'), this.dice);
    for (const conversation of conversations) {
      this.seen.set(conversation.id, new Map());
      conversation.clients.slice(0, 2).forEach((client, i) => this.work.push(this.write(conversation, client, i)));
      for (const name of this.fleet.names) this.work.push(this.read(conversation, name));
    }
    this.work.push(this.audit());
  }

  /** One message after the other, each until it is acknowledged: as a client does, with the same id, at another machine. */
  async write(conversation, client, writer) {
    for (let n = 0; this.going; n += 1) {
      const text = `${conversation.id.slice(-6)}/${writer}/${n}`;
      const one = { conversation: conversation.id, writer, n, text, begun: Date.now() };
      this.sent.push(one);
      while (one.seq === undefined) {
        try {
          const answer = await client.anywhere().call(send, { conversationId: conversation.id, clientId: text, content: { text } });
          one.seq = Number(answer.seq);
          one.done = Date.now();
          this.acknowledged += 1;
        } catch (error) {
          // What a client must not try again would be a fault of the product here.
          if (error instanceof Refused && error.status < 429 && error.status !== 408) this.problems.push(`${text} was refused for good: ${error.message}`);
          if (!this.going && Date.now() - one.begun > 30_000) break;
          await pause(50 + this.dice.below(100));
        }
      }
      await pause(this.dice.below(40));
    }
  }

  /** What a conversation looks like at one machine, as it grows: never a gap, never another text under a seq. */
  async read(conversation, name) {
    const client = conversation.clients[0].at[name];
    const seen = this.seen.get(conversation.id);
    for (let after = 0; this.going;) {
      try {
        const { messages = [] } = await client.call('im.v1.MessageService/ListMessages', { conversationId: conversation.id, afterSeq: String(after), pageSize: 200 });
        for (const message of messages) {
          const seq = Number(message.seq);
          if (seq !== after + 1) this.problems.push(`${conversation.id} at ${name}: seq ${seq} behind ${after}`);
          after = seq;
          const text = textOf(message);
          const known = seen.get(seq);
          if (known === undefined) seen.set(seq, text);
          else if (known !== text) this.problems.push(`${conversation.id}: seq ${seq} was "${known}" and is "${text}" at ${name}`);
        }
      } catch {
        // The machine is away, or cut off.
      }
      await pause(100 + this.dice.below(200));
    }
  }

  /** Sizes and roots of the archive's tree, as any machine shows them. */
  async audit() {
    for (; this.going; await pause(500)) {
      const name = this.dice.of(this.fleet.names);
      try {
        const { newSize, newRoot } = await this.auditor.at[name].call('audit.v1.ArchiveService/GetConsistencyProof', { oldSize: 1 });
        const known = this.roots.get(newSize);
        if (known !== undefined && known !== newRoot) this.problems.push(`the archive's tree of ${newSize} leaves has two roots`);
        this.roots.set(newSize, newRoot);
      } catch {
        // As above.
      }
    }
  }

  async end() {
    this.going = false;
    await Promise.all(this.work);
  }

  /** With everything healed and everybody quiet. */
  async check() {
    const views = new Map();
    for (const { id, clients } of this.conversations) {
      const each = [];
      for (const name of this.fleet.names) each.push((await clients[0].at[name].allMessages(id)).map((message) => [Number(message.seq), textOf(message)]));
      views.set(id, each);
    }
    assert.deepEqual([...this.problems, ...judge(this.sent, this.seen, views)].slice(0, 20), []);
    await this.checkArchive();
  }

  async checkArchive() {
    const archive = 'audit.v1.ArchiveService';
    for (const name of this.fleet.names) {
      const auditor = Object.assign(this.auditor.at[name], { ms: 60_000 });
      const whole = await auditor.call(`${archive}/VerifyArchive`);
      assert.ok(whole.ok, `the archive at ${name}: ${(whole.problems ?? []).join('; ')}`);
      for (const [size, root] of this.roots) {
        const proof = await auditor.call(`${archive}/GetConsistencyProof`, { oldSize: size });
        assert.equal(proof.oldRoot, root, `the tree of ${size} leaves that was shown is a beginning of the one at ${name}`);
      }
    }
  }

  /** Milliseconds, ascending, that messages waited for their acknowledgement. */
  waits() {
    return this.sent.filter((one) => one.done).map((one) => one.done - one.begun).sort((a, b) => a - b);
  }
}
