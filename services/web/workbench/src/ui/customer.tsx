import { Button } from 'antd';
import { useCallback, useEffect, useState, type ReactNode } from 'react';
import { Avatar, Empty, ErrorState, PersonName, Skeleton, TimeText, useStore, useT } from '@yizhan/kit';
import type { Reception } from '@yizhan/kit/gen/desk/v1/reception_pb';
import { useDesk } from './context.ts';
import { texts } from './texts.ts';

/** Who the customer is, how this reception went so far, and what was before. */
export function CustomerPanel({ reception, onOpen, onBack }: { reception: Reception; onOpen: (id: string) => void; onBack: () => void }) {
  const t = useT(texts);
  const desk = useDesk();
  const channel = useStore(desk.state, (state) => state.channels.get(reception.channelId)?.name ?? reception.channelId);
  const group = useStore(desk.state, (state) => state.groups.get(reception.groupId)?.name ?? reception.groupId);
  const { customer } = reception;
  return (
    <aside className="wb-info" aria-label={t('info')} data-pane tabIndex={-1}>
      <Button type="text" className="wb-medium" onClick={onBack}>{t('back')}</Button>
      <div className="wb-card-head">
        <Avatar id={reception.customerId} name={customer?.name ?? '?'} size={40} />
        <h2 className="yz-cut wb-chat-name">{customer?.name ?? reception.customerId}</h2>
      </div>
      <dl className="wb-facts">
        <Fact name={t('language')}>{customer?.language}</Fact>
        <Fact name={t('firstSeen')}>{customer && <TimeText us={Number(customer.createdAtUs)} />}</Fact>
        <Fact name={t('id')}>{reception.customerId}</Fact>
      </dl>
      <h3>{t('reception')}</h3>
      <dl className="wb-facts">
        <Fact name={t('page')}>{reception.pageUrl}</Fact>
        <Fact name={t('channel')}>{channel}</Fact>
        <Fact name={t('group')}>{group}</Fact>
        <Fact name={t('agent')}>{reception.agentId && <PersonName id={reception.agentId} />}</Fact>
        <Fact name={t('began')}>{<TimeText us={Number(reception.createdAtUs)} />}</Fact>
        <Fact name={t('assigned')}>{reception.assignedAtUs > 0n && <TimeText us={Number(reception.assignedAtUs)} />}</Fact>
        <Fact name={t('closedAt')}>{reception.closedAtUs > 0n && <TimeText us={Number(reception.closedAtUs)} />}</Fact>
        <Fact name={t('rating')}>{reception.rating > 0 ? <Stars rating={reception.rating} comment={reception.ratingComment} /> : reception.closedAtUs > 0n && t('notRated')}</Fact>
      </dl>
      <h3>{t('history')}</h3>
      <History key={reception.customerId} customerId={reception.customerId} current={reception.conversationId} closedAtUs={reception.closedAtUs} onOpen={onOpen} />
    </aside>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  if (!children) return null;
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}

export function Stars({ rating, comment }: { rating: number; comment: string }) {
  const t = useT(texts);
  return <span><span aria-hidden="true">{'★'.repeat(rating)}{'☆'.repeat(5 - rating)}</span> {t('stars', { n: rating })}{comment !== '' && <span className="wb-comment"> “{comment}”</span>}</span>;
}

function History({ customerId, current, closedAtUs, onOpen }: { customerId: string; current: string; closedAtUs: bigint; onOpen: (id: string) => void }) {
  const t = useT(texts);
  const desk = useDesk();
  const [past, setPast] = useState<Reception[] | null>(null);
  const [next, setNext] = useState('');
  const [error, setError] = useState<unknown>(null);
  const load = useCallback((token: string) => {
    setError(null);
    desk.list({ customerId }, token).then(
      (page) => {
        setPast((old) => (token === '' ? page.receptions : [...(old ?? []), ...page.receptions]));
        setNext(page.nextPageToken);
      },
      setError,
    );
  }, [desk, customerId]);
  useEffect(() => load(''), [load, current, closedAtUs]);
  if (error) return <ErrorState error={error} onRetry={() => load('')} />;
  if (!past) return <Skeleton kind="text" rows={3} />;
  const others = past.filter((reception) => reception.conversationId !== current);
  if (others.length === 0) return <Empty>{t('historyEmpty')}</Empty>;
  return (
    <>
      <ul className="wb-history">
        {others.map((reception) => (
          <li key={reception.conversationId}>
            <button type="button" onClick={() => onOpen(reception.conversationId)}>
              <span className="yz-cut"><TimeText us={Number(reception.createdAtUs)} /> · {reception.rating > 0 ? t('stars', { n: reception.rating }) : t('notRated')}</span>
              {reception.lastLine?.text && <span className="yz-cut yz-meta">{reception.lastLine.text}</span>}
            </button>
          </li>
        ))}
      </ul>
      {next !== '' && <Button block type="text" onClick={() => load(next)}>{t('more')}</Button>}
    </>
  );
}
