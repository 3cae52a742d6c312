// The kit: what every page shares. README.md shows how to use it.
export * from './core/index.ts';
export * from './ui/index.ts';
