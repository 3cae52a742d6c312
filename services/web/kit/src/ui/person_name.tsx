// Names of people by id, asked for when first needed and kept while the page lives.

import { DirectoryService } from '../../gen/yizhan/directory/v1/directory_service_pb';
import { serviceClient } from '../core/calls.ts';
import { createStore, useStore } from '../core/store.ts';

const names = createStore<ReadonlyMap<string, string>>(new Map());
const asked = new Set<string>();
const directory = serviceClient(DirectoryService);

/** The person's name; "" for no id and until it is known. */
export function usePersonName(personId: string): string {
  const name = useStore(names, (known) => known.get(personId));
  if (name === undefined && personId !== '' && !asked.has(personId)) {
    asked.add(personId);
    directory.getPerson({ personId }).then(
      ({ person }) => names.set((old) => new Map(old).set(personId, person?.name || person?.englishName || personId)),
      () => asked.delete(personId),
    );
  }
  return name ?? '';
}

export function PersonName({ id }: { id: string }) {
  return <>{usePersonName(id) || id}</>;
}
