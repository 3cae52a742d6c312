import { ClockCircleOutlined, CopyOutlined, ExclamationCircleOutlined, RollbackOutlined } from '@ant-design/icons';
import { App, Button, Modal } from 'antd';
import { Avatar, copyText, dayHeading, TimeText, useErrorText, useFocusReturn, useLocale, useStore, useT } from '@yizhan/kit';
import { memo, useEffect, useState, type ReactNode, type RefObject } from 'react';
import type { Entry } from '../model/log.ts';
import { num } from '../model/numbers.ts';
import type { Unsent } from '../model/outbox.ts';
import type { Row } from '../model/rows.ts';
import { useIm, useName } from './context.ts';
import { texts } from './texts.ts';
import { nameById, noticeText, textOf } from './words.ts';

export interface RowActions {
  reply: (entry: Entry) => void;
  goTo: (seq: number) => void;
}

export const RowView = memo(function RowView({ row, id, actions }: { row: Row; id: string; actions: RefObject<RowActions> }) {
  switch (row.type) {
    case 'day':
      return <Day timeUs={row.timeUs} />;
    case 'new':
      return <NewLine count={row.count} />;
    case 'notice':
      return <NoticeRow entry={row.entry} />;
    case 'message':
      return <MessageRow row={row} id={id} actions={actions} />;
    case 'unsent':
      return <UnsentRow item={row.item} />;
  }
});

function Day({ timeUs }: { timeUs: number }) {
  const locale = useLocale();
  return <h2 className="im-day yz-meta">{dayHeading(timeUs, locale)}</h2>;
}

function NewLine({ count }: { count: number }) {
  const t = useT(texts);
  return <div className="im-new" role="separator" aria-label={t('newLine', { n: count })}><span>{t('newLine', { n: count })}</span></div>;
}

function NoticeRow({ entry }: { entry: Entry }) {
  const im = useIm();
  const t = useT(texts);
  const locale = useLocale();
  useStore(im.people.byId);
  return (
    <p className="im-notice yz-meta">
      {noticeText(entry.message, im.people, locale, t)} <TimeText us={num(entry.message.timeUs)} form="clock" />
    </p>
  );
}

function MessageRow({ row, id, actions }: { row: Extract<Row, { type: 'message' }>; id: string; actions: RefObject<RowActions> }) {
  const { entry, own, head } = row;
  const t = useT(texts);
  const { message: toast } = App.useApp();
  const name = useName(entry.message.senderId);
  const text = textOf(entry.message);
  const replyTo = num(entry.message.content?.replyToSeq ?? 0n);
  return (
    <div className={`im-row${own ? ' im-own' : ''}${head ? ' im-head' : ''}`}>
      {!own && <span className="im-row-side">{head && <Avatar id={entry.message.senderId} name={name} size={36} />}</span>}
      <div className="im-row-body">
        {head && !own && <p className="im-row-name yz-meta"><span className="im-name">{name}</span></p>}
        {!head || own ? <span className="yz-hidden">{name}</span> : null}
        <div className="im-bubble">
          {replyTo > 0 && <Quote id={id} seq={replyTo} onGo={() => actions.current.goTo(replyTo)} />}
          <Text text={text} mentions={entry.message.content?.mentions ?? []} />
        </div>
        <p className="im-row-meta yz-meta">
          <TimeText us={num(entry.message.timeUs)} form="clock" />
          {own && <ReadState id={id} seq={entry.seq} />}
          <span className="im-row-tools">
            <Button size="small" type="text" icon={<RollbackOutlined />} aria-label={t('reply')} title={t('reply')} onClick={() => actions.current.reply(entry)} />
            <Button size="small" type="text" icon={<CopyOutlined />} aria-label={t('copy')} title={t('copy')} onClick={() => void copyText(text).then(() => toast.success(t('copied')))} />
          </span>
        </p>
      </div>
    </div>
  );
}

/** Text as it was written: links in it lead nowhere by themselves, mentions stand out. */
const Text = memo(function Text({ text, mentions }: { text: string; mentions: readonly string[] }) {
  const im = useIm();
  const locale = useLocale();
  const t = useT(texts);
  useStore(im.people.byId, (all) => (mentions.length > 0 ? all : null));
  const lang = /\p{Script=Han}/u.test(text) ? 'zh-CN' : undefined;
  if (mentions.length === 0) return <div className="im-text" lang={lang}>{text}</div>;
  const words = mentions.flatMap((id) => (id === 'all' ? ['@所有人', '@all', `@${t('all_')}`] : [`@${nameById(im.people, id, locale)}`, `@${im.people.get(id)?.name ?? ''}`, `@${im.people.get(id)?.englishName ?? ''}`])).filter((word) => word.length > 1);
  const parts: ReactNode[] = [];
  let rest = text;
  while (rest !== '') {
    let at = -1;
    let hit = '';
    for (const word of words) {
      const index = rest.indexOf(word);
      if (index >= 0 && (at < 0 || index < at || (index === at && word.length > hit.length))) [at, hit] = [index, word];
    }
    if (at < 0) break;
    parts.push(rest.slice(0, at), <span key={parts.length} className={mentions.includes(im.meId) || mentions.includes('all') ? 'im-mention im-mention-me' : 'im-mention'}>{hit}</span>);
    rest = rest.slice(at + hit.length);
  }
  parts.push(rest);
  return <div className="im-text" lang={lang}>{parts}</div>;
});

function Quote({ id, seq, onGo }: { id: string; seq: number; onGo: () => void }) {
  const im = useIm();
  const t = useT(texts);
  const message = useStore(im.views.of(id), (view) => view.log.entries.find((entry) => entry.seq === seq)?.message);
  const name = useName(message?.senderId ?? '');
  return (
    <button type="button" className="im-quote" onClick={onGo} title={t('goTo')}>
      {message ? <><span className="yz-strong">{name}</span> {textOf(message).slice(0, 120)}</> : t('goTo')}
    </button>
  );
}

/** Two people: sent, delivered, read. Small groups: how many have read, and who. */
function ReadState({ id, seq }: { id: string; seq: number }) {
  const im = useIm();
  const t = useT(texts);
  const group = id.startsWith('g:');
  const [open, setOpen] = useState(false);
  const state = useStore(im.readers.of(id), (all) => {
    let readers = 0;
    let others = 0;
    let delivered = 0;
    for (const [personId, cursor] of all) {
      if (personId === im.meId) continue;
      others += 1;
      if (cursor.read >= seq) readers += 1;
      if (cursor.delivered >= seq) delivered += 1;
    }
    return others === 0 ? 'sent' : group ? `${readers}/${others}` : readers > 0 ? 'read' : delivered > 0 ? 'delivered' : 'sent';
  });
  const [readers, others] = state.split('/').map(Number);
  if (!group || others === undefined) return <span className="im-state" data-state={state}>{t(state === 'read' ? 'read' : state === 'delivered' ? 'delivered' : 'sent')}</span>;
  return (
    <>
      <button type="button" className="im-state im-state-button" data-state={state} onClick={() => setOpen(true)}>{readers === others ? t('readAll') : t('readBy', { n: readers!, m: others })}</button>
      {open && <Readers id={id} seq={seq} onClose={() => setOpen(false)} />}
    </>
  );
}

function Readers({ id, seq, onClose }: { id: string; seq: number; onClose: () => void }) {
  const im = useIm();
  const t = useT(texts);
  const locale = useLocale();
  useFocusReturn();
  const all = useStore(im.readers.of(id));
  useStore(im.people.byId);
  const others = [...all].filter(([personId]) => personId !== im.meId);
  const names = (list: typeof others) => list.map(([personId]) => nameById(im.people, personId, locale)).join(locale === 'zh' ? '、' : ', ');
  const read = others.filter(([, cursor]) => cursor.read >= seq);
  const unread = others.filter(([, cursor]) => cursor.read < seq);
  return (
    <Modal open footer={null} title={t('whoRead')} width={400} onCancel={onClose}>
      <dl className="im-readers">
        <dt>{t('readNames', { n: read.length })}</dt>
        <dd>{names(read)}</dd>
        <dt>{t('unreadNames', { n: unread.length })}</dt>
        <dd>{names(unread)}</dd>
      </dl>
    </Modal>
  );
}

function UnsentRow({ item }: { item: Unsent }) {
  const im = useIm();
  const t = useT(texts);
  const say = useErrorText();
  const link = useStore(im.live.state, (state) => state.phase);
  const [late, setLate] = useState(Date.now() - item.createdAt > 2000);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 2000);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="im-row im-own im-head" data-unsent={item.state}>
      <div className="im-row-body">
        <div className={item.state === 'failed' ? 'im-bubble im-failed' : 'im-bubble'}>
          <div className="im-text">{item.text}</div>
        </div>
        <p className="im-row-meta yz-meta">
          {item.state === 'failed' ? (
            <>
              <span className="yz-danger" title={item.error ? say(item.error) : ''}><ExclamationCircleOutlined aria-hidden /> {t('failed')}</span>
              <Button size="small" onClick={() => im.outbox.retry(item.clientId)}>{t('retry')}</Button>
              <Button size="small" danger onClick={() => im.outbox.drop(item.clientId)}>{t('delete')}</Button>
            </>
          ) : late ? (
            <span><ClockCircleOutlined aria-hidden /> {link === 'waiting' ? t('waiting') : t('sending')}</span>
          ) : (
            <span>&nbsp;</span>
          )}
        </p>
      </div>
    </div>
  );
}
