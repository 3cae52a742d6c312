#!/usr/bin/env node
// check-weights.mjs OUTDIR: what each page loads before its first route, gzipped, against its bar; and that heavy parts wait for theirs.
// Exits with 1 and names what is too heavy.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { gzipSync } from 'node:zlib';

const KIB = 1024;
const bars = { client: 300, workbench: 300, audit: 300, console: 300, widget: 30 };
/** Words that only these parts bring. */
const late = { echarts: /zrender/i, Table: /-table-cell-fix/, DatePicker: /-picker-panel-container/ };

const out = process.argv[2];
if (!out || !existsSync(out)) {
  console.error('usage: check-weights.mjs OUTDIR (as given to build.sh)');
  process.exit(2);
}

/** Files that a page fetches at once: what its HTML names, and what those scripts import statically. */
function firstLoad(page) {
  const found = new Map();
  const take = (file) => {
    if (found.has(file) || !existsSync(file)) return;
    const content = readFileSync(file);
    found.set(file, content);
    if (!file.endsWith('.js')) return;
    for (const [, path] of content.toString().matchAll(/(?:from|import)\s*["'](\.[^"']+\.js)["']/g)) take(normalize(join(dirname(file), path)));
  };
  const html = readFileSync(page, 'utf8');
  for (const [, path] of html.matchAll(/(?:src|href)="(\.?\/?[^":]+\.(?:js|css))"/g)) take(normalize(join(dirname(page), path)));
  return found;
}

let failed = false;
for (const [app, bar] of Object.entries(bars)) {
  const folder = join(out, app);
  if (!existsSync(folder)) continue;
  for (const page of readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.html') && !/demo/.test(name))) {
    const files = firstLoad(join(folder, page));
    let total = gzipSync(readFileSync(join(folder, page)), { level: 9 }).length;
    for (const content of files.values()) total += gzipSync(content, { level: 9 }).length;
    const heavy = total > bar * KIB;
    failed ||= heavy;
    console.log(`${heavy ? 'TOO HEAVY' : 'ok'}  ${app}/${page}: ${(total / KIB).toFixed(1)} of ${bar} KiB in ${files.size} files`);
    for (const [part, word] of Object.entries(late)) {
      const where = [...files].find(([file, content]) => file.endsWith('.js') && word.test(content.toString()));
      // The wall is a page of charts.
      if (!where || (part === 'echarts' && page.includes('wall'))) continue;
      failed = true;
      console.log(`TOO EARLY  ${app}/${page}: ${part} is in ${where[0]}`);
    }
  }
}
process.exit(failed ? 1 : 0);
