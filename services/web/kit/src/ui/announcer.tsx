// One hidden polite region for screen readers. Only what arrives live is announced, never what a page merely shows.

import { createStore, useStore } from '../core/store.ts';
import { defineMessages, useT } from '../core/i18n.ts';

const texts = defineMessages({ zh: { burst: '{n} 条新消息' }, en: { burst: '{n} new message|{n} new messages' } });

interface Said {
  id: number;
  text: string;
  count: number;
}

const said = createStore<Said>({ id: 0, text: '', count: 0 });
let waiting: string[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;
let quietUntil = 0;

/** Says one thing that just happened. Bursts become one sentence with their number. */
export function announce(text: string): void {
  waiting.push(text);
  if (timer !== undefined) return;
  const wait = Math.max(150, quietUntil - Date.now());
  timer = setTimeout(() => {
    timer = undefined;
    quietUntil = Date.now() + 2000;
    said.set((old) => ({ id: old.id + 1, text: waiting[0]!, count: waiting.length }));
    waiting = [];
  }, wait);
}

export function Announcer() {
  const t = useT(texts);
  const { id, text, count } = useStore(said);
  return (
    <div className="yz-hidden" role="status" aria-live="polite" aria-atomic="true" data-announcer={id}>
      {count > 1 ? t('burst', { n: count }) : text}
    </div>
  );
}
