// The colours, one source for CSS variables and for antd's tokens. Contrast of each pair is stated in docs and checked by palette.test.ts.

export type ThemeName = 'light' | 'dark';

export const palette = {
  light: {
    surface: '#FFFFFF', canvas: '#F4F6F9', sunk: '#E9EDF2',
    own: '#DCEBFB', selected: '#E3EEFA',
    text: '#1A2230', text2: '#4B5768', text3: '#5A6676',
    primary: '#0B5CAD', onPrimary: '#FFFFFF',
    success: '#1B7437', successBg: '#E3F4E8',
    warning: '#8A5300', warningBg: '#FFF4D6',
    danger: '#B42318', dangerBg: '#FCE9E7', onDanger: '#FFFFFF',
    note: '#5C3D00', noteBg: '#FFF4D6',
    hit: '#1A2230', hitBg: '#FFE58A',
    border: '#75818F', divider: '#D5DBE3',
    shadow: '0 8px 24px rgba(26, 34, 48, .16)',
    chart1: '#0B5CAD', chart2: '#B25E00', chart3: '#1B7437', chart4: '#7A3FA0', chart5: '#0E7490', chart6: '#8C2F57',
  },
  dark: {
    surface: '#161B22', canvas: '#0F1318', sunk: '#1E252E',
    own: '#17324F', selected: '#14304D',
    text: '#E6EAF0', text2: '#AEB8C5', text3: '#929DAC',
    primary: '#6CB0F5', onPrimary: '#0B1420',
    success: '#5CC882', successBg: '#12301D',
    warning: '#E5B04A', warningBg: '#3A2E10',
    danger: '#F58A80', dangerBg: '#3B1A17', onDanger: '#0B1420',
    note: '#F3D692', noteBg: '#3A2E10',
    hit: '#E6EAF0', hitBg: '#6B5300',
    border: '#6B7788', divider: '#303A46',
    shadow: '0 8px 24px rgba(0, 0, 0, .5)',
    chart1: '#6CB0F5', chart2: '#E5B04A', chart3: '#5CC882', chart4: '#C79BEA', chart5: '#4FC3D9', chart6: '#F090B4',
  },
} as const;

export type PaletteKey = keyof (typeof palette)['light'];

/** Fonts of the machine, none downloaded. */
export const fontFamily =
  '-apple-system, "Segoe UI", "PingFang SC", "HarmonyOS Sans SC", "Microsoft YaHei", "Noto Sans CJK SC", ' +
  '"Source Han Sans SC", "WenQuanYi Micro Hei", "SimSun-ExtB", sans-serif';

const kebab = (key: string) => key.replace(/([A-Z]|\d+$)/g, (m) => '-' + m.toLowerCase());

function variables(theme: ThemeName): string {
  const colours = Object.entries(palette[theme]).map(([key, value]) => `--yz-${kebab(key)}:${value};`);
  return `color-scheme:${theme};${colours.join('')}`;
}

/** `:root` with a variable `--yz-KEY` for each colour, in both themes. */
export function tokensCss(): string {
  return `:root{${variables('light')}}\n:root[data-theme=dark]{${variables('dark')}}\n`;
}
