// Text is cut by what a reader calls a character: rare name characters lie outside the BMP, emoji are joined.

const segmenter = typeof Intl !== 'undefined' && 'Segmenter' in Intl ? new Intl.Segmenter(undefined, { granularity: 'grapheme' }) : null;

export function graphemes(text: string): string[] {
  return segmenter ? Array.from(segmenter.segment(text), (part) => part.segment) : Array.from(text);
}

/** At most `max` characters; an ellipsis takes the place of the last one when something is cut. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const parts = graphemes(text.length > max * 16 ? text.slice(0, max * 16) : text);
  return parts.length <= max && text.length <= max * 16 ? text : parts.slice(0, max - 1).join('') + '…';
}

/**
 * What an avatar shows: the last two characters of a Chinese name (the given name; of a group's the first two), else the
 * initials. small: room for one Chinese character only.
 */
export function avatarText(name: string, group = false, small = false): string {
  const trimmed = name.trim();
  if (/\p{Script=Han}/u.test(trimmed)) {
    const han = graphemes(trimmed).filter((part) => !/^[\s()（）·]$/.test(part));
    if (small) return (group ? han[0] : han[han.length - 1]) ?? '';
    return group ? han.slice(0, 2).join('') : han.slice(han.length > 2 ? -2 : 0).join('');
  }
  const words = trimmed.split(/\s+/).filter(Boolean);
  const first = graphemes(words[0] ?? '?')[0] ?? '?';
  const last = words.length > 1 ? (graphemes(words[words.length - 1]!)[0] ?? '') : '';
  return (first + last).toUpperCase();
}
