/**
 * The one script on the bank's page: a launcher and, on first intent, an iframe. It has one global, `Yizhan`, stores nothing
 * before the visitor opens the panel, and stays whole on a page whose styles, storage and stacking are against it: the
 * launcher lives in a closed shadow root, in the top layer where the browser has one.
 */
import type { ContextBody, IdentifyBody, KeepBody, Message, ResizeBody, SessionBody, UnreadBody } from '../protocol';

const script = document.currentScript as HTMLScriptElement | null;
const page = window as unknown as { Yizhan?: object };
if (script?.dataset.channel && !page.Yizhan) start(script, script.dataset.channel);

function start(own: HTMLScriptElement, channel: string): void {
  const frameUrl = new URL('frame.html?channel=' + encodeURIComponent(channel), own.src);
  const lang = /^zh/i.test(own.dataset.lang || document.documentElement.lang || navigator.language) ? 'zh' : 'en';
  const [openText, closeText, title, unreadText] =
    lang == 'zh' ? ['在线客服', '收起客服窗口', '在线客服对话', '条未读'] : ['Chat with us', 'Close chat', 'Chat', 'unread'];
  const key = 'yizhan:' + channel;
  // Both storages throw where the browser or the page forbids them.
  const read = (kind: 'localStorage' | 'sessionStorage'): string => {
    try {
      return window[kind].getItem(key) || '';
    } catch {
      return '';
    }
  };
  const write = (kind: 'localStorage' | 'sessionStorage', value: string): boolean => {
    try {
      if (value) window[kind].setItem(key, value);
      else window[kind].removeItem(key);
      return true;
    } catch {
      return false;
    }
  };
  const pageUrl = () => location.origin + location.pathname;
  const kept: Partial<KeepBody> = parse(read('localStorage'));

  const host = document.createElement('div');
  host.style.cssText =
    'all:initial!important;display:block!important;position:fixed!important;inset:auto 0 0 auto!important;width:0!important;' +
    'height:0!important;margin:0!important;padding:0!important;border:0!important;overflow:visible!important;' +
    'background:none!important;direction:ltr!important;z-index:2147483647!important';
  const root = host.attachShadow({ mode: 'closed' });
  const sheet = `.b,.f{position:fixed;right:24px;bottom:24px;border:0;padding:0}
.b{width:56px;height:56px;border-radius:50%;background:#0b5cad;color:#fff;cursor:pointer;box-shadow:0 2px 12px #1a223059;
outline:2px solid #fff0;font:600 12px/20px sans-serif}
.b:hover{background:#094c90}.b:focus-visible{outline:2px solid #0b5cad;outline-offset:2px;box-shadow:0 0 0 2px #fff}
.b svg{width:28px;height:28px;vertical-align:middle;fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.n{position:absolute;top:-4px;right:-4px;min-width:20px;box-sizing:border-box;padding:0 5px;border-radius:10px;background:#b42318}
.n:empty{display:none}
.f{bottom:96px;width:min(384px,100vw - 48px);height:min(624px,100vh - 120px);border-radius:8px;
box-shadow:0 8px 32px #1a223059;background:#fff;visibility:hidden;color-scheme:normal}
.f.l{width:min(640px,100vw - 48px);height:min(880px,100vh - 120px)}.f.o{visibility:visible}
@media(max-width:480px){.f,.f.l{inset:0;width:100vw;height:var(--h,100%);border-radius:0}.f.o~.b{display:none}}
@media(prefers-color-scheme:dark){.f{background:#161b22}}
@media(forced-colors:active){.b,.f{border:2px solid}}@media print{.b,.f{display:none}}`;
  try {
    const sheets = new CSSStyleSheet();
    sheets.replaceSync(sheet);
    root.adoptedStyleSheets = [sheets];
  } catch {
    root.appendChild(document.createElement('style')).textContent = sheet;
  }

  const button = document.createElement('button');
  button.className = 'b';
  button.type = 'button';
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const path = svg.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'path'));
  const badge = document.createElement('span');
  badge.className = 'n';
  button.append(svg, badge);
  root.append(button);

  let frame: HTMLIFrameElement | undefined;
  let port: MessagePort | undefined;
  let isOpen = read('sessionStorage') == '1';
  let unread = 0;
  let name = '';
  // The visitor has opened it: a frame that comes later gets the focus then, unless they went on elsewhere. It does not
  // inherit it where it is of another site than the page.
  let wanted = false;

  const post = (type: Message['type'], body?: object, id?: number) => port?.postMessage({ v: 1, type, id, body });
  const show = () => {
    path.setAttribute('d', isOpen ? 'M6 6l12 12M18 6L6 18' : 'M4 5h16v11h-9l-5 4v-4H4z');
    button.setAttribute('aria-expanded', String(isOpen));
    button.setAttribute('aria-label', isOpen ? closeText! : unread ? `${openText}, ${unread} ${unreadText}` : openText!);
    badge.textContent = unread && !isOpen ? (unread > 99 ? '99+' : String(unread)) : '';
    frame?.classList.toggle('o', isOpen);
  };
  const load = () => {
    if (frame) return;
    frame = document.createElement('iframe');
    frame.className = 'f';
    frame.title = title!;
    frame.src = frameUrl.href;
    root.insertBefore(frame, button);
    show();
  };
  const setOpen = (open: boolean, byVisitor: boolean) => {
    if (open) load();
    isOpen = open;
    wanted = open && byVisitor;
    show();
    if (byVisitor) write('sessionStorage', open ? '1' : '');
    post('context', { page: pageUrl() });
    post(open ? 'open' : 'close', { focus: byVisitor });
    if (byVisitor && open) frame!.focus();
    if (byVisitor && !open) button.focus();
  };
  const onPort = ({ data }: MessageEvent<Message>) => {
    if (data.type == 'close') setOpen(false, true);
    else if (data.type == 'unread') unread = (data.body as UnreadBody).count;
    else if (data.type == 'resize') frame!.classList.toggle('l', (data.body as ResizeBody).large);
    else if (data.type == 'session')
      post('session', { ok: write('localStorage', JSON.stringify(data.body)) }, data.id);
    show();
  };
  // The frame says that it is ready; it gets a port of its own, and nobody else is listened to from then on.
  addEventListener('message', (event) => {
    if (event.source !== frame?.contentWindow || !frame || event.origin != frameUrl.origin || event.data?.type != 'ready') return;
    const { port1, port2 } = new MessageChannel();
    port?.close();
    port = port1;
    port.onmessage = onPort;
    const focus = wanted && document.activeElement == host;
    const body: SessionBody = { page: pageUrl(), lang, blob: kept.blob || '', open: isOpen, focus, name };
    frame.contentWindow!.postMessage({ v: 1, type: 'session', body }, frameUrl.origin, [port2]);
    if (focus) frame.focus();
  });
  button.onclick = () => setOpen(!isOpen, true);
  // First intent: the frame is fetched, and still nothing is stored.
  button.onpointerenter = button.onfocus = load;

  page.Yizhan = {
    open: () => setOpen(true, true),
    close: () => setOpen(false, true),
    identify: (who: IdentifyBody) => {
      name = who.name || '';
      post('identify', { name });
    },
    context: (where: ContextBody) => post('context', where),
  };

  const viewport = window.visualViewport;
  if (viewport) viewport.onresize = () => host.style.setProperty('--h', viewport.height + 'px');
  const mount = () => {
    document.body.append(host);
    try {
      host.popover = 'manual';
      host.showPopover();
    } catch {
      // No top layer in this browser: z-index has to do.
    }
    if (isOpen) setOpen(true, false);
    else if (kept.live) load();
  };
  show();
  if (document.body) mount();
  else addEventListener('DOMContentLoaded', mount);
}

function parse(text: string): Partial<KeepBody> {
  try {
    return JSON.parse(text) || {};
  } catch {
    return {};
  }
}
