import { Button } from 'antd';
import { DownOutlined, SafetyCertificateOutlined, UpOutlined } from '@ant-design/icons';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { Empty, ErrorState, Skeleton, TimeText, useT } from '@yizhan/kit';
import { Source, type Item, type Participant, type ReadConversationResponse } from '@yizhan/kit/gen/audit/v1/archive_service_pb';
import { archive } from '../model/archive.ts';
import { highlightParts } from '../model/highlight.ts';
import type { Named, Why } from '../model/query.ts';
import { Marked } from './hits.tsx';
import { Proof } from './proof.tsx';
import { texts } from './texts.ts';

export interface ReaderProps {
  why: Why;
  item: Item;
  position: string;
  onPrev: (() => void) | undefined;
  onNext: (() => void) | undefined;
  /** Which leaf's proof is open; undefined for none. */
  proofOf: bigint | undefined;
  onProof: (leaf: bigint | undefined) => void;
  onOnly: (kind: 'conversation' | 'customer', what: Named) => void;
  /** The line that V verifies. */
  onLine: (leaf: bigint) => void;
}

interface Read {
  readonly items: readonly Item[];
  readonly title: string;
  readonly participants: readonly Participant[];
  readonly moreBefore: boolean;
  readonly moreAfter: boolean;
}

/** One conversation around an item; what happened stands in line with its time. Give it a `key` by leaf. */
export function Reader({ why, item, position, onPrev, onNext, proofOf, onProof, onOnly, onLine }: ReaderProps) {
  const t = useT(texts);
  const [read, setRead] = useState<Read | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [line, setLine] = useState(item.leafIndex);
  const body = useRef<HTMLDivElement>(null);
  const alone = item.conversationId === '';

  const load = useCallback(async (around: bigint) => {
    setError(null);
    try {
      const answer = await archive.readConversation({ purpose: why, conversationId: item.conversationId, aroundSeq: around, context: 20 });
      setRead((old) => merge(old, answer));
    } catch (failure) {
      setError(failure);
    }
  }, [why, item]);
  useEffect(() => {
    if (!alone) void load(item.conversationSeq);
  }, [alone, load, item]);

  // What is read does not move when lines come in above it.
  const anchor = useRef<{ leaf: string; top: number } | null>(null);
  const shown = useRef(false);
  useLayoutEffect(() => {
    const box = body.current;
    if (!box || !read) return;
    if (!shown.current) {
      shown.current = true;
      box.querySelector('.au-line-hit')?.scrollIntoView({ block: 'center' });
    } else if (anchor.current) {
      const row = box.querySelector<HTMLElement>(`[data-leaf="${anchor.current.leaf}"]`);
      if (row) box.scrollTop += row.getBoundingClientRect().top - anchor.current.top;
      anchor.current = null;
    }
  }, [read]);
  // The proof takes its room from below: the line it is about stays in sight.
  useEffect(() => {
    const box = body.current;
    if (!box) return;
    const observer = new ResizeObserver(() => box.querySelector('.au-line-chosen')?.scrollIntoView({ block: 'nearest' }));
    observer.observe(box);
    return () => observer.disconnect();
  }, []);
  const extend = (around: bigint) => {
    const box = body.current;
    const first = box && [...box.querySelectorAll<HTMLElement>('[data-leaf]')].find((row) => row.getBoundingClientRect().bottom > box.getBoundingClientRect().top);
    if (first) anchor.current = { leaf: first.dataset.leaf!, top: first.getBoundingClientRect().top };
    void load(around);
  };
  const choose = (leaf: bigint) => {
    setLine(leaf);
    onLine(leaf);
  };

  const items = useMemo(() => (alone ? [item] : (read?.items ?? [])), [alone, item, read]);
  const current = items.find((each) => each.leafIndex === proofOf);
  return (
    <section className="au-reader" aria-label={t('reader')} data-pane tabIndex={-1}>
      <header className="au-reader-head">
        <div className="yz-grow">
          <h2 className="au-name yz-cut">{read?.title || item.conversationTitle || item.conversationId || item.partition}</h2>
          <p className="yz-meta">{position} · {item.partition} · {t('seq', { n: String(item.seq) })}</p>
        </div>
        <Button size="small" disabled={!onPrev} onClick={onPrev} title={t('prev')} aria-label={t('prev')}><UpOutlined aria-hidden /> <kbd>P</kbd></Button>
        <Button size="small" disabled={!onNext} onClick={onNext} title={t('next')} aria-label={t('next')}><DownOutlined aria-hidden /> <kbd>N</kbd></Button>
        <Button onClick={() => onProof(line)} icon={<SafetyCertificateOutlined aria-hidden />}>{t('verify')} <kbd>V</kbd></Button>
      </header>
      {read && read.participants.length > 0 && (
        <details className="au-people">
          <summary>{t('participants', { n: read.participants.length })}</summary>
          <ul>{read.participants.map((each) => <li key={each.id}>{each.name} <span className="yz-meta">{[each.login, each.department, each.id].filter(Boolean).join(' · ')}</span></li>)}</ul>
        </details>
      )}
      <div className="au-only">
        {!alone && <Button size="small" type="text" onClick={() => onOnly('conversation', { id: item.conversationId, name: read?.title || item.conversationTitle || item.conversationId })}>{t('onlyThis')}</Button>}
        {item.customerId !== '' && <Button size="small" type="text" onClick={() => onOnly('customer', { id: item.customerId, name: item.customerId })}>{t('onlyCustomer')}</Button>}
      </div>
      <div className="au-body" ref={body} tabIndex={0} role="region" aria-label={t('reader')}>
        {error ? <ErrorState error={error} what={t('readFailed')} onRetry={() => void load(item.conversationSeq)} /> : items.length === 0 ? <Skeleton kind="text" rows={8} /> : (
          <>
            {!alone && <div className="au-edge">{read?.moreBefore ? <Button size="small" onClick={() => extend(items[0]!.conversationSeq)}>{t('before')}</Button> : <span className="yz-meta">{t('begins')}</span>}</div>}
            {items.map((each) => <Line key={String(each.leafIndex)} item={each} hit={each.leafIndex === item.leafIndex ? item : undefined} chosen={each.leafIndex === line} onChoose={choose} />)}
            {!alone && <div className="au-edge">{read?.moreAfter ? <Button size="small" onClick={() => extend(items[items.length - 1]!.conversationSeq)}>{t('after')}</Button> : <span className="yz-meta">{t('ends')}</span>}</div>}
          </>
        )}
      </div>
      {proofOf !== undefined && <Proof key={String(proofOf)} why={why} leaf={proofOf} partition={current?.partition ?? item.partition} seq={current?.seq ?? item.seq} onClose={() => onProof(undefined)} />}
    </section>
  );
}

function Line({ item, hit, chosen, onChoose }: { item: Item; hit: Item | undefined; chosen: boolean; onChoose: (leaf: bigint) => void }) {
  const t = useT(texts);
  const said = item.source === Source.IM || item.source === Source.DESK;
  return (
    <button
      type="button" data-leaf={String(item.leafIndex)} aria-current={chosen}
      className={`au-line${hit ? ' au-line-hit' : ''}${chosen ? ' au-line-chosen' : ''}${item.internal ? ' au-line-note' : ''}${said ? '' : ' au-line-event'}`}
      onClick={() => onChoose(item.leafIndex)}
    >
      <span className="au-line-head"><TimeText us={Number(item.timeUs)} form="full" /> <strong>{item.actorName || item.actorId}</strong>{item.internal && <span className="au-tag au-note">{t('internal')}</span>}<span className="yz-meta">#{String(item.conversationSeq)}</span></span>
      <span className="au-line-text" dir="auto"><Marked parts={highlightParts(item.text, hit?.highlights ?? item.highlights)} /></span>
    </button>
  );
}

function merge(old: Read | null, answer: ReadConversationResponse): Read {
  const all = new Map<bigint, Item>();
  for (const item of [...(old?.items ?? []), ...answer.items]) all.set(item.leafIndex, item);
  const items = [...all.values()].sort((a, b) => (a.conversationSeq < b.conversationSeq ? -1 : a.conversationSeq > b.conversationSeq ? 1 : a.leafIndex < b.leafIndex ? -1 : 1));
  const first = answer.items[0]?.leafIndex;
  const last = answer.items[answer.items.length - 1]?.leafIndex;
  return {
    items,
    title: answer.title,
    participants: answer.participants.length > 0 ? answer.participants : (old?.participants ?? []),
    moreBefore: !old || items[0]?.leafIndex === first ? answer.moreBefore : old.moreBefore,
    moreAfter: !old || items[items.length - 1]?.leafIndex === last ? answer.moreAfter : old.moreAfter,
  };
}

/** In the reader's place while nothing is open. */
export function NoReader() {
  const t = useT(texts);
  return <section className="au-reader" aria-label={t('reader')} data-pane tabIndex={-1}><Empty>{t('readerEmpty')}</Empty></section>;
}
