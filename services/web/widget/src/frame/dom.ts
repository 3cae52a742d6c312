/** Small hands for elements. No HTML is ever parsed: what people wrote goes in as text nodes. */

/** Makes an element: properties by name, `aria-…`, `role` and `for` as attributes. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Record<string, string | number | boolean> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (/^aria-|^role$|^for$/.test(name)) element.setAttribute(name, String(value));
    else (element as any)[name] = value;
  }
  element.append(...children);
  return element;
}

/** An icon of 24 × 24, drawn with lines; the button around it carries the name. */
export function icon(path: string): SVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'path')).setAttribute('d', path);
  return svg;
}

/** Sets a text only where it differs, so that nothing is announced or laid out twice. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent != text) element.textContent = text;
}

/** Tells whether a key belongs to the input method. One per field. */
export class ImeGuard {
  private composing = false;
  private endedAt = -1e9;

  constructor(field: HTMLElement) {
    field.addEventListener('compositionstart', () => (this.composing = true));
    field.addEventListener('compositionend', (event) => {
      this.composing = false;
      this.endedAt = event.timeStamp;
    });
  }

  /** When true: do nothing with the key, not even preventDefault. */
  busy(event: KeyboardEvent): boolean {
    // keyCode 229 alone is wrong both ways: some methods send it for plain keys, and Enter that ends a
    // composition comes as 229 just after compositionend.
    return event.isComposing || this.composing || (event.keyCode == 229 && event.timeStamp - this.endedAt < 100);
  }
}
