// Ctrl+K: to any conversation, person or page in a few keystrokes.

import { Modal } from 'antd';
import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import { toCallError } from '../core/calls.ts';
import { defineMessages, useT } from '../core/i18n.ts';
import { imeBusy } from '../core/ime.ts';
import { useFocusReturn } from './focus.ts';
import { useKeys } from './keys.tsx';
import { useErrorText } from './states.tsx';

const texts = defineMessages({
  zh: { label: '跳转到', placeholder: '姓名、拼音、首字母、会话名', nothing: '没有匹配“{q}”的结果', hint: '↑↓ 选择 · Enter 打开 · Esc 关闭' },
  en: { label: 'Jump to', placeholder: 'Name, pinyin, initials, conversation', nothing: 'Nothing matches “{q}”', hint: '↑↓ choose · Enter opens · Esc closes' },
});

export interface JumpItem {
  key: string;
  title: string;
  detail?: string;
  icon?: ReactNode;
  go: () => void;
}

export interface JumpPaletteProps {
  open: boolean;
  onOpen: (open: boolean) => void;
  /** At once, from what is at hand. */
  near: (query: string) => JumpItem[];
  /** From the server; called 150 ms after the last key with a query that is not empty. Items with keys already shown are dropped. */
  far?: (query: string, signal: AbortSignal) => Promise<JumpItem[]>;
}

export function JumpPalette({ open, onOpen, near, far }: JumpPaletteProps) {
  const t = useT(texts);
  useKeys({ 'mod+k': { run: () => onOpen(!open), label: t('label') } });
  return open ? <Palette onClose={() => onOpen(false)} near={near} far={far} /> : null;
}

function Palette({ onClose, near, far }: { onClose: () => void; near: JumpPaletteProps['near']; far: JumpPaletteProps['far'] | undefined }) {
  const t = useT(texts);
  useFocusReturn();
  const say = useErrorText();
  const [query, setQuery] = useState('');
  const [fetched, setFetched] = useState<JumpItem[]>([]);
  const [problem, setProblem] = useState('');
  const [chosen, setChosen] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();

  useEffect(() => {
    setFetched([]);
    setProblem('');
    if (!far || query.trim() === '') return;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      far(query.trim(), stop.signal).then(
        (items) => { if (!stop.signal.aborted) setFetched(items); },
        (error) => { if (!stop.signal.aborted) setProblem(say(toCallError(error))); },
      );
    }, 150);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [query, far]);

  const first = near(query);
  const known = new Set(first.map((item) => item.key));
  const items = [...first, ...fetched.filter((item) => !known.has(item.key))].slice(0, 30);
  const at = Math.min(chosen, Math.max(0, items.length - 1));
  const go = (item: JumpItem | undefined) => {
    if (!item) return;
    onClose();
    item.go();
  };

  return (
    <Modal open onCancel={onClose} footer={null} closable={false} width={560} className="yz-jump" title={<span className="yz-hidden">{t('label')}</span>} afterOpenChange={(shown) => shown && field.current?.focus()}>
      <input
        ref={field}
        className="yz-jump-field"
        role="combobox"
        aria-expanded
        aria-controls={id}
        aria-label={t('label')}
        aria-activedescendant={items.length > 0 ? `${id}-${at}` : undefined}
        placeholder={t('placeholder')}
        value={query}
        autoFocus
        spellCheck={false}
        onChange={(event) => { setQuery(event.target.value); setChosen(0); }}
        onKeyDown={(event) => {
          if (imeBusy(event)) return;
          if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
            event.preventDefault();
            const step = event.key === 'ArrowDown' ? 1 : -1;
            setChosen((at + step + Math.max(1, items.length)) % Math.max(1, items.length));
          } else if (event.key === 'Enter') {
            event.preventDefault();
            go(items[at]);
          }
        }}
      />
      <ul role="listbox" id={id} aria-label={t('label')} className="yz-jump-list">
        {items.map((item, index) => (
          <li key={item.key} id={`${id}-${index}`} role="option" aria-selected={index === at} onMouseMove={() => setChosen(index)} onClick={() => go(item)} ref={(element) => { if (index === at) element?.scrollIntoView({ block: 'nearest' }); }}>
            {item.icon}
            <span className="yz-cut">{item.title}</span>
            {item.detail && <span className="yz-meta yz-cut">{item.detail}</span>}
          </li>
        ))}
      </ul>
      {items.length === 0 && query.trim() !== '' && !problem && <p className="yz-meta">{t('nothing', { q: query })}</p>}
      {problem && <p className="yz-problem" role="alert">{problem}</p>}
      <p className="yz-meta">{t('hint')}</p>
    </Modal>
  );
}
