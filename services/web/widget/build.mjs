/**
 * Builds the widget into OUTDIR/widget: `node build.mjs OUTDIR`. Three scripts and their static files, under plain names (the
 * loader's address stands in banks' pages for years). Fails when a weight bar of the design is passed.
 */
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

const here = dirname(fileURLToPath(import.meta.url));
const outdir = process.argv[2];
if (!outdir) {
  console.error('usage: node build.mjs OUTDIR');
  process.exit(2);
}
const out = join(outdir, 'widget');
mkdirSync(out, { recursive: true });

for (const [name, entry, target] of [
  ['loader', 'loader/loader.ts', 'es2018'],
  ['frame', 'frame/main.ts', 'chrome90'],
  ['demo', 'demo/demo.ts', 'chrome90'],
]) {
  await build({
    root: here,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    build: {
      outDir: out,
      emptyOutDir: false,
      target,
      modulePreload: false,
      rolldownOptions: {
        input: join(here, entry),
        output: { format: 'iife', entryFileNames: name + '.js' },
      },
    },
  });
}
for (const file of ['frame/frame.html', 'demo/demo.html', 'demo/demo.css']) {
  copyFileSync(join(here, file), join(out, file.split('/')[1]));
}
const css = readFileSync(join(here, 'frame/frame.css'), 'utf8');
writeFileSync(join(out, 'frame.css'), css.replace(/\/\*[^]*?\*\//g, '').replace(/\s+/g, ' ').replace(/ ?([{};,]) ?/g, '$1').trim());

const weigh = (...names) => names.reduce((sum, name) => sum + gzipSync(readFileSync(join(out, name)), { level: 9 }).length, 0);
const loader = weigh('loader.js');
const frame = weigh('frame.html', 'frame.js', 'frame.css');
console.log(`widget: loader ${loader} bytes gz, frame ${frame} bytes gz (${readdirSync(out).join(' ')})`);
if (loader > 3 * 1024 || frame > 27 * 1024) {
  console.error('widget: heavier than its bar (loader 3 KB, frame 27 KB, compressed)');
  process.exit(1);
}
