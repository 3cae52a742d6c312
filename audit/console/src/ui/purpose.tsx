import { Button, Input } from 'antd';
import { useState, type FormEvent } from 'react';
import { createStore, useStore, useT } from '@yizhan/kit';
import { whyProblem, type Why } from '../model/query.ts';
import { texts } from './texts.ts';

const key = 'yz:audit:why';

function kept(): Why | null {
  try {
    const why = JSON.parse(sessionStorage.getItem(key) ?? 'null') as Why | null;
    return why && whyProblem(why) === null ? why : null;
  } catch {
    return null;
  }
}

/** Why the auditor looks, said once per tab; null until then. */
export const purpose = createStore<Why | null>(kept());

purpose.watch(() => {
  try {
    sessionStorage.setItem(key, JSON.stringify(purpose.get()));
  } catch {
    // Without storage the purpose is said again after a reload.
  }
});

export function usePurpose(): Why | null {
  return useStore(purpose);
}

/** Asks for case and reason. */
export function PurposeForm({ onDone }: { onDone?: () => void }) {
  const t = useT(texts);
  const old = usePurpose();
  const [caseId, setCase] = useState(old?.caseId ?? '');
  const [reason, setReason] = useState(old?.reason ?? '');
  const [problem, setProblem] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const why = { caseId: caseId.trim(), reason: reason.trim() };
    const wrong = whyProblem(why);
    if (wrong) {
      setProblem(wrong === 'case' ? t('caseBad') : t('reasonBad'));
      document.getElementById(wrong === 'case' ? 'why-case' : 'why-reason')?.focus();
      return;
    }
    purpose.set(why);
    onDone?.();
  };
  return (
    <form className="au-purpose" aria-label={t('purpose')} onSubmit={submit}>
      <h2 className="yz-title">{t('purpose')}</h2>
      <p className="yz-text2">{t('purposeAsk')}</p>
      <label className="yz-field"><span>{t('caseId')}</span><Input id="why-case" value={caseId} onChange={(event) => setCase(event.target.value)} autoFocus autoComplete="off" /></label>
      <label className="yz-field"><span>{t('reason')}</span><Input id="why-reason" value={reason} onChange={(event) => setReason(event.target.value)} autoComplete="off" /></label>
      <p className="yz-problem" role="alert">{problem}</p>
      <div className="au-actions">
        {old && <Button onClick={onDone}>{t('cancel')}</Button>}
        <Button type="primary" htmlType="submit">{t('begin')}</Button>
      </div>
    </form>
  );
}
