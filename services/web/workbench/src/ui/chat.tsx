import { Button } from 'antd';
import { ArrowLeftOutlined, EditOutlined, LockOutlined, UserOutlined } from '@ant-design/icons';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Composer, type ComposerHandle, type Drafts, ErrorState, MessageList, newId, otherDay, Skeleton, usePersonName, useStore, useT } from '@yizhan/kit';
import { Line_Author, Owner, type Line, type Reception } from '@yizhan/kit/gen/desk/v1/reception_pb';
import { isMine } from '../model/desk_state.ts';
import { useDesk } from './context.ts';
import { EndPanel } from './end.tsx';
import { LineRow, type LogRow } from './line_row.tsx';
import { texts } from './texts.ts';
import { Timer } from './timer.tsx';

export interface ChatProps {
  id: string;
  drafts: Drafts;
  mode: 'reply' | 'note';
  onMode: (mode: 'reply' | 'note') => void;
  ending: boolean;
  onEnding: (open: boolean) => void;
  /** Absent where the caller may not give it away. */
  onTransfer: (() => void) | undefined;
  onAccept: (id: string) => void;
  onBack: () => void;
  onInfo: () => void;
  failed: (error: unknown) => void;
}

const keyOf = (row: LogRow) => row.key;
const renderRow = (row: LogRow) => <LineRow row={row} />;
const isNews = (row: LogRow) => !('item' in row) && row.line.author === Line_Author.CUSTOMER;

function estimate(row: LogRow, width: number): number {
  const text = 'item' in row ? row.item.text : row.line.text;
  if (!('item' in row) && row.line.author === Line_Author.SYSTEM) return 34 + (row.newDay ? 40 : 0);
  const perRow = Math.max(10, Math.floor((width * 0.72) / 15));
  const lines = text.split('\n').reduce((sum, part) => sum + Math.max(1, Math.ceil(part.length / perRow)), 0);
  return 46 + lines * 22 + (!('item' in row) && row.newDay ? 40 : 0);
}

/** One reception: what was said, and the two ways to write. Give it a `key` by reception. */
export function Chat(props: ChatProps) {
  const { id, mode } = props;
  const t = useT(texts);
  const desk = useDesk();
  const reception = useStore(desk.state, (state) => state.receptions.get(id));
  const lines = useStore(desk.state, (state) => state.lines.get(id));
  const outbox = useStore(desk.outbox.items);
  const [error, setError] = useState<unknown>(null);
  const load = useCallback(() => {
    setError(null);
    desk.open(id).catch(setError);
  }, [desk, id]);
  useEffect(load, [load]);

  const cache = useRef(new WeakMap<Line, LogRow>());
  const rows = useMemo<LogRow[]>(() => {
    const all = lines?.lines ?? [];
    const made = all.map((line, index): LogRow => {
      const known = cache.current.get(line);
      if (known) return known;
      const before = all[index - 1];
      const row = { key: line.author === Line_Author.AGENT && line.clientId ? line.clientId : `#${line.seq}`, line, newDay: !before || otherDay(Number(before.timeUs), Number(line.timeUs)) };
      cache.current.set(line, row);
      return row;
    });
    const here = new Set(made.map((row) => row.key));
    for (const item of outbox) if (item.conversationId === id && !here.has(item.id)) made.push({ key: item.id, item });
    return made;
  }, [lines, outbox, id]);

  const composer = useRef<ComposerHandle>(null);
  const first = useRef(true);
  useEffect(() => {
    // Changing the mode keeps the hands on the keys; opening a conversation does not take the focus.
    if (!first.current) composer.current?.focus();
    first.current = false;
  }, [mode]);

  const name = reception?.customer?.name ?? '';
  const mine = reception !== undefined && isMine(reception, desk.myId);
  const state = !reception ? 'none' : reception.owner === Owner.NONE ? 'closed' : reception.owner === Owner.QUEUE ? 'waiting' : mine ? 'mine' : 'other';
  return (
    <section className="wb-chat" aria-label={t('chat')}>
      {reception && <ChatHead {...props} reception={reception} state={state} />}
      {error ? <ErrorState error={error} onRetry={load} /> : !lines?.loaded ? <Skeleton kind="chat" rows={6} /> : (
        <MessageList items={rows} keyOf={keyOf} estimate={estimate} render={renderRow} label={t('log', { name })} start="end" isNews={isNews} />
      )}
      <Preview id={id} />
      {props.ending && reception ? <EndPanel reception={reception} onDone={() => props.onEnding(false)} /> : reception && <Writer {...props} reception={reception} state={state} composer={composer} />}
    </section>
  );
}

type Standing = 'none' | 'closed' | 'waiting' | 'mine' | 'other';

function ChatHead({ reception, state, onBack, onInfo, onTransfer, onEnding, onAccept }: ChatProps & { reception: Reception; state: Standing }) {
  const t = useT(texts);
  const desk = useDesk();
  const channel = useStore(desk.state, (each) => each.channels.get(reception.channelId)?.name ?? '');
  return (
    <header className="wb-chat-head">
      <Button type="text" className="wb-narrow" icon={<ArrowLeftOutlined aria-hidden />} aria-label={t('back')} onClick={onBack} />
      <div className="yz-grow">
        <h2 className="yz-cut wb-chat-name">{reception.customer?.name ?? reception.customerId}</h2>
        <p className="yz-meta yz-cut">{[pageOf(reception.pageUrl), channel, reception.customer?.language].filter(Boolean).join(' · ')}</p>
      </div>
      {state === 'mine' && reception.unansweredSinceUs > 0n && <Timer sinceUs={Number(reception.unansweredSinceUs)} text="unanswered" />}
      {state === 'waiting' && <><Timer sinceUs={Number(reception.queuedAtUs)} text="waits" /><Button type="primary" onClick={() => onAccept(reception.conversationId)}>{t('accept')}</Button></>}
      {onTransfer && <Button onClick={onTransfer}>{t('transfer')} <kbd>F9</kbd></Button>}
      {state === 'mine' && <Button onClick={() => onEnding(true)} aria-keyshortcuts="Shift+F9">{t('end')} <kbd aria-hidden="true">⇧F9</kbd></Button>}
      <Button type="text" className="wb-medium" icon={<UserOutlined aria-hidden />} aria-label={t('info')} onClick={onInfo} />
    </header>
  );
}

function Preview({ id }: { id: string }) {
  const t = useT(texts);
  const desk = useDesk();
  const preview = useStore(desk.state, (state) => state.previews.get(id));
  return preview === undefined ? null : <div className="wb-preview" aria-hidden="true"><EditOutlined aria-hidden /> {t('visitorTyping', { text: preview })}</div>;
}

function Writer({ id, drafts, mode, onMode, onAccept, reception, state, composer }: ChatProps & { reception: Reception; state: Standing; composer: React.Ref<ComposerHandle> }) {
  const t = useT(texts);
  const desk = useDesk();
  const other = usePersonName(state === 'other' ? reception.agentId : '');
  const send = useCallback((text: string) => {
    desk.outbox.add({ id: newId(), conversationId: id, text, internal: mode === 'note' });
  }, [desk, id, mode]);
  const onTyping = useCallback((active: boolean) => {
    if (mode === 'reply') desk.typing(id, active);
  }, [desk, id, mode]);
  const note = mode === 'note';
  const why = state === 'closed' ? t('closed') : note || state === 'mine' ? undefined : state === 'waiting' ? t('unanswerable') : t('otherAgent', { name: other });
  return (
    <div className={note ? 'wb-writer wb-writer-note' : 'wb-writer'}>
      {state !== 'closed' && (
        <div className="wb-modes" role="radiogroup" aria-label={t('mode')}>
          <button type="button" role="radio" aria-checked={!note} onClick={() => onMode('reply')}>{t('replyTo')}</button>
          <button type="button" role="radio" aria-checked={note} onClick={() => onMode('note')}><LockOutlined aria-hidden /> {t('note')} <kbd>F8</kbd></button>
          {note && <strong className="wb-inside">{t('noteHint')}</strong>}
        </div>
      )}
      <Composer
        key={`${id}/${mode}`}
        ref={composer}
        drafts={drafts}
        draftKey={`${id}/${mode}`}
        tone={note ? 'note' : 'public'}
        label={note ? t('writeNote') : t('writeReply')}
        placeholder={note ? t('placeholderNote') : t('placeholderReply')}
        sendLabel={note ? t('saveNote') : t('sendReply')}
        onSend={send}
        onTyping={onTyping}
        maxLength={10_000}
        {...(why === undefined ? {} : { readOnly: why })}
      />
      {state === 'waiting' && !note && <div className="wb-accept-here"><Button type="primary" onClick={() => onAccept(id)}>{t('accept')}</Button></div>}
    </div>
  );
}

/** The page's path is what tells an agent where the customer is. */
export function pageOf(url: string): string {
  try {
    const { hostname, pathname } = new URL(url);
    return hostname + pathname;
  } catch {
    return url;
  }
}
