import { useEffect } from 'react';
import { useLocale } from '../core/i18n.ts';
import { createStore, useStore } from '../core/store.ts';
import { clockTime, fullTime, listTime, serverNow } from '../core/time.ts';

const minute = createStore(0);
let users = 0;
let timer: ReturnType<typeof setInterval> | undefined;

function useMinute(): void {
  useStore(minute);
  useEffect(() => {
    if ((users += 1) === 1) timer = setInterval(() => minute.set(Math.floor(serverNow() / 60_000)), 5_000);
    return () => {
      if ((users -= 1) === 0) clearInterval(timer);
    };
  }, []);
}

/** A time (microseconds since the epoch). form: list (relative, kept current), clock (14:05), full (for auditors and consoles). */
export function TimeText({ us, form = 'list' }: { us: number; form?: 'list' | 'clock' | 'full' }) {
  const locale = useLocale();
  useMinute();
  if (us <= 0) return null;
  const text = form === 'full' ? fullTime(us) : form === 'clock' ? clockTime(us) : listTime(us, locale);
  return (
    <time className="yz-time" dateTime={new Date(us / 1000).toISOString()} title={fullTime(us)}>
      {text}
    </time>
  );
}
