/** Five stars, a few words, in place: asked once after a conversation has ended. */
import { el, setText } from './dom';
import type { Text } from './text';

/** The form. It is a group of radio buttons, so arrows move and a reader says "4 of 5". */
export class Rating {
  readonly element: HTMLElement;

  constructor(text: Text, submit: (rating: number, comment: string) => Promise<void>, skip: () => void) {
    const word = el('span', { className: 'word', 'aria-hidden': 'true' });
    const send = el('button', { type: 'submit', className: 'primary', disabled: true }, text.rateSend);
    const not = el('button', { type: 'button', className: 'plain' }, text.rateSkip);
    const comment = el('textarea', { rows: 2, maxLength: 1000, placeholder: text.rateComment, 'aria-label': text.rateComment });
    const problem = el('p', { className: 'bad', role: 'alert' });
    const stars = el('div', { className: 'stars' });
    text.stars.forEach((name, index) => {
      const radio = el('input', { type: 'radio', name: 'stars', value: String(index + 1), id: 'star' + index, className: 'sr' });
      const label = el('label', { for: 'star' + index, title: name }, '★', el('span', { className: 'sr' }, name));
      radio.onchange = () => {
        [...stars.querySelectorAll('label')].forEach((one, at) => one.classList.toggle('on', at <= index));
        setText(word, name);
        send.disabled = false;
      };
      stars.append(radio, label);
    });
    const form = el(
      'form',
      { className: 'rating', 'aria-label': text.rateTitle },
      el('fieldset', {}, el('legend', {}, text.rateTitle), stars, word),
      comment, problem,
      el('div', { className: 'actions' }, not, send),
    );
    form.onsubmit = (event) => {
      event.preventDefault();
      const chosen = form.querySelector<HTMLInputElement>('input:checked');
      if (!chosen || send.disabled) return;
      send.disabled = true;
      setText(problem, '');
      submit(Number(chosen.value), comment.value.trim()).catch((error: Error) => {
        setText(problem, text.failed + (error.message ? ': ' + error.message : ''));
        send.disabled = false;
      });
    };
    not.onclick = skip;
    this.element = form;
  }
}
