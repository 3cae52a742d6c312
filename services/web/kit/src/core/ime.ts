// Enter belongs to the input method first. One guard for every field and every shortcut.

let composing = false;
let endedAt = -Infinity;

if (typeof document !== 'undefined') {
  document.addEventListener('compositionstart', () => { composing = true; }, true);
  document.addEventListener('compositionend', (event) => { composing = false; endedAt = event.timeStamp || performance.now(); }, true);
  // A composition that loses its field does not always end with an event.
  document.addEventListener('focusin', () => { composing = false; }, true);
}

interface KeyLike {
  keyCode: number;
  timeStamp: number;
  isComposing?: boolean;
  nativeEvent?: { isComposing?: boolean };
}

/**
 * Whether a key event belongs to the input method: then a handler does nothing at all, not even preventDefault.
 * keyCode 229 alone says little: some methods keep it after the end of a composition, others send it for plain keys.
 */
export function imeBusy(event: KeyLike): boolean {
  if (event.isComposing || event.nativeEvent?.isComposing || composing) return true;
  return event.keyCode === 229 && event.timeStamp - endedAt < 100;
}
