import { Button } from 'antd';
import { useEffect, useRef } from 'react';
import { Empty, ErrorState, Skeleton, TimeText, fullTime, useT } from '@yizhan/kit';
import { Source, type Item } from '@yizhan/kit/gen/audit/v1/archive_service_pb';
import { excerpt, highlightParts, type Part } from '../model/highlight.ts';
import type { Query } from '../model/query.ts';
import type { AuditText } from './texts.ts';
import { texts } from './texts.ts';

/** A search as it was answered: the set stands still, whatever is archived later. */
export interface Found {
  readonly query: Query;
  readonly items: readonly Item[];
  readonly next: string;
  readonly total: number;
  readonly exact: boolean;
  readonly indexedToUs: number;
  readonly unsearchable: number;
}

export interface HitsProps {
  found: Found | null;
  busy: boolean;
  error: unknown;
  /** The conditions in the form are no longer those of the hits. */
  changed: boolean;
  chosen: number;
  onChoose: (index: number) => void;
  onOpen: (index: number) => void;
  onMore: () => void;
  onAgain: () => void;
  /** Searches every source and date; undefined when that is what was searched. */
  onWiden: (() => void) | undefined;
}

export function sourceKey(source: Source): keyof AuditText & string {
  return source === Source.IM ? 'im' : source === Source.DESK ? 'desk' : source === Source.DIRECTORY ? 'directory' : source === Source.AUDIT ? 'audit' : 'unknown';
}

/** A text with its hits marked. */
export function Marked({ parts }: { parts: readonly Part[] }) {
  return <>{parts.map((part, index) => (part.hit ? <mark key={index}>{part.text}</mark> : <span key={index}>{part.text}</span>))}</>;
}

/** What was found, and what was searched to find it. */
export function Hits({ found, busy, error, changed, chosen, onChoose, onOpen, onMore, onAgain, onWiden }: HitsProps) {
  const t = useT(texts);
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    list.current?.querySelector(`[data-index="${chosen}"]`)?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  const covered = found && [
    found.exact ? t('exact', { n: found.total }) : t('atLeast', { n: found.total }),
    t('indexedTo', { time: fullTime(found.indexedToUs) }),
    t('unsearchable', { n: found.unsearchable }),
    t('range', { range: found.query.from === '' && found.query.to === '' ? t('rangeAll') : `${found.query.from || '…'} – ${found.query.to || '…'}` }),
    found.query.sources.map((source) => t(sourceKey(source))).join(' + '),
  ].join(' · ');
  return (
    <section className="au-hits" aria-label={t('hits')} aria-busy={busy} data-pane tabIndex={-1}>
      <p className="au-covered" role="status">{busy ? t('searching') : covered}</p>
      {changed && <p className="au-changed">{t('stale')}</p>}
      <div className="au-scroll" tabIndex={-1}>
        {error ? <ErrorState error={error} what={t('searchFailed')} onRetry={onAgain} /> : !found ? (busy ? <Skeleton rows={8} /> : <Empty>{t('notYet')}</Empty>) : found.items.length === 0 ? <Empty action={onWiden && <Button onClick={onWiden}>{t('widen')}</Button>}>{t('noHits')}</Empty> : (
          <>
            <ul ref={list}>
              {found.items.map((item, index) => (
                <li key={String(item.leafIndex)}>
                  <button type="button" data-index={index} className={index === chosen ? 'au-hit au-chosen' : 'au-hit'} aria-current={index === chosen} onClick={() => onOpen(index)} onFocus={() => onChoose(index)}>
                    <span className="au-hit-head"><TimeText us={Number(item.timeUs)} form="full" /><span className="au-tag">{t(sourceKey(item.source))}</span>{item.internal && <span className="au-tag au-note">{t('internal')}</span>}</span>
                    <span className="au-hit-who yz-cut"><strong>{item.actorName || item.actorId}</strong>{(item.conversationTitle === '' || item.conversationTitle !== item.actorName) && ` · ${item.conversationTitle || item.conversationId || item.partition}`}</span>
                    <span className="au-hit-text"><Marked parts={excerpt(highlightParts(item.text, item.highlights), 120)} /></span>
                  </button>
                </li>
              ))}
            </ul>
            <div className="au-more"><span className="yz-meta">{t('shown', { n: found.items.length })}</span>{found.next !== '' && <Button onClick={onMore} loading={busy}>{t('more')}</Button>}</div>
          </>
        )}
      </div>
    </section>
  );
}
