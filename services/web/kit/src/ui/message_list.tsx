// The message list: virtual, anchored at its end, and it never moves what someone is reading.

import { DownOutlined } from '@ant-design/icons';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useCallback, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState, type ReactNode, type Ref } from 'react';
import { defineMessages, useT } from '../core/i18n.ts';

const texts = defineMessages({
  zh: { fresh: '{n} 条新消息', end: '回到最新' },
  en: { fresh: '{n} new|{n} new', end: 'To the newest' },
});

export interface MessageListHandle {
  toEnd(): void;
  /** False when there is no such row. */
  toKey(key: string): boolean;
}

export interface MessageListProps<T> {
  /** In order. Identity matters: an item that did not change must be the same object. */
  items: readonly T[];
  /** For life: a sent message keeps the key that it had while pending. Never twice: of two rows with one key the first is lost track of and keeps its place. */
  keyOf: (item: T) => string;
  /** A good guess of the row's height in pixels, from what is known without looking (length of text, size of image). */
  estimate: (item: T, width: number) => number;
  /** Stable (useCallback): rows are drawn again when it changes. */
  render: (item: T) => ReactNode;
  /** What the log is called, for screen readers. */
  label: string;
  /** Where to begin; read once, so give the list a `key` by conversation. */
  start: 'end' | { key: string };
  /** There is more above or below, not loaded. With moreBelow the list does not follow its end. */
  moreAbove?: boolean;
  moreBelow?: boolean;
  onNeedAbove?: () => void;
  onNeedBelow?: () => void;
  /** When moreBelow: loads the newest page. */
  onNeedEnd?: () => void;
  /** Whether the item counts as new to the reader when it arrives below the fold. */
  isNews?: (item: T) => boolean;
  /** New messages that are beyond what is loaded. */
  newsBeyond?: number;
  /** The lowest row that was in view, with the window focused, for a second. */
  onSeen?: (item: T) => void;
  /** Where the reader was when the list went away: a key, or null at the end. */
  onLeave?: (key: string | null) => void;
  ref?: Ref<MessageListHandle>;
}

interface RowProps<T> {
  item: T;
  render: (item: T) => ReactNode;
}
const Row = memo(function Row<T>({ item, render }: RowProps<T>) {
  return render(item);
}) as <T>(props: RowProps<T>) => ReactNode;

export function MessageList<T>(props: MessageListProps<T>) {
  const { items, keyOf, moreAbove = false, moreBelow = false } = props;
  const t = useT(texts);
  const latest = useRef(props);
  latest.current = props;
  const scroller = useRef<HTMLDivElement>(null);
  const followed = useRef(!moreBelow);
  const atEnd = useRef(props.start === 'end');
  const [away, setAway] = useState(false);
  const [fresh, setFresh] = useState(0);

  // Rows that complete the window to its true end are no arrivals: following them would carry the reader away.
  const follow = !moreBelow && followed.current;
  const v = useVirtualizer<HTMLDivElement, HTMLDivElement>({
    count: items.length,
    getScrollElement: () => scroller.current,
    getItemKey: useCallback((index: number) => keyOf(items[index]!), [items, keyOf]),
    estimateSize: (index) => props.estimate(items[index]!, scroller.current?.clientWidth ?? 800),
    overscan: 8,
    anchorTo: 'end',
    followOnAppend: follow,
    scrollEndThreshold: 24,
    directDomUpdates: true,
    directDomUpdatesMode: 'position',
    paddingStart: 12,
    paddingEnd: 12,
    onChange: () => needMore.current(),
  });
  // Not before the first position is reached: on the way there every row passes by.
  const settled = useRef(false);
  const needMore = useRef(() => undefined as void);
  needMore.current = () => {
    const range = v.range;
    if (!range || !settled.current) return;
    const now = latest.current;
    if (range.startIndex < 6 && now.moreAbove) now.onNeedAbove?.();
    if (range.endIndex > now.items.length - 6 && now.moreBelow) now.onNeedBelow?.();
  };

  // Where to begin.
  useLayoutEffect(() => {
    const { start } = latest.current;
    const index = start === 'end' ? -1 : items.findIndex((item) => keyOf(item) === start.key);
    if (index < 0) v.scrollToEnd();
    else v.scrollToIndex(index, { align: 'start' });
    const timer = setTimeout(() => {
      settled.current = true;
      needMore.current();
    }, 150);
    return () => clearTimeout(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);

  // A short window may show everything at once, without any scrolling that could ask for more.
  useEffect(() => needMore.current(), [items, moreAbove, moreBelow]);

  // How many arrived below the fold: counted from the last one of others, because what is unsent stays last.
  const lastNews = useRef<string | null | undefined>(undefined);
  useLayoutEffect(() => {
    const known = lastNews.current;
    const isNews = latest.current.isNews ?? (() => true);
    let arrived = 0;
    let last: string | null = null;
    for (let i = items.length - 1; i >= 0; i -= 1) {
      if (!isNews(items[i]!)) continue;
      const key = keyOf(items[i]!);
      last ??= key;
      if (known === undefined || key === known) break;
      arrived += 1;
    }
    lastNews.current = last;
    if (known === undefined || known === null || known === last || moreBelow || !followed.current) return;
    if (!atEnd.current) setFresh((old) => old + arrived);
    // Rows that come in above unsent ones are no append: the end is kept here.
    else v.scrollToEnd();
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [items]);

  useLayoutEffect(() => {
    followed.current = !moreBelow;
  }, [moreBelow]);

  const onScroll = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    const distance = element.scrollHeight - element.scrollTop - element.clientHeight;
    atEnd.current = distance <= 24 && !latest.current.moreBelow;
    setAway(distance > 200);
    if (atEnd.current) setFresh(0);
  }, []);

  // The composer grows, the window shrinks: the end stays the end. A bar comes in above: the rows stay where they are on the screen.
  useEffect(() => {
    const element = scroller.current!;
    let top = element.getBoundingClientRect().top;
    const observer = new ResizeObserver(() => {
      const moved = element.getBoundingClientRect().top - top;
      top += moved;
      if (atEnd.current) v.scrollToEnd();
      else if (moved !== 0 && settled.current) element.scrollTop += moved;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [v]);

  // Seen: in view for a second while the window has focus.
  useEffect(() => {
    let since = new Map<string, number>();
    let reported = '';
    const look = () => {
      const element = scroller.current;
      const { onSeen, items: rows, keyOf: key } = latest.current;
      if (!element || !onSeen) return;
      if (!document.hasFocus() || document.visibilityState !== 'visible') {
        since = new Map();
        return;
      }
      const now = Date.now();
      const bottom = element.scrollTop + element.clientHeight;
      const still = new Map<string, number>();
      let lowest: T | undefined;
      for (const row of v.getVirtualItems()) {
        const item = rows[row.index];
        if (!item || row.end <= element.scrollTop) continue;
        // Its foot is in view, or it fills the view.
        if (row.end > bottom + 4 && !(row.start <= element.scrollTop && row.size > element.clientHeight)) continue;
        const from = since.get(key(item)) ?? now;
        still.set(key(item), from);
        if (now - from >= 1000) lowest = item;
      }
      since = still;
      if (lowest !== undefined && key(lowest) !== reported) {
        reported = key(lowest);
        onSeen(lowest);
      }
    };
    const timer = setInterval(look, 200);
    return () => clearInterval(timer);
  }, [v]);

  // Leaving.
  const position = useRef<string | null>(null);
  useEffect(() => {
    const note = () => {
      const top = scroller.current?.scrollTop ?? 0;
      const row = v.getVirtualItems().find((each) => each.end > top + 1);
      position.current = atEnd.current || !row ? null : String(row.key);
    };
    const element = scroller.current!;
    element.addEventListener('scroll', note, { passive: true });
    return () => {
      element.removeEventListener('scroll', note);
      latest.current.onLeave?.(position.current);
    };
  }, [v]);

  const toEnd = useCallback(() => {
    setFresh(0);
    if (latest.current.moreBelow) latest.current.onNeedEnd?.();
    else v.scrollToEnd();
  }, [v]);
  useImperativeHandle(props.ref, () => ({
    toEnd,
    toKey: (key) => {
      const index = latest.current.items.findIndex((item) => latest.current.keyOf(item) === key);
      if (index >= 0) v.scrollToIndex(index, { align: 'center' });
      return index >= 0;
    },
  }), [toEnd, v]);

  const news = fresh + (props.newsBeyond ?? 0);
  return (
    <div className="yz-log-frame">
      <div ref={scroller} className="yz-log" role="log" aria-live="off" aria-label={props.label} tabIndex={0} data-pane onScroll={onScroll}>
        <div ref={v.containerRef} className="yz-log-space">
          {v.getVirtualItems().map((row) => (
            <div key={row.key} ref={v.measureElement} data-index={row.index} data-key={row.key} className="yz-log-row" role="article" aria-posinset={row.index + 1} aria-setsize={moreAbove || moreBelow ? -1 : items.length}>
              <Row item={items[row.index]!} render={props.render} />
            </div>
          ))}
        </div>
      </div>
      {(away || moreBelow || news > 0) && (
        <button type="button" className={news > 0 ? 'yz-pill yz-pill-news' : 'yz-pill'} onClick={toEnd} data-news={news}>
          <DownOutlined aria-hidden /> {news > 0 ? t('fresh', { n: news }) : t('end')}
        </button>
      )}
    </div>
  );
}
