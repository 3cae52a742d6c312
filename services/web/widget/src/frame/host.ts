/** The loader on the bank's page, as the frame sees it. Alone in its window the frame is a page of its own. */
import { readMessage, type KeptBody, type Message, type SessionBody } from '../protocol';

/** What comes from the loader. */
export interface HostListener {
  open(focus: boolean): void;
  close(): void;
  identify(name: string): void;
  context(page: string): void;
}

export class Host {
  private port: MessagePort | undefined;
  private asked = 0;
  private readonly answers = new Map<number, (ok: boolean) => void>();

  /** Whether somebody embeds the frame. */
  get embedded(): boolean {
    return window.parent !== window;
  }

  /** Announces the frame and waits for the loader's port. */
  connect(listener: HostListener): Promise<SessionBody> {
    if (!this.embedded)
      return Promise.resolve({ page: location.origin + location.pathname, lang: navigator.language, blob: '', open: true, focus: false, name: '' });
    return new Promise((resolve) => {
      const first = (event: MessageEvent) => {
        const message = readMessage(event.data);
        // Only the window that embeds the frame, only once, only with a port.
        if (event.source !== window.parent || message?.type != 'session' || !event.ports[0]) return;
        removeEventListener('message', first);
        this.port = event.ports[0];
        this.port.onmessage = (next: MessageEvent) => this.receive(readMessage(next.data), listener);
        resolve(message.body as SessionBody);
      };
      addEventListener('message', first);
      // Says nothing but that it is here, so any embedding page may hear it.
      window.parent.postMessage({ v: 1, type: 'ready' } satisfies Message, '*');
    });
  }

  /** Sends without an answer. */
  send(type: Message['type'], body?: object): void {
    this.port?.postMessage({ v: 1, type, body } satisfies Message);
  }

  /** Asks the page to keep something; false when it cannot, or does not answer within 2 s. */
  keep(live: boolean, blob: string): Promise<boolean> {
    const { port } = this;
    if (!port) return Promise.resolve(false);
    const id = ++this.asked;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.answers.get(id)?.(false), 2_000);
      this.answers.set(id, (ok) => {
        clearTimeout(timer);
        this.answers.delete(id);
        resolve(ok);
      });
      port.postMessage({ v: 1, type: 'session', id, body: { live, blob } } satisfies Message);
    });
  }

  private receive(message: Message | undefined, listener: HostListener): void {
    const body = (message?.body ?? {}) as Record<string, unknown>;
    if (message?.type == 'open') listener.open(body.focus === true);
    else if (message?.type == 'close') listener.close();
    else if (message?.type == 'identify') listener.identify(String(body.name ?? '').slice(0, 100));
    else if (message?.type == 'context') listener.context(String(body.page ?? '').slice(0, 2000));
    else if (message?.type == 'session') this.answers.get(message.id ?? 0)?.((body as unknown as KeptBody).ok === true);
  }
}
