import { Input } from 'antd';
import { useEffect, useId, useState } from 'react';
import { Avatar, imeBusy, serviceClient, useT } from '@yizhan/kit';
import { DirectoryService } from '@yizhan/kit/gen/directory/v1/directory_service_pb';
import type { Person } from '@yizhan/kit/gen/directory/v1/people_pb';
import type { Named } from '../model/query.ts';
import { texts } from './texts.ts';

const directory = serviceClient(DirectoryService);

/** Finds people by name, pinyin, initials or log-in, and adds them. */
export function PeoplePicker({ chosen, onAdd }: { chosen: readonly Named[]; onAdd: (person: Named) => void }) {
  const t = useT(texts);
  const id = useId();
  const [query, setQuery] = useState('');
  const [found, setFound] = useState<Person[] | null>(null);
  const [at, setAt] = useState(0);
  useEffect(() => {
    setFound(null);
    if (query.trim() === '') return;
    let gone = false;
    const timer = setTimeout(() => {
      directory.listPeople({ query: query.trim(), pageSize: 8 }).then(({ people }) => { if (!gone) { setFound(people); setAt(0); } }, () => { if (!gone) setFound([]); });
    }, 150);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [query]);
  const rows = (found ?? []).filter((person) => !chosen.some((each) => each.id === person.personId));
  const add = (person: Person | undefined) => {
    if (!person) return;
    onAdd({ id: person.personId, name: person.name || person.englishName || person.login });
    setQuery('');
  };
  const open = query.trim() !== '' && found !== null;
  return (
    <div className="au-picker">
      <Input
        role="combobox" aria-label={t('people')} aria-expanded={open} aria-controls={open ? id : undefined} aria-activedescendant={open && rows.length > 0 ? `${id}-${at}` : undefined}
        placeholder={t('peopleHint')} value={query} autoComplete="off" spellCheck={false}
        onChange={(event) => setQuery(event.target.value)}
        onKeyDown={(event) => {
          if (imeBusy(event) || query === '') return;
          if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
            event.preventDefault();
            setAt((old) => (old + (event.key === 'ArrowDown' ? 1 : Math.max(1, rows.length) - 1)) % Math.max(1, rows.length));
          } else if (event.key === 'Enter') {
            event.preventDefault();
            add(rows[at]);
          } else if (event.key === 'Escape') {
            event.preventDefault();
            event.stopPropagation();
            setQuery('');
          }
        }}
        onBlur={() => setQuery('')}
      />
      {open && (
        <ul id={id} role="listbox" aria-label={t('people')} className="au-options">
          {rows.map((person, index) => (
            <li key={person.personId} id={`${id}-${index}`} role="option" aria-selected={index === at} onMouseEnter={() => setAt(index)} onMouseDown={(event) => { event.preventDefault(); add(person); }}>
              <Avatar id={person.personId} name={person.name} size={24} /> <span className="yz-cut">{person.name}</span> <span className="yz-meta yz-cut">{person.login}</span>
            </li>
          ))}
          {rows.length === 0 && <li className="yz-meta" role="option" aria-selected={false} aria-disabled>{t('noPeople')}</li>}
        </ul>
      )}
    </div>
  );
}
