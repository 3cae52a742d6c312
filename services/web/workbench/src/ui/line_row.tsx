import { Button } from 'antd';
import { ClockCircleOutlined, LockOutlined, WarningFilled } from '@ant-design/icons';
import { useEffect, useState } from 'react';
import { Avatar, dayHeading, TimeText, type Translate, useLocale, usePersonName, useStore, useT } from '@yizhan/kit';
import { Line_Author, Line_Event, type Line } from '@yizhan/kit/gen/desk/v1/reception_pb';
import type { OutItem } from '../model/outbox.ts';
import { useDesk } from './context.ts';
import { texts } from './texts.ts';

/** One row of the log: a line of the server, or one of the caller's that is on its way. */
export type LogRow = { key: string; line: Line; newDay: boolean } | { key: string; item: OutItem };

/** What happened, in words; `who` is the subject's name. */
function eventText(t: Translate<(typeof texts)['zh']>, line: Line, who: string, rating: number): string {
  switch (line.event) {
    case Line_Event.STARTED: return t('evStarted');
    case Line_Event.QUEUED: return t('evQueued', { who });
    case Line_Event.ASSIGNED: return t('evAssigned', { who });
    case Line_Event.TRANSFERRED: return t('evTransferred', { who });
    case Line_Event.CLOSED: return t('evClosed');
    case Line_Event.RATED: return rating > 0 ? t('evRated', { n: rating }) : t('evRatedPlain');
    case Line_Event.REOPENED: return t('evReopened');
    default: return '';
  }
}

export function LineRow({ row }: { row: LogRow }) {
  return 'item' in row ? <OutRow item={row.item} /> : <ServerRow line={row.line} newDay={row.newDay} />;
}

function ServerRow({ line, newDay }: { line: Line; newDay: boolean }) {
  const t = useT(texts);
  const locale = useLocale();
  const day = newDay && <div className="wb-day">{dayHeading(Number(line.timeUs), locale)}</div>;
  if (line.author === Line_Author.SYSTEM) return <>{day}<SystemRow line={line} /></>;
  return (
    <>
      {day}
      {line.author === Line_Author.CUSTOMER ? <CustomerRow line={line} /> : <AgentRow line={line} noteLabel={t('noteHint')} />}
    </>
  );
}

function SystemRow({ line }: { line: Line }) {
  const t = useT(texts);
  const desk = useDesk();
  const group = useStore(desk.state, (state) => state.groups.get(line.subjectId)?.name);
  const rating = useStore(desk.state, (state) => state.receptions.get(line.conversationId)?.rating ?? 0);
  // The customer's words with their rating stand in the line.
  const comment = line.event === Line_Event.RATED ? line.text : '';
  const person = usePersonName(/^p/.test(line.subjectId) ? line.subjectId : '');
  return (
    <div className="wb-line wb-line-system">
      <span>{eventText(t, line, group ?? (person || line.subjectId), rating)} · <TimeText us={Number(line.timeUs)} form="clock" /></span>
      {comment !== '' && <span className="wb-comment">“{comment}”</span>}
    </div>
  );
}

function CustomerRow({ line }: { line: Line }) {
  const t = useT(texts);
  const desk = useDesk();
  const name = useStore(desk.state, (state) => state.receptions.get(line.conversationId)?.customer?.name ?? t('customer'));
  return (
    <div className="wb-line">
      <Avatar id={line.authorId} name={name} size={28} />
      <div className="wb-body">
        <div className="wb-who">{name} <TimeText us={Number(line.timeUs)} form="clock" /></div>
        <div className="wb-bubble" dir="auto">{line.text}</div>
      </div>
    </div>
  );
}

function AgentRow({ line, noteLabel }: { line: Line; noteLabel: string }) {
  const t = useT(texts);
  const desk = useDesk();
  const name = usePersonName(line.authorId);
  return (
    <div className={line.internal ? 'wb-line wb-line-mine wb-line-note' : 'wb-line wb-line-mine'}>
      <div className="wb-body">
        <div className="wb-who">
          {line.internal && <span className="wb-inside"><LockOutlined aria-hidden /> {t('note')} · {noteLabel}</span>} {line.authorId === desk.myId ? t('you') : name} <TimeText us={Number(line.timeUs)} form="clock" />
        </div>
        <div className="wb-bubble" dir="auto">{line.text}</div>
      </div>
    </div>
  );
}

function OutRow({ item }: { item: OutItem }) {
  const t = useT(texts);
  const desk = useDesk();
  const [late, setLate] = useState(Date.now() - item.since > 2_000);
  useEffect(() => {
    setLate(Date.now() - item.since > 2_000);
    const timer = setTimeout(() => setLate(true), Math.max(0, item.since + 2_000 - Date.now()));
    return () => clearTimeout(timer);
  }, [item.since]);
  return (
    <div className={item.internal ? 'wb-line wb-line-mine wb-line-note' : 'wb-line wb-line-mine'}>
      <div className="wb-body">
        <div className="wb-who">
          {item.internal && <span className="wb-inside"><LockOutlined aria-hidden /> {t('note')} · {t('noteHint')}</span>}{' '}
          {item.state === 'failed' ? (
            <span className="yz-danger" role="alert"><WarningFilled aria-hidden /> {t('notSent')}{item.problem ? `: ${item.problem}` : ''}</span>
          ) : late && <span><ClockCircleOutlined aria-hidden /> {t('sending')}</span>}
        </div>
        <div className="wb-bubble" dir="auto">{item.text}</div>
        {item.state === 'failed' && (
          <div className="wb-actions">
            <Button size="small" onClick={() => desk.outbox.retry(item.id)}>{t('retry')}</Button>
            <Button size="small" onClick={() => desk.outbox.discard(item.id)}>{t('discard')}</Button>
          </div>
        )}
      </div>
    </div>
  );
}
