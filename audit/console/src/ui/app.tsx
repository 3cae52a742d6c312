import { App, Button } from 'antd';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { MeMenu, createStore, toCallError, useKeys, useStore, useT, type Me } from '@yizhan/kit';
import { Source } from '@yizhan/kit/gen/audit/v1/archive_service_pb';
import { archive } from '../model/archive.ts';
import { emptyQuery, toRequest, type Named, type Query, type Why } from '../model/query.ts';
import { AccessLog } from './access.tsx';
import { ExportDialog, Exports } from './exports.tsx';
import { Hits, type Found } from './hits.tsx';
import { PurposeForm, usePurpose } from './purpose.tsx';
import { NoReader, Reader } from './reader.tsx';
import { SearchForm } from './search_form.tsx';
import { Status } from './status.tsx';
import { texts } from './texts.ts';

type Route = 'search' | 'exports' | 'status' | 'access';
const routes: readonly Route[] = ['search', 'exports', 'status', 'access'];

function readRoute(): Route {
  const name = location.hash.replace(/^#\/?/, '') as Route;
  return routes.includes(name) ? name : 'search';
}
const route = createStore(readRoute());
addEventListener('hashchange', () => route.set(readRoute()));

export function AuditPage({ me }: { me: Me }) {
  const t = useT(texts);
  const at = useStore(route);
  const why = usePurpose();
  const [change, setChange] = useState(false);
  return (
    <div className="au">
      <header className="au-top">
        <h1 className="au-brand">{t('app')}</h1>
        <nav aria-label={t('nav')}>
          {routes.map((name) => <a key={name} href={`#/${name}`} aria-current={name === at ? 'page' : undefined}>{t(name)}</a>)}
        </nav>
        <div className="yz-grow au-case">
          {why && <><strong className="yz-cut">{t('caseLine', { caseId: why.caseId })}</strong> <span className="yz-cut yz-text2">{why.reason}</span> <Button size="small" onClick={() => setChange(true)}>{t('change')}</Button></>}
        </div>
        <MeMenu me={me} />
      </header>
      <main className="au-main">
        {at === 'exports' ? <Exports /> : at === 'status' ? <Status /> : at === 'access' ? <AccessLog myId={me.person.personId} /> : !why || change ? <PurposeForm onDone={() => setChange(false)} /> : <Desk why={why} />}
      </main>
    </div>
  );
}

/** Search, hits and reader side by side. */
function Desk({ why }: { why: Why }) {
  const t = useT(texts);
  const { message } = App.useApp();
  const [query, setQuery] = useState<Query>(emptyQuery);
  const [found, setFound] = useState<Found | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [chosen, setChosen] = useState(0);
  const [opened, setOpened] = useState<number | null>(null);
  const [proofOf, setProofOf] = useState<bigint | undefined>(undefined);
  const [line, setLine] = useState<bigint | undefined>(undefined);
  const [exporting, setExporting] = useState(false);
  const run = useRef(0);

  const search = useCallback(async (wanted: Query) => {
    const mine = ++run.current;
    setBusy(true);
    setError(null);
    try {
      const page = await archive.search(toRequest(wanted, why), { timeoutMs: 60_000 });
      if (mine !== run.current) return;
      setFound({ query: wanted, items: page.items, next: page.nextPageToken, total: Number(page.total), exact: page.totalExact, indexedToUs: Number(page.indexedToUs), unsearchable: Number(page.unsearchable) });
      setChosen(0);
      setOpened(null);
      setProofOf(undefined);
    } catch (failure) {
      if (mine === run.current) setError(toCallError(failure));
    } finally {
      if (mine === run.current) setBusy(false);
    }
  }, [why]);
  const more = async () => {
    if (!found) return;
    const mine = ++run.current;
    setBusy(true);
    try {
      const page = await archive.search(toRequest(found.query, why, found.next), { timeoutMs: 60_000 });
      if (mine === run.current) setFound({ ...found, items: [...found.items, ...page.items], next: page.nextPageToken });
    } catch (failure) {
      void message.error(toCallError(failure).message);
    } finally {
      if (mine === run.current) setBusy(false);
    }
  };
  const open = useCallback((index: number) => {
    setChosen(index);
    setOpened(index);
    setProofOf(undefined);
    setLine(undefined);
  }, []);
  const count = found?.items.length ?? 0;
  const item = opened !== null ? found?.items[opened] : undefined;
  const step = (by: number) => {
    if (count > 0) setChosen((old) => Math.max(0, Math.min(count - 1, old + by)));
  };
  const stepOpen = (by: number) => {
    const next = opened === null ? chosen : opened + by;
    if (next >= 0 && next < count) open(next);
  };
  useKeys({
    '/': { label: t('keySearch'), run: () => document.getElementById('au-text')?.focus() },
    j: { label: t('keyNextHit'), run: () => step(1) },
    k: { label: t('keyPrevHit'), run: () => step(-1) },
    n: { label: t('keyNext'), run: () => stepOpen(1) },
    p: { label: t('keyPrev'), run: () => stepOpen(-1) },
    v: { label: t('keyVerify'), run: () => { if (item) setProofOf(line ?? item.leafIndex); } },
    e: { label: t('keyExport'), run: () => { if (found && count > 0) setExporting(true); else void message.info(t('exportNeeds')); } },
    enter: {
      run: (event) => {
        // Buttons and links answer to Enter themselves.
        if (event.target instanceof HTMLElement && event.target.closest('button, a, input, summary, textarea')) return false;
        if (count === 0) return false;
        open(chosen);
        return true;
      },
    },
  });
  useEffect(() => {
    document.getElementById('au-text')?.focus();
  }, []);
  const changed = useMemo(() => found !== null && JSON.stringify(found.query) !== JSON.stringify(query), [found, query]);
  const sources = [Source.IM, Source.DESK, Source.DIRECTORY, Source.AUDIT];
  const widest = found !== null && found.query.from === '' && found.query.to === '' && sources.every((source) => found.query.sources.includes(source));
  const widen = () => {
    const next = { ...query, from: '', to: '', sources };
    setQuery(next);
    void search(next);
  };
  const only = (kind: 'conversation' | 'customer', what: Named) => {
    const next = kind === 'conversation' ? { ...query, conversations: [what] } : { ...query, customers: [what] };
    setQuery(next);
    void search(next);
  };
  return (
    <div className="au-desk" data-view={item ? 'reader' : 'hits'}>
      <SearchForm query={query} onChange={setQuery} onSearch={() => void search(query)} busy={busy} />
      <div className="au-middle">
        <Hits found={found} busy={busy} error={error} changed={changed} chosen={chosen} onChoose={setChosen} onOpen={open} onMore={() => void more()} onAgain={() => void search(query)} onWiden={widest ? undefined : widen} />
        <div className="au-foot"><Button disabled={count === 0} onClick={() => setExporting(true)}>{t('export')} <kbd>E</kbd></Button></div>
      </div>
      {item && found ? (
        <Reader
          key={String(item.leafIndex)} why={why} item={item}
          position={found.exact ? t('hit', { n: opened! + 1, total: found.total }) : t('hitMore', { n: opened! + 1, total: found.total })}
          onPrev={opened! > 0 ? () => stepOpen(-1) : undefined} onNext={opened! < count - 1 ? () => stepOpen(1) : undefined}
          proofOf={proofOf} onProof={setProofOf} onOnly={only} onLine={setLine}
        />
      ) : <NoReader />}
      {exporting && found && <ExportDialog found={found} why={why} onClose={() => setExporting(false)} onStarted={() => { setExporting(false); void message.success(t('exportStarted')); location.hash = '#/exports'; }} />}
    </div>
  );
}
