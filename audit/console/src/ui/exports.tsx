import { App, Button, Modal } from 'antd';
import { useCallback, useEffect, useState } from 'react';
import { Empty, ErrorState, PersonName, Skeleton, TimeText, copyText, newId, useErrorText, useT, withRetry, usePolled, useReturnFocus } from '@yizhan/kit';
import { Export_State, type Export, type SearchRequest } from '@yizhan/kit/gen/audit/v1/archive_service_pb';
import { archive, download, save } from '../model/archive.ts';
import { toRequest, type Why } from '../model/query.ts';
import type { Found } from './hits.tsx';
import { sourceKey } from './hits.tsx';
import { texts } from './texts.ts';

/** The conditions of a search in one line. */
export function useConditions(): (search: SearchRequest) => string {
  const t = useT(texts);
  return (search) => {
    const day = (us: bigint) => (us > 0n ? new Date(Number(us) / 1000).toLocaleDateString('sv') : '…');
    return [
      search.text === '' ? t('allText') : search.text,
      search.sources.map((source) => t(sourceKey(source))).join(' + '),
      search.startUs > 0n || search.endUs > 0n ? `${day(search.startUs)} – ${day(search.endUs > 0n ? search.endUs - 1n : 0n)}` : '',
      ...search.conversationIds, ...search.customerIds, ...search.personIds,
    ].filter(Boolean).join(' · ');
  };
}

/** Says what would be exported and begins it. */
export function ExportDialog({ found, why, onClose, onStarted }: { found: Found; why: Why; onClose: () => void; onStarted: () => void }) {
  const t = useT(texts);
  const say = useErrorText();
  const conditions = useConditions();
  useReturnFocus();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const [requestId] = useState(newId);
  const search = toRequest(found.query, why);
  const start = async () => {
    setBusy(true);
    setProblem('');
    try {
      await withRetry(() => archive.startExport({ search, requestId }), { tries: 3 });
      onStarted();
    } catch (error) {
      setProblem(say(error));
      setBusy(false);
    }
  };
  return (
    <Modal
      open title={t('exportTitle')} onCancel={onClose}
      footer={[<Button key="no" onClick={onClose}>{t('cancel')}</Button>, <Button key="yes" type="primary" loading={busy} onClick={() => void start()}>{t('exportStart')}</Button>]}
    >
      <p>{t('exportWhat')}</p>
      <p className="au-quote">{conditions(search)}</p>
      <p>{found.exact ? t('exportCount', { n: found.total }) : t('atLeast', { n: found.total })} · {t('caseLine', { caseId: why.caseId })} · {why.reason}</p>
      <p className="yz-problem" role="alert">{problem}</p>
    </Modal>
  );
}

/** The jobs: who, what, how far; the file with its digest. They go on when the page is closed. */
export function Exports() {
  const t = useT(texts);
  const ask = useCallback(() => archive.listExports({ pageSize: 50 }), []);
  const { data, error, again } = usePolled(ask, 3_000);
  const running = data?.exports.some((job) => job.state === Export_State.RUNNING) ?? false;
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(again, 700);
    return () => clearInterval(timer);
  }, [running, again]);
  if (!data) return error ? <ErrorState error={error} onRetry={again} /> : <Skeleton rows={4} />;
  return (
    <section className="au-page" aria-label={t('exports')}>
      <h2 className="yz-page-title">{t('exports')}</h2>
      {error && <ErrorState error={error} onRetry={again} />}
      {data.exports.length === 0 ? <Empty>{t('jobsEmpty')}</Empty> : <ul className="au-jobs">{data.exports.map((job) => <Job key={job.exportId} job={job} />)}</ul>}
    </section>
  );
}

function Job({ job }: { job: Export }) {
  const t = useT(texts);
  const say = useErrorText();
  const conditions = useConditions();
  const { message } = App.useApp();
  const [percent, setPercent] = useState<number | null>(null);
  const [verdict, setVerdict] = useState<'ok' | 'bad' | 'not' | null>(null);
  const state = job.state === Export_State.RUNNING ? 'running' : job.state === Export_State.DONE ? 'done' : job.state === Export_State.FAILED ? 'failed' : 'unknown';
  const fetchFile = async () => {
    setPercent(0);
    setVerdict(null);
    try {
      const { bytes, sha256 } = await download(job, (done, total) => setPercent(total > 0 ? Math.floor((done / total) * 100) : 100));
      if (sha256 !== undefined && sha256 !== job.sha256) return setVerdict('bad');
      setVerdict(sha256 === undefined ? 'not' : 'ok');
      save(`yizhan-export-${job.exportId}.zip`, [bytes], 'application/zip');
    } catch (error) {
      void message.error(`${t('downloadFailed')}: ${say(error)}`);
    } finally {
      setPercent(null);
    }
  };
  return (
    <li className="au-job" data-state={state} data-export={job.exportId}>
      <div className="au-job-head">
        <strong className="yz-grow">{job.search ? conditions(job.search) : job.exportId}</strong>
        <span className={`au-state au-state-${state}`}>{t(state)}</span>
      </div>
      {job.state === Export_State.RUNNING && <progress max={Math.max(1, Number(job.itemsTotal))} value={Number(job.itemsDone)} aria-label={t('running')} />}
      {job.problem !== '' && <p className="yz-danger" role="alert">{job.problem}</p>}
      <dl className="au-facts">
        <div><dt>{t('caseId')}</dt><dd>{job.search?.purpose?.caseId} · {job.search?.purpose?.reason}</dd></div>
        <div><dt>{t('by')}</dt><dd><PersonName id={job.auditorId} /></dd></div>
        <div><dt>{t('startedAt')}</dt><dd><TimeText us={Number(job.startedAtUs)} form="full" /></dd></div>
        {job.finishedAtUs > 0n && <div><dt>{t('finishedAt')}</dt><dd><TimeText us={Number(job.finishedAtUs)} form="full" /></dd></div>}
        <div><dt>{t('hits')}</dt><dd>{t('progress', { done: String(job.itemsDone), total: String(job.itemsTotal) })}</dd></div>
        {job.state === Export_State.DONE && <div><dt>{t('size')}</dt><dd>{Number(job.sizeBytes).toLocaleString('en')} B</dd></div>}
        {job.sha256 !== '' && <div><dt>{t('sha')}</dt><dd><code className="au-sha">{job.sha256}</code> <Button size="small" onClick={() => void copyText(job.sha256).then(() => message.success(t('copied')))}>{t('copy')}</Button></dd></div>}
      </dl>
      {job.state === Export_State.DONE && (
        <div className="au-actions">
          <Button type="primary" disabled={percent !== null} onClick={() => void fetchFile()}>{percent === null ? t('download') : t('downloading', { n: percent })}</Button>
          {verdict && <span role={verdict === 'bad' ? 'alert' : 'status'} className={verdict === 'bad' ? 'yz-danger' : 'au-good'}>{verdict === 'ok' ? t('digestOk') : verdict === 'bad' ? t('digestBad') : t('digestNot')}</span>}
        </div>
      )}
    </li>
  );
}
