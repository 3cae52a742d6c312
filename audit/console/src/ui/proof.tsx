import { Button } from 'antd';
import { CheckCircleFilled, CloseCircleFilled } from '@ant-design/icons';
import { useCallback, useEffect, useState, type ReactNode } from 'react';
import { ErrorState, Skeleton, useT } from '@yizhan/kit';
import type { GetProofResponse } from '@yizhan/kit/gen/audit/v1/archive_service_pb';
import { archive, save } from '../model/archive.ts';
import type { Why } from '../model/query.ts';
import { hex, includes, parseProof, type ParsedProof } from '../model/tlog.ts';
import { texts } from './texts.ts';

interface Checked {
  answer: GetProofResponse;
  parsed: ParsedProof | undefined;
  /** Whether this page's own computation leads to the signed root; undefined where it cannot compute. */
  own: boolean | undefined;
}

/** Proof of one record: a plain sentence first, then what it rests on. A failure is red and cannot be dismissed. */
export function Proof({ why, leaf, partition, seq, onClose }: { why: Why; leaf: bigint; partition: string; seq: bigint; onClose: () => void }) {
  const t = useT(texts);
  const [checked, setChecked] = useState<Checked | null>(null);
  const [error, setError] = useState<unknown>(null);
  const load = useCallback(async () => {
    setError(null);
    setChecked(null);
    try {
      const answer = await archive.getProof({ purpose: why, leafIndex: leaf });
      let parsed: ParsedProof | undefined;
      let own: boolean | undefined = false;
      try {
        parsed = parseProof(answer.tlogProof);
        own = parsed.index === leaf ? await includes(parsed, answer.leaf) : false;
      } catch {
        own = false;
      }
      setChecked({ answer, parsed, own });
    } catch (failure) {
      setError(failure);
    }
  }, [why, leaf]);
  useEffect(() => void load(), [load]);

  if (error) return <section className="au-proof" aria-label={t('proof')}><ErrorState error={error} what={t('proofFailed')} onRetry={() => void load()} /></section>;
  if (!checked) return <section className="au-proof" aria-label={t('proof')} aria-busy="true"><p className="yz-meta">{t('verifying')}</p><Skeleton kind="text" rows={2} /></section>;
  const { answer, parsed, own } = checked;
  const good = answer.verified && own !== false;
  const name = `${partition.replace('/', '-')}-${seq}`;
  return (
    <section className={good ? 'au-proof au-proof-good' : 'au-proof au-proof-bad'} aria-label={t('proof')} data-verified={good} data-pane tabIndex={-1}>
      <div className="au-proof-head" role={good ? 'status' : 'alert'}>
        {good ? <CheckCircleFilled aria-hidden /> : <CloseCircleFilled aria-hidden />}
        <p className="yz-grow">
          <strong>{good ? t('proofOk', { leaf: String(leaf), origin: parsed?.origin ?? '', size: String(parsed?.size ?? '') }) : t('proofBad')}</strong>{' '}
          {!good && answer.message} {own === undefined ? t('ownNot') : own ? t('ownOk') : t('ownBad')}
        </p>
        {good && <Button size="small" onClick={onClose}>{t('close')}</Button>}
      </div>
      <div className="au-actions">
        <Button size="small" onClick={() => save(`${name}.tlog-proof`, [answer.tlogProof], 'text/plain')}>{t('saveProof')}</Button>
        <Button size="small" onClick={() => save(`${name}.leaf`, [answer.leaf as Uint8Array<ArrayBuffer>], 'application/octet-stream')}>{t('saveLeaf')}</Button>
        <Button size="small" onClick={() => save(`${name}.record`, [answer.record as Uint8Array<ArrayBuffer>], 'application/octet-stream')}>{t('saveRecord')}</Button>
        <span className="yz-meta">{t('verifyHint')}</span>
      </div>
      <details>
        <summary>{t('details')}</summary>
        <dl className="au-facts">
          <Fact name={t('leafIndex')}>{String(leaf)}</Fact>
          <Fact name={t('partition')}>{partition} #{String(seq)}</Fact>
          <Fact name={t('leafHash')}><code>{answer.leafHash}</code></Fact>
          {parsed && <Fact name={t('treeSize')}>{String(parsed.size)}</Fact>}
          {parsed && <Fact name={t('root')}><code>{hex(parsed.root)}</code></Fact>}
          {parsed && <Fact name={t('signers')}>{parsed.signers.join(', ')}</Fact>}
          <Fact name={t('serverSays')}>{answer.message}</Fact>
        </dl>
        <p className="yz-meta">{t('proofText')}</p>
        <pre className="au-code" tabIndex={0}>{answer.tlogProof}</pre>
      </details>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}
