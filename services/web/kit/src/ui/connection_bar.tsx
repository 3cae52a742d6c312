import { Button } from 'antd';
import { useEffect, useState } from 'react';
import { defineMessages, useT } from '../core/i18n.ts';
import type { LiveSocket } from '../core/live.ts';
import { session } from '../core/session.ts';
import { useStore } from '../core/store.ts';
import { clockSkewMs } from '../core/time.ts';

const texts = defineMessages({
  zh: {
    lost: '连接已断开，{s} 秒后重试 · 消息会在恢复后发送', trying: '连接已断开，正在重新连接 · 消息会在恢复后发送', offline: '网络不可用，恢复后自动重新连接 · 消息会在恢复后发送',
    now: '立即重试', ended: '已在别处退出登录，此页不再更新。', out: '重新登录', refused: '服务器结束了连接（{reason}），此页不再更新。', reload: '重新载入', clock: '本机时间与服务器相差 {n} 秒，请校准。',
  },
  en: {
    lost: 'Connection lost, next try in {s} s · messages go out when it is back', trying: 'Connection lost, reconnecting · messages go out when it is back', offline: 'No network, reconnecting when it is back · messages go out then',
    now: 'Try now', ended: 'You were signed out elsewhere. This page is no longer updated.', out: 'Sign in again', refused: 'The server ended the connection ({reason}). This page is no longer updated.', reload: 'Reload', clock: 'This clock is {n} s off the server’s. Please set it right.',
  },
});

/** One honest bar: nothing while live, else what is wrong and what happens next. Shown after 1.5 s, at once when offline. */
export function ConnectionBar({ live }: { live: LiveSocket }) {
  const t = useT(texts);
  const state = useStore(live.state);
  const who = useStore(session);
  const [now, setNow] = useState(Date.now());
  const down = state.phase !== 'live';
  useEffect(() => {
    if (!down) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [down]);

  let content = null;
  let tone = 'warning';
  if (who.phase === 'ended' || (state.phase === 'ended' && state.reason === 'SESSION_ENDED')) {
    tone = 'danger';
    content = (
      <>
        {t('ended')} <Button size="small" onClick={() => location.reload()}>{t('out')}</Button>
      </>
    );
  } else if (state.phase === 'ended') {
    tone = 'danger';
    content = (
      <>
        {t('refused', { reason: state.reason })} <Button size="small" onClick={() => location.reload()}>{t('reload')}</Button>
      </>
    );
  } else if (state.phase === 'waiting' && (state.retryAt === 0 || now - state.since > 1500)) {
    const seconds = Math.ceil((state.retryAt - now) / 1000);
    content = (
      <>
        {state.retryAt === 0 ? t('offline') : seconds > 0 ? t('lost', { s: seconds }) : t('trying')}{' '}
        <Button size="small" onClick={live.wake}>{t('now')}</Button>
      </>
    );
  } else if (!down && Math.abs(clockSkewMs()) > 60_000) {
    content = t('clock', { n: Math.round(Math.abs(clockSkewMs()) / 1000) });
  }
  return (
    <div role="status" className={content ? `yz-bar yz-bar-${tone}` : 'yz-bar-none'} data-connection={state.phase}>
      {content}
    </div>
  );
}
