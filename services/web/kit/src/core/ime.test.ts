import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

describe('imeBusy', () => {
  const target = new EventTarget();
  let imeBusy: (event: { keyCode: number; timeStamp: number; isComposing?: boolean }) => boolean;
  beforeEach(async () => {
    vi.resetModules();
    vi.stubGlobal('document', target);
    ({ imeBusy } = await import('./ime.ts'));
  });
  afterEach(() => vi.unstubAllGlobals());
  const tell = (type: string) => target.dispatchEvent(new Event(type));
  const key = (keyCode: number, afterMs = 0, isComposing = false) => ({ keyCode, timeStamp: performance.now() + afterMs, isComposing });

  it('belongs to the method while composing', () => {
    tell('compositionstart');
    expect(imeBusy(key(13))).toBe(true);
    expect(imeBusy(key(27))).toBe(true);
    tell('compositionend');
    expect(imeBusy(key(13))).toBe(false);
  });
  it('belongs to the method when the event says so', () => {
    expect(imeBusy(key(13, 0, true))).toBe(true);
  });
  it('takes the 229 that ends a composition, and no other', () => {
    expect(imeBusy(key(229))).toBe(false);
    tell('compositionstart');
    tell('compositionend');
    expect(imeBusy(key(229, 20))).toBe(true);
    expect(imeBusy(key(229, 200))).toBe(false);
    expect(imeBusy(key(13, 20))).toBe(false);
  });
  it('forgets a composition whose field went away', () => {
    tell('compositionstart');
    tell('focusin');
    expect(imeBusy(key(13))).toBe(false);
  });
});
