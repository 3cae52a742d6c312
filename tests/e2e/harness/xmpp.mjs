// XMPP clients of the story: slixmpp in a process of its own (xmpp_agent.py), told what to do in JSON lines.

import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { start } from './children.mjs';
import { until } from './steps.mjs';

export class XmppAgent {
  constructor(log) {
    this.events = [];
    this.waiting = new Map();
    this.next = 0;
    this.child = start('/usr/bin/python3', ['-W', 'ignore', join(fileURLToPath(new URL('..', import.meta.url)), 'xmpp_agent.py')], { log, pipe: true });
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      const said = JSON.parse(line);
      if (said.event) {
        this.events.push(said);
        return;
      }
      const { resolve, reject } = this.waiting.get(said.n);
      this.waiting.delete(said.n);
      if (said.error !== undefined) reject(new Error(said.error));
      else resolve(said.ok);
    });
    void this.child.ended.then(() => {
      for (const { reject } of this.waiting.values()) reject(new Error('the XMPP agent ended'));
    });
  }

  do(what, who, more = {}) {
    this.next += 1;
    const n = this.next;
    return new Promise((resolve, reject) => {
      this.waiting.set(n, { resolve, reject });
      this.child.stdin.write(`${JSON.stringify({ n, do: what, who, ...more })}\n`);
    });
  }

  /** The first event that fits; `event` is its kind. */
  heard(who, event, fits = () => true, ms = 15_000) {
    return until(`${who} hears ${event}`, () => this.events.find((each) => each.who === who && each.event === event && fits(each)), ms, 20);
  }

  all(who, event) {
    return this.events.filter((each) => each.who === who && each.event === event);
  }

  async stop() {
    this.child.stdin.end();
    await this.child.ended;
  }
}
