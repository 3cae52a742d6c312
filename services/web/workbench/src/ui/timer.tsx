import { span, useT } from '@yizhan/kit';
import { ClockCircleOutlined, WarningFilled } from '@ant-design/icons';
import { useSecond } from './context.ts';
import { texts } from './texts.ts';

/** From here on a wait is worth a look, and from here on it is too long. Milliseconds. */
export const warnAfterMs = 60_000;
export const alarmAfterMs = 180_000;

/** A running timer: amber and red come with an icon and a word. `text`: the key under which the time is said to screen readers. */
export function Timer({ sinceUs, text }: { sinceUs: number; text: 'unanswered' | 'waits' }) {
  const t = useT(texts);
  const ms = useSecond() - sinceUs / 1000;
  const level = ms >= alarmAfterMs ? 'alarm' : ms >= warnAfterMs ? 'warn' : 'fine';
  return (
    <span className={`wb-timer wb-timer-${level}`} title={t(text, { time: span(ms) })}>
      {level === 'alarm' ? <WarningFilled aria-hidden /> : <ClockCircleOutlined aria-hidden />} {span(ms)}
      {level !== 'fine' && <span className="wb-word"> {t(level)}</span>}
    </span>
  );
}
