// Sentences made of messages: previews and notices.

import { cut, type Locale, type Translate } from '@yizhan/kit';
import { Notice_Kind, type Message } from '@yizhan/kit/gen/im/v1/conversation_pb';
import { nameOf, type People } from '../model/people.ts';
import { texts } from './texts.ts';

export type T = Translate<(typeof texts)['zh']>;

export function textOf(message: Message): string {
  return message.content?.kind.case === 'text' ? message.content.kind.value : '';
}

/** What a notice says; asks for the names that it needs. */
export function noticeText(message: Message, people: People, locale: Locale, t: T): string {
  const notice = message.notice;
  const name = nameById(people, message.senderId, locale);
  const who = notice?.personIds.slice(0, 8).map((id) => nameById(people, id, locale)).join(locale === 'zh' ? '、' : ', ') ?? '';
  const alone = notice?.personIds.length === 1 && notice.personIds[0] === message.senderId;
  switch (notice?.kind) {
    case Notice_Kind.CREATED:
      return t('created', { name });
    case Notice_Kind.JOINED:
      return alone ? t('joined', { who }) : t('added', { name, who });
    case Notice_Kind.LEFT:
      return alone ? t('left', { who }) : t('removed', { name, who });
    case Notice_Kind.RENAMED:
      return t('renamed', { name, title: notice.title });
    default:
      return t('changed');
  }
}

export function nameById(people: People, id: string, locale: Locale): string {
  people.need(id);
  return nameOf(people.get(id), locale);
}

/** One line for the list of conversations. */
export function preview(message: Message | undefined, meId: string, group: boolean, people: People, locale: Locale, t: T): string {
  if (!message) return '';
  if (message.notice) return noticeText(message, people, locale, t);
  const text = cut(textOf(message).replace(/\s+/g, ' '), 80);
  if (message.senderId === meId) return t('you', { text });
  return group ? `${nameById(people, message.senderId, locale)}: ${text}` : text;
}
