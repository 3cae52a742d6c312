// The composer: Enter sends unless the input method is busy, the text is a draft at every moment.

import { Button } from 'antd';
import { useEffect, useId, useImperativeHandle, useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode, type Ref } from 'react';
import type { Drafts } from '../core/drafts.ts';
import { defineMessages, useT } from '../core/i18n.ts';
import { imeBusy } from '../core/ime.ts';
import { Avatar } from './avatar.tsx';

const texts = defineMessages({
  zh: { send: '发送', hint: 'Enter 发送，Shift+Enter 换行', left: '还可输入 {n} 字', over: '超出 {n} 字', mention: '提及', none: '没有匹配的人' },
  en: { send: 'Send', hint: 'Enter sends, Shift+Enter starts a line', left: '{n} characters left', over: '{n} characters too many', mention: 'Mention', none: 'Nobody matches' },
});

export interface Mentionable {
  /** Person id, or "all". */
  id: string;
  name: string;
  detail?: string;
}

export interface ComposerHandle {
  focus(): void;
  /** Puts text in the place of the selection. */
  insert(text: string): void;
}

export interface ComposerProps {
  drafts: Drafts;
  /** Conversation id, with the mode where there is more than one; give the composer a `key` by it. */
  draftKey: string;
  label: string;
  placeholder?: string;
  onSend: (text: string, mentions: string[]) => void;
  /** Who can be mentioned, best first; the composer shows the first eight. */
  mentionables?: (query: string) => Mentionable[];
  onTyping?: (active: boolean, text: string) => void;
  /** Arrow up in an empty field. */
  onEmptyUp?: () => void;
  sendLabel?: string;
  /** "note": the yellow of what stays inside. */
  tone?: 'public' | 'note';
  /** Above the text: what is answered. */
  above?: ReactNode;
  /** Left of the send button. */
  tools?: ReactNode;
  /** Why nothing can be sent; replaces the composer by this sentence. */
  readOnly?: string | undefined;
  /** Why the text cannot be sent as it is, or null. */
  check?: (text: string) => string | null;
  maxLength?: number;
  ref?: Ref<ComposerHandle>;
}

export function Composer(props: ComposerProps) {
  const { drafts, draftKey, maxLength = 20_000 } = props;
  const t = useT(texts);
  const [text, setText] = useState(() => drafts.get(draftKey));
  const [query, setQuery] = useState<{ from: number; word: string } | null>(null);
  const [chosen, setChosen] = useState(0);
  const field = useRef<HTMLTextAreaElement>(null);
  const mentioned = useRef(new Map<string, string>());
  const listId = useId();

  useEffect(() => drafts.watch((key) => {
    // Another tab wrote: here too, unless somebody is typing here.
    if (key === draftKey && document.activeElement !== field.current) setText(drafts.get(draftKey));
  }), [drafts, draftKey]);

  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = 'auto';
    element.style.height = `${Math.min(element.scrollHeight, 220)}px`;
  }, [text]);

  const put = (next: string) => {
    setText(next);
    drafts.set(draftKey, next);
  };

  const insert = (piece: string, from?: number) => {
    const element = field.current!;
    const start = from ?? element.selectionStart;
    const next = text.slice(0, start) + piece + text.slice(element.selectionEnd);
    put(next);
    requestAnimationFrame(() => {
      element.focus();
      element.setSelectionRange(start + piece.length, start + piece.length);
    });
  };
  useImperativeHandle(props.ref, () => ({ focus: () => field.current?.focus(), insert }));

  const found = query && props.mentionables ? props.mentionables(query.word).slice(0, 8) : [];

  const findMention = (value: string, caret: number) => {
    if (!props.mentionables) return;
    const match = /(?:^|[\s\p{P}\p{Script=Han}])@([^\s@]{0,20})$/u.exec(value.slice(0, caret));
    setQuery(match ? { from: caret - match[1]!.length - 1, word: match[1]! } : null);
    setChosen(0);
  };

  const mention = (who: Mentionable) => {
    mentioned.current.set(who.id, `@${who.name}`);
    insert(`@${who.name} `, query!.from);
    setQuery(null);
  };

  const length = text.length > maxLength - 500 ? Array.from(text).length : 0;
  const refusal = text.trim() === '' ? null : length > maxLength ? t('over', { n: length - maxLength }) : (props.check?.(text) ?? null);

  const send = () => {
    if (text.trim() === '' || refusal) {
      field.current?.focus();
      return;
    }
    const mentions = [...mentioned.current].filter(([, as]) => text.includes(as)).map(([id]) => id);
    mentioned.current.clear();
    props.onSend(text.replace(/\s+$/, ''), mentions);
    props.onTyping?.(false, '');
    put('');
    setQuery(null);
    field.current?.focus();
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (imeBusy(event)) return;
    if (query && found.length > 0) {
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        event.preventDefault();
        setChosen((old) => (old + (event.key === 'ArrowDown' ? 1 : found.length - 1)) % found.length);
        return;
      }
      if (event.key === 'Enter' || event.key === 'Tab') {
        event.preventDefault();
        mention(found[chosen]!);
        return;
      }
    }
    if (query && event.key === 'Escape') {
      event.preventDefault();
      setQuery(null);
      return;
    }
    if (event.key === 'Enter' && !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      send();
    } else if (event.key === 'ArrowUp' && text === '' && props.onEmptyUp) {
      event.preventDefault();
      props.onEmptyUp();
    }
  };

  if (props.readOnly !== undefined) return <div className="yz-composer yz-composer-closed" role="note">{props.readOnly}</div>;
  return (
    <div className={props.tone === 'note' ? 'yz-composer yz-composer-note' : 'yz-composer'} data-pane tabIndex={-1}>
      {props.above}
      {query && (
        <ul className="yz-mentions" role="listbox" id={listId} aria-label={t('mention')}>
          {found.map((who, index) => (
            <li key={who.id} id={`${listId}-${index}`} role="option" aria-selected={index === chosen} onMouseDown={(event) => { event.preventDefault(); mention(who); }} onMouseEnter={() => setChosen(index)}>
              <Avatar id={who.id} name={who.name} size={24} /> <span className="yz-cut">{who.name}</span> {who.detail && <span className="yz-meta">{who.detail}</span>}
            </li>
          ))}
          {found.length === 0 && <li className="yz-meta">{t('none')}</li>}
        </ul>
      )}
      <textarea
        ref={field}
        rows={1}
        className="yz-composer-text"
        aria-label={props.label}
        placeholder={props.placeholder}
        value={text}
        data-pane-focus
        role={props.mentionables ? 'combobox' : undefined}
        aria-expanded={props.mentionables ? query !== null : undefined}
        aria-controls={query ? listId : undefined}
        aria-activedescendant={query && found.length > 0 ? `${listId}-${chosen}` : undefined}
        onChange={(event) => {
          put(event.target.value);
          findMention(event.target.value, event.target.selectionStart);
          props.onTyping?.(event.target.value.trim() !== '', event.target.value);
        }}
        onSelect={(event) => query && findMention(text, event.currentTarget.selectionStart)}
        onBlur={() => { setQuery(null); props.onTyping?.(false, text); }}
        onKeyDown={onKeyDown}
      />
      <div className="yz-composer-foot">
        {props.tools}
        <span className="yz-meta yz-grow" role={refusal ? 'alert' : undefined}>{refusal ?? (length > maxLength - 500 ? t('left', { n: maxLength - length }) : t('hint'))}</span>
        <Button type="primary" disabled={text.trim() === '' || refusal !== null} onClick={send}>{props.sendLabel ?? t('send')}</Button>
      </div>
    </div>
  );
}
