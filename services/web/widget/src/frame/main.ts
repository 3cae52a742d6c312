/** The frame: composes host, visit and page. */
import { Composer } from './composer';
import { el, icon, setText } from './dom';
import { Host } from './host';
import { Keep } from './keep';
import { Live } from './live';
import { Log } from './log';
import { Rating } from './rating';
import { textOf } from './text';
import { Visit } from './visit';
import { caller } from './wire';
import type { ResizeBody, SessionBody, UnreadBody } from '../protocol';

const host = new Host();
const channel = new URLSearchParams(location.search).get('channel') ?? '';
let opened = false;
let focusAsked = false;
let blob = '';
let live: boolean | undefined;
let app: ReturnType<typeof build> | undefined;
let visit: Visit | undefined;

void host
  .connect({
    open(focus) {
      opened = true;
      focusAsked = focus;
      app?.opened();
    },
    close() {
      opened = false;
    },
    identify(name) {
      if (visit) visit.name = name;
    },
    context(page) {
      if (visit && page) visit.page = page;
    },
  })
  .then((session) => {
    opened ||= session.open;
    focusAsked ||= session.focus;
    app = build(session);
    if (opened) app.opened();
  });

function build(session: SessionBody) {
  const lang = /^zh/i.test(session.lang) ? 'zh-CN' : 'en';
  const text = textOf(lang);
  document.documentElement.lang = lang;
  document.title = text.title;

  const keep = new Keep(
    channel,
    {
      cookie: { get: () => document.cookie, set: (value) => (document.cookie = value) },
      storage: () => window.localStorage,
    },
    (kept) => {
      blob = kept;
      return host.keep(visit?.open ?? false, blob);
    },
    new URL('.', location.href).pathname,
  );
  const kept = keep.load(session.blob);
  blob = session.blob;

  const now = () => Date.now() + visit!.clockSkew;
  const stream = new Live(location.origin.replace(/^http/, 'ws') + '/live?format=json&hello=1', {
    frame: (frame) => visit!.frame(frame),
    link: (link) => visit?.linked(link),
    refused: () => void visit!.renew(),
  });
  visit = new Visit(channel, lang, caller(location.origin), keep, stream, { changed: plan, arrived }, newId);
  visit.ratingSkipped = kept.unrated;
  visit.page = session.page;
  visit.name = session.name;

  // The page.
  const status = el('p', { className: 'status', role: 'status' });
  const larger = button(text.larger, 'M14 4h6v6M20 4l-7 7M10 20H4v-6M4 20l7-7');
  const end = button(text.end, 'M9 4H5v16h4M15 8l4 4-4 4M19 12H9');
  const close = button(text.close, 'M6 9l6 6 6-6');
  larger.hidden = close.hidden = !host.embedded;
  const bar = el('div', { className: 'bar', hidden: true });
  const barText = el('span', { role: 'status' });
  const barCount = el('span', { 'aria-hidden': 'true' });
  const barButton = el('button', { type: 'button', className: 'small' });
  bar.append(barText, barCount, barButton);
  const ask = el('div', { className: 'ask', role: 'group', 'aria-label': text.endAsk, hidden: true });
  const askNo = el('button', { type: 'button', className: 'plain' }, text.endNo);
  const askYes = el('button', { type: 'button', className: 'danger' }, text.endYes);
  ask.append(el('span', {}, text.endAsk), askNo, askYes);
  const log = new Log(text, lang, { retry: (row) => visit!.retry(row), discard: (row) => visit!.discard(row) });
  const announcer = el('div', { className: 'sr', 'aria-live': 'polite' });
  const note = el('p', { className: 'note', hidden: true });
  const problem = el('div', { className: 'problem', role: 'alert', hidden: true });
  const composer = new Composer(text, {
    send: (value) => {
      visit!.write(value);
      log.toEnd();
    },
    changed: (value) => {
      visit!.typing(value);
      keepDraft(value);
    },
  });
  composer.value = kept.draft;
  let rating: Rating | undefined;
  let ratingFor = '';
  const main = el('main', { className: 'app' },
    el('header', {}, el('div', { className: 'head' }, el('h1', {}, text.title), status), end, larger, close),
    bar, ask, log.element, log.pill, problem, note, composer.element, announcer);
  document.body.append(main);

  close.onclick = () => host.send('close');
  larger.onclick = () => {
    const large = larger.getAttribute('aria-pressed') != 'true';
    larger.setAttribute('aria-pressed', String(large));
    host.send('resize', { large } satisfies ResizeBody);
  };
  end.onclick = () => {
    ask.hidden = false;
    askNo.focus();
  };
  const answered = () => {
    ask.hidden = true;
    (end.hidden ? composer.field : end).focus();
  };
  askNo.onclick = answered;
  askYes.onclick = () => {
    answered();
    visit!.end().catch(() => plan());
  };
  addEventListener('keydown', (event) => {
    if (event.key != 'Escape' || event.isComposing || event.keyCode == 229) return;
    if (!ask.hidden) answered();
    else host.send('close');
  });

  let draftTimer: ReturnType<typeof setTimeout> | undefined;
  function keepDraft(value: string): void {
    clearTimeout(draftTimer);
    // An empty box is kept at once: what was sent must not come back as a draft.
    if (value) draftTimer = setTimeout(() => void keep.saveDraft(value), 250);
    else void keep.saveDraft('');
  }
  addEventListener('pagehide', () => {
    clearTimeout(draftTimer);
    if (visit!.phase != 'idle' && composer.value) void keep.saveDraft(composer.value);
  });
  addEventListener('storage', (event) => {
    if (event.key == keep.key && !document.hasFocus()) composer.value = keep.shared()?.draft ?? composer.value;
  });
  addEventListener('online', () => stream.hurry());
  addEventListener('offline', () => stream.offline());
  addEventListener('focus', () => stream.hurry());
  setInterval(() => void visit!.poll(), 5_000);
  setInterval(show, 1_000);

  // What the visitor has not seen, and what a screen reader hears of it.
  let unread = 0;
  let spoken: string[] = [];
  function arrived(rows: { who: string; text: string }[]): void {
    const theirs = rows.filter((row) => row.who == 'agent');
    if (!theirs.length) return;
    log.arrived(theirs.length);
    if (!spoken.length)
      setTimeout(() => {
        setText(announcer, spoken.length == 1 ? `${text.agent}: ${spoken[0]}` : text.newLines(spoken.length));
        spoken = [];
      }, 300);
    spoken.push(...theirs.map((row) => row.text));
  }
  function countUnread(): void {
    const rows = visit!.timeline.rows().filter((row) => row.who == 'agent');
    const last = rows[rows.length - 1];
    const [seenIn, seenSeq] = (keep.shared()?.seen ?? kept.seen).split('/');
    let count = rows.filter((row) => row.reception != seenIn || row.seq > Number(seenSeq)).length;
    if (opened && !document.hidden && last && count) {
      kept.seen = `${last.reception}/${last.seq}`;
      void keep.saveSeen(kept.seen);
      count = 0;
    }
    if (count != unread) host.send('unread', { count } satisfies UnreadBody);
    unread = count;
  }

  // One drawing for many changes.
  let planned = false;
  function plan(): void {
    if (planned) return;
    planned = true;
    queueMicrotask(() => {
      planned = false;
      show();
    });
  }
  function show(): void {
    const { phase, link, reception } = visit!;
    log.greet(visit!.greeting);
    log.show(visit!.timeline.rows(), visit!.agentTypes, now());
    setText(status, sentence());
    end.hidden = !visit!.open;
    if (end.hidden) ask.hidden = true;
    const down = phase == 'ready' && (link.state == 'waiting' || link.state == 'ended');
    bar.hidden = !down;
    if (down) {
      setText(barText, link.state == 'ended' ? text.ended : text.offlineBar);
      setText(barCount, link.state == 'waiting' ? text.offline(Math.max(0, Math.ceil((link.retryAt - Date.now()) / 1000))) : '');
      setText(barButton, link.state == 'ended' ? text.reload : text.retryNow);
    }
    note.hidden = !(phase == 'ready' && keep.where == 'memory');
    setText(note, text.memory);
    showProblem();
    if (visit!.ratable && ratingFor != reception!.conversationId) {
      rating?.element.remove();
      ratingFor = reception!.conversationId!;
      rating = new Rating(text, (stars, comment) => visit!.rate(stars, comment), () => {
        visit!.ratingSkipped = ratingFor;
        void keep.saveUnrated(ratingFor);
        plan();
        composer.field.focus();
      });
      main.insertBefore(rating.element, note);
      log.toEnd();
    } else if (!visit!.ratable && rating) {
      const hadFocus = rating.element.contains(document.activeElement);
      rating.element.remove();
      rating = undefined;
      ratingFor = '';
      if (hadFocus) composer.field.focus();
    }
    countUnread();
    if (phase == 'ready' && live != visit!.open) {
      live = visit!.open;
      void host.keep(live, blob);
    }
  }
  function sentence(): string {
    const { phase, reception, position } = visit!;
    if (phase == 'idle' || phase == 'starting') return text.starting;
    if (phase == 'failed') return '';
    if (visit!.closed) return reception!.rating ? text.rated(reception!.rating) : text.closedHint;
    if (reception?.owner == 'OWNER_AGENT') return text.served;
    if (reception) return position == 1 ? text.next : position > 1 ? text.queue(position) : text.waiting;
    return visit!.staffed ? text.staffed : text.unstaffed;
  }
  function showProblem(): void {
    const failed = visit!.phase == 'failed';
    problem.hidden = !failed;
    if (!failed) return;
    const { code, message, requestId } = visit!.problem ?? { code: '', message: '', requestId: '' };
    const refused = ['permission_denied', 'not_found', 'invalid_argument'].includes(code);
    const sentences = [refused ? `${text.refusedBegin}: ${message}` : text.failedBegin];
    if (requestId) sentences.push(`${text.requestId} ${requestId}`);
    if (problem.firstChild?.textContent == sentences.join('\n')) return;
    const again = el('button', { type: 'button', className: 'small' }, text.retry);
    again.onclick = () => void visit!.begin();
    problem.replaceChildren(el('p', {}, sentences.join('\n')), again);
  }
  barButton.onclick = () => {
    if (visit!.link.state == 'ended') location.reload();
    else stream.hurry();
  };
  document.addEventListener('visibilitychange', plan);

  const begin = () => {
    if (!channel) {
      visit!.phase = 'failed';
      visit!.problem = { code: 'invalid_argument', message: text.noChannel, requestId: '' };
      plan();
      return;
    }
    void visit!.begin();
    if (kept.outbox.length) visit!.restore(kept.outbox.splice(0));
  };
  // A visit of an earlier page goes on by itself; a new one waits for the visitor.
  if (keep.token()) begin();
  show();
  return {
    opened() {
      if (visit!.phase == 'idle' || visit!.phase == 'failed') begin();
      log.toEnd();
      if (focusAsked || document.hasFocus()) composer.field.focus();
      focusAsked = false;
      plan();
    },
  };
}

function button(name: string, path: string): HTMLButtonElement {
  return el('button', { type: 'button', className: 'icon', title: name, 'aria-label': name }, icon(path));
}

/** A client id: unique without anybody's help, also where the page is not a secure context. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return 'w' + [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
