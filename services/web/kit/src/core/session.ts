// Who is signed in. The token lives in a cookie that scripts cannot read.

import type { Principal } from '../../gen/yizhan/common/v1/principal_pb';
import { Role } from '../../gen/yizhan/common/v1/access_pb';
import type { Person } from '../../gen/yizhan/directory/v1/people_pb';
import { SessionService } from '../../gen/yizhan/directory/v1/session_service_pb';
import { onSignedOut, serviceClient, toCallError, type CallError } from './calls.ts';
import { forgetAndTell, forgetOthers, onSignedOutElsewhere } from './kept.ts';
import { createStore } from './store.ts';

export { Role };

export interface Me {
  person: Person;
  principal: Principal;
}

export type SessionState =
  | { phase: 'asking' }
  | { phase: 'in'; me: Me }
  | { phase: 'out' }
  /** Was in; the session ended elsewhere. What is on the screen stays, nothing is sent. */
  | { phase: 'ended'; me: Me }
  | { phase: 'failed'; error: CallError };

export const session = createStore<SessionState>({ phase: 'asking' });
export const sessions = serviceClient(SessionService);

/** Asks who is signed in. */
export async function whoAmI(): Promise<void> {
  session.set({ phase: 'asking' });
  try {
    const { person, principal } = await sessions.whoAmI({});
    if (person) forgetOthers(person.personId);
    session.set(person && principal ? { phase: 'in', me: { person, principal } } : { phase: 'out' });
  } catch (error) {
    const known = toCallError(error);
    session.set(known.signedOut ? { phase: 'out' } : { phase: 'failed', error: known });
  }
}

/** Signs in; throws CallError. */
export async function logIn(login: string, password: string): Promise<void> {
  await sessions.logIn({ login, password, device: deviceName() }, { headers: { 'Yizhan-Session': 'cookie' } });
  await whoAmI();
}

/**
 * Signs out here, in every tab of this browser. What the person had typed and not sent is removed (ask first: askLogOut), and the pages are
 * loaded afresh, so that nothing of the person stays on the screen, in memory or in the address. Throws CallError; then nothing has changed.
 */
export async function logOut(): Promise<void> {
  const state = session.get();
  try {
    await sessions.logOut({});
  } catch (error) {
    if (!toCallError(error).signedOut) throw error;
  }
  const personId = state.phase === 'in' || state.phase === 'ended' ? state.me.person.personId : null;
  forgetAndTell(personId);
  startAfresh();
}

/** The app's first page, from the server. */
function startAfresh(): void {
  // The address names whose conversation was open.
  history.replaceState(null, '', location.pathname + location.search);
  location.reload();
}

/** For LiveSocket's `probe`. */
export async function probeSession(): Promise<'ok' | 'signed-out' | 'unreachable'> {
  try {
    await sessions.whoAmI({});
    return 'ok';
  } catch (error) {
    return toCallError(error).signedOut ? 'signed-out' : 'unreachable';
  }
}

export function endSessionHere(): void {
  session.set((old) => (old.phase === 'in' ? { phase: 'ended', me: old.me } : old));
}

export function hasRole(me: Me, role: Role): boolean {
  return me.principal.roles.includes(role) || me.person.roles.includes(role);
}

function deviceName(): string {
  const agent = navigator.userAgent;
  const browser = /Edg\//.test(agent) ? 'Edge' : /Firefox\//.test(agent) ? 'Firefox' : /Chrome\//.test(agent) ? 'Chrome' : /Safari\//.test(agent) ? 'Safari' : 'Browser';
  const system = /Windows/.test(agent) ? 'Windows' : /Android/.test(agent) ? 'Android' : /iPhone|iPad/.test(agent) ? 'iOS' : /Mac OS/.test(agent) ? 'macOS' : /Linux/.test(agent) ? 'Linux' : '';
  return system ? `${browser} · ${system}` : browser;
}

onSignedOut(endSessionHere);

if (typeof window !== 'undefined') {
  onSignedOutElsewhere(startAfresh);
  // A page that the browser had put away comes back as it was, whoever is signed in by now.
  addEventListener('pageshow', (event) => {
    if (event.persisted) location.reload();
  });
}
