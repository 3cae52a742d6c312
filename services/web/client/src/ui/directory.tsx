import { CaretDownOutlined, CaretRightOutlined } from '@ant-design/icons';
import { Button, Input } from 'antd';
import { Avatar, Empty, ErrorState, Skeleton, useLocale, useT } from '@yizhan/kit';
import type { DepartmentSize } from '@yizhan/kit/gen/directory/v1/directory_service_pb';
import type { Person } from '@yizhan/kit/gen/directory/v1/people_pb';
import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { directId } from '../model/conversations.ts';
import { directory, nameOf } from '../model/people.ts';
import { chatHref, departmentHref, useIm, usePresence, useShown } from './context.ts';
import { texts } from './texts.ts';

export default function DirectoryPage({ department }: { department: string }) {
  const t = useT(texts);
  const [tree, setTree] = useState<DepartmentSize[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [query, setQuery] = useState('');
  const load = useCallback(() => {
    setError(null);
    directory.listDepartments({}).then(({ departments }) => setTree(departments), setError);
  }, []);
  useEffect(load, [load]);
  const first = tree?.find((node) => node.department?.parentId === '')?.department?.departmentId ?? '';
  return (
    <div className="im-directory">
      <section className="im-tree-pane" aria-label={t('tree')} data-pane tabIndex={-1}>
        <h1 className="yz-title">{t('directory')}</h1>
        {error ? <ErrorState error={error} onRetry={load} /> : tree === null ? <Skeleton rows={8} kind="text" /> : <Tree nodes={tree} chosen={query ? '' : department || first} />}
      </section>
      <section className="im-people-pane" aria-label={t('directory')} data-pane tabIndex={-1}>
        <Input allowClear size="large" value={query} placeholder={t('searchPeople')} aria-label={t('searchPeople')} onChange={(event) => setQuery(event.target.value)} data-pane-focus />
        <PeopleList key={query ? 'search' : department || first} department={query ? '' : department || first} query={query.trim()} tree={tree} />
      </section>
    </div>
  );
}

/** The tree as a list of what is open; arrows as in any tree. */
function Tree({ nodes, chosen }: { nodes: DepartmentSize[]; chosen: string }) {
  const t = useT(texts);
  const locale = useLocale();
  const children = useMemo(() => {
    const map = new Map<string, DepartmentSize[]>();
    for (const node of nodes) {
      const parent = node.department?.parentId ?? '';
      map.set(parent, [...(map.get(parent) ?? []), node]);
    }
    return map;
  }, [nodes]);
  const parents = useMemo(() => new Map(nodes.map((node) => [node.department!.departmentId, node.department!.parentId])), [nodes]);
  const [open, setOpen] = useState<ReadonlySet<string>>(() => new Set((children.get('') ?? []).map((node) => node.department!.departmentId)));
  useEffect(() => {
    // What is chosen is in sight.
    setOpen((old) => {
      const next = new Set(old);
      for (let id = parents.get(chosen); id; id = parents.get(id)) next.add(id);
      return next.size === old.size ? old : next;
    });
  }, [chosen, parents]);

  const flat: { node: DepartmentSize; level: number }[] = [];
  const walk = (parent: string, level: number) => {
    for (const node of children.get(parent) ?? []) {
      flat.push({ node, level });
      if (open.has(node.department!.departmentId)) walk(node.department!.departmentId, level + 1);
    }
  };
  walk('', 1);

  const toggle = (id: string, wanted?: boolean) => setOpen((old) => {
    const next = new Set(old);
    if (wanted ?? !old.has(id)) next.add(id);
    else next.delete(id);
    return next;
  });

  const refs = useRef(new Map<string, HTMLElement>());
  const onKeyDown = (event: KeyboardEvent, index: number) => {
    const { node } = flat[index]!;
    const id = node.department!.departmentId;
    const focus = (i: number) => refs.current.get(flat[Math.max(0, Math.min(flat.length - 1, i))]!.node.department!.departmentId)?.focus();
    switch (event.key) {
      case 'ArrowDown':
        focus(index + 1);
        break;
      case 'ArrowUp':
        focus(index - 1);
        break;
      case 'ArrowRight':
        if (open.has(id)) focus(index + 1);
        else toggle(id, true);
        break;
      case 'ArrowLeft':
        if (open.has(id) && children.has(id)) toggle(id, false);
        else focus(flat.findIndex((each) => each.node.department!.departmentId === node.department!.parentId));
        break;
      case 'Enter':
      case ' ':
        location.hash = departmentHref(id);
        break;
      default:
        return;
    }
    event.preventDefault();
  };

  return (
    <ul role="tree" aria-label={t('tree')} className="im-tree">
      {flat.map(({ node, level }, index) => {
        const made = node.department!;
        const inner = children.has(made.departmentId);
        const here = made.departmentId === chosen;
        return (
          <li
            key={made.departmentId}
            role="treeitem"
            aria-level={level}
            aria-selected={here}
            aria-expanded={inner ? open.has(made.departmentId) : undefined}
            tabIndex={here || (index === 0 && !flat.some((each) => each.node.department!.departmentId === chosen)) ? 0 : -1}
            ref={(element) => { if (element) refs.current.set(made.departmentId, element); else refs.current.delete(made.departmentId); }}
            style={{ paddingLeft: 4 + (level - 1) * 16 }}
            onKeyDown={(event) => onKeyDown(event, index)}
            onClick={() => { location.hash = departmentHref(made.departmentId); }}
          >
            <span className="im-caret" aria-hidden="true" onClick={(event) => { event.stopPropagation(); toggle(made.departmentId); }}>
              {inner ? open.has(made.departmentId) ? <CaretDownOutlined /> : <CaretRightOutlined /> : null}
            </span>
            <span className="yz-cut yz-grow">{locale === 'en' && made.englishName ? made.englishName : made.name}</span>
            <span className="yz-meta">{node.peopleBelow}</span>
          </li>
        );
      })}
    </ul>
  );
}

function PeopleList({ department, query, tree }: { department: string; query: string; tree: DepartmentSize[] | null }) {
  const im = useIm();
  const t = useT(texts);
  const locale = useLocale();
  const [people, setPeople] = useState<Person[] | null>(null);
  const [next, setNext] = useState('');
  const [total, setTotal] = useState(0);
  const [error, setError] = useState<unknown>(null);
  const [open, setOpen] = useState<string | null>(null);
  const names = useMemo(() => new Map((tree ?? []).map((node) => [node.department!.departmentId, locale === 'en' && node.department!.englishName ? node.department!.englishName : node.department!.name])), [tree, locale]);

  const load = useCallback(async (pageToken: string, signal?: AbortSignal) => {
    try {
      const page = await directory.listPeople({ departmentId: query ? '' : department, query, pageSize: 100, pageToken }, signal ? { signal } : {});
      if (signal?.aborted) return;
      im.people.take(page.people);
      setPeople((old) => (pageToken === '' ? page.people : [...(old ?? []), ...page.people]));
      setNext(page.nextPageToken);
      setTotal(page.total);
      setError(null);
    } catch (problem) {
      if (!signal?.aborted) setError(problem);
    }
  }, [im, department, query]);
  useEffect(() => {
    if (!query && !department) return;
    const stop = new AbortController();
    const timer = setTimeout(() => void load('', stop.signal), query ? 150 : 0);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [load, query, department]);
  useShown((people ?? []).slice(0, 200).map((person) => person.personId));

  if (error) return <ErrorState error={error} onRetry={() => void load('')} />;
  if (!query && !department) return <Empty>{t('chooseDepartment')}</Empty>;
  if (people === null) return <Skeleton rows={8} />;
  if (people.length === 0) return <Empty>{query ? t('noMatch', { q: query }) : t('nobody')}</Empty>;
  return (
    <>
      <p className="yz-meta" role="status">{query ? t('found', { n: total }) : t('people', { n: total })}</p>
      <ul className="im-people">
        {people.map((person) => (
          <PersonRow key={person.personId} person={person} department={names.get(person.departmentId) ?? ''} open={open === person.personId} onOpen={() => setOpen((old) => (old === person.personId ? null : person.personId))} />
        ))}
      </ul>
      {next !== '' && <Button onClick={() => void load(next)}>{t('loadMore')}</Button>}
    </>
  );
}

function PersonRow({ person, department, open, onOpen }: { person: Person; department: string; open: boolean; onOpen: () => void }) {
  const im = useIm();
  const t = useT(texts);
  const locale = useLocale();
  const presence = usePresence(person.personId);
  const other = locale === 'en' ? person.name : person.englishName;
  return (
    <li className={open ? 'im-person im-person-open' : 'im-person'}>
      <div className="im-person-line">
        <button type="button" className="im-person-button" aria-expanded={open} onClick={onOpen}>
          <Avatar id={person.personId} name={person.name} size={40} presence={presence} />
          <span className="im-item-lines">
            <span className="yz-cut">{nameOf(person, locale)} {other && other !== nameOf(person, locale) && <span className="yz-meta">{other}</span>}</span>
            <span className="yz-meta yz-cut">{[department, person.title].filter(Boolean).join(' · ')}</span>
          </span>
        </button>
        {person.personId !== im.meId && <Button href={chatHref(directId(im.meId, person.personId))}>{t('write')}</Button>}
      </div>
      {open && (
        <dl className="im-facts">
          <Fact name={t('login')} value={person.login} />
          <Fact name={t('department')} value={department} />
          <Fact name={t('title')} value={person.title} />
          <Fact name={t('phone')} value={person.phone} />
          <Fact name={t('email')} value={person.email} />
        </dl>
      )}
    </li>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  if (!value) return null;
  return <div><dt className="yz-meta">{name}</dt><dd>{value}</dd></div>;
}
