// Names of people, asked for when first needed.

import { createStore, serviceClient, useStore } from '@yizhan/kit';
import { DirectoryService } from '@yizhan/kit/gen/directory/v1/directory_service_pb';

const names = createStore<ReadonlyMap<string, string>>(new Map());
const asked = new Set<string>();
const directory = serviceClient(DirectoryService);

/** The person's name, or nothing until it is known. */
export function useName(personId: string): string {
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
  return <>{useName(id) || '…'}</>;
}
