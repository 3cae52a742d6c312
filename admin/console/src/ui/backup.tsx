import { Button } from 'antd';
import { useCallback, useState } from 'react';
import { ErrorState, Role, Skeleton, TimeText, fullTime, serviceClient, toCallError, useErrorText, usePolled, useT } from '@yizhan/kit';
import { AdminService, type GetBackupResponse } from '@yizhan/kit/gen/admin/v1/admin_service_pb';
import { bytes } from '../model/bytes.ts';
import { runTask } from '../model/tasks.ts';
import { texts } from './texts.ts';

const admin = serviceClient(AdminService);

/** Up to when everything is in the backup, what is under way, and what is wrong. Restoring is done at the command line, on a machine that is not running. */
export function Backup({ roles }: { roles: readonly Role[] }) {
  const t = useT(texts);
  const ask = useCallback(() => admin.getBackup({}), []);
  const { data, error, at, again } = usePolled(ask, 2_000);
  if (!data) return error ? <ErrorState error={error} what={t('backupFailed')} onRetry={again} /> : <Skeleton rows={6} />;
  const tone = error ? 'unknown' : !data.configured || data.problem || data.lastNumber === 0n ? 'warn' : 'ok';
  return (
    <section className="co-page" aria-label={t('backup')}>
      <h2 className="yz-page-title">{t('backup')}</h2>
      <p className={`co-sentence co-${tone}`} role="status" data-backup={tone}>{error ? t('lostSentence', { time: fullTime(at * 1000) }) : <Sentence state={data} />}</p>
      {data.problem && <p className="yz-problem" role="alert" lang="en">{data.problem}</p>}
      {data.configured ? <Facts state={data} mayStart={roles.includes(Role.SYSTEM_ADMIN)} again={again} /> : <pre className="co-sample">{'backup:\n  to: /mnt/backup\n  recipients: ["age1…"]   # yizhan backup key --out FILE'}</pre>}
      <p className="yz-meta">{t('backupHint')} {t('updated', { time: fullTime(at * 1000) })}</p>
    </section>
  );
}

function Sentence({ state }: { state: GetBackupResponse }) {
  const t = useT(texts);
  if (!state.configured) return <>{t('backupNone')}</>;
  if (state.lastNumber === 0n) return <>{t(state.running ? 'backupFirst' : 'backupNotYet')}</>;
  return <>{t('backupUpTo', { time: fullTime(Number(state.lastBegunAtUs)) })}</>;
}

function Facts({ state, mayStart, again }: { state: GetBackupResponse; mayStart: boolean; again: () => void }) {
  const t = useT(texts);
  const say = useErrorText();
  const [problem, setProblem] = useState('');
  const start = () => {
    setProblem('');
    runTask(t('taskBackup'), () => admin.startBackup({})).then(again, (error: unknown) => setProblem(say(toCallError(error))));
  };
  return (
    <>
      <dl className="co-facts">
        <div><dt>{t('backupPlace')}</dt><dd>{state.place}</dd></div>
        <div><dt>{t('backupEvery')}</dt><dd>{t('minutes', { n: state.everyMinutes })}</dd></div>
        {state.lastNumber > 0n && (
          <>
            <div><dt>{t('backupLast')}</dt><dd>{t('backupNumber', { n: Number(state.lastNumber) })} · <TimeText us={Number(state.lastFinishedAtUs)} form="full" /></dd></div>
            <div><dt>{t('backupHolds')}</dt><dd>{t('backupRecords', { n: Number(state.records), size: bytes(Number(state.bytes)) })}</dd></div>
          </>
        )}
        <div><dt>{t('backupNow')}</dt><dd data-running={state.running}>{state.running ? t('backupRuns', { n: Number(state.recordsLeft) }) : t('backupRests')}</dd></div>
      </dl>
      {mayStart && <div className="co-bar"><Button onClick={start} disabled={state.running}>{t('backupStart')}</Button></div>}
      <p className="yz-problem" role="alert">{problem}</p>
    </>
  );
}
