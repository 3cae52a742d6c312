import { useCallback, useState } from 'react';
import { Empty, ErrorState, Skeleton, fullTime, serviceClient, useT, usePolled } from '@yizhan/kit';
import { AdminService, type PartitionState } from '@yizhan/kit/gen/admin/v1/admin_service_pb';
import { texts } from './texts.ts';

const admin = serviceClient(AdminService);

function lag(each: PartitionState): number {
  const head = each.position?.head ?? 0n;
  return head > each.archivedSeq ? Number(head - each.archivedSeq) : 0;
}

/** Every partition with its head and how far the archive has it. */
export function Partitions() {
  const t = useT(texts);
  const ask = useCallback(() => admin.listPartitionStates({}), []);
  const { data, error, at, again } = usePolled(ask, 3_000);
  const [only, setOnly] = useState(false);
  if (!data) return error ? <ErrorState error={error} what={t('partitionsFailed')} onRetry={again} /> : <Skeleton rows={10} />;
  const behind = data.partitions.filter((each) => lag(each) > 0);
  const rows = only ? behind : data.partitions;
  return (
    <section className="co-page" aria-label={t('partitions')}>
      <h2 className="yz-page-title">{t('partitions')}</h2>
      <p className={`co-sentence co-${error ? 'unknown' : behind.length > 0 ? 'warn' : 'ok'}`} role="status">
        {error ? t('lostSentence', { time: fullTime(at * 1000) }) : behind.length > 0 ? t('someBehind', { n: behind.length, m: behind.reduce((sum, each) => sum + lag(each), 0) }) : t('allComplete', { n: data.partitions.length })}
      </p>
      <div className="co-bar">
        <span className="yz-grow yz-meta">{t('partitionsHint')} {t('updated', { time: fullTime(at * 1000) })}</span>
        <label className="co-check"><input type="checkbox" checked={only} onChange={(event) => setOnly(event.target.checked)} /> <span>{t('onlyBehind')}</span></label>
      </div>
      {rows.length === 0 ? <Empty>{t('noneBehind')}</Empty> : (
        <div className="co-wide" tabIndex={0} role="region" aria-label={t('partitions')}>
          <table className="co-table">
            <thead><tr><th scope="col">{t('colPartition')}</th><th scope="col" className="co-num">{t('colHead')}</th><th scope="col" className="co-num">{t('colArchived')}</th><th scope="col">{t('colLag')}</th><th scope="col">{t('colOwner')}</th></tr></thead>
            <tbody>
              {rows.map((each) => (
                <tr key={each.position?.partition}>
                  <th scope="row">{each.position?.partition}</th><td className="co-num">{String(each.position?.head ?? 0n)}</td><td className="co-num">{String(each.archivedSeq)}</td>
                  <td className={lag(each) > 0 ? 'co-warn-text' : 'co-good'}>{lag(each) > 0 ? t('behind', { n: lag(each) }) : t('complete')}</td><td>{each.owner}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
