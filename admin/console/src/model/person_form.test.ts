import { describe, expect, it } from 'vitest';
import { Role } from '@yizhan/kit/core';
import { changedFields, emptyFields, formProblem } from './person_form.ts';

const zeng = { ...emptyFields(), login: 'zeng.xx', name: '曾小贤', roles: [Role.AGENT, Role.SUPERVISOR] };

describe('formProblem', () => {
  it('names the first thing that is wrong', () => {
    expect(formProblem(zeng, null)).toBeNull();
    for (const login of ['', 'Zeng', 'a b', 'x'.repeat(65), '曾']) expect(formProblem({ ...zeng, login }, null)).toBe('login');
    expect(formProblem({ ...zeng, name: ' ' }, null)).toBe('name');
    expect(formProblem(zeng, 'short')).toBe('password');
    expect(formProblem(zeng, 'long enough')).toBeNull();
  });
});

describe('changedFields', () => {
  it('says what differs, and the order of roles is no difference', () => {
    expect(changedFields(zeng, { ...zeng, roles: [Role.SUPERVISOR, Role.AGENT] })).toEqual([]);
    expect(changedFields(zeng, { ...zeng, title: 'lead', roles: [Role.AGENT] })).toEqual(['title', 'roles']);
  });
});
