import type { ThemeConfig } from 'antd';
import { fontFamily, palette, type ThemeName } from './palette.ts';

/**
 * antd's theme from our palette. `cssVar.key` and `hashed` are the same when styles are extracted at build time and at run time;
 * the rules refer to variables only, so that one extracted file serves both themes.
 */
export function antdTheme(name: ThemeName): ThemeConfig {
  const c = palette[name];
  return {
    zeroRuntime: true,
    hashed: false,
    cssVar: { key: 'yz' },
    token: {
      fontFamily, fontSize: 14, fontSizeSM: 12, lineHeight: 22 / 14, borderRadius: 4, borderRadiusLG: 8, borderRadiusSM: 4, controlHeight: 32,
      colorPrimary: c.primary, colorPrimaryHover: c.primary, colorPrimaryActive: c.primary, colorPrimaryText: c.primary,
      colorPrimaryBorder: c.primary, colorPrimaryBg: c.selected, colorPrimaryBgHover: c.selected,
      colorInfo: c.primary, colorLink: c.primary, colorLinkHover: c.primary, colorLinkActive: c.primary,
      colorSuccess: c.success, colorSuccessBg: c.successBg, colorWarning: c.warning, colorWarningBg: c.warningBg,
      colorError: c.danger, colorErrorBg: c.dangerBg, colorErrorHover: c.danger, colorErrorActive: c.danger, colorErrorText: c.danger,
      colorText: c.text, colorTextSecondary: c.text2, colorTextTertiary: c.text3, colorTextQuaternary: c.text3,
      colorTextPlaceholder: c.text3, colorTextDescription: c.text2, colorTextHeading: c.text, colorTextDisabled: c.text3, colorIcon: c.text2, colorIconHover: c.text,
      colorTextLightSolid: c.onPrimary, colorBgBase: c.surface, colorBgContainer: c.surface, colorBgElevated: c.surface, colorBgLayout: c.canvas,
      colorBgSpotlight: name === 'light' ? c.text : c.sunk, colorFillAlter: c.canvas, colorFillSecondary: c.sunk, colorFillTertiary: c.sunk, colorFillQuaternary: c.canvas,
      colorBgContainerDisabled: c.sunk, colorBgTextHover: c.sunk, colorBgTextActive: c.sunk,
      colorBorder: c.border, colorBorderSecondary: c.divider, colorSplit: c.divider, colorBorderDisabled: c.divider,
      controlItemBgActive: c.selected, controlItemBgActiveHover: c.selected, controlItemBgHover: c.sunk,
      motionDurationFast: '0.08s', motionDurationMid: '0.12s', motionDurationSlow: '0.12s', boxShadow: c.shadow, boxShadowSecondary: c.shadow,
    },
    components: {
      Input: { borderRadiusLG: 4 },
      Button: { borderRadiusLG: 4, dangerColor: c.onDanger, primaryShadow: 'none', defaultShadow: 'none', dangerShadow: 'none' },
      Tooltip: { colorTextLightSolid: name === 'light' ? '#FFFFFF' : c.text },
      Checkbox: { colorWhite: c.onPrimary },
    },
  };
}
