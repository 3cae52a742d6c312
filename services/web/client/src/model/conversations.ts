// A conversation as the list shows it.

import { Conversation_Kind, type Conversation, type Member_Role, type Message } from '@yizhan/kit/gen/im/v1/conversation_pb';
import { num } from './numbers.ts';

export interface Conv {
  readonly id: string;
  readonly group: boolean;
  /** A group's title; empty for two people. */
  readonly title: string;
  /** The other of two people. */
  readonly peerId: string;
  readonly lastSeq: number;
  readonly lastTimeUs: number;
  readonly last: Message | undefined;
  readonly readSeq: number;
  readonly firstSeq: number;
  readonly memberCount: number;
  readonly role: Member_Role;
  readonly unread: number;
}

/** The id of the conversation of two people. */
export function directId(a: string, b: string): string {
  return a < b ? `d:${a}:${b}` : `d:${b}:${a}`;
}

/** The other of two people; empty when it is not such an id or not theirs. */
export function peerOf(conversationId: string, meId: string): string {
  const [kind, a, b] = conversationId.split(':');
  if (kind !== 'd' || !a || !b) return '';
  return a === meId ? b : b === meId ? a : '';
}

export function fromProto(made: Conversation, meId: string): Conv {
  return {
    id: made.conversationId,
    group: made.kind === Conversation_Kind.GROUP,
    title: made.title,
    peerId: peerOf(made.conversationId, meId),
    lastSeq: num(made.lastSeq),
    lastTimeUs: num(made.lastTimeUs),
    last: made.lastMessage,
    readSeq: num(made.readSeq),
    firstSeq: num(made.firstSeq),
    memberCount: made.memberCount,
    role: made.role,
    unread: made.unread,
  };
}

/** What the server says, over what events have told since: cursors and the end never go back. */
export function merge(old: Conv | undefined, made: Conv): Conv {
  if (!old) return made;
  if (made.lastSeq < old.lastSeq) {
    return { ...made, lastSeq: old.lastSeq, lastTimeUs: old.lastTimeUs, last: old.last, readSeq: Math.max(old.readSeq, made.readSeq), unread: old.unread, title: old.title, memberCount: old.memberCount };
  }
  // Read here, but the server has not heard of it yet.
  if (old.readSeq > made.readSeq) return { ...made, readSeq: old.readSeq, unread: old.readSeq >= made.lastSeq ? 0 : Math.min(made.unread, old.unread + made.lastSeq - old.lastSeq) };
  return made;
}
