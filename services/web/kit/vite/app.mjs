// The Vite configuration that every page shares. Used as:
//   export default appConfig({ root: import.meta.dirname, antd: ['Button', 'Input'] })
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { extractStyle } from '@ant-design/static-style-extract';
import { ConfigProvider } from 'antd';
import { createElement } from 'react';
import { antdTheme } from '../src/core/theme.ts';
import { tokensCss } from '../src/core/palette.ts';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** antd adds style elements, which the policy forbids: its one door to them leads to constructed style sheets instead. */
function adoptedStyles() {
  return {
    name: 'yizhan:adopted-styles',
    enforce: 'pre',
    resolveId(source) {
      return /Dom\/dynamicCSS(\.js)?$/.test(source) ? here('../src/core/adopted_styles.ts') : null;
    },
  };
}

/**
 * The rules are in the extracted style sheet, so the functions that would make them at run time are dead weight (they are never called
 * under zeroRuntime): they are taken out of the calls that register them, and tree shaking does the rest.
 */
function withoutRuleMakers() {
  return {
    name: 'yizhan:without-rule-makers',
    transform(code, id) {
      if (!/antd[\\/]es[\\/].*[\\/]style[\\/]/.test(id) || !/gen(StyleHooks|SubStyleComponent|ComponentStyleHook)\(/.test(code)) return null;
      const makers = [];
      const visit = (node) => {
        if (!node || typeof node !== 'object') return;
        if (Array.isArray(node)) return node.forEach(visit);
        if (node.type === 'CallExpression' && /^gen(StyleHooks|SubStyleComponent|ComponentStyleHook)$/.test(node.callee.name ?? '') && node.arguments[1]) makers.push(node.arguments[1]);
        for (const key of Object.keys(node)) if (key !== 'parent') visit(node[key]);
        return undefined;
      };
      visit(this.parse(code).body);
      let made = code;
      for (const { start, end } of makers.sort((a, b) => b.start - a.start)) made = `${made.slice(0, start)}() => []${made.slice(end)}`;
      return { code: made, map: null };
    },
  };
}

/** `virtual:yizhan/antd.css`: the styles of the antd parts that the app names; `virtual:yizhan/tokens.css`: our palette. */
function styles(parts) {
  const sources = {
    'virtual:yizhan/antd.css': () => {
      const wrap = (node) => createElement(ConfigProvider, { theme: { ...antdTheme('light'), zeroRuntime: false } }, node);
      const css = extractStyle({ includes: parts, customTheme: wrap });
      // The variables are set at run time, by theme: only the rules are kept.
      return css.replace(/\.yz(\.[\w-]+)*(, *\.yz(\.[\w-]+)*)*\{--ant[^{}]*\}/g, '');
    },
    'virtual:yizhan/tokens.css': tokensCss,
  };
  return {
    name: 'yizhan:styles',
    resolveId: (id) => (id in sources ? '\0' + id : null),
    load: (id) => (id.startsWith('\0virtual:yizhan/') ? sources[id.slice(1)]() : null),
  };
}

/** Sets theme, language and density before the first paint: a file of its own, because the policy forbids inline scripts. */
function firstPaint() {
  return {
    name: 'yizhan:first-paint',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'first-paint.js', source: readFileSync(here('first-paint.js')) });
    },
    transformIndexHtml: () => [{ tag: 'script', attrs: { src: './first-paint.js' }, injectTo: 'head-prepend' }],
  };
}

/**
 * @param {{ root: string, antd?: string[], plugins?: object[], input?: Record<string, string> }} options
 *   root: the app's folder; antd: the antd parts whose styles it needs (as exported by antd: 'Button', 'message', ...).
 */
export function appConfig({ root, antd = [], plugins = [], input }) {
  return {
    root,
    base: './',
    publicDir: 'public',
    plugins: [adoptedStyles(), withoutRuleMakers(), styles(antd), firstPaint(), ...plugins],
    build: {
      target: 'chrome90',
      cssTarget: 'chrome90',
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 1500,
      reportCompressedSize: false,
      rollupOptions: {
        ...(input ? { input } : {}),
        // antd marks its modules for servers' sake; bundling drops the marks, and should.
        onwarn: (warning, warn) => warning.code === 'MODULE_LEVEL_DIRECTIVE' || warn(warning),
      },
    },
  };
}
