// What must not be: malformed, too large, half-open, somebody else's. Each gets its named error; the server goes on serving, and what
// was written before is there after.

import assert from 'node:assert/strict';
import { check, step, uniqueId } from '../harness/steps.mjs';
import calls from './bad/calls.mjs';
import everyCall from './bad/every_call.mjs';
import greedy from './bad/greedy.mjs';
import grpcCalls from './bad/grpc_calls.mjs';
import halfOpen from './bad/half_open.mjs';
import rights from './bad/rights.mjs';
import sockets from './bad/sockets.mjs';
import xmppStreams from './bad/xmpp_streams.mjs';

export default async function badInput(world) {
  const { pid } = world.product.child;
  const [one, two] = ['cheng.long', 'cao.ying'].map(world.person);
  const witness = await world.caller.logIn(one);
  const other = await world.caller.logIn(two);
  const direct = `d:${[witness.person.personId, other.person.personId].sort().join(':')}`;
  let sent = [];
  const send = async (text) => {
    const answer = await witness.call('im.v1.MessageService/SendMessage', { toPersonId: other.person.personId, clientId: uniqueId('w'), content: { text } });
    sent.push([answer.seq, answer.messageId, text]);
  };
  await step('two people who have nothing to do with it write to each other', () => send('之前'));

  // These take the server's own time-outs: they wait beside everything else.
  const slow = halfOpen(world);
  for (const part of [xmppStreams, calls, sockets, grpcCalls, rights, everyCall, greedy]) {
    await part(world);
    await check('the server serves on', () => send(`在 ${part.name} 之后`));
  }
  await slow;

  await check('after all of it: the same process, healthy, nothing lost', async () => {
    await send('之后');
    assert.equal(world.product.child.pid, pid);
    assert.ok(world.product.running());
    const messages = await other.allMessages(direct);
    assert.deepEqual(messages.filter((each) => each.content).map((each) => [each.seq, each.messageId, each.content.text]), sent);
    const health = await (await world.caller.logIn(world.person('sysadmin'))).call('admin.v1.AdminService/GetHealth');
    assert.equal(health.state, 'STATE_OK', JSON.stringify(health.components));
  });
}
