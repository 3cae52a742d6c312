// Finding people the way people type: by name, log-in, pinyin or initials.

export interface Findable {
  name: string;
  englishName: string;
  login: string;
  searchKeys: readonly string[];
}

/** What a person is called in this language. */
export function shownName(person: { name: string; englishName: string; login: string }, locale: 'zh' | 'en'): string {
  return (locale === 'en' && person.englishName) || person.name || person.englishName || person.login;
}

/** How well a person answers to a word: 0 not at all, more is better. Spellings match at their start, names anywhere. */
export function personScore(person: Findable, query: string): number {
  const word = query.trim().toLowerCase();
  if (word === '') return 1;
  const name = person.name.toLowerCase();
  if (name === word || person.login === word) return 6;
  if (name.startsWith(word)) return 5;
  if (person.searchKeys.some((key) => key.startsWith(word.replace(/\s+/g, '')))) return 4;
  if (person.englishName.toLowerCase().split(/[\s-]+/).some((part) => part.startsWith(word)) || person.englishName.toLowerCase().startsWith(word)) return 3;
  if (person.login.startsWith(word)) return 3;
  return name.includes(word) ? 2 : 0;
}
