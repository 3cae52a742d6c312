import { Button } from 'antd';
import { useCallback, useEffect, useState } from 'react';
import { Choice, Empty, ErrorState, PersonName, Skeleton, TimeText, useT } from '@yizhan/kit';
import type { AccessEntry } from '@yizhan/kit/gen/audit/v1/archive_service_pb';
import { archive } from '../model/archive.ts';
import { texts, type AuditText } from './texts.ts';

const actions: Record<string, keyof AuditText & string> = {
  Search: 'actSearch', ReadConversation: 'actReadConversation', GetProof: 'actGetProof', StartExport: 'actStartExport', ReadExport: 'actReadExport', VerifyArchive: 'actVerifyArchive', FinishExport: 'actFinishExport', Restore: 'actRestore',
};

/** What auditors did, the caller's own first. */
export function AccessLog({ myId }: { myId: string }) {
  const t = useT(texts);
  const [whose, setWhose] = useState<'mine' | 'all'>('mine');
  const [entries, setEntries] = useState<AccessEntry[] | null>(null);
  const [next, setNext] = useState('');
  const [error, setError] = useState<unknown>(null);
  const load = useCallback((pageToken: string) => {
    setError(null);
    archive.listAccess({ auditorId: whose === 'mine' ? myId : '', pageSize: 50, pageToken }).then(
      (page) => {
        setEntries((old) => (pageToken === '' ? page.entries : [...(old ?? []), ...page.entries]));
        setNext(page.nextPageToken);
      },
      setError,
    );
  }, [whose, myId]);
  useEffect(() => {
    setEntries(null);
    load('');
  }, [load]);
  return (
    <section className="au-page" aria-label={t('access')}>
      <h2 className="yz-page-title">{t('access')}</h2>
      <div className="au-actions">
        <Choice label={t('access')} hideLabel value={whose} onChange={setWhose} options={[{ value: 'mine', label: t('accessMine') }, { value: 'all', label: t('accessAll') }]} />
        <Button onClick={() => load('')}>{t('refresh')}</Button>
      </div>
      {error ? <ErrorState error={error} what={t('accessFailed')} onRetry={() => load('')} /> : !entries ? <Skeleton rows={8} /> : entries.length === 0 ? <Empty>{t('accessEmpty')}</Empty> : (
        <>
          <div className="au-wide" tabIndex={0} role="region" aria-label={t('access')}>
            <table className="au-table">
              <thead><tr><th scope="col">{t('colTime')}</th><th scope="col">{t('colWho')}</th><th scope="col">{t('colAction')}</th><th scope="col">{t('colCase')}</th><th scope="col">{t('colReason')}</th><th scope="col">{t('colDetail')}</th><th scope="col">{t('colLeaf')}</th></tr></thead>
              <tbody>
                {entries.map((entry) => (
                  <tr key={entry.accessId}>
                    <td><TimeText us={Number(entry.timeUs)} form="full" /></td><td>{entry.auditorId !== '' && <PersonName id={entry.auditorId} />}</td><td>{actions[entry.action] ? t(actions[entry.action]!) : entry.action}</td>
                    <td>{entry.purpose?.caseId}</td><td>{entry.purpose?.reason}</td><td>{entry.detail}</td><td>{entry.archived ? String(entry.leafIndex) : t('notArchived')}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {next !== '' && <Button onClick={() => load(next)}>{t('moreRows')}</Button>}
        </>
      )}
    </section>
  );
}
