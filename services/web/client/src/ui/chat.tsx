import { ArrowLeftOutlined, CloseOutlined, TeamOutlined } from '@ant-design/icons';
import { App, Button } from 'antd';
import { Avatar, Composer, Empty, ErrorState, MessageList, personScore, Skeleton, useErrorText, useKeys, useLocale, useStore, useT, type ComposerHandle, type Mentionable, type MessageListHandle } from '@yizhan/kit';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { peerOf } from '../model/conversations.ts';
import type { Entry } from '../model/log.ts';
import { Rows, type Row } from '../model/rows.ts';
import { nameOf } from '../model/people.ts';
import { useIm, useName, usePresence, useShown, useTitle } from './context.ts';
import { MembersPanel } from './members_panel.tsx';
import { RowView, type RowActions } from './message_row.tsx';
import { texts } from './texts.ts';
import { textOf } from './words.ts';

/** Where the reader left each conversation, for as long as the page lives. */
const positions = new Map<string, string>();
const keyOf = (row: Row) => row.key;
const isNews = (row: Row) => row.type === 'message' && !row.own;

function estimate(row: Row, width: number): number {
  switch (row.type) {
    case 'day':
    case 'new':
      return 40;
    case 'notice':
      return 30;
    case 'unsent':
      return textHeight(row.item.text, width) + 46;
    case 'message':
      return textHeight(textOf(row.entry.message), width) + (row.head ? 52 : 26) + (row.entry.message.content?.replyToSeq ? 30 : 0);
  }
}

/** Lines of 22 pixels; a Chinese character is 14 wide, others about half of it. */
function textHeight(text: string, width: number): number {
  const bubble = Math.max(120, Math.min(640, width * 0.72)) - 24;
  let lines = 0;
  for (const line of text.split('\n')) {
    let w = 0;
    for (let i = 0; i < line.length; i += 1) w += line.charCodeAt(i) > 0x2e7f ? 14 : 7.4;
    lines += Math.max(1, Math.ceil(w / bubble));
  }
  return lines * 22 + 16;
}

export function Chat({ id }: { id: string }) {
  const im = useIm();
  const t = useT(texts);
  const locale = useLocale();
  const view = useStore(im.views.of(id));
  const conv = useStore(im.convs, (all) => all.get(id));
  const phase = useStore(im.phase);
  const unsentAll = useStore(im.outbox.items);
  const unsent = useMemo(() => unsentAll.filter((item) => item.conversationId === id), [unsentAll, id]);
  const peerId = peerOf(id, im.meId);
  const title = useTitle(id, conv, peerId);
  const presence = usePresence(peerId);
  const [panel, setPanel] = useState(false);
  const [reply, setReply] = useState<Entry | null>(null);
  const list = useRef<MessageListHandle>(null);
  const composer = useRef<ComposerHandle>(null);
  const say = useErrorText();
  const { message: toast } = App.useApp();
  const [generation, setGeneration] = useState(0);
  const [target, setTarget] = useState<string | null>(null);
  useShown(useMemo(() => (peerId ? [peerId] : []), [peerId]));

  const ready = phase === 'ready';
  const [opened, setOpened] = useState(false);
  useLayoutEffect(() => {
    if (!ready) return;
    // Where the new begins is known at once, before the list is drawn and looks for its place.
    void im.open(id);
    setOpened(true);
  }, [im, id, ready]);
  useEffect(() => () => im.views.close(id), [im, id]);
  // Whoever opens a chat wants to write; on a narrow screen that would raise a keyboard over it.
  useEffect(() => {
    if (innerWidth > 760) composer.current?.focus();
  }, []);

  const maker = useRef(new Rows());
  const { log, newAfter, version } = view;
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const rows = useMemo(() => maker.current.make(log, im.meId, newAfter, unsent), [log, version, im, newAfter, unsent]);
  const rowsRef = useRef(rows);
  rowsRef.current = rows;

  const actions = useRef<RowActions>(null as never);
  actions.current = {
    reply: (entry) => {
      setReply(entry);
      composer.current?.focus();
    },
    goTo: (seq) => void goTo(seq),
  };
  const goTo = async (seq: number) => {
    const key = rowsRef.current.find((row) => row.type === 'message' && row.entry.seq === seq)?.key;
    if (key && list.current?.toKey(key)) {
      flash(key);
      return;
    }
    try {
      if (await im.views.jumpTo(id, seq)) {
        setTarget(`s${seq}`);
        setGeneration((old) => old + 1);
      } else {
        void toast.info(t('gone'));
      }
    } catch (error) {
      void toast.error(say(error));
    }
  };

  const render = useCallback((row: Row) => <RowView row={row} id={id} actions={actions} />, [id]);
  const toEnd = useCallback(() => {
    im.views.loadAround(id, null).then(
      () => {
        setTarget(null);
        setGeneration((old) => old + 1);
      },
      (error) => void toast.error(say(error)),
    );
  }, [im, id, toast, say]);

  const send = (text: string, mentions: string[]) => {
    const wasDetached = log.detached;
    im.send(id, text, mentions, reply?.seq ?? 0);
    setReply(null);
    if (wasDetached) toEnd();
    else requestAnimationFrame(() => list.current?.toEnd());
  };

  const typingSince = useRef(0);
  const onTyping = (active: boolean) => {
    if (!peerId) return;
    const now = Date.now();
    if (active && now - typingSince.current > 3000) {
      typingSince.current = now;
      im.tellTyping(id, true);
    } else if (!active && typingSince.current > 0) {
      typingSince.current = 0;
      im.tellTyping(id, false);
    }
  };

  const mentionables = (query: string): Mentionable[] => {
    const members = [...im.readers.of(id).get().keys()].filter((member) => member !== im.meId);
    // Those who spoke last come first.
    const spoke = new Map<string, number>();
    log.entries.forEach((entry, index) => spoke.set(entry.message.senderId, index));
    const found: { who: Mentionable; score: number; spoke: number }[] = [];
    const all = t('all_');
    if (all.startsWith(query) || 'all'.startsWith(query.toLowerCase())) found.push({ who: { id: 'all', name: all, detail: t('allDetail', { n: (conv?.memberCount ?? 1) - 1 }) }, score: query ? 1 : 0, spoke: -1 });
    for (const memberId of members) {
      im.people.need(memberId);
      const person = im.people.get(memberId);
      const score = person ? personScore(person, query) : 0;
      if (person && score > 0) found.push({ who: { id: memberId, name: nameOf(person, locale), detail: person.title }, score, spoke: spoke.get(memberId) ?? -1 });
    }
    found.sort((a, b) => b.score - a.score || b.spoke - a.spoke);
    return found.map((each) => each.who);
  };

  useKeys({
    r: {
      label: t('replyLast'),
      run: () => {
        // A letter counts in the list only; it answers the message that has the focus in it, or the last one.
        const inLog = document.activeElement?.closest('.yz-log');
        if (!inLog) return false;
        const key = document.activeElement?.closest<HTMLElement>('[data-key]')?.dataset.key;
        const row = rowsRef.current.filter((each) => each.type === 'message').reverse().find((each) => key === undefined || each.key === key);
        if (!row) return false;
        actions.current.reply(row.entry);
        return true;
      },
    },
    escape: {
      label: t('closePanel'),
      run: () => {
        if (reply) setReply(null);
        else if (panel) setPanel(false);
        else return false;
        composer.current?.focus();
        return true;
      },
    },
  });

  const start = useMemo((): 'end' | { key: string } => {
    if (target) return { key: before(rows, target, 2) };
    const line = rows.findIndex((row) => row.type === 'new');
    if (line >= 0) return { key: rows[Math.max(0, line - 2)]!.key };
    const left = positions.get(id);
    return left && rows.some((row) => row.key === left) ? { key: left } : 'end';
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [log.loaded, opened, generation]);
  useEffect(() => {
    if (target) flash(target);
  }, [target, generation]);

  // A group that is not in the list: left, removed from it, or never in it.
  const missing = ready && opened && !conv && !peerId;
  return (
    <div className="im-chat-frame">
      <div className="im-chat-column">
        <header className="im-chat-head">
          <a href="#/chat" className="im-back" aria-label={t('back')} title={t('back')}><ArrowLeftOutlined aria-hidden /></a>
          <Avatar id={peerId || id} name={title} size={36} square={!peerId} presence={presence} />
          <h1 className="yz-title yz-cut">{title}</h1>
          {conv?.group && <span className="yz-meta">{t('memberCount', { n: conv.memberCount })}</span>}
          <span className="yz-grow" />
          {conv?.group && (
            <Button type="text" icon={panel ? <CloseOutlined /> : <TeamOutlined />} aria-label={t('panel')} aria-expanded={panel} title={t('panel')} onClick={() => setPanel(!panel)} />
          )}
        </header>
        {missing ? (
          <Empty action={<Button href="#/chat">{t('back')}</Button>}>{t('notHere')}</Empty>
        ) : view.error ? (
          <ErrorState error={view.error} what={t('loadFailed')} onRetry={() => void im.open(id)} />
        ) : !log.loaded || !opened ? (
          <div className="im-fill"><Skeleton kind="chat" rows={7} /></div>
        ) : rows.length === 0 ? (
          <div className="im-fill" data-pane tabIndex={-1}><Empty>{t('empty')}</Empty></div>
        ) : (
          <MessageList
            key={generation}
            ref={list}
            items={rows}
            keyOf={keyOf}
            estimate={estimate}
            render={render}
            label={t('chatWith', { name: title })}
            start={start}
            moreAbove={log.moreAbove}
            moreBelow={log.detached}
            onNeedAbove={() => void im.views.loadAbove(id)}
            onNeedBelow={() => void im.views.loadBelow(id)}
            onNeedEnd={toEnd}
            isNews={isNews}
            newsBeyond={log.detached ? Math.max(0, log.lastSeq - log.hi) : 0}
            // Behind a gap nothing is read: what is missing has not been seen.
            onSeen={(row) => 'entry' in row && row.entry.seq <= log.hi && im.seen(id, row.entry.seq)}
            onLeave={(key) => (key === null ? positions.delete(id) : positions.set(id, key))}
          />
        )}
        <TypingLine id={id} peerId={peerId} />
        <Composer
          key={id}
          ref={composer}
          drafts={im.drafts}
          draftKey={id}
          label={t('compose', { name: title })}
          placeholder={t('compose', { name: title })}
          onSend={send}
          onTyping={onTyping}
          readOnly={missing ? t('notHere') : undefined}
          {...(conv?.group ? { mentionables } : {})}
          above={reply && <ReplyBar entry={reply} onCancel={() => { setReply(null); composer.current?.focus(); }} />}
        />
      </div>
      {panel && conv?.group && <MembersPanel conv={conv} onClose={() => setPanel(false)} />}
    </div>
  );
}

function before(rows: readonly Row[], key: string, n: number): string {
  const at = rows.findIndex((row) => row.key === key);
  return rows[Math.max(0, at - n)]?.key ?? key;
}

/** Shows where a jump landed. */
function flash(key: string): void {
  setTimeout(() => {
    const element = document.querySelector(`[data-key="${CSS.escape(key)}"] .im-bubble`);
    element?.classList.add('im-landed');
    setTimeout(() => element?.classList.remove('im-landed'), 1600);
  }, 120);
}

function ReplyBar({ entry, onCancel }: { entry: Entry; onCancel: () => void }) {
  const t = useT(texts);
  const name = useName(entry.message.senderId);
  return (
    <div className="im-replying">
      <span className="yz-cut yz-grow"><span className="yz-strong">{t('replyTo', { name })}</span> {textOf(entry.message)}</span>
      <Button size="small" type="text" icon={<CloseOutlined />} aria-label={t('cancelReply')} onClick={onCancel} />
    </div>
  );
}

function TypingLine({ id, peerId }: { id: string; peerId: string }) {
  const im = useIm();
  const t = useT(texts);
  const name = useName(peerId);
  const typing = useStore(im.typing.now, (all) => (peerId !== '' && all.get(id)?.personId === peerId));
  return <p className="im-typing yz-meta">{typing ? t('typing', { name }) : ''}</p>;
}
