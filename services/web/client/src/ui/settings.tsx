import { App, Button } from 'antd';
import { Avatar, ErrorState, LookSettings, sessions, Skeleton, TimeText, useErrorText, useLogOut, useT, type Me } from '@yizhan/kit';
import type { Session } from '@yizhan/kit/gen/directory/v1/session_service_pb';
import { useCallback, useEffect, useState } from 'react';
import { num } from '../model/numbers.ts';
import { texts } from './texts.ts';

export default function SettingsPage({ me }: { me: Me }) {
  const t = useT(texts);
  const leave = useLogOut();
  return (
    <div className="im-settings" data-pane tabIndex={-1}>
      <h1 className="yz-page-title">{t('settings')}</h1>
      <section className="im-card" aria-label={t('account')}>
        <div className="im-person-line">
          <Avatar id={me.person.personId} name={me.person.name} size={56} />
          <div className="yz-grow">
            <p className="yz-title">{me.person.name} <span className="yz-text2">{me.person.englishName}</span></p>
            <p className="yz-meta">{[me.person.login, me.person.title, me.person.email].filter(Boolean).join(' · ')}</p>
          </div>
          <Button onClick={leave}>{t('logOut')}</Button>
        </div>
      </section>
      <section className="im-card">
        <h2 className="yz-title">{t('look')}</h2>
        <LookSettings />
      </section>
      <section className="im-card">
        <h2 className="yz-title">{t('devices')}</h2>
        <Devices />
      </section>
    </div>
  );
}

function Devices() {
  const t = useT(texts);
  const say = useErrorText();
  const { modal, message } = App.useApp();
  const [list, setList] = useState<Session[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const load = useCallback(() => {
    setError(null);
    sessions.listSessions({}).then((answer) => setList(answer.sessions), setError);
  }, []);
  useEffect(load, [load]);
  if (error) return <ErrorState error={error} onRetry={load} />;
  if (!list) return <Skeleton rows={2} />;
  const others = list.filter((session) => !session.current).length;
  const end = (request: { sessionId?: string; allOthers?: boolean }) =>
    sessions.endSession(request).then(({ ended }) => {
      void message.success(t('ended', { n: ended }));
      load();
    }, (problem) => void message.error(say(problem)));
  return (
    <>
      <ul className="im-devices">
        {list.map((session) => (
          <li key={session.sessionId}>
            <div className="yz-grow">
              <p>{session.device || '—'} {session.current && <span className="im-tag">{t('thisDevice')}</span>}</p>
              <p className="yz-meta">{t('since')} <TimeText us={num(session.createdAtUs)} form="full" /> · {t('lastUsed')} <TimeText us={num(session.lastUsedUs)} /></p>
            </div>
            {!session.current && <Button size="small" aria-label={`${t('end')} ${session.device}`} onClick={() => void end({ sessionId: session.sessionId })}>{t('end')}</Button>}
          </li>
        ))}
      </ul>
      {others > 0 ? (
        <Button danger onClick={() => modal.confirm({ title: t('endAsk'), content: t('endEffect', { n: others }), okText: t('endOthers'), cancelText: t('cancel'), okButtonProps: { danger: true }, autoFocusButton: 'cancel', onOk: () => end({ allOthers: true }) })}>{t('endOthers')}</Button>
      ) : (
        <p className="yz-meta">{t('noOthers')}</p>
      )}
    </>
  );
}
