import { Button, Input, Modal } from 'antd';
import { useCallback, useEffect, useState } from 'react';
import { Empty, ErrorState, Skeleton, newId, toCallError, useErrorText, useT, useReturnFocus } from '@yizhan/kit';
import type { DepartmentSize } from '@yizhan/kit/gen/directory/v1/directory_service_pb';
import type { Department } from '@yizhan/kit/gen/directory/v1/people_pb';
import { runTask } from '../model/tasks.ts';
import { directory } from './people.tsx';
import { texts } from './texts.ts';

type Edit = { readonly kind: 'add'; readonly parentId: string } | { readonly kind: 'rename'; readonly department: Department };

/** The tree of departments: parents before children, each with its people. */
export function Departments() {
  const t = useT(texts);
  const [list, setList] = useState<readonly DepartmentSize[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [edit, setEdit] = useState<Edit | null>(null);
  const load = useCallback(() => {
    setError(null);
    directory.listDepartments({}).then((answer) => setList(answer.departments), setError);
  }, []);
  useEffect(load, [load]);
  const depth = new Map<string, number>();
  for (const each of list ?? []) depth.set(each.department?.departmentId ?? '', each.department?.parentId ? (depth.get(each.department.parentId) ?? 0) + 1 : 0);
  return (
    <section className="co-page" aria-label={t('departments')}>
      <h2 className="yz-page-title">{t('departments')}</h2>
      <div className="co-bar"><span className="yz-grow yz-meta">{t('departmentsHint')}</span><Button type="primary" onClick={() => setEdit({ kind: 'add', parentId: '' })}>{t('addDepartment')}</Button></div>
      {error ? <ErrorState error={error} what={t('departmentsFailed')} onRetry={load} /> : !list ? <Skeleton rows={8} /> : list.length === 0 ? <Empty>{t('noDepartments')}</Empty> : (
        <div className="co-wide" tabIndex={0} role="region" aria-label={t('departments')}>
          <table className="co-table">
            <thead><tr><th scope="col">{t('departmentName')}</th><th scope="col">{t('englishName')}</th><th scope="col" className="co-num">{t('colPeople')}</th><th scope="col"><span className="yz-hidden">{t('rename')}</span></th></tr></thead>
            <tbody>
              {list.map(({ department, people, peopleBelow }) => department && (
                <tr key={department.departmentId}>
                  <th scope="row"><span style={{ paddingInlineStart: (depth.get(department.departmentId) ?? 0) * 24 }}>{department.name}</span></th>
                  <td>{department.englishName}</td>
                  <td className="co-num">{t('count', { n: people, m: peopleBelow })}</td>
                  <td className="co-row-actions"><Button size="small" onClick={() => setEdit({ kind: 'rename', department })}>{t('rename')}</Button> <Button size="small" onClick={() => setEdit({ kind: 'add', parentId: department.departmentId })}>{t('addBelow')}</Button></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {edit && <DepartmentDialog edit={edit} list={list ?? []} onClose={(changed) => { setEdit(null); if (changed) load(); }} />}
    </section>
  );
}

function DepartmentDialog({ edit, list, onClose }: { edit: Edit; list: readonly DepartmentSize[]; onClose: (changed: boolean) => void }) {
  const t = useT(texts);
  const say = useErrorText();
  useReturnFocus();
  const old = edit.kind === 'rename' ? edit.department : null;
  const [name, setName] = useState(old?.name ?? '');
  const [englishName, setEnglish] = useState(old?.englishName ?? '');
  const [parentId, setParent] = useState(old ? old.parentId : edit.kind === 'add' ? edit.parentId : '');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    if (name.trim() === '') return setProblem(t('badName'));
    setBusy(true);
    try {
      const position = old ? old.position : list.filter((each) => each.department?.parentId === parentId).length;
      const department = { departmentId: old?.departmentId ?? '', parentId, name: name.trim(), englishName: englishName.trim(), position };
      await runTask(t(old ? 'taskRename' : 'taskDepartment', { name: name.trim() }), () => directory.putDepartment({ department, requestId: newId() }));
      onClose(true);
    } catch (error) {
      setProblem(say(toCallError(error)));
      setBusy(false);
    }
  };
  return (
    <Modal
      open title={old ? t('rename') : t('addDepartment')} onCancel={() => onClose(false)}
      footer={[<Button key="no" onClick={() => onClose(false)}>{t('cancel')}</Button>, <Button key="yes" type="primary" loading={busy} onClick={() => void submit()}>{t('save')}</Button>]}
    >
      <form className="co-form" onSubmit={(event) => { event.preventDefault(); void submit(); }}>
        <label className="yz-field"><span>{t('departmentName')}</span><Input value={name} onChange={(event) => { setProblem(''); setName(event.target.value); }} autoFocus autoComplete="off" /></label>
        <label className="yz-field"><span>{t('englishName')}</span><Input value={englishName} onChange={(event) => setEnglish(event.target.value)} autoComplete="off" /></label>
        {!old && (
          <label className="yz-field"><span>{t('parent')}</span>
            <select className="co-select" value={parentId} onChange={(event) => setParent(event.target.value)}>
              <option value="">{t('top')}</option>
              {list.map((each) => <option key={each.department?.departmentId} value={each.department?.departmentId}>{each.department?.name}</option>)}
            </select>
          </label>
        )}
        <input type="submit" hidden />
      </form>
      <p className="yz-problem" role="alert">{problem}</p>
    </Modal>
  );
}
