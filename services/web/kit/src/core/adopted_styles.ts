// Stands in for rc-util's Dom/dynamicCSS: the same four functions, over constructed style sheets, which `style-src 'self'` allows.

/** What callers hold: rc-util's callers mark it and set attributes that nobody reads. */
interface Sheet {
  sheet: CSSStyleSheet;
  text: string;
  setAttribute(name: string, value: string): void;
  [mark: string]: unknown;
}

const sheets = new Map<string, Sheet>();
let anonymous = 0;

function publish() {
  // Assigned, not pushed to: older engines freeze the array. Runtime variables come before the pages' own rules in weight by specificity only.
  document.adoptedStyleSheets = [...sheets.values()].map((entry) => entry.sheet);
}

export function updateCSS(css: string, key: string): Sheet | null {
  if (typeof document === 'undefined') return null;
  const known = sheets.get(key);
  if (known) {
    if (known.text !== css) known.sheet.replaceSync((known.text = css));
    return known;
  }
  const entry: Sheet = { sheet: new CSSStyleSheet(), text: css, setAttribute: () => undefined };
  entry.sheet.replaceSync(css);
  sheets.set(key, entry);
  publish();
  return entry;
}

export function injectCSS(css: string): Sheet | null {
  return updateCSS(css, `anonymous-${(anonymous += 1)}`);
}

export function removeCSS(key: string): void {
  if (sheets.delete(key)) publish();
}

export function clearContainerCache(): void {}
