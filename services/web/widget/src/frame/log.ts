/** The rows of the conversation: elements that stay the same for life, an end that stays in sight, a pill when it does not. */
import { el, icon, setText } from './dom';
import { linkParts, shortTime, type Text } from './text';
import type { Row } from './timeline';

/** What a failed row offers. */
export interface RowActions {
  retry(row: Row): void;
  discard(row: Row): void;
}

interface Shown {
  item: HTMLElement;
  body: HTMLElement;
  meta: HTMLElement;
  state: string;
}

const clockAfterMs = 2_000;
const atEndPx = 40;

export class Log {
  readonly element: HTMLElement;
  readonly pill: HTMLButtonElement;
  private readonly shown = new Map<string, Shown>();
  private unseen = 0;
  private typing: HTMLElement;
  private greeting: HTMLElement | undefined;

  constructor(
    private readonly text: Text,
    private readonly lang: string,
    private readonly actions: RowActions,
  ) {
    this.element = el('div', { className: 'log', role: 'log', 'aria-live': 'off', 'aria-label': text.log, tabIndex: 0 });
    this.pill = el('button', { className: 'pill', type: 'button', hidden: true });
    this.pill.onclick = () => this.toEnd();
    this.typing = el('div', { className: 'typing', hidden: true }, text.typing);
    this.element.append(this.typing);
    this.element.onscroll = () => {
      if (this.atEnd()) this.setUnseen(0);
    };
    // A larger font, a keyboard, a resized panel: the end stays in sight if it was.
    let wasAtEnd = true;
    this.element.addEventListener('scroll', () => (wasAtEnd = this.atEnd()), { passive: true });
    if (typeof ResizeObserver != 'undefined')
      new ResizeObserver(() => wasAtEnd && this.toEnd()).observe(this.element);
  }

  /** Shows the rows, in this order. */
  show(rows: readonly Row[], agentTypes: boolean, now: number): void {
    const atEnd = this.atEnd();
    const gone = new Set(this.shown.keys());
    let before: ChildNode | null = this.greeting?.nextSibling ?? this.element.firstChild;
    rows.forEach((row, index) => {
      if (row.who == 'system' && !this.text.events[row.event ?? '']) return;
      gone.delete(row.key);
      const shown = this.shown.get(row.key) ?? this.make(row);
      if (shown.item != before) this.element.insertBefore(shown.item, before);
      before = shown.item.nextSibling;
      this.fill(shown, row, now);
      shown.item.setAttribute('aria-posinset', String(index + 1));
      shown.item.setAttribute('aria-setsize', String(rows.length));
    });
    for (const key of gone) {
      this.shown.get(key)!.item.remove();
      this.shown.delete(key);
    }
    this.typing.hidden = !agentTypes;
    if (atEnd) this.toEnd();
  }

  /** Shows the channel's greeting above the first row. */
  greet(greeting: string): void {
    if (!greeting || this.greeting) return;
    this.greeting = el('article', { className: 'row agent' }, el('div', { className: 'bubble' }, greeting));
    this.element.prepend(this.greeting);
  }

  /** Rows have come in from others. */
  arrived(count: number): void {
    if (!this.atEnd()) this.setUnseen(this.unseen + count);
  }

  /** Goes to the end. */
  toEnd(): void {
    this.element.scrollTop = this.element.scrollHeight;
    this.setUnseen(0);
  }

  private atEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight < atEndPx;
  }

  private setUnseen(count: number): void {
    this.unseen = count;
    this.pill.hidden = count == 0;
    if (count) setText(this.pill, '↓ ' + this.text.newLines(count));
  }

  private make(row: Row): Shown {
    const body = el('div', { className: 'bubble' });
    const meta = el('div', { className: 'meta' });
    const item = el('article', { className: 'row ' + row.who }, body, meta);
    const shown = { item, body, meta, state: '' };
    this.shown.set(row.key, shown);
    return shown;
  }

  private fill(shown: Shown, row: Row, now: number): void {
    const waits = row.state == 'sending' && now - row.since >= clockAfterMs;
    const state = [row.state, waits, row.text, row.time, shortTime(row.time, now, this.lang)].join('\n');
    if (shown.state == state) return;
    shown.state = state;
    const { text } = this;
    if (row.who == 'system') setText(shown.body, text.events[row.event ?? ''] ?? '');
    else if (shown.body.textContent != row.text || !shown.body.firstChild) {
      shown.body.replaceChildren(
        ...linkParts(row.text).map((part) =>
          part.href
            ? el('a', { href: part.href, target: '_blank', rel: 'noopener noreferrer nofollow' }, part.text)
            : part.text));
    }
    if (row.who != 'system') shown.item.setAttribute('aria-label', row.who == 'me' ? text.me : text.agent);
    shown.item.classList.toggle('failed', row.state == 'failed');
    shown.meta.replaceChildren();
    if (row.state == 'failed') {
      const retry = el('button', { type: 'button', className: 'small' }, text.retry);
      const discard = el('button', { type: 'button', className: 'small' }, text.discard);
      retry.onclick = () => this.actions.retry(row);
      discard.onclick = () => this.actions.discard(row);
      shown.meta.append(el('span', { className: 'bad' }, '⚠ ' + text.failed), retry, discard);
    } else if (row.state == 'sending') {
      if (waits) shown.meta.append(icon('M12 7v5l3 2M12 3a9 9 0 100 18 9 9 0 000-18'), text.sending);
    } else {
      const at = new Date(row.time);
      shown.meta.append(
        el('time', { dateTime: at.toISOString(), title: at.toLocaleString(this.lang) }, shortTime(row.time, now, this.lang)));
    }
  }
}
