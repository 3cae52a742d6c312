import { describe, expect, it } from 'vitest';
import { Role } from '@yizhan/kit/core';
import { mayOpen, pageOf, withRole } from './rights.ts';

describe('withRole', () => {
  it('never lets two administrators’ roles stand together', () => {
    expect(withRole([Role.AGENT, Role.SYSTEM_ADMIN], Role.AUDITOR, true)).toEqual([Role.AGENT, Role.AUDITOR]);
    expect(withRole([Role.SECURITY_ADMIN], Role.SYSTEM_ADMIN, true)).toEqual([Role.SYSTEM_ADMIN]);
  });
  it('gives and takes the others freely', () => {
    expect(withRole([Role.AUDITOR], Role.AGENT, true)).toEqual([Role.AGENT, Role.AUDITOR]);
    expect(withRole([Role.AGENT, Role.SUPERVISOR], Role.AGENT, false)).toEqual([Role.SUPERVISOR]);
  });
});

describe('pages', () => {
  it('shows each administrator their own', () => {
    expect(mayOpen('people', [Role.SYSTEM_ADMIN])).toBe(false);
    expect(mayOpen('people', [Role.SECURITY_ADMIN])).toBe(true);
    expect(mayOpen('partitions', [Role.SECURITY_ADMIN])).toBe(false);
    expect(mayOpen('health', [Role.AUDITOR])).toBe(true);
    expect(mayOpen('backup', [Role.SYSTEM_ADMIN])).toBe(true);
    expect(mayOpen('backup', [Role.SECURITY_ADMIN])).toBe(false);
  });
  it('reads addresses', () => {
    expect(pageOf('')).toBe('health');
    expect(pageOf('#/people')).toBe('people');
    expect(pageOf('#/nowhere')).toBeUndefined();
  });
});
