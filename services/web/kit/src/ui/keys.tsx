// Shortcuts: one listener, the part that came last is asked first, and the input method before everybody.

import { Modal } from 'antd';
import { useEffect, useRef } from 'react';
import { defineMessages, useT } from '../core/i18n.ts';
import { imeBusy } from '../core/ime.ts';
import { useFocusReturn } from './focus.ts';
import { createStore, useStore } from '../core/store.ts';

const texts = defineMessages({
  zh: { title: '快捷键', help: '快捷键列表', pane: '下一个区域' },
  en: { title: 'Keyboard shortcuts', help: 'List of shortcuts', pane: 'Next pane' },
});

export interface KeyBinding {
  /** Return false to let the key go on to earlier bindings and to the browser. */
  run: (event: KeyboardEvent) => void | boolean;
  /** For the key list; without it the binding is not listed. */
  label?: string;
}

/** Keys as "mod+k" (Ctrl, or Cmd on a Mac), "alt+arrowup", "/", "?", "f6", "escape". */
export type KeyMap = Record<string, KeyBinding>;

const stack: { current: KeyMap }[] = [];

function nameOf(event: KeyboardEvent): string {
  const key = event.key.toLowerCase();
  const printable = event.key.length === 1;
  return (event.ctrlKey || event.metaKey ? 'mod+' : '') + (event.altKey ? 'alt+' : '') + (event.shiftKey && !printable ? 'shift+' : '') + key;
}

function editable(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function onKeyDown(event: KeyboardEvent): void {
  if (imeBusy(event) || event.defaultPrevented || stack.length === 0) return;
  const name = nameOf(event);
  // Single characters are text where text is typed; in a dialog only its own keys count.
  if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey && editable(event.target)) return;
  if (name !== 'mod+k' && document.querySelector('.ant-modal-wrap:not([style*="display: none"])')) return;
  for (const map of [...stack].reverse()) {
    const binding = map.current[name];
    if (binding && binding.run(event) !== false) {
      event.preventDefault();
      return;
    }
  }
}

/** Binds keys while the component is mounted. */
export function useKeys(map: KeyMap): void {
  const ref = useRef(map);
  ref.current = map;
  useEffect(() => {
    if (stack.length === 0) document.addEventListener('keydown', onKeyDown);
    stack.push(ref);
    return () => {
      stack.splice(stack.indexOf(ref), 1);
      if (stack.length === 0) document.removeEventListener('keydown', onKeyDown);
    };
  }, []);
}

/** Moves focus to the next element with `data-pane`, in the order of the document. */
export function nextPane(back = false): void {
  const panes = [...document.querySelectorAll<HTMLElement>('[data-pane]')].filter((pane) => pane.offsetParent !== null);
  if (panes.length === 0) return;
  const at = panes.findIndex((pane) => pane.contains(document.activeElement));
  const next = panes[(at + (back ? -1 : 1) + panes.length) % panes.length]!;
  const inside = next.querySelector<HTMLElement>('[data-pane-focus]');
  (inside ?? next).focus();
}

const shown: Record<string, string> = { mod: /Mac/.test(typeof navigator === 'undefined' ? '' : navigator.userAgent) ? '⌘' : 'Ctrl', alt: 'Alt', shift: 'Shift', escape: 'Esc', arrowup: '↑', arrowdown: '↓' };

const help = createStore(false);

/** Opens the list of shortcuts. */
export function showKeyHelp(): void {
  help.set(true);
}

/** The list behind `?`, and F6. Part of KitProvider. */
export function KeyHelp() {
  const t = useT(texts);
  const open = useStore(help);
  useKeys({
    '?': { run: showKeyHelp, label: t('help') },
    f6: { run: () => nextPane(), label: t('pane') },
    'shift+f6': { run: () => nextPane(true) },
  });
  return open ? <KeyList /> : null;
}

function KeyList() {
  const t = useT(texts);
  useFocusReturn();
  const rows = new Map<string, string>();
  for (const map of stack) for (const [key, binding] of Object.entries(map.current)) if (binding.label) rows.set(key, binding.label);
  return (
    <Modal open title={t('title')} footer={null} onCancel={() => help.set(false)} width={480}>
      <dl className="yz-keys">
        {[...rows].map(([key, label]) => (
          <div key={key}>
            <dt>{label}</dt>
            <dd>
              {key.split('+').map((part) => (
                <kbd key={part}>{shown[part] ?? part.toUpperCase()}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
