// Two languages, checked by the compiler: each text exists in both, or the page does not build.

import { useMemo } from 'react';
import { currentLocale, pseudo, settings, type Locale } from './settings.ts';
import { useStore } from './store.ts';

export type Texts = Record<string, string>;
export interface Messages<T extends Texts> {
  zh: T;
  en: { [K in keyof T]: string };
}
export type Values = Record<string, string | number>;
export type Translate<T extends Texts> = (key: keyof T & string, values?: Values) => string;

/** `{name}` is filled in; "one|many" is chosen by `n`. */
export function defineMessages<const T extends Texts>(messages: Messages<T>): Messages<T> {
  return messages;
}

function stretch(text: string): string {
  return '[' + text + ' ' + '~'.repeat(Math.ceil(text.length * 0.4)) + ']';
}

export function translate<T extends Texts>(messages: Messages<T>, locale: Locale): Translate<T> {
  return (key, values) => {
    let text: string = messages[locale][key] ?? key;
    if (text.includes('|') && values && 'n' in values) {
      const forms = text.split('|');
      text = (Number(values.n) === 1 ? forms[0] : forms[1]) ?? text;
    }
    const filled = values ? text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole)) : text;
    return pseudo ? stretch(filled) : filled;
  };
}

export function useLocale(): Locale {
  return useStore(settings, currentLocale);
}

/** The texts of a part of the page in the person's language; the function is stable until the language changes. */
export function useT<T extends Texts>(messages: Messages<T>): Translate<T> {
  const locale = useLocale();
  return useMemo(() => translate(messages, locale), [messages, locale]);
}
