// A page for tests only: the kit's message list and composer with 10,000 rows and no server. Driven through `window.harness`.

import 'virtual:yizhan/antd.css';
import './harness.css';
import { announce, Composer, createStore, Drafts, MessageList, mount, useStore } from '@yizhan/kit';
import { useCallback } from 'react';

interface Item {
  key: string;
  text: string;
  image: { width: number; height: number } | null;
}

let low = 0;
let high = 0;
function make(n: number): Item {
  const kind = Math.abs(n * 2654435761) % 7;
  const text = kind < 3 ? `第 ${n} 条` : kind < 5 ? `${n} 请在 17:00 前确认授信材料。`.repeat(2 + (Math.abs(n) % 9)) : `row ${n}\n`.repeat(1 + (Math.abs(n) % 5));
  return { key: `k${n}`, text, image: kind === 6 ? { width: 240, height: 80 + (Math.abs(n * 37) % 200) } : null };
}
const items = createStore<readonly Item[]>(Array.from({ length: 10_000 }, () => make((high += 1))));
const seen = createStore<string[]>([]);
const sent = createStore<string[]>([]);
const pictures = createStore(false);
const drafts = new Drafts('harness');

declare global {
  interface Window {
    harness: unknown;
  }
}
window.harness = {
  prepend: (n: number) => items.set((old) => [...Array.from({ length: n }, () => make((low -= 1))).reverse(), ...old]),
  append: (n: number) => items.set((old) => [...old, ...Array.from({ length: n }, () => make((high += 1)))]),
  pictures: () => pictures.set(true),
  announce,
  sent: () => sent.get(),
  seen: () => seen.get(),
};

function Picture({ size }: { size: { width: number; height: number } }) {
  const show = useStore(pictures);
  // The box has its size before the picture has come.
  return <div className="picture" style={{ aspectRatio: `${size.width} / ${size.height}`, width: size.width }}>{show && <img src="./picture.svg" alt="" width={size.width} height={size.height} />}</div>;
}

function Harness() {
  const rows = useStore(items);
  const render = useCallback((item: Item) => (
    <div className="row">
      {item.text}
      {item.image && <Picture size={item.image} />}
    </div>
  ), []);
  return (
    <div className="harness">
      <MessageList
        items={rows}
        keyOf={(item) => item.key}
        estimate={(item) => 24 + 22 * Math.ceil(item.text.length / 40) + (item.image?.height ?? 0)}
        render={render}
        label="harness"
        start="end"
        onSeen={(item) => seen.set((old) => [...old, item.key])}
      />
      <Composer drafts={drafts} draftKey="harness" label="composer" onSend={(text) => { sent.set((old) => [...old, text]); }} />
    </div>
  );
}

mount(<Harness />);
