// Highlights of the contract are byte offsets into the UTF-8 text.

export interface Part {
  readonly text: string;
  readonly hit: boolean;
}

/** Cuts a text by its highlights. Offsets that overlap, lie outside or inside a character never make text disappear. */
export function highlightParts(text: string, highlights: readonly { start: number; end: number }[]): Part[] {
  if (highlights.length === 0) return text === '' ? [] : [{ text, hit: false }];
  const bytes = new TextEncoder().encode(text);
  const boundary = (at: number) => {
    let to = Math.max(0, Math.min(at, bytes.length));
    while (to < bytes.length && (bytes[to]! & 0xc0) === 0x80) to += 1;
    return to;
  };
  const decoder = new TextDecoder();
  const parts: Part[] = [];
  const put = (from: number, to: number, hit: boolean) => {
    if (to > from) parts.push({ text: decoder.decode(bytes.subarray(from, to)), hit });
  };
  let at = 0;
  for (const { start, end } of [...highlights].sort((a, b) => a.start - b.start)) {
    const from = Math.max(at, boundary(start));
    const to = Math.max(from, boundary(end));
    put(at, from, false);
    put(from, to, true);
    at = to;
  }
  put(at, bytes.length, false);
  return parts;
}

/** The part of a long text around its first highlight, at most `max` characters, cut marks included. */
export function excerpt(parts: readonly Part[], max: number): Part[] {
  const first = parts.findIndex((part) => part.hit);
  const total = parts.reduce((sum, part) => sum + part.text.length, 0);
  if (total <= max || first < 0) return cutAt(parts, max);
  const before = parts.slice(0, first).map((part) => part.text).join('');
  const room = Math.floor(max / 3);
  if (before.length <= room) return cutAt(parts, max);
  const tail = Array.from(before).slice(-room).join('');
  return cutAt([{ text: '…' + tail, hit: false }, ...parts.slice(first)], max);
}

function cutAt(parts: readonly Part[], max: number): Part[] {
  const cut: Part[] = [];
  let left = max;
  for (const part of parts) {
    if (part.text.length <= left) {
      cut.push(part);
      left -= part.text.length;
      continue;
    }
    cut.push({ text: Array.from(part.text).slice(0, Math.max(0, left)).join('') + '…', hit: part.hit });
    break;
  }
  return cut;
}
