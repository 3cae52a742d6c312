import { ConnectionBar, ErrorState, JumpPalette, nextPane, Skeleton, useKeys, useStore, useT, type Me } from '@yizhan/kit';
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from 'react';
import { Im } from '../model/im.ts';
import { Chat } from './chat.tsx';
import { ImContext, chatHref, useRoute } from './context.ts';
import { ConversationList } from './conversation_list.tsx';
import { useJump } from './jump.tsx';
import { Rail } from './rail.tsx';
import { texts } from './texts.ts';

const Directory = lazy(() => import('./directory.tsx'));
const SettingsPage = lazy(() => import('./settings.tsx'));
const NewGroup = lazy(() => import('./new_group.tsx'));

export function Messenger({ me }: { me: Me }) {
  const im = useMemo(() => new Im(me.person.personId), [me]);
  useEffect(() => {
    im.people.take([me.person]);
    im.start();
    return () => im.stop();
  }, [im, me]);
  return (
    <ImContext.Provider value={im}>
      <Shell im={im} me={me} />
    </ImContext.Provider>
  );
}

function Shell({ im, me }: { im: Im; me: Me }) {
  const t = useT(texts);
  const route = useRoute();
  const phase = useStore(im.phase);
  const [jumping, setJumping] = useState(false);
  const [grouping, setGrouping] = useState(false);
  const { near, far } = useJump(im);
  const openJump = useCallback(() => setJumping(true), []);

  const total = useStore(im.convs, (all) => {
    let n = 0;
    for (const conv of all.values()) n += conv.unread;
    return n;
  });
  useEffect(() => {
    document.title = `${total > 0 ? `(${total > 999 ? '999+' : total}) ` : ''}${t('app')} · 驿站`;
  }, [total, t]);

  useKeys({ '/': { run: () => setJumping(true), label: t('search') } });

  const chat = route.page === 'chat';
  return (
    <div className={chat ? 'im im-chat' : 'im'} data-open={chat && route.id !== ''}>
      <div className="im-bar"><ConnectionBar live={im.live} /></div>
      <Rail im={im} me={me} page={route.page} unread={total} />
      {chat && <ConversationList openId={route.id} onJump={openJump} onNewGroup={() => setGrouping(true)} />}
      <main className="im-main">
        {phase instanceof Error ? (
          <ErrorState error={phase} what={t('listFailed')} onRetry={() => im.retry()} />
        ) : (
          <Suspense fallback={<Skeleton rows={8} />}>
            {chat && (route.id ? <Chat key={route.id} id={route.id} /> : <NoChat />)}
            {route.page === 'directory' && <Directory department={route.department} />}
            {route.page === 'settings' && <SettingsPage me={me} />}
          </Suspense>
        )}
      </main>
      <JumpPalette open={jumping} onOpen={setJumping} near={near} far={far} />
      {grouping && (
        <Suspense fallback={null}>
          <NewGroup onClose={() => setGrouping(false)} onMade={(id) => { location.hash = chatHref(id); setTimeout(() => nextPane(), 0); }} />
        </Suspense>
      )}
    </div>
  );
}

function NoChat() {
  const t = useT(texts);
  return (
    <div className="yz-state im-fill" data-pane tabIndex={-1}>
      <p>{t('choose')}</p>
    </div>
  );
}
