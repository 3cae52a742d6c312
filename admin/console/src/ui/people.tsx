import { Button, Input } from 'antd';
import { useCallback, useEffect, useRef, useState } from 'react';
import { Avatar, Empty, ErrorState, Skeleton, serviceClient, useT } from '@yizhan/kit';
import { DirectoryService, type DepartmentSize } from '@yizhan/kit/gen/directory/v1/directory_service_pb';
import type { Person } from '@yizhan/kit/gen/directory/v1/people_pb';
import { PersonDialog } from './person_dialog.tsx';
import { roleKey, texts } from './texts.ts';

export const directory = serviceClient(DirectoryService);

interface Found {
  readonly people: readonly Person[];
  readonly next: string;
  readonly total: number;
}

/** Finds people; each opens for editing. */
export function People() {
  const t = useT(texts);
  const [query, setQuery] = useState('');
  const [department, setDepartment] = useState('');
  const [inactive, setInactive] = useState(false);
  const [departments, setDepartments] = useState<readonly DepartmentSize[]>([]);
  const [found, setFound] = useState<Found | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [edited, setEdited] = useState<Person | 'new' | null>(null);

  // Only the answer to the last question counts: an earlier one that comes later would show what was not asked for.
  const asked = useRef(0);
  const load = useCallback((pageToken: string) => {
    setError(null);
    const mine = (asked.current += 1);
    directory.listPeople({ query: query.trim().toLowerCase(), departmentId: department, includeInactive: inactive, pageSize: 50, pageToken }).then(
      (page) => { if (mine === asked.current) setFound((old) => ({ people: pageToken === '' ? page.people : [...(old?.people ?? []), ...page.people], next: page.nextPageToken, total: page.total })); },
      (failure) => { if (mine === asked.current) setError(failure); },
    );
  }, [query, department, inactive]);
  useEffect(() => {
    const timer = setTimeout(() => load(''), query === '' ? 0 : 150);
    return () => clearTimeout(timer);
  }, [load, query]);
  useEffect(() => {
    directory.listDepartments({}).then((answer) => setDepartments(answer.departments), () => {});
  }, []);
  const names = new Map(departments.map((each) => [each.department?.departmentId ?? '', each.department?.name ?? '']));
  return (
    <section className="co-page" aria-label={t('people')}>
      <h2 className="yz-page-title">{t('people')}</h2>
      <div className="co-bar" role="search">
        <Input className="co-find" aria-label={t('findLabel')} placeholder={t('find')} value={query} onChange={(event) => setQuery(event.target.value)} allowClear autoComplete="off" data-pane-focus />
        <select className="co-select" aria-label={t('department')} value={department} onChange={(event) => setDepartment(event.target.value)}>
          <option value="">{t('allDepartments')}</option>
          {departments.map((each) => <option key={each.department?.departmentId} value={each.department?.departmentId}>{each.department?.name}</option>)}
        </select>
        <label className="co-check"><input type="checkbox" checked={inactive} onChange={(event) => setInactive(event.target.checked)} /> <span>{t('inactiveToo')}</span></label>
        <span className="yz-grow yz-meta" role="status">{found && t('total', { n: found.total })}</span>
        <Button type="primary" onClick={() => setEdited('new')}>{t('add')}</Button>
      </div>
      {error ? <ErrorState error={error} what={t('peopleFailed')} onRetry={() => load('')} /> : !found ? <Skeleton rows={8} /> : found.people.length === 0 ? <Empty>{t('nobody')}</Empty> : (
        <>
          <div className="co-wide" tabIndex={0} role="region" aria-label={t('people')}>
            <table className="co-table">
              <thead><tr><th scope="col">{t('colName')}</th><th scope="col">{t('colLogin')}</th><th scope="col">{t('colDepartment')}</th><th scope="col">{t('colTitle')}</th><th scope="col">{t('colRoles')}</th><th scope="col">{t('colSource')}</th><th scope="col">{t('colState')}</th></tr></thead>
              <tbody>
                {found.people.map((person) => (
                  <tr key={person.personId} className={person.active ? '' : 'co-off'} data-login={person.login}>
                    <th scope="row"><button type="button" className="co-person" title={t('edit', { name: person.name })} onClick={() => setEdited(person)}><Avatar id={person.personId} name={person.name} size={24} /> <span>{person.name}</span> <span className="yz-meta">{person.englishName}</span></button></th>
                    <td>{person.login}</td><td>{names.get(person.departmentId) ?? ''}</td><td>{person.title}</td>
                    <td>{person.roles.map((role) => t(roleKey[role] ?? 'unknown')).join(', ')}</td><td>{person.source === 'local' ? t('local') : person.source}</td><td>{person.active ? t('active') : t('inactive')}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {found.next !== '' && <Button onClick={() => load(found.next)}>{t('more')}</Button>}
        </>
      )}
      {edited && <PersonDialog key={edited === 'new' ? 'new' : edited.personId} person={edited === 'new' ? null : edited} departments={departments} onClose={(changed) => { setEdited(null); if (changed) load(''); }} />}
    </section>
  );
}
