import { Button } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { createStore, newId, useStore, useT } from '@yizhan/kit';
import type { Reception } from '@yizhan/kit/gen/desk/v1/reception_pb';
import type { Desk } from '../model/desk.ts';
import { useDesk } from './context.ts';
import { texts } from './texts.ts';

const undoMs = 5_000;

interface Ending {
  readonly at: number;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Receptions that end in a moment, by id: nothing has been sent yet, so undoing is free. */
const endings = createStore<ReadonlyMap<string, Ending>>(new Map());

function without(id: string): void {
  endings.set((old) => {
    const next = new Map(old);
    next.delete(id);
    return next;
  });
}

/** Ends a reception in 5 s unless undone; `summary` becomes an internal note. `failed` tells of a refusal. */
export function endSoon(desk: Desk, id: string, summary: string, failed: (error: unknown) => void): void {
  const timer = setTimeout(() => {
    without(id);
    if (summary.trim() !== '') desk.outbox.add({ id: newId(), conversationId: id, text: summary.trim(), internal: true });
    desk.close(id).catch(failed);
  }, undoMs);
  endings.set((old) => new Map(old).set(id, { at: Date.now() + undoMs, timer }));
}

export function useEnding(id: string): Ending | undefined {
  return useStore(endings, (map) => map.get(id));
}

/** The bar that stands while a reception is about to end. */
export function EndingBar({ id, name }: { id: string; name: string }) {
  const t = useT(texts);
  const ending = useEnding(id);
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, []);
  if (!ending) return null;
  return (
    <div className="wb-ending" role="status">
      <span>{name} · {t('ending', { s: Math.max(0, Math.ceil((ending.at - now) / 1000)) })}</span>
      <Button size="small" onClick={() => { clearTimeout(ending.timer); without(id); }}>{t('undo')}</Button>
    </div>
  );
}

/** Every reception that is about to end, whichever is open. */
export function EndingBars() {
  const desk = useDesk();
  const map = useStore(endings);
  return <>{[...map.keys()].map((id) => <EndingBar key={id} id={id} name={desk.state.get().receptions.get(id)?.customer?.name ?? id} />)}</>;
}

/** Asks for a summary in the place of the composer. */
export function EndPanel({ reception, onDone }: { reception: Reception; onDone: (summary?: string) => void }) {
  const t = useT(texts);
  const desk = useDesk();
  const [summary, setSummary] = useState('');
  const field = useRef<HTMLTextAreaElement>(null);
  const [problem, setProblem] = useState('');
  useEffect(() => field.current?.focus(), []);
  return (
    <form
      className="wb-end" aria-label={t('endTitle')}
      onSubmit={(event) => {
        event.preventDefault();
        endSoon(desk, reception.conversationId, summary, (error) => setProblem(String(error)));
        onDone(summary);
      }}
    >
      <label className="yz-field"><span>{t('endNote')}</span><textarea ref={field} rows={2} maxLength={2000} className="yz-composer-text" value={summary} onChange={(event) => setSummary(event.target.value)} /></label>
      {problem && <p className="yz-problem" role="alert">{problem}</p>}
      <div className="wb-actions wb-actions-end">
        <Button onClick={() => onDone()}>{t('cancel')}</Button>
        <Button type="primary" htmlType="submit">{t('endDo')}</Button>
      </div>
    </form>
  );
}
