// Whose presence is on the screen, and what it is. Parts of the page say whom they show; the union is asked for.

import type { Presence } from '../../gen/yizhan/im/v1/conversation_pb';
import { createStore } from './store.ts';
import type { LiveSocket } from './live.ts';

const MOST = 500;

export class PresenceWatch {
  readonly known = createStore<ReadonlyMap<string, Presence>>(new Map());
  private readonly wanted = new Map<object, readonly string[]>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = '';
  private readonly live: LiveSocket;

  constructor(live: LiveSocket) {
    this.live = live;
    live.listen((frame) => {
      if (frame.kind.case === 'ready') {
        this.asked = '';
        this.later();
      } else if (frame.kind.case === 'im' && frame.kind.value.kind.case === 'presence') {
        const presence = frame.kind.value.kind.value;
        this.known.set((old) => new Map(old).set(presence.personId, presence));
      }
    });
    // Without the stream nothing is known: a dot that may be old is no dot.
    live.state.watch(() => {
      if (live.state.get().phase !== 'live' && this.known.get().size > 0) this.known.set(new Map());
    });
  }

  /** `owner` shows these people from now on; an empty list: no longer. */
  show(owner: object, personIds: readonly string[]): void {
    if (personIds.length === 0) this.wanted.delete(owner);
    else this.wanted.set(owner, personIds);
    this.later();
  }

  private later(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const personIds = [...new Set([...this.wanted.values()].flat())].sort().slice(0, MOST);
      const key = personIds.join();
      if (key === this.asked) return;
      if (this.live.send({ case: 'watchPresence', value: { personIds } })) this.asked = key;
    }, 200);
  }
}
