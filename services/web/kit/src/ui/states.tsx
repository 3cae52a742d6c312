// What a part of a page shows when it has nothing to show.

import { Button } from 'antd';
import { useEffect, useState, type ReactNode } from 'react';
import { defineMessages, useLocale, useT } from '../core/i18n.ts';
import { toCallError } from '../core/calls.ts';
import { reasonsZh } from '../core/reasons.ts';

const texts = defineMessages({
  zh: { retry: '重试', loading: '正在加载', request: '请求编号 {id}', copy: '复制', copied: '已复制', unreachable: '无法连接服务器。已输入的内容都还在。', refused: '操作未能完成：{message}' },
  en: { retry: 'Retry', loading: 'Loading', request: 'Request {id}', copy: 'Copy', copied: 'Copied', unreachable: 'The server cannot be reached. What you typed is kept.', refused: 'This did not work: {message}' },
});

/** True once `ms` have passed since mount: a skeleton that flashes is worse than none. */
export function useLate(ms = 300): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), ms);
    return () => clearTimeout(timer);
  }, [ms]);
  return late;
}

/** Nothing for 300 ms, then rows of the true shape. */
export function Skeleton({ rows = 6, kind = 'list' }: { rows?: number; kind?: 'list' | 'chat' | 'text' }) {
  const t = useT(texts);
  if (!useLate()) return <div className="yz-skeleton" />;
  return (
    <div className={`yz-skeleton yz-skeleton-${kind}`} role="status" aria-label={t('loading')}>
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} className="yz-skeleton-row">
          {kind !== 'text' && <span className="yz-skeleton-disc" />}
          <span className="yz-skeleton-lines">
            <span className={`yz-skeleton-bar yz-w${(i % 3) + 1}`} />
            {kind !== 'text' && <span className={`yz-skeleton-bar yz-w${((i + 1) % 3) + 2}`} />}
          </span>
        </div>
      ))}
    </div>
  );
}

/** One sentence why there is nothing, and one thing to do about it. */
export function Empty({ children, action }: { children: ReactNode; action?: ReactNode }) {
  return (
    <div className="yz-state">
      <p>{children}</p>
      {action}
    </div>
  );
}

/** What an error means, in the person's language where the contract's reason is known. */
export function useErrorText(): (error: unknown) => string {
  const t = useT(texts);
  const locale = useLocale();
  return (error) => {
    const known = toCallError(error);
    return known.reason === 'UNREACHABLE' ? t('unreachable') : t('refused', { message: (locale === 'zh' && reasonsZh[known.reason]) || known.message });
  };
}

/** What failed, a way to try again, and the id to name when asking for help. */
export function ErrorState({ error, what, onRetry }: { error: unknown; what?: string; onRetry?: () => void }) {
  const t = useT(texts);
  const say = useErrorText();
  const [copied, setCopied] = useState(false);
  const known = toCallError(error);
  return (
    <div className="yz-state" role="alert">
      {what && <p className="yz-strong">{what}</p>}
      <p>{say(error)}</p>
      {known.requestId && (
        <p className="yz-meta">
          {t('request', { id: known.requestId })}{' '}
          <Button size="small" onClick={() => void copyText(known.requestId).then(() => setCopied(true))}>
            {copied ? t('copied') : t('copy')}
          </Button>
        </p>
      )}
      {onRetry && <Button onClick={onRetry}>{t('retry')}</Button>}
    </div>
  );
}

/** To the clipboard; also on pages without a secure context. */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement('textarea');
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
}
