import { Button } from 'antd';
import { useCallback, useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { Avatar, Empty, ErrorState, Skeleton, TimeText, imeBusy, useStore, useT } from '@yizhan/kit';
import { Agent_State, Line_Author, Line_Event, type Line, type Reception } from '@yizhan/kit/gen/desk/v1/reception_pb';
import { mineOf, waitReason, waitingOf } from '../model/desk_state.ts';
import { freeze, type FrozenRow } from '../model/frozen.ts';
import { useDesk } from './context.ts';
import { texts } from './texts.ts';
import { Timer } from './timer.tsx';

export type Tab = 'mine' | 'queue' | 'done';

export interface ListsProps {
  tab: Tab;
  onTab: (tab: Tab) => void;
  selected: string;
  onSelect: (id: string) => void;
  onAccept: (id: string) => void;
}

/** Mine, Queue, Done. The order stands still while pointer or focus is in the list. */
export function Lists({ tab, onTab, selected, onSelect, onAccept }: ListsProps) {
  const t = useT(texts);
  const desk = useDesk();
  const state = useStore(desk.state);
  const mine = mineOf(state);
  const waiting = waitingOf(state);
  const unanswered = mine.filter((reception) => reception.unansweredSinceUs > 0n).length;
  useEffect(() => {
    document.title = `${unanswered > 0 ? `(${unanswered}) ` : ''}${t('app')}`;
  }, [unanswered, t]);
  const tabs: { key: Tab; label: string; count: number | null }[] = [
    { key: 'mine', label: t('mine'), count: mine.length },
    { key: 'queue', label: t('queue'), count: waiting.length },
    { key: 'done', label: t('done'), count: null },
  ];
  const onTabKey = (event: KeyboardEvent<HTMLDivElement>) => {
    if (imeBusy(event) || (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight')) return;
    event.preventDefault();
    const at = tabs.findIndex((each) => each.key === tab);
    onTab(tabs[(at + (event.key === 'ArrowRight' ? 1 : tabs.length - 1)) % tabs.length]!.key);
    requestAnimationFrame(() => document.querySelector<HTMLElement>('.wb-tabs [aria-selected=true]')?.focus());
  };
  const agent = state.me;
  return (
    <section className="wb-lists" aria-label={t('lists')} data-pane tabIndex={-1}>
      <div className="wb-tabs" role="tablist" aria-label={t('lists')} onKeyDown={onTabKey}>
        {tabs.map(({ key, label, count }) => (
          <button key={key} type="button" role="tab" id={`tab-${key}`} aria-selected={key === tab} aria-controls="wb-list" tabIndex={key === tab ? 0 : -1} onClick={() => onTab(key)}>
            {label}{count !== null && <span className="wb-count">{count}</span>}
          </button>
        ))}
      </div>
      <div className="wb-list" id="wb-list" role="tabpanel" aria-labelledby={`tab-${tab}`}>
        {tab === 'mine' && (
          <Frozen
            items={mine}
            empty={<Empty action={agent && agent.state !== Agent_State.ONLINE ? <Button onClick={() => void desk.setState(Agent_State.ONLINE)}>{t('goOnline')}</Button> : undefined}>{t('mineEmpty')}</Empty>}
            row={(row) => <Row key={row.id} row={row} tab="mine" selected={selected === row.id} onSelect={onSelect} />}
          />
        )}
        {tab === 'queue' && (
          <Frozen
            items={waiting}
            empty={<Empty>{t('queueEmpty')}</Empty>}
            row={(row) => <Row key={row.id} row={row} tab="queue" selected={selected === row.id} onSelect={onSelect} onAccept={agent ? onAccept : undefined} />}
          />
        )}
        {tab === 'done' && <Done selected={selected} onSelect={onSelect} closedToday={state.closedToday} />}
      </div>
      {agent && (
        <div className="wb-list-foot">
          <Button block onClick={() => onAccept('')} disabled={waiting.length === 0}>{t('acceptNext')} <kbd>F4</kbd></Button>
        </div>
      )}
    </section>
  );
}

function Frozen({ items, row, empty }: { items: Reception[]; row: (row: FrozenRow<Reception>) => ReactNode; empty: ReactNode }) {
  const [pointer, setPointer] = useState(false);
  const [focus, setFocus] = useState(false);
  const shown = useRef<FrozenRow<Reception>[]>([]);
  const rows = freeze(shown.current, items, (item) => item.conversationId, pointer || focus);
  useEffect(() => {
    shown.current = rows;
  });
  return (
    <div
      className="wb-rows" data-frozen={pointer || focus}
      onPointerEnter={() => setPointer(true)} onPointerLeave={() => setPointer(false)}
      onFocus={() => setFocus(true)} onBlur={(event) => { if (!event.currentTarget.contains(event.relatedTarget)) setFocus(false); }}
    >
      {rows.length === 0 ? empty : <ul>{rows.map(row)}</ul>}
    </div>
  );
}

function Row({ row, tab, selected, onSelect, onAccept }: { row: FrozenRow<Reception>; tab: 'mine' | 'queue'; selected: boolean; onSelect: (id: string) => void; onAccept?: ((id: string) => void) | undefined }) {
  const t = useT(texts);
  const desk = useDesk();
  const state = useStore(desk.state);
  const reception = row.item;
  const name = reception.customer?.name ?? reception.customerId;
  const why = { transferred: t('whyTransferred'), 'nobody-online': t('whyNobody'), 'all-busy': t('whyBusy'), next: t('whyNext') };
  const open = tab === 'mine' && reception.unansweredSinceUs > 0n;
  return (
    <li className={`wb-row${selected ? ' wb-selected' : ''}${row.gone ? ' wb-gone' : ''}`}>
      <button type="button" className="wb-row-main" aria-current={selected} disabled={row.gone} onClick={() => onSelect(row.id)}>
        <Avatar id={reception.customerId} name={name} size={36} />
        <span className="wb-row-text">
          <span className={open ? 'yz-cut yz-strong' : 'yz-cut'}>{name}</span>
          <span className="yz-cut yz-meta">
            {row.gone ? (tab === 'queue' ? t('taken') : t('gone')) : tab === 'queue' ? `${state.groups.get(reception.groupId)?.name ?? ''} · ${why[waitReason(state, reception)]}` : <LastLine line={reception.lastLine} />}
          </span>
        </span>
        {!row.gone && (tab === 'queue' ? <Timer sinceUs={Number(reception.queuedAtUs)} text="waits" /> : open ? <Timer sinceUs={Number(reception.unansweredSinceUs)} text="unanswered" /> : <span className="yz-meta">{t('answered')}</span>)}
      </button>
      {onAccept && !row.gone && <Button size="small" onClick={() => onAccept(row.id)} aria-label={`${t('accept')} ${name}`}>{t('accept')}</Button>}
    </li>
  );
}

function LastLine({ line }: { line: Line | undefined }) {
  const t = useT(texts);
  if (!line) return <>{t('noLines')}</>;
  if (line.author === Line_Author.SYSTEM) {
    const short = { [Line_Event.ASSIGNED]: t('fresh'), [Line_Event.QUEUED]: t('inQueue'), [Line_Event.CLOSED]: t('evClosed'), [Line_Event.REOPENED]: t('evReopened') } as Partial<Record<Line_Event, string>>;
    return <>{short[line.event] ?? t('noLines')}</>;
  }
  const who = line.author === Line_Author.CUSTOMER ? '' : line.internal ? `[${t('note')}] ` : `${t('agent')}: `;
  return <>{who}{line.text}</>;
}

function Done({ selected, onSelect, closedToday }: { selected: string; onSelect: (id: string) => void; closedToday: number }) {
  const t = useT(texts);
  const desk = useDesk();
  const [receptions, setReceptions] = useState<Reception[] | null>(null);
  const [next, setNext] = useState('');
  const [error, setError] = useState<unknown>(null);
  const load = useCallback((token: string) => {
    setError(null);
    desk.list('done', token).then(
      (page) => {
        setReceptions((old) => (token === '' ? page.receptions : [...(old ?? []), ...page.receptions]));
        setNext(page.nextPageToken);
      },
      setError,
    );
  }, [desk]);
  useEffect(() => load(''), [load, closedToday]);
  if (error) return <ErrorState error={error} onRetry={() => load('')} />;
  if (!receptions) return <Skeleton rows={6} />;
  if (receptions.length === 0) return <Empty>{t('doneEmpty')}</Empty>;
  return (
    <>
      <ul>
        {receptions.map((reception) => (
          <li key={reception.conversationId} className={selected === reception.conversationId ? 'wb-row wb-selected' : 'wb-row'}>
            <button type="button" className="wb-row-main" aria-current={selected === reception.conversationId} onClick={() => onSelect(reception.conversationId)}>
              <Avatar id={reception.customerId} name={reception.customer?.name ?? ''} size={36} />
              <span className="wb-row-text">
                <span className="yz-cut">{reception.customer?.name ?? reception.customerId}</span>
                <span className="yz-cut yz-meta">{reception.rating > 0 ? `${t('rating')} ${t('stars', { n: reception.rating })}` : t('notRated')}</span>
              </span>
              <span className="yz-meta"><TimeText us={Number(reception.closedAtUs)} /></span>
            </button>
          </li>
        ))}
      </ul>
      {next !== '' && <Button block type="text" onClick={() => load(next)}>{t('more')}</Button>}
    </>
  );
}
