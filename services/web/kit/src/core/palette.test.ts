import { describe, expect, it } from 'vitest';
import { palette, tokensCss, type PaletteKey, type ThemeName } from './palette.ts';

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}
function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x! + 0.05) / (y! + 0.05);
}

const grounds: PaletteKey[] = ['surface', 'canvas', 'sunk', 'own', 'selected'];
const pairs: [PaletteKey, PaletteKey][] = [
  ...grounds.flatMap((ground): [PaletteKey, PaletteKey][] => [['text', ground], ['text2', ground], ['text3', ground]]),
  ['primary', 'surface'], ['primary', 'selected'], ['primary', 'own'], ['onPrimary', 'primary'], ['onDanger', 'danger'], ['success', 'successBg'], ['warning', 'warningBg'], ['danger', 'dangerBg'],
  ['danger', 'surface'], ['danger', 'canvas'], ['note', 'noteBg'], ['hit', 'hitBg'],
];

describe.each(['light', 'dark'] as ThemeName[])('%s', (theme) => {
  it.each(pairs)('%s on %s can be read', (front, ground) => {
    expect(contrast(palette[theme][front], palette[theme][ground])).toBeGreaterThanOrEqual(4.5);
  });
  it('controls can be seen', () => {
    for (const ground of ['surface', 'canvas'] as const) expect(contrast(palette[theme].border, palette[theme][ground])).toBeGreaterThanOrEqual(3);
  });
});

it('becomes variables', () => {
  expect(tokensCss()).toContain('--yz-text-2:#4B5768;');
  expect(tokensCss()).toContain('--yz-success-bg:');
  expect(tokensCss()).toMatch(/:root\[data-theme=dark\]\{color-scheme:dark;/);
});
