// What a person chose for this browser: theme, language, density. Kept in localStorage, shared by tabs.

import { createStore } from './store.ts';
import type { ThemeName } from './palette.ts';

export type Locale = 'zh' | 'en';
export type Density = 'comfortable' | 'compact';

export interface Settings {
  theme: ThemeName | 'auto';
  /** Null: as the browser says. */
  locale: Locale | null;
  /** Null: as the app says (data-default-density of its page). */
  density: Density | null;
}

const KEY = 'yz:settings';
const browser = typeof window !== 'undefined' && typeof document !== 'undefined';

function kept(): Settings {
  const none: Settings = { theme: 'auto', locale: null, density: null };
  if (!browser) return none;
  try {
    return { ...none, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Settings>) };
  } catch {
    return none;
  }
}

export const settings = createStore<Settings>(kept());

/** +40 % longer texts, to find what does not fit: `?lang=pseudo`. */
const asked = browser ? new URLSearchParams(location.search) : new URLSearchParams();
export const pseudo = asked.get('lang') === 'pseudo';

const dark = browser ? matchMedia('(prefers-color-scheme: dark)') : null;

export function currentTheme(): ThemeName {
  const theme = asked.get('theme') ?? settings.get().theme;
  if (theme === 'light' || theme === 'dark') return theme;
  return dark?.matches ? 'dark' : 'light';
}

export function currentLocale(): Locale {
  const choice = asked.get('lang') ?? settings.get().locale;
  if (choice === 'zh' || choice === 'en') return choice;
  if (choice === 'pseudo') return 'en';
  return browser && !navigator.language.startsWith('zh') ? 'en' : 'zh';
}

export function currentDensity(): Density {
  const byApp = browser ? document.documentElement.dataset.defaultDensity : undefined;
  return settings.get().density ?? (byApp === 'compact' ? 'compact' : 'comfortable');
}

function show(): void {
  const root = document.documentElement;
  root.dataset.theme = currentTheme();
  root.dataset.density = currentDensity();
  root.lang = currentLocale() === 'zh' ? 'zh-CN' : 'en';
}

export function changeSettings(change: Partial<Settings>): void {
  // A choice by hand outweighs what the address asked for.
  if (change.theme) asked.delete('theme');
  if (change.locale) asked.delete('lang');
  const next = { ...settings.get(), ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(next));
  } catch {
    // Private windows without storage keep the choice until they close.
  }
  settings.set(next);
}

if (browser) {
  settings.watch(show);
  addEventListener('storage', (event) => {
    if (event.key === KEY) settings.set(kept());
  });
  dark?.addEventListener('change', () => settings.set({ ...settings.get() }));
}
