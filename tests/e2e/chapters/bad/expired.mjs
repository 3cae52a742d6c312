// Tokens that nobody used for too long: the same folder, opened two weeks later.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Caller, refused } from '../../harness/calls.mjs';
import { must } from '../../harness/children.mjs';
import { WebSocketRaw, Xmpp } from '../../harness/raw.mjs';
import { step } from '../../harness/steps.mjs';

export default async function expired(product) {
  await step('expired tokens: after 15 days without use a session is over, on every way in, and its person logs in anew', async () => {
    const library = join(product.dir, 'clock_shift.so');
    await must('g++', ['-x', 'c', '-shared', '-fPIC', '-O1', '-o', library, fileURLToPath(new URL('../../harness/clock_shift.c', import.meta.url))]);
    await product.start();
    const person = product.info.people.find((each) => each.login === 'zhang.wei');
    const old = await new Caller(product.info).logIn(person);
    await old.call('directory.v1.SessionService/WhoAmI');
    await product.stop();
    product.env = { LD_PRELOAD: library, CLOCK_SHIFT: String(15 * 86_400) };
    try {
      await product.start();
      const error = await refused(old.call('directory.v1.SessionService/WhoAmI'));
      assert.deepEqual([error.code, error.reason], ['unauthenticated', 'TOKEN_EXPIRED'], error.message);
      assert.equal((await refused(old.call('im.v1.ConversationService/Sync'))).code, 'unauthenticated');
      const socket = await WebSocketRaw.open(product.info, '/live', { Authorization: `Bearer ${old.token}` });
      assert.equal(socket.status, 401);
      socket.raw.drop();
      const again = await old.logIn(person);
      assert.equal((await again.call('directory.v1.SessionService/WhoAmI')).person.login, 'zhang.wei');
      const stream = await (await Xmpp.open(product.info)).session(person, 'later');
      stream.raw.drop();
      await product.stop();
    } finally {
      product.env = {};
    }
  });
}
