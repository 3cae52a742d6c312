// Names of people by id, asked for when first needed and kept while the page lives.

import { DirectoryService } from '../../gen/yizhan/directory/v1/directory_service_pb';
import { serviceClient } from '../core/calls.ts';
import { useLocale } from '../core/i18n.ts';
import { shownName } from '../core/names.ts';
import { createStore, useStore } from '../core/store.ts';

interface Names {
  name: string;
  englishName: string;
  login: string;
}

const names = createStore<ReadonlyMap<string, Names>>(new Map());
const asked = new Set<string>();
const directory = serviceClient(DirectoryService);

/** The person's name, in English where the page is; "" for no id and until it is known. */
export function usePersonName(personId: string): string {
  const locale = useLocale();
  const person = useStore(names, (known) => known.get(personId));
  if (person === undefined && personId !== '' && !asked.has(personId)) {
    asked.add(personId);
    directory.getPerson({ personId }).then(
      ({ person: found }) => names.set((old) => new Map(old).set(personId, found ?? { name: personId, englishName: '', login: '' })),
      () => asked.delete(personId),
    );
  }
  return person ? shownName(person, locale) : '';
}

export function PersonName({ id }: { id: string }) {
  return <>{usePersonName(id) || id}</>;
}
