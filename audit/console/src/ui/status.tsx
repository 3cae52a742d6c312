import { App, Button } from 'antd';
import { useCallback, useRef, useState } from 'react';
import { ErrorState, Skeleton, TimeText, copyText, fullTime, serverNow, toCallError, useT, usePolled } from '@yizhan/kit';
import type { Coverage } from '@yizhan/kit/gen/audit/v1/archive_service_pb';
import { archive } from '../model/archive.ts';
import { parseCheckpoint } from '../model/tlog.ts';
import { texts } from './texts.ts';

/** How complete the archive is, what was signed last, and a check of the whole. */
export function Status() {
  const t = useT(texts);
  const { message } = App.useApp();
  const ask = useCallback(() => archive.getStatus({}), []);
  const { data, error, at, again } = usePolled(ask, 2_000);
  if (!data) return error ? <ErrorState error={error} what={t('statusFailed')} onRetry={again} /> : <Skeleton rows={8} />;
  const behind = data.coverage.reduce((sum, each) => sum + lag(each), 0);
  const age = Math.max(0, Math.round((serverNow() - Number(data.checkpointTimeUs) / 1000) / 1000));
  const copy = (text: string) => void copyText(text).then(() => message.success(t('copied')));
  return (
    <section className="au-page" aria-label={t('status')}>
      <h2 className="yz-page-title">{t('status')}</h2>
      <p className={data.problem !== '' ? 'au-sentence au-bad' : behind > 0 ? 'au-sentence au-warn' : 'au-sentence au-ok'} role="status" data-behind={behind}>
        {data.problem !== '' ? t('problem', { problem: data.problem }) : behind > 0 ? t('someBehind', { n: behind }) : t('allComplete', { n: data.coverage.length })}
      </p>
      <p className={error ? 'yz-danger' : 'yz-meta'} role={error ? 'alert' : undefined}>{t(error ? 'notLive' : 'updated', { time: fullTime(at * 1000) })}</p>
      <VerifyAll total={Number(data.treeSize)} />
      <h3>{t('checkpoint')}</h3>
      <dl className="au-facts">
        <div><dt>{t('treeSize')}</dt><dd>{String(data.treeSize)}</dd></div>
        <div><dt>{t('signedAt')}</dt><dd><TimeText us={Number(data.checkpointTimeUs)} form="full" /> · {t('age', { s: age })}</dd></div>
        <div><dt>{t('signers')}</dt><dd>{signers(data.checkpoint)}</dd></div>
        <div><dt>{t('publicKey')}</dt><dd><code className="au-sha">{data.publicKey}</code> <Button size="small" onClick={() => copy(data.publicKey)}>{t('copy')}</Button></dd></div>
        <div><dt>{t('unsearchable', { n: String(data.unsearchable) })}</dt><dd /></div>
      </dl>
      <pre className="au-code" tabIndex={0}>{data.checkpoint}</pre>
      <h3>{t('coverage')}</h3>
      <table className="au-table">
        <thead><tr><th scope="col">{t('colPartition')}</th><th scope="col">{t('head')}</th><th scope="col">{t('archived')}</th><th scope="col">{t('indexed')}</th><th scope="col">{t('lag')}</th></tr></thead>
        <tbody>
          {data.coverage.map((each) => (
            <tr key={each.partition}>
              <th scope="row">{each.partition}</th><td>{String(each.head)}</td><td>{String(each.archivedSeq)}</td><td>{String(each.indexedSeq)}</td>
              <td className={lag(each) > 0 || each.indexedSeq < each.archivedSeq ? 'au-warn-text' : 'au-good'}>{lag(each) > 0 ? t('behind', { n: lag(each) }) : each.indexedSeq < each.archivedSeq ? `${t('indexed')}: ${t('behind', { n: Number(each.archivedSeq - each.indexedSeq) })}` : t('complete')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function lag(each: Coverage): number {
  return each.head > each.archivedSeq ? Number(each.head - each.archivedSeq) : 0;
}

function signers(checkpoint: string): string {
  try {
    return parseCheckpoint(checkpoint).signers.join(', ');
  } catch {
    return '—';
  }
}

/** Checks every leaf, in pieces, with progress and a way to stop. */
function VerifyAll({ total }: { total: number }) {
  const t = useT(texts);
  const [state, setState] = useState<{ at: 'idle' | 'running' | 'done' | 'stopped'; checked: number; problems: string[] }>({ at: 'idle', checked: 0, problems: [] });
  const [error, setError] = useState<unknown>(null);
  const stop = useRef(false);
  const run = async () => {
    stop.current = false;
    setError(null);
    let checked = 0;
    const problems: string[] = [];
    setState({ at: 'running', checked, problems });
    try {
      for (let from = 0n; ; ) {
        const answer = await archive.verifyArchive({ fromLeaf: from, maxLeaves: 20_000n }, { timeoutMs: 300_000 });
        checked += Number(answer.checked);
        problems.push(...answer.problems);
        if (!answer.ok && answer.problems.length === 0) problems.push('?');
        from = answer.nextLeaf;
        const at = from === 0n ? 'done' : stop.current ? 'stopped' : 'running';
        setState({ at, checked, problems: [...problems] });
        if (at !== 'running') return;
      }
    } catch (failure) {
      setError(toCallError(failure));
      setState({ at: 'stopped', checked, problems });
    }
  };
  return (
    <div className="au-verify" data-verify={state.at} data-problems={state.problems.length}>
      <div className="au-actions">
        {state.at === 'running' ? <Button onClick={() => { stop.current = true; }}>{t('stop')}</Button> : <Button onClick={() => void run()}>{t('verifyAll')}</Button>}
        {state.at === 'running' && <><progress max={Math.max(1, total)} value={state.checked} aria-label={t('verifyAll')} /><span>{t('verifyRunning', { n: state.checked, total })}</span></>}
        {state.at === 'done' && state.problems.length === 0 && <span className="au-good" role="status">✓ {t('verifyOk', { n: state.checked })}</span>}
        {state.at === 'stopped' && <span role="status">{t('verifyStopped', { n: state.checked })}</span>}
      </div>
      {error !== null && <ErrorState error={error} />}
      {state.problems.length > 0 && <div className="au-sentence au-bad" role="alert"><p>{t('verifyBad', { n: state.problems.length })}</p><ul>{state.problems.map((problem, index) => <li key={index}>{problem}</li>)}</ul></div>}
    </div>
  );
}
