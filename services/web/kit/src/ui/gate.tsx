// The door of every page for people: log-in, then the right to be here, then the app.

import { Button, Input } from 'antd';
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from 'react';
import { toCallError } from '../core/calls.ts';
import { defineMessages, useT } from '../core/i18n.ts';
import { hasRole, logIn, session, whoAmI, type Me, type Role } from '../core/session.ts';
import { useStore } from '../core/store.ts';
import { ErrorState, Skeleton, useErrorText } from './states.tsx';
import { QuickSettings } from './choices.tsx';
import { useLogOut } from './log_out.tsx';

const texts = defineMessages({
  zh: {
    login: '用户名', password: '密码', enter: '登录', wrong: '用户名或密码不正确。', slow: '尝试次数过多，请 {s} 秒后再试。', empty: '请填写用户名和密码。',
    forbidden: '您没有使用此页面的权限。', ask: '需要时请联系安全管理员。', out: '退出登录', failed: '无法确认登录状态', product: '驿站',
  },
  en: {
    login: 'User name', password: 'Password', enter: 'Sign in', wrong: 'The user name or the password is wrong.', slow: 'Too many tries. Please wait {s} s.', empty: 'Please enter user name and password.',
    forbidden: 'You do not have the right to use this page.', ask: 'Ask your security administrator if you need it.', out: 'Sign out', failed: 'Could not find out who is signed in', product: 'Yizhan',
  },
});

/** roles: one of them is needed; empty for every person. title: the app's name, shown at the log-in. */
export function SessionGate({ title, roles = [], children }: { title: string; roles?: Role[]; children: (me: Me) => ReactNode }) {
  const t = useT(texts);
  const state = useStore(session);
  const leave = useLogOut();
  useEffect(() => {
    if (session.get().phase === 'asking') void whoAmI();
  }, []);
  useEffect(() => {
    document.title = `${title} · ${t('product')}`;
  }, [title, t]);
  switch (state.phase) {
    case 'asking':
      return <Skeleton rows={8} />;
    case 'failed':
      return <ErrorState error={state.error} what={t('failed')} onRetry={() => void whoAmI()} />;
    case 'out':
      return <LogInPage title={title} />;
    case 'in':
    case 'ended':
      if (roles.length > 0 && !roles.some((role) => hasRole(state.me, role))) {
        return (
          <main className="yz-state">
            <h1 className="yz-title">{t('forbidden')}</h1>
            <p>{state.me.person.name} · {state.me.person.login}</p>
            <p>{t('ask')}</p>
            <Button onClick={leave}>{t('out')}</Button>
          </main>
        );
      }
      return children(state.me);
  }
}

function LogInPage({ title }: { title: string }) {
  const t = useT(texts);
  const say = useErrorText();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const login = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const name = login.current?.value.trim().toLowerCase() ?? '';
    const secret = password.current?.value ?? '';
    if (!name || !secret) {
      setProblem(t('empty'));
      (name ? password : login).current?.focus();
      return;
    }
    setBusy(true);
    setProblem('');
    try {
      await logIn(name, secret);
    } catch (error) {
      const known = toCallError(error);
      setBusy(false);
      setProblem(known.signedOut ? t('wrong') : known.retryAfterMs > 0 ? t('slow', { s: Math.ceil(known.retryAfterMs / 1000) }) : say(known));
      password.current?.focus();
      password.current?.select();
    }
  };

  return (
    <main className="yz-login">
      <form className="yz-card" onSubmit={(event) => void submit(event)}>
        <h1 className="yz-title">{t('product')} <span className="yz-text2">{title}</span></h1>
        <label className="yz-field">
          <span>{t('login')}</span>
          <NativeInput inputRef={login} name="username" autoComplete="username" autoFocus />
        </label>
        <label className="yz-field">
          <span>{t('password')}</span>
          <NativeInput inputRef={password} name="password" type="password" autoComplete="current-password" />
        </label>
        <p className="yz-problem" role="alert">{problem}</p>
        <Button type="primary" htmlType="submit" loading={busy} block>{t('enter')}</Button>
      </form>
      <QuickSettings />
    </main>
  );
}

function NativeInput({ inputRef, ...rest }: { inputRef: React.RefObject<HTMLInputElement | null>; name: string; type?: string; autoComplete: string; autoFocus?: boolean }) {
  return <Input {...rest} size="large" spellCheck={false} autoCapitalize="none" ref={(made) => { inputRef.current = made?.input ?? null; }} />;
}
