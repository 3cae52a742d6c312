// The part of the kit without React parts of antd: usable in unit tests and in the widget.
export * from './calls.ts';
export * from './drafts.ts';
export * from './grapheme.ts';
export * from './i18n.ts';
export * from './ids.ts';
export * from './ime.ts';
export * from './kept.ts';
export * from './live.ts';
export * from './names.ts';
export * from './palette.ts';
export * from './presence.ts';
export * from './session.ts';
export * from './settings.ts';
export * from './store.ts';
export * from './time.ts';
