import { Input } from 'antd';
import { Avatar, imeBusy, useErrorText, useLocale, useT } from '@yizhan/kit';
import type { Person } from '@yizhan/kit/gen/directory/v1/people_pb';
import { useEffect, useId, useState } from 'react';
import { nameOf } from '../model/people.ts';
import { useIm } from './context.ts';
import { texts } from './texts.ts';

/** Finds and chooses people. `chosen` is kept by the caller; `without` are not offered. */
export function PeoplePicker({ chosen, onChange, without }: { chosen: readonly Person[]; onChange: (people: Person[]) => void; without: ReadonlySet<string> }) {
  const im = useIm();
  const t = useT(texts);
  const locale = useLocale();
  const say = useErrorText();
  const [query, setQuery] = useState('');
  const [found, setFound] = useState<Person[]>([]);
  const [at, setAt] = useState(0);
  const [problem, setProblem] = useState('');
  const id = useId();

  useEffect(() => {
    const stop = new AbortController();
    setProblem('');
    const show = (people: Person[]) => setFound(people.filter((person) => person.active && !without.has(person.personId)).slice(0, 50));
    if (im.people.whole) {
      show(im.people.find(query, 200));
      return;
    }
    const timer = setTimeout(() => {
      im.people.search(query, stop.signal).then(show, (error) => { if (!stop.signal.aborted) setProblem(say(error)); });
    }, 150);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [query, im]);

  const ids = new Set(chosen.map((person) => person.personId));
  const toggle = (person: Person) => onChange(ids.has(person.personId) ? chosen.filter((each) => each.personId !== person.personId) : [...chosen, person]);

  return (
    <div className="im-picker">
      <Input
        allowClear
        value={query}
        placeholder={t('pick')}
        aria-label={t('pick')}
        role="combobox"
        aria-expanded
        aria-controls={id}
        aria-activedescendant={found.length > 0 ? `${id}-${at}` : undefined}
        onChange={(event) => { setQuery(event.target.value); setAt(0); }}
        onKeyDown={(event) => {
          if (imeBusy(event)) return;
          if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
            event.preventDefault();
            setAt((old) => Math.max(0, Math.min(found.length - 1, old + (event.key === 'ArrowDown' ? 1 : -1))));
          } else if (event.key === 'Enter' && found[at]) {
            event.preventDefault();
            toggle(found[at]);
          } else if (event.key === 'Backspace' && query === '' && chosen.length > 0) onChange(chosen.slice(0, -1));
        }}
      />
      <p className="yz-meta" role="status">{t('picked', { n: chosen.length })}</p>
      {chosen.length > 0 && (
        <ul className="im-chips" aria-label={t('chosen')}>
          {chosen.map((person) => (
            <li key={person.personId}>
              <button type="button" onClick={() => toggle(person)} aria-label={t('remove', { name: nameOf(person, locale) })}>{nameOf(person, locale)} <span aria-hidden="true">×</span></button>
            </li>
          ))}
        </ul>
      )}
      <ul role="listbox" aria-multiselectable="true" id={id} aria-label={t('members_')} className="im-pick-list">
        {found.map((person, index) => (
          <li key={person.personId} id={`${id}-${index}`} role="option" aria-selected={ids.has(person.personId)} className={index === at ? 'im-at' : ''} onClick={() => toggle(person)} ref={(element) => { if (index === at) element?.scrollIntoView({ block: 'nearest' }); }}>
            <span className="im-tick" aria-hidden="true">{ids.has(person.personId) ? '✓' : ''}</span>
            <Avatar id={person.personId} name={person.name} size={28} />
            <span className="yz-cut">{nameOf(person, locale)}</span>
            <span className="yz-meta yz-cut">{person.title}</span>
          </li>
        ))}
      </ul>
      {found.length === 0 && query !== '' && !problem && <p className="yz-meta">{t('noMatch', { q: query })}</p>}
      {problem && <p className="yz-problem" role="alert">{problem}</p>}
    </div>
  );
}
