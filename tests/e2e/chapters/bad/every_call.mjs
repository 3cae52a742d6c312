// Every call of the contract, as it stands in proto/, by everybody, with nothing and with junk of every field's kind. Each answer is a
// status of the contract with a reason: never "internal", never silence, never a page without bound.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Caller } from '../../harness/calls.mjs';
import { must } from '../../harness/children.mjs';
import { binary, Product } from '../../harness/product.mjs';
import { Xmpp } from '../../harness/raw.mjs';
import { check } from '../../harness/steps.mjs';

const proto3Limits = { 5: 2 ** 31 - 1, 13: 2 ** 32 - 1, 17: 2 ** 31 - 1 };

/** Values of a field's kind that nobody sends in earnest; `turn` chooses. JSON of proto3. */
function junk(field, turn, depth = 0) {
  const texts = ['', '../../etc/passwd', '\u0000\u0001\uffff\ufffe', '字'.repeat(3_000), "' OR 1=1 --", '*)(uid=*', '<x>&lol;</x>', '\u202e\u200b\u0301', 'd::', 'g:%00', '%', 'p'.repeat(60_000)];
  const numbers = [-1, 0, 1, 'max', 'min'];
  const scalar = (kind) => {
    switch (kind) {
      case 8: return turn % 2 === 0;
      case 9: return texts[turn % texts.length];
      case 12: return Buffer.alloc(turn % 40, 0xff).toString('base64');
      case 1: case 2: return ['NaN', 'Infinity', '-Infinity', 1e300][turn % (kind === 1 ? 4 : 3)];
      case 3: case 16: case 18: { const each = numbers[turn % 5]; return each === 'max' ? '9223372036854775807' : each === 'min' ? '-9223372036854775808' : String(each); }
      case 4: case 6: return ['0', '1', '18446744073709551615'][turn % 3];
      default: { const each = numbers[turn % 5]; return kind === 13 || kind === 7 ? [0, 1, proto3Limits[13]][turn % 3] : each === 'max' ? proto3Limits[5] : each === 'min' ? -proto3Limits[5] - 1 : each; }
    }
  };
  const one = () => {
    if (field.message) return depth > 2 ? {} : fill(field.message, turn, depth + 1);
    if (field.enum) return [0, 1, 7, -1, 2_000_000][turn % 5];
    return scalar(field.scalar);
  };
  if (field.fieldKind === 'map') return { [field.mapKey === 9 ? texts[turn % texts.length] : '1']: field.mapKind === 'message' ? {} : field.mapKind === 'enum' ? 0 : scalar(field.scalar) };
  if (field.fieldKind === 'list') {
    const element = field.listKind === 'message' ? (depth > 2 ? {} : fill(field.message, turn, depth + 1)) : field.listKind === 'enum' ? turn % 4 : scalar(field.scalar);
    return Array.from({ length: JSON.stringify(element).length > 2_000 ? 1 : [0, 1, 300][turn % 3] }, () => element);
  }
  return one();
}

function fill(message, turn, depth) {
  if (message.typeName.startsWith('google.protobuf.')) return null;
  const filled = {};
  const oneofs = new Set();
  for (const field of message.fields) {
    if (field.oneof) {
      if (oneofs.has(field.oneof.name) || field.oneof.fields.indexOf(field) !== turn % field.oneof.fields.length) continue;
      oneofs.add(field.oneof.name);
    }
    filled[field.jsonName] = junk(field, turn, depth);
  }
  return filled;
}

export default async function everyCall(world) {
  // An installation of its own: what is taken as a name here, the others' pages need not show.
  const dir = join(world.folder, 'every-call');
  mkdirSync(dir);
  const product = new Product({ dir, log: world.log('yizhan-every-call') });
  await product.start();
  const { info } = product;
  const caller = new Caller(info);
  const person = (login) => info.people.find((each) => each.login === login);
  const proto = join(world.root, 'proto');
  const set = join(dir, 'contract.bin');
  const files = readdirSync(proto, { recursive: true }).filter((each) => each.endsWith('.proto')).map((each) => join(proto, each));
  await must('protoc', ['-I', proto, '--include_imports', `--descriptor_set_out=${set}`, ...files]);
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(set)));
  const methods = [...registry].filter((each) => each.kind === 'service').flatMap((service) => service.methods.filter((each) => each.methodKind === 'unary').map((method) => ({ path: `/${service.typeName}/${method.name}`, input: method.input })));

  const channelId = new URL(info.widget_demo).searchParams.get('channel');
  const visit = await caller.call('desk.v1.VisitorService/StartVisit', { channelId, language: 'zh-CN', pageUrl: 'https://bank.example/' });
  const tokens = { nobody: '', 'a visitor': visit.token };
  for (const [who, login] of Object.entries({ 'an employee': 'hu.bin', 'an agent': 'xie.lin', 'a supervisor': 'lin.mei', 'the auditor': 'auditor', 'the system administrator': 'sysadmin', 'the security administrator': 'secadmin' })) {
    tokens[who] = (await caller.logIn(person(login))).token;
  }
  // These end the caller's own session, or are slowed down on purpose.
  const ending = /\/(LogOut|EndSession|EndVisit|ChangePassword|SetPassword)$/;
  const refusals = new Set(['invalid_argument', 'not_found', 'already_exists', 'permission_denied', 'failed_precondition', 'out_of_range', 'unimplemented', 'unauthenticated', 'resource_exhausted', 'aborted']);

  for (const [who, token] of Object.entries(tokens)) {
    await check(`every call, with junk, by ${who}: ${methods.length} methods`, async () => {
      const wrong = [];
      let answered = 0;
      for (const { path, input } of methods) {
        if (ending.test(path)) continue;
        await Promise.all([null, ...Array.from({ length: 12 }, (_, turn) => turn)].map(async (turn) => {
          if (token === '' && turn !== null && turn > 2) return;
          const body = JSON.stringify(turn === null ? {} : fill(input, turn, 0));
          const answer = await caller.raw('POST', path, { headers: { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) }, body });
          const text = answer.body.toString('utf8');
          answered += 1;
          const problem = (what) => wrong.push(`${path} turn ${turn}: ${what}: ${answer.status} ${text.slice(0, 300)}`);
          let json;
          try {
            json = JSON.parse(text);
          } catch {
            problem('no JSON');
            return;
          }
          if (answer.body.length > 4_500_000) problem('too large');
          if (answer.status === 200) return;
          if (!refusals.has(json.code)) problem('not a refusal');
          else if (!/^[A-Z][A-Z_0-9]+$/.test(json.details?.[0]?.debug?.reason ?? '')) problem('no reason');
          else if (!json.message || json.message.length > 2_000) problem('no message that helps');
        }));
      }
      assert.ok(answered > methods.length / 2);
      assert.deepEqual(wrong.slice(0, 20), [], `${wrong.length} of ${answered}`);
    }, 120_000);
  }

  await check('after every call: what was taken as a name breaks no stream, everything is healthy, and the ledger verifies', async () => {
    const stream = await (await Xmpp.open(info)).session(person('hu.bin'), 'after');
    for (const [id, query] of [['r', "<query xmlns='jabber:iq:roster'/>"], ['d', "<query xmlns='http://jabber.org/protocol/disco#items'/>"]]) {
      stream.raw.bytes = Buffer.alloc(0);
      await stream.ask(`<iq type='get' id='${id}'${id === 'd' ? ` to='${info.xmpp.groups_domain}'` : ''}>${query}</iq>`, new RegExp(`<iq[^>]*id='${id}'[^]*</iq>`));
      assert.ok(!/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(stream.raw.text), 'characters that XML cannot hold');
    }
    stream.raw.drop();
    const health = await (await caller.logIn(person('sysadmin'))).call('admin.v1.AdminService/GetHealth');
    assert.equal(health.state, 'STATE_OK', JSON.stringify(health.components));
    await product.stop();
    for (const data of product.ledgers()) await must(binary, ['ledger', 'replay', '--data', data]);
  });
  if (product.running()) await product.stop();
}
