// Who sees which page. The server judges every call again; this only says beforehand why not.

import { Role } from '@yizhan/kit/core';

export type Page = 'health' | 'partitions' | 'backup' | 'people' | 'departments';

export const pages: readonly { readonly page: Page; readonly roles: readonly Role[] }[] = [
  { page: 'health', roles: [Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR] },
  { page: 'partitions', roles: [Role.SYSTEM_ADMIN, Role.AUDITOR] },
  { page: 'backup', roles: [Role.SYSTEM_ADMIN, Role.AUDITOR] },
  { page: 'people', roles: [Role.SECURITY_ADMIN] },
  { page: 'departments', roles: [Role.SECURITY_ADMIN] },
];

/** The page of an address such as "#/people"; undefined for one that is not there. */
export function pageOf(hash: string): Page | undefined {
  const name = hash.replace(/^#\/?/, '').split('/')[0] || 'health';
  return pages.find((each) => each.page === name)?.page;
}

export function rolesOf(page: Page): readonly Role[] {
  return pages.find((each) => each.page === page)!.roles;
}

export function mayOpen(page: Page, roles: readonly Role[]): boolean {
  return rolesOf(page).some((role) => roles.includes(role));
}

/** The three administrators: nobody holds two of these. */
export const administrators: readonly Role[] = [Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR];

/** Roles that are given by hand; every active person is an employee. */
export const givenRoles: readonly Role[] = [Role.AGENT, Role.SUPERVISOR, ...administrators];

/** The roles after a tick of `role`: a second administrator's role takes the place of the first. */
export function withRole(roles: readonly Role[], role: Role, on: boolean): Role[] {
  const others = roles.filter((each) => each !== role && !(on && administrators.includes(role) && administrators.includes(each)));
  return on ? [...others, role].sort((a, b) => a - b) : others;
}
