import { PlusOutlined, SearchOutlined } from '@ant-design/icons';
import { useVirtualizer } from '@tanstack/react-virtual';
import { Button } from 'antd';
import { Avatar, cut, Empty, Skeleton, TimeText, useKeys, useLocale, useStore, useT } from '@yizhan/kit';
import { memo, useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import type { Conv } from '../model/conversations.ts';
import { chatHref, useIm, usePresence, useShown, useTitle } from './context.ts';
import { texts } from './texts.ts';
import { preview } from './words.ts';

/** Newest first; what is unsent counts as new. */
function useOrdered(): Conv[] {
  const im = useIm();
  const all = useStore(im.convs);
  return useMemo(() => [...all.values()].sort((a, b) => b.lastTimeUs - a.lastTimeUs || (a.id < b.id ? -1 : 1)), [all]);
}

export function ConversationList({ openId, onJump, onNewGroup }: { openId: string; onJump: () => void; onNewGroup: () => void }) {
  const im = useIm();
  const t = useT(texts);
  const phase = useStore(im.phase);
  const [onlyUnread, setOnlyUnread] = useState(false);
  const ordered = useOrdered();
  const unread = ordered.filter((conv) => conv.unread > 0);
  // The open one stays: a list must not lose the row that was just chosen.
  const shown = onlyUnread ? ordered.filter((conv) => conv.unread > 0 || conv.id === openId) : ordered;

  const scroller = useRef<HTMLDivElement>(null);
  const row = useRowHeight();
  const v = useVirtualizer({ count: shown.length, getScrollElement: () => scroller.current, estimateSize: () => row, overscan: 6, getItemKey: (i) => shown[i]!.id });
  useEffect(() => v.measure(), [v, row]);

  const rows = v.getVirtualItems();
  useShown(rows.map((each) => shown[each.index]?.peerId ?? '').filter(Boolean));

  const go = (from: Conv[], step: number) => {
    if (from.length === 0) return;
    const at = from.findIndex((conv) => conv.id === openId);
    const next = from[(at + step + from.length) % from.length] ?? from[0]!;
    location.hash = chatHref(next.id);
    const index = shown.findIndex((conv) => conv.id === next.id);
    if (index >= 0) v.scrollToIndex(index, { align: 'auto' });
  };
  useKeys({
    'alt+arrowup': { run: () => go(ordered, -1), label: t('prev') },
    'alt+arrowdown': { run: () => go(ordered, 1), label: t('next') },
    'alt+shift+arrowup': { run: () => go(ordered.filter((c) => c.unread > 0 || c.id === openId), -1), label: t('prevUnread') },
    'alt+shift+arrowdown': { run: () => go(ordered.filter((c) => c.unread > 0 || c.id === openId), 1), label: t('nextUnread') },
  });

  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step === 0 || event.altKey) return;
    event.preventDefault();
    const links = [...event.currentTarget.querySelectorAll<HTMLAnchorElement>('a')];
    const at = links.indexOf(document.activeElement as HTMLAnchorElement);
    links[Math.max(0, Math.min(links.length - 1, at + step))]?.focus();
  };

  return (
    <section className="im-list" aria-label={t('list')} data-pane tabIndex={-1}>
      <div className="im-list-head">
        <button type="button" className="im-search" onClick={onJump}>
          <SearchOutlined aria-hidden /> <span className="yz-grow">{t('jump')}</span> <kbd>Ctrl K</kbd>
        </button>
        <Button icon={<PlusOutlined />} aria-label={t('newGroup')} title={t('newGroup')} onClick={onNewGroup} />
      </div>
      <div className="im-tabs" role="group" aria-label={t('list')}>
        <button type="button" aria-pressed={!onlyUnread} onClick={() => setOnlyUnread(false)}>{t('all')}</button>
        <button type="button" aria-pressed={onlyUnread} onClick={() => setOnlyUnread(true)}>
          {t('unread')} {unread.length > 0 && <span className="im-count">{unread.length}</span>}
        </button>
      </div>
      <div ref={scroller} className="im-list-scroll" onKeyDown={onKeyDown}>
        {phase === 'loading' && ordered.length === 0 ? (
          <Skeleton rows={8} />
        ) : shown.length === 0 ? (
          onlyUnread ? (
            <Empty action={<Button onClick={() => setOnlyUnread(false)}>{t('showAll')}</Button>}>{t('noUnread')}</Empty>
          ) : (
            <Empty action={<Button href="#/directory">{t('findPeople')}</Button>}>{t('noConversations')}</Empty>
          )
        ) : (
          <ul style={{ height: v.getTotalSize(), position: 'relative' }}>
            {rows.map((each) => (
              <li key={each.key} style={{ position: 'absolute', top: each.start, width: '100%', height: each.size }}>
                <Item conv={shown[each.index]!} open={shown[each.index]!.id === openId} />
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}

function useRowHeight(): number {
  const read = () => (document.documentElement.dataset.density === 'compact' ? 56 : 64);
  const [height, setHeight] = useState(read);
  useEffect(() => {
    const observer = new MutationObserver(() => setHeight(read()));
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-density'] });
    return () => observer.disconnect();
  }, []);
  return height;
}

const Item = memo(function Item({ conv, open }: { conv: Conv; open: boolean }) {
  const im = useIm();
  const t = useT(texts);
  const locale = useLocale();
  const title = useTitle(conv.id, conv, conv.peerId);
  const presence = usePresence(conv.peerId);
  useStore(im.people.byId); // Names in the preview.
  const draft = useDraft(conv.id);
  const failed = useStore(im.outbox.items, (items) => items.filter((item) => item.conversationId === conv.id && item.state === 'failed').length);
  const mentioned = conv.unread > 0 && conv.last?.content?.mentions.some((id) => id === im.meId || id === 'all');
  return (
    <a href={chatHref(conv.id)} className="im-item" aria-current={open ? 'page' : undefined} data-conversation={conv.id}>
      <Avatar id={conv.group ? conv.id : conv.peerId} name={title} size={40} square={conv.group} presence={presence} />
      <span className="im-item-lines">
        <span className="im-item-line">
          <span className="yz-cut yz-grow im-item-title">{title}</span>
          <span className="yz-meta"><TimeText us={conv.lastTimeUs} /></span>
        </span>
        <span className="im-item-line">
          <span className="yz-cut yz-grow yz-meta">
            {failed > 0 && <span className="yz-danger">[{t('failedCount', { n: failed })}] </span>}
            {mentioned && <span className="yz-danger">[{t('mentionsMe')}] </span>}
            {draft && !open ? <><span className="yz-danger">{t('draft', { text: '' })}</span>{cut(draft.replace(/\s+/g, ' '), 60)}</> : preview(conv.last, im.meId, conv.group, im.people, locale, t)}
          </span>
          {conv.unread > 0 && (
            <span className="im-badge">
              <span aria-hidden="true">{conv.unread > 99 ? '99+' : conv.unread}</span>
              <span className="yz-hidden">{t('unreadCount', { n: conv.unread })}</span>
            </span>
          )}
        </span>
      </span>
    </a>
  );
});

function useDraft(id: string): string {
  const im = useIm();
  const [draft, setDraft] = useState(() => im.drafts.get(id));
  useEffect(() => im.drafts.watch((key) => key === id && setDraft(im.drafts.get(id))), [im, id]);
  return draft;
}
