import { App, Button } from 'antd';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { Avatar, ConnectionBar, Drafts, Empty, ErrorState, JumpPalette, Role, Skeleton, createStore, currentLocale, hasRole, personScore, toCallError, translate, useErrorText, useKeys, useStore, useT, type JumpItem, type Me } from '@yizhan/kit';
import { Owner } from '@yizhan/kit/gen/desk/v1/reception_pb';
import { Desk } from '../model/desk.ts';
import { isMine, mineOf, waitingOf } from '../model/desk_state.ts';
import { Chat } from './chat.tsx';
import { DeskContext, useDesk } from './context.ts';
import { CustomerPanel } from './customer.tsx';
import { EndingBars } from './end.tsx';
import { Lists, type Tab } from './lists.tsx';
import { texts } from './texts.ts';
import { TopBar } from './top_bar.tsx';
import { Transfer } from './transfer.tsx';

/** What is open, kept in the address so that a reload comes back to it. */
const route = createStore(decodeURIComponent(location.hash.replace(/^#\/?/, '')));
addEventListener('hashchange', () => route.set(decodeURIComponent(location.hash.replace(/^#\/?/, ''))));

function go(id: string): void {
  history.replaceState(null, '', id === '' ? location.pathname + location.search : `#/${encodeURIComponent(id)}`);
  route.set(id);
}

export function Workbench({ me }: { me: Me }) {
  const desk = useMemo(() => {
    const t = () => translate(texts, currentLocale());
    return new Desk(me.person.personId, hasRole(me, Role.AGENT), {
      reception: (reception) => t()('newReception', { name: reception.customer?.name ?? '' }),
      line: (reception, text) => t()('newLine', { name: reception.customer?.name ?? '', text }),
    });
  }, [me]);
  useEffect(() => {
    desk.start();
    return () => desk.stop();
  }, [desk]);
  return (
    <DeskContext.Provider value={desk}>
      <Page me={me} />
    </DeskContext.Provider>
  );
}

function Page({ me }: { me: Me }) {
  const t = useT(texts);
  const desk = useDesk();
  const { message } = App.useApp();
  const say = useErrorText();
  const phase = useStore(desk.phase);
  const selected = useStore(route);
  const reception = useStore(desk.state, (state) => state.receptions.get(selected));
  const waiting = useStore(desk.state, (state) => waitingOf(state).length);
  const drafts = useMemo(() => new Drafts(me.person.personId), [me.person.personId]);
  const [tab, setTab] = useState<Tab>('mine');
  const [mode, setMode] = useState<'reply' | 'note'>('reply');
  const [view, setView] = useState<'list' | 'chat' | 'info'>(selected === '' ? 'list' : 'chat');
  const [transfer, setTransfer] = useState(false);
  const [ending, setEnding] = useState(false);
  const [jump, setJump] = useState(false);

  const failed = useCallback((error: unknown) => {
    const { reason } = toCallError(error);
    const words: Record<string, string> = { ALREADY_TAKEN: t('alreadyTaken'), CAPACITY_REACHED: t('atCapacity'), NOBODY_WAITS: t('nobodyWaits'), OFFLINE: t('notOnline') };
    void message.warning(words[reason] ?? say(error));
  }, [message, say, t]);

  const select = useCallback((id: string) => {
    go(id);
    // A fresh conversation always opens in reply mode: what is meant for inside is never typed by accident.
    setMode('reply');
    setEnding(false);
    setTransfer(false);
    setView(id === '' ? 'list' : 'chat');
  }, []);
  const accept = useCallback((id: string) => {
    desk.accept(id).then((taken) => {
      if (!taken) return;
      setTab('mine');
      select(taken.conversationId);
    }, (error) => {
      failed(error);
      void desk.refresh();
    });
  }, [desk, failed, select]);

  const mine = reception !== undefined && isMine(reception, desk.myId);
  const movable = mine || (reception?.owner === Owner.AGENT && hasRole(me, Role.SUPERVISOR));
  useKeys({
    f2: {
      label: t('keyNext'),
      run: () => {
        const next = mineOf(desk.state.get()).filter((each) => each.unansweredSinceUs > 0n);
        const at = next.findIndex((each) => each.conversationId === route.get());
        const chosen = next[(at + 1) % Math.max(1, next.length)];
        if (!chosen) return void message.info(t('nothingWaiting'));
        setTab('mine');
        select(chosen.conversationId);
        requestAnimationFrame(() => document.querySelector<HTMLElement>('.wb-chat [data-pane-focus]')?.focus());
      },
    },
    f4: { label: t('keyAccept'), run: () => accept('') },
    f8: { label: t('keyNote'), run: () => { if (reception && reception.owner !== Owner.NONE) setMode((old) => (old === 'note' ? 'reply' : 'note')); } },
    f9: { label: t('keyTransfer'), run: () => { if (movable) setTransfer(true); } },
    'shift+f9': { label: t('keyEnd'), run: () => { if (mine) setEnding(true); } },
    escape: {
      run: () => {
        if (ending) setEnding(false);
        else if (view === 'info') setView('chat');
        else return false;
      },
    },
  });

  const near = useCallback((query: string): JumpItem[] => {
    const state = desk.state.get();
    return [...mineOf(state), ...waitingOf(state)]
      .filter((each) => personScore({ name: each.customer?.name ?? '', englishName: '', login: each.customerId, searchKeys: [] }, query) > 0)
      .map((each) => ({
        key: each.conversationId, title: each.customer?.name ?? each.customerId, detail: each.lastLine?.text ?? '',
        icon: <Avatar id={each.customerId} name={each.customer?.name ?? ''} size={24} />,
        go: () => { setTab(isMine(each, desk.myId) ? 'mine' : 'queue'); select(each.conversationId); },
      }));
  }, [desk, select]);

  if (phase.at === 'failed') return <ErrorState error={phase.error} what={t('failed')} onRetry={() => void desk.refresh()} />;
  if (phase.at === 'loading') return <Skeleton rows={8} />;
  return (
    <div className="wb" data-view={view}>
      <h1 className="yz-hidden">{t('app')}</h1>
      <TopBar me={me} failed={failed} />
      <ConnectionBar live={desk.live} />
      <EndingBars />
      <div className="wb-panes">
        <Lists tab={tab} onTab={setTab} selected={selected} onSelect={select} onAccept={accept} />
        <main className="wb-main" aria-label={t('chat')}>
          {selected === '' ? <Empty action={<Button onClick={() => accept('')} disabled={waiting === 0}>{t('acceptNext')} <kbd>F4</kbd></Button>}>{t('noneChosen')}</Empty> : (
            <Chat
              key={selected} id={selected} drafts={drafts} mode={mode} onMode={setMode} ending={ending} onEnding={setEnding} onTransfer={movable ? () => setTransfer(true) : undefined}
              onAccept={accept} onBack={() => select('')} onInfo={() => setView('info')} failed={failed}
            />
          )}
        </main>
        {reception && <CustomerPanel reception={reception} onOpen={select} onBack={() => setView('chat')} />}
      </div>
      {transfer && reception && (
        <Transfer reception={reception} onClose={() => setTransfer(false)} onDone={() => { setTransfer(false); void message.success(t('transferred')); }} />
      )}
      <JumpPalette open={jump} onOpen={setJump} near={near} />
    </div>
  );
}
