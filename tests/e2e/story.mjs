// The story: one product, everybody at work in it. Started by run.sh, which says what the environment means.
//
//   story.mjs [--shape embedded|processes|cluster] [CHAPTER...]   names of chapters, or beginnings of them; what they rest on runs too

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { must, tail } from './harness/children.mjs';
import { Caller } from './harness/calls.mjs';
import { Cluster } from './harness/cluster.mjs';
import { binary, Product } from './harness/product.mjs';
import { Slapd } from './harness/slapd.mjs';
import { onFailure, results, say, step, StepFailed } from './harness/steps.mjs';
import { XmppAgent } from './harness/xmpp.mjs';

/** In order. `needs`: what must have gone well before. */
const chapters = [
  { name: 'employees', needs: [] },
  { name: 'customers', needs: [] },
  { name: 'crash', needs: ['employees', 'customers'] },
  { name: 'directory', needs: ['employees'] },
  { name: 'auditor', needs: ['employees', 'customers', 'crash'] },
  { name: 'interfaces', needs: [] },
  { name: 'bad_input', needs: [] },
  { name: 'refusals', needs: [] },
  { name: 'processes', needs: [] },
  { name: 'cluster', needs: [] },
  { name: 'backup', needs: [] },
  { name: 'pages', needs: [] },
];

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'yizhan-story-'));
const out = join(root, 'build/e2e');
const shots = join(root, 'build/screenshots');
rmSync(out, { recursive: true, force: true });
for (const each of [out, shots]) mkdirSync(each, { recursive: true });
const begun = Date.now();

function chosen(words) {
  const wanted = new Set();
  const want = (chapter) => {
    chapter.needs.forEach((name) => want(chapters.find((each) => each.name === name)));
    wanted.add(chapter.name);
  };
  for (const chapter of chapters) if (words.length === 0 || words.some((word) => chapter.name.startsWith(word))) want(chapter);
  return chapters.filter((each) => wanted.has(each.name));
}

/** What the chapters share. */
const world = {
  root, folder, out, shots,
  build: process.env.YIZHAN_BUILD,
  /** What all three conversations speak of, and what the auditor looks for. */
  phrase: '保本承诺',
  log: (name) => join(out, `${name}.log`),
  person: (login) => {
    const person = world.info.people.find((each) => each.login === login);
    if (!person) throw new Error(`the demonstration has no ${login}`);
    return person;
  },
  holder: (role) => world.info.people.find((each) => each.roles.includes(role)),
  jid: (login) => `${login}@${world.info.xmpp.domain}`,
  room: (handle) => `${handle}@${world.info.xmpp.groups_domain}`,
  xmppServer: (more = {}) => ({ host: world.info.xmpp.host, port: more.tls === 'direct' ? world.info.xmpp.tls_port : world.info.xmpp.port, ca: world.info.ca, ...more }),
  shot: (page, name) => page.screenshot({ path: join(shots, `${name}.png`) }),
};

const { values, positionals } = parseArgs({ allowPositionals: true, options: { shape: { type: 'string', default: 'embedded' } } });
if (!['embedded', 'processes', 'cluster'].includes(values.shape)) {
  console.error(`story: no such shape: ${values.shape}; there are embedded, processes and cluster`);
  process.exit(2);
}

/** What everybody works with: one process with everything, a process for each service, or the first machine of three. */
async function startProduct() {
  // Backed up while all of it happens.
  const { out: key } = await must(binary, ['backup', 'key', '--out', join(folder, 'identity')]);
  const config = `${world.slapd.config('bank')}\nbackup:\n  to: ${join(folder, 'backups')}\n  recipients: ["${/age1[0-9a-z]+/.exec(key)[0]}"]\n  every_minutes: 1\n`;
  if (values.shape !== 'cluster') {
    world.product = new Product({ dir: folder, log: world.log('yizhan'), config, processes: values.shape === 'processes' });
    return world.product.start();
  }
  world.fleet = new Cluster(join(folder, 'cluster'), world.log);
  const names = ['n1', 'n2', 'n3'];
  await world.fleet.prepareEtcd();
  await world.fleet.prepare(names, { config, pages: process.env.YIZHAN_PAGES });
  world.product = world.fleet.machines.n1;
  world.product.log = world.log('yizhan');
  return world.fleet.startAll(names);
}

const list = chosen(positionals);
if (list.length === 0) {
  console.error(`story: no such chapter; there are ${chapters.map((each) => each.name).join(', ')}`);
  process.exit(2);
}
/** What every page showed when a step failed, and what it complained of. */
onFailure(async () => {
  const pages = (world.browser?.contexts() ?? []).flatMap((context) => context.pages());
  for (const page of pages) {
    pictures += 1;
    const name = `failed-${pictures}.png`;
    await page.screenshot({ path: join(out, name), timeout: 5_000 });
    console.log(`        ${name}: ${page.url()} ${JSON.stringify(page.problems ?? [])}`);
  }
});
let pictures = 0;

const ended = new Map();
try {
  await step('slapd, the product and the browser start', async () => {
    world.slapd = await Slapd.start(folder, world.log('slapd'));
    await startProduct();
    world.info = world.product.info;
    world.caller = new Caller(world.info);
    process.env.YIZHAN_INFO = world.product.infoFile;
    world.xmpp = new XmppAgent(world.log('xmpp'));
    // Names resolve to nothing but this machine: what needs the outside fails here.
    world.browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1', '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    });
  }, 120_000);
  for (const { name, needs } of list) {
    const broken = needs.find((each) => ended.get(each) !== 'ok');
    if (broken) {
      console.log(`skip            ${name}: it rests on ${broken}`);
      ended.set(name, 'skipped');
      continue;
    }
    console.log(`     ${name}`);
    try {
      if (!world.product.running()) await world.product.start();
      const { default: play } = await import(`./chapters/${name}.mjs`);
      await play(world);
      ended.set(name, 'ok');
    } catch (error) {
      ended.set(name, 'failed');
      if (!(error instanceof StepFailed)) {
        console.log(`FAIL            ${name}\n${String(error?.stack ?? error).replace(/^/gm, '        ')}`);
      }
    }
  }
} catch (error) {
  ended.set('start', 'failed');
  if (!(error instanceof StepFailed)) console.log(error);
} finally {
  await world.browser?.close().catch(() => {});
  await world.xmpp?.stop().catch(() => {});
  try {
    await step('the product ends in order', () => (world.fleet ?? world.product)?.stop());
  } catch {
    ended.set('end', 'failed');
  }
  await world.slapd?.stop().catch(() => {});
}

const { passed, failed } = results();
const good = failed === 0 && [...ended.values()].every((how) => how === 'ok') && passed > 0;
if (!good) {
  for (const name of readdirSync(out).filter((each) => each.endsWith('.log'))) {
    const end = tail(join(out, name));
    if (end) console.log(`--- ${name}\n${end}`);
  }
  if (existsSync(world.product?.infoFile ?? '')) copyFileSync(world.product.infoFile, join(out, 'info.json'));
}
if (process.env.YIZHAN_KEEP === '1') console.log(`kept: ${folder}`);
else rmSync(folder, { recursive: true, force: true });
say(good ? 'ok  ' : 'FAIL', begun, `${passed} steps passed, ${failed} failed`);
process.exit(good ? 0 : 1);
