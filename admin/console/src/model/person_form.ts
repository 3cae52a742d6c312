// A person as the form holds them: what changed, and what cannot be.

import type { Role } from '@yizhan/kit/core';

export interface PersonFields {
  login: string;
  name: string;
  englishName: string;
  departmentId: string;
  title: string;
  email: string;
  phone: string;
  roles: Role[];
}

export type FieldName = keyof PersonFields;

export const fieldNames: readonly FieldName[] = ['login', 'name', 'englishName', 'departmentId', 'title', 'email', 'phone', 'roles'];

export function emptyFields(): PersonFields {
  return { login: '', name: '', englishName: '', departmentId: '', title: '', email: '', phone: '', roles: [] };
}

/** The first thing that is wrong, or null. A password is asked for a new person only. */
export function formProblem(fields: PersonFields, password: string | null): 'login' | 'name' | 'password' | null {
  if (!/^[a-z0-9._-]{1,64}$/.test(fields.login)) return 'login';
  if (fields.name.trim() === '') return 'name';
  if (password !== null && Array.from(password).length < 8) return 'password';
  return null;
}

/** Which fields differ. */
export function changedFields(before: PersonFields, after: PersonFields): FieldName[] {
  const same = (name: FieldName) => (name === 'roles' ? [...before.roles].sort().join() === [...after.roles].sort().join() : before[name] === after[name]);
  return fieldNames.filter((name) => !same(name));
}
