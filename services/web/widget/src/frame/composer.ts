/** The box: Enter sends unless the input method wants it, text is never lost, the send button says what it does. */
import { el, icon, ImeGuard, setText } from './dom';
import type { Text } from './text';

/** What the box tells. */
export interface ComposerListener {
  send(text: string): void;
  changed(text: string): void;
}

/** As the contract allows, counted in characters. */
const longest = 10_000;

export class Composer {
  readonly element: HTMLFormElement;
  readonly field: HTMLTextAreaElement;
  private readonly problem: HTMLElement;

  constructor(text: Text, private readonly listener: ComposerListener) {
    this.field = el('textarea', {
      rows: 1, placeholder: text.placeholder, 'aria-label': text.inputLabel, autocomplete: 'off', enterKeyHint: 'send',
    });
    const send = el('button', { type: 'submit', className: 'send', title: text.send, 'aria-label': text.send },
      icon('M4 12l16-8-5 16-3-7zM20 4l-8 9'));
    this.problem = el('p', { className: 'bad', role: 'alert' });
    this.element = el('form', { className: 'composer' }, this.problem, el('div', { className: 'line' }, this.field, send),
      el('p', { className: 'hint' }, text.hint));
    const ime = new ImeGuard(this.field);
    this.field.onkeydown = (event) => {
      if (ime.busy(event) || event.key != 'Enter' || event.shiftKey) return;
      event.preventDefault();
      this.submit();
    };
    this.field.oninput = () => {
      this.grow();
      const over = [...this.field.value].length - longest;
      setText(this.problem, over > 0 ? text.tooLong(over) : '');
      this.listener.changed(this.field.value);
    };
    this.element.onsubmit = (event) => {
      event.preventDefault();
      this.submit();
      this.field.focus();
    };
  }

  get value(): string {
    return this.field.value;
  }

  set value(value: string) {
    this.field.value = value;
    this.grow();
  }

  private submit(): void {
    const value = this.field.value.trim();
    if (!value || [...value].length > longest) return;
    this.value = '';
    this.listener.send(value);
    this.listener.changed('');
  }

  private grow(): void {
    this.field.style.height = 'auto';
    this.field.style.height = Math.min(this.field.scrollHeight + 2, 136) + 'px';
  }
}
