import { useLocale, useStore, type PresenceShow } from '@yizhan/kit';
import { Presence_Show } from '@yizhan/kit/gen/im/v1/conversation_pb';
import { createContext, useContext, useEffect, useRef, useSyncExternalStore } from 'react';
import type { Conv } from '../model/conversations.ts';
import type { Im } from '../model/im.ts';
import { nameOf, usePerson } from '../model/people.ts';

export const ImContext = createContext<Im | null>(null);

export function useIm(): Im {
  return useContext(ImContext)!;
}

/** A person's name in the reader's language. */
export function useName(personId: string): string {
  const im = useIm();
  const locale = useLocale();
  return nameOf(usePerson(im.people, personId), locale);
}

/** What a conversation is called; for two people the other one's name. */
export function useTitle(id: string, conv: Conv | undefined, peerId: string): string {
  const name = useName(peerId);
  return conv?.group ? conv.title : peerId ? name : (conv?.title ?? id);
}

export function usePresence(personId: string): PresenceShow | undefined {
  const im = useIm();
  const show = useStore(im.presence.known, (all) => all.get(personId)?.show);
  switch (show) {
    case Presence_Show.ONLINE:
      return 'online';
    case Presence_Show.AWAY:
      return 'away';
    case Presence_Show.BUSY:
      return 'busy';
    case Presence_Show.OFFLINE:
      return 'offline';
    default:
      return undefined;
  }
}

/** Says that these people are on the screen. */
export function useShown(personIds: readonly string[]): void {
  const im = useIm();
  const owner = useRef({});
  const key = personIds.join();
  useEffect(() => {
    im.presence.show(owner.current, key === '' ? [] : key.split(','));
  }, [im, key]);
  useEffect(() => {
    const mine = owner.current;
    return () => im.presence.show(mine, []);
  }, [im]);
}

export type Route = { page: 'chat'; id: string } | { page: 'directory'; department: string } | { page: 'settings' };

function read(): string {
  return location.hash;
}
function watch(fn: () => void): () => void {
  addEventListener('hashchange', fn);
  return () => removeEventListener('hashchange', fn);
}

export function routeOf(hash: string): Route {
  const [page, rest = ''] = hash.replace(/^#\/?/, '').split(/\/(.*)/s);
  let id = '';
  try {
    id = decodeURIComponent(rest);
  } catch {
    id = '';
  }
  if (page === 'directory') return { page: 'directory', department: id };
  if (page === 'settings') return { page: 'settings' };
  return { page: 'chat', id };
}

export function useRoute(): Route {
  return routeOf(useSyncExternalStore(watch, read));
}

export const chatHref = (id: string) => `#/chat/${encodeURIComponent(id)}`;
export const departmentHref = (id: string) => `#/directory/${encodeURIComponent(id)}`;
