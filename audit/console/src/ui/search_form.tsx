import { Button, Input } from 'antd';
import { CloseOutlined } from '@ant-design/icons';
import { useState, type FormEvent, type ReactNode } from 'react';
import { serverNow, useT } from '@yizhan/kit';
import { Source } from '@yizhan/kit/gen/audit/v1/archive_service_pb';
import { dayOf, emptyQuery, queryProblem, type Named, type Query } from '../model/query.ts';
import { PeoplePicker } from './people_picker.tsx';
import { texts } from './texts.ts';

export interface SearchFormProps {
  query: Query;
  onChange: (query: Query) => void;
  onSearch: () => void;
  busy: boolean;
}

/** The conditions. Plain words first; what else narrows the search stands below. */
export function SearchForm({ query, onChange, onSearch, busy }: SearchFormProps) {
  const t = useT(texts);
  const [problem, setProblem] = useState('');
  const put = (change: Partial<Query>) => {
    setProblem('');
    onChange({ ...query, ...change });
  };
  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    const wrong = queryProblem(query);
    if (wrong) setProblem(wrong === 'quote' ? t('quote') : wrong === 'sources' ? t('noSources') : t('badDates'));
    else onSearch();
  };
  const sources: [Source, string][] = [[Source.IM, t('im')], [Source.DESK, t('desk')], [Source.DIRECTORY, t('directory')], [Source.AUDIT, t('audit')]];
  const days = (back: number) => put({ from: dayOf(serverNow() - back * 86_400_000), to: dayOf(serverNow()) });
  return (
    <form className="au-form" role="search" aria-label={t('search')} onSubmit={submit} data-pane tabIndex={-1}>
      <label className="yz-field">
        <span>{t('text')}</span>
        <Input
          id="au-text" value={query.text} data-pane-focus autoComplete="off" spellCheck={false} allowClear aria-describedby="au-text-hint"
          onChange={(event) => put({ text: event.target.value })}
        />
        <span className="yz-meta" id="au-text-hint">{t('textHint')}</span>
      </label>
      <Button type="primary" htmlType="submit" loading={busy} block>{t('go')}</Button>
      <p className="yz-problem" role="alert">{problem}</p>
      <fieldset className="au-checks">
        <legend>{t('sources')}</legend>
        {sources.map(([source, label]) => (
          <label key={source}>
            <input type="checkbox" checked={query.sources.includes(source)} onChange={(event) => put({ sources: event.target.checked ? [...query.sources, source] : query.sources.filter((each) => each !== source) })} />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
      <fieldset className="au-field">
        <legend>{t('people')}</legend>
        <PeoplePicker chosen={query.people} onAdd={(person) => put({ people: [...query.people, person] })} />
        <Chips items={query.people} onRemove={(id) => put({ people: query.people.filter((each) => each.id !== id) })} />
      </fieldset>
      {query.conversations.length > 0 && (
        <fieldset className="au-field"><legend>{t('conversation')}</legend><Chips items={query.conversations} onRemove={(id) => put({ conversations: query.conversations.filter((each) => each.id !== id) })} /></fieldset>
      )}
      {query.customers.length > 0 && (
        <fieldset className="au-field"><legend>{t('customer')}</legend><Chips items={query.customers} onRemove={(id) => put({ customers: query.customers.filter((each) => each.id !== id) })} /></fieldset>
      )}
      <fieldset className="au-field">
        <legend>{t('dates')}</legend>
        <div className="au-dates">
          <DateField label={t('from')} value={query.from} onChange={(from) => put({ from })} />
          <DateField label={t('to')} value={query.to} onChange={(to) => put({ to })} />
        </div>
        <div className="au-quick">
          <Button size="small" onClick={() => days(6)}>{t('d7')}</Button>
          <Button size="small" onClick={() => days(29)}>{t('d30')}</Button>
          <Button size="small" onClick={() => put({ from: `${dayOf(serverNow()).slice(0, 4)}-01-01`, to: dayOf(serverNow()) })}>{t('year')}</Button>
          <Button size="small" onClick={() => put({ from: '', to: '' })}>{t('all')}</Button>
        </div>
      </fieldset>
      <Button type="text" onClick={() => put(emptyQuery)}>{t('reset')}</Button>
    </form>
  );
}

function DateField({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }): ReactNode {
  return <label className="yz-field"><span className="yz-meta">{label}</span><input type="date" className="au-date" value={value} min="2000-01-01" max="2999-12-31" onChange={(event) => onChange(event.target.value)} /></label>;
}

function Chips({ items, onRemove }: { items: readonly Named[]; onRemove: (id: string) => void }) {
  const t = useT(texts);
  if (items.length === 0) return null;
  return (
    <ul className="au-chips">
      {items.map((item) => (
        <li key={item.id}><span className="yz-cut">{item.name}</span><button type="button" aria-label={t('remove', { name: item.name })} onClick={() => onRemove(item.id)}><CloseOutlined aria-hidden /></button></li>
      ))}
    </ul>
  );
}
