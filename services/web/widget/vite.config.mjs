/**
 * Three scripts and their static files, under plain names: the loader's address stands in banks' pages for years. The build
 * fails when a weight bar of the design is passed.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';

const here = dirname(fileURLToPath(import.meta.url));

/** The loader and the demo's script are classic scripts: a function around each keeps their names to themselves. */
const wrap = {
  name: 'yizhan-wrap',
  enforce: 'post',
  generateBundle(_options, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type != 'chunk') continue;
      if (chunk.imports.length || chunk.exports.length) this.error(`${chunk.fileName} is not one script`);
      chunk.code = `(()=>{${chunk.code.trim()}})();\n`;
    }
  },
};

const files = {
  name: 'yizhan-files',
  writeBundle({ dir }) {
    for (const file of ['frame/frame.html', 'demo/demo.html', 'demo/demo.css']) {
      copyFileSync(join(here, 'src', file), join(dir, file.split('/')[1]));
    }
    const css = readFileSync(join(here, 'src/frame/frame.css'), 'utf8');
    const small = css.replace(/\/\*[^]*?\*\//g, '').replace(/\s+/g, ' ').replace(/ ?([{};,]) ?/g, '$1').trim();
    writeFileSync(join(dir, 'frame.css'), small);
    const weigh = (...names) =>
      names.reduce((sum, name) => sum + gzipSync(readFileSync(join(dir, name)), { level: 9 }).length, 0);
    const loader = weigh('loader.js');
    const frame = weigh('frame.html', 'frame.js', 'frame.css');
    console.log(`widget: loader ${loader} bytes, frame ${frame} bytes, compressed`);
    if (loader > 3 * 1024 || frame > 27 * 1024) this.error('the widget is heavier than its bar: loader 3 KB, frame 27 KB');
  },
};

export default defineConfig({
  root: here,
  publicDir: false,
  plugins: [wrap, files],
  build: {
    target: 'chrome90',
    modulePreload: false,
    rolldownOptions: {
      input: {
        loader: join(here, 'src/loader/loader.ts'),
        frame: join(here, 'src/frame/main.ts'),
        demo: join(here, 'src/demo/demo.ts'),
      },
      output: { format: 'es', entryFileNames: '[name].js' },
    },
  },
});
