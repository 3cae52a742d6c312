import { Avatar, personScore, useLocale, useT, type JumpItem } from '@yizhan/kit';
import type { Person } from '@yizhan/kit/gen/directory/v1/people_pb';
import { useCallback } from 'react';
import { directId, type Conv } from '../model/conversations.ts';
import type { Im } from '../model/im.ts';
import { nameOf } from '../model/people.ts';
import { chatHref } from './context.ts';
import { texts } from './texts.ts';

/** What Ctrl+K finds: conversations and people at hand, then the directory's answer. */
export function useJump(im: Im) {
  const t = useT(texts);
  const locale = useLocale();

  const personItem = useCallback((person: Person): JumpItem => {
    const id = directId(im.meId, person.personId);
    return {
      key: id,
      title: nameOf(person, locale),
      detail: [locale === 'en' ? person.name : person.englishName, person.title].filter(Boolean).join(' · '),
      icon: <Avatar id={person.personId} name={person.name} size={28} />,
      go: () => { location.hash = chatHref(id); },
    };
  }, [im, locale]);

  const near = useCallback((query: string): JumpItem[] => {
    const word = query.trim().toLowerCase();
    const scored: { item: JumpItem; score: number; time: number }[] = [];
    const seen = new Set<string>();
    for (const conv of im.convs.get().values()) {
      const score = scoreOf(im, conv, word);
      if (score === 0) continue;
      seen.add(conv.id);
      const person = conv.group ? undefined : im.people.get(conv.peerId);
      const item: JumpItem = conv.group
        ? { key: conv.id, title: conv.title, detail: t('memberCount', { n: conv.memberCount }), icon: <Avatar id={conv.id} name={conv.title} size={28} square />, go: () => { location.hash = chatHref(conv.id); } }
        : person ? personItem(person) : { key: conv.id, title: '…', go: () => { location.hash = chatHref(conv.id); } };
      scored.push({ item, score, time: conv.lastTimeUs });
    }
    scored.sort((a, b) => b.score - a.score || b.time - a.time);
    const items = scored.slice(0, 12).map((each) => each.item);
    if (word !== '') for (const person of im.people.find(word, 20)) if (person.personId !== im.meId && !seen.has(directId(im.meId, person.personId))) items.push(personItem(person));
    return items;
  }, [im, t, personItem]);

  const far = useCallback(async (query: string, signal: AbortSignal) => {
    if (im.people.whole) return [];
    const people = await im.people.search(query, signal);
    return people.filter((person) => person.personId !== im.meId).map(personItem);
  }, [im, personItem]);

  return { near, far };
}

function scoreOf(im: Im, conv: Conv, word: string): number {
  if (word === '') return 1;
  if (conv.group) return conv.title.toLowerCase().startsWith(word) ? 5 : conv.title.toLowerCase().includes(word) ? 3 : 0;
  const person = im.people.get(conv.peerId);
  return person ? personScore(person, word) : 0;
}
