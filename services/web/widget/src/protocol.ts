/**
 * What the loader (on the bank's page) and the frame (on ours) say to each other: postMessage version 1, first by window
 * with origin and source checked, then over a MessageChannel that nobody else holds.
 */

/** One message. `id` is set where an answer with the same id is expected. */
export interface Message {
  /** Version of this protocol: 1. */
  v: 1;
  /** What it is. */
  type: 'ready' | 'open' | 'close' | 'resize' | 'unread' | 'identify' | 'context' | 'session';
  /** Names a request and its answer. */
  id?: number;
  /** By type, see the interfaces below. */
  body?: unknown;
}

/** `session` from the loader, with the port: everything that the frame needs to begin. */
export interface SessionBody {
  /** The page that embeds the widget, without query and fragment. */
  page: string;
  /** "zh" or "en". */
  lang: string;
  /** What the frame gave to keep in the host's storage; empty when there is nothing. */
  blob: string;
  /** Whether the panel is open already (it was open on the page before). */
  open: boolean;
  /** As in OpenBody: the visitor opened it just now, when there was nobody to tell yet. */
  focus: boolean;
  /** What the page said that the visitor is called; empty when it did not. */
  name: string;
}

/** `session` from the frame: what the host keeps. Answered with KeptBody. */
export interface KeepBody {
  /** Whether there is a conversation that the next page shall pick up without a click. */
  live: boolean;
  /** What the frame cannot keep by itself; empty for nothing. */
  blob: string;
}

/** The answer to KeepBody. */
export interface KeptBody {
  /** False when the host's storage refused. */
  ok: boolean;
}

/** `open` from the loader. */
export interface OpenBody {
  /** Whether the visitor asked for it just now, so that focus may move. */
  focus: boolean;
}

/** `identify` from the loader. */
export interface IdentifyBody {
  /** What the visitor is called. */
  name?: string;
}

/** `context` from the loader. */
export interface ContextBody {
  /** The page that the visitor is on. */
  page?: string;
}

/** `unread` from the frame. */
export interface UnreadBody {
  /** Lines that the visitor has not seen. */
  count: number;
}

/** `resize` from the frame. */
export interface ResizeBody {
  /** The large panel, for long answers. */
  large: boolean;
}

/** Reads a message from outside; undefined when it is not one of ours. */
export function readMessage(data: unknown): Message | undefined {
  const message = data as Message | null;
  return message !== null && typeof message === 'object' && message.v === 1 && typeof message.type === 'string'
    ? message
    : undefined;
}
