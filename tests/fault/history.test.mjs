// The checker sees what it is there to see.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, random } from './history.mjs';

/** Two writers of five messages each, seen by all as they are. */
function honest() {
  const sent = [];
  for (let n = 0; n < 5; n += 1) for (const writer of [0, 1]) sent.push({ conversation: 'c', writer, n, text: `${writer}/${n}`, seq: sent.length + 1 });
  const view = sent.map((one) => [one.seq, one.text]);
  return { sent, seen: new Map([['c', new Map(view)]]), views: new Map([['c', [view, structuredClone(view), structuredClone(view)]]]) };
}
const told = ({ sent, seen, views }) => judge(sent, seen, views).join('\n');

test('what is as it should be is taken as it is', () => {
  assert.equal(told(honest()), '');
});

test('a lost message is seen', () => {
  const story = honest();
  for (const view of story.views.get('c')) view.pop();
  assert.match(told(story), /"1\/4" was acknowledged as 10 and is at undefined/);
});

test('one that was never acknowledged is seen', () => {
  const story = honest();
  story.sent[3].seq = undefined;
  assert.match(told(story), /"1\/1" was never acknowledged/);
});

test('a message that is there twice is seen', () => {
  const story = honest();
  for (const view of story.views.get('c')) view.push([11, '0/2']);
  assert.match(told(story), /"0\/2" is there twice, at 5 and 11/);
});

test('two that changed places are seen, also where the acknowledgements say so', () => {
  const story = honest();
  [story.sent[2].seq, story.sent[4].seq] = [5, 3];
  for (const view of story.views.get('c')) [view[2][1], view[4][1]] = [view[4][1], view[2][1]];
  story.seen.clear();
  assert.match(told(story), /"0\/2" stands before what its writer had sent before/);
});

test('a gap is seen', () => {
  const story = honest();
  for (const view of story.views.get('c')) for (const row of view.slice(5)) row[0] += 1;
  assert.match(told(story), /seq 7 is in place 6/);
});

test('a machine that shows something else is seen', () => {
  const story = honest();
  story.views.get('c')[2][6][1] = 'x';
  assert.match(told(story), /not the same everywhere, from 7 on/);
  const short = honest();
  short.views.get('c')[1].pop();
  assert.match(told(short), /not the same everywhere, from seq 10 on/);
});

test('what somebody saw and is no longer so is seen', () => {
  const story = honest();
  story.seen.get('c').set(4, 'x');
  assert.match(told(story), /seq 4 showed "x" and is "1\/1"/);
});

test('a seed gives the same sequence', () => {
  const [a, b] = [random(7), random(7)];
  assert.deepEqual(Array.from({ length: 50 }, () => a.below(1000)), Array.from({ length: 50 }, () => b.below(1000)));
  assert.notEqual(random(8).next(), random(7).next());
});
