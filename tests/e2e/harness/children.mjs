// Programs that the story starts: each is ended by its own id, at the latest when the story ends.

import { spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';

const alive = new Set();

process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));

/** Starts a program whose standard error (and output, unless `pipe`) goes to a log file; `ended` resolves to {code, signal}. */
export function start(program, args, { log, pipe = false, env = {}, cwd } = {}) {
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: [pipe ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
  alive.add(child);
  if (log) {
    const file = createWriteStream(log, { flags: 'a' });
    child.stderr.pipe(file);
    if (!pipe) child.stdout.pipe(file, { end: false });
  }
  child.ended = new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: -1, signal: null, error }));
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  void child.ended.then(() => alive.delete(child));
  return child;
}

/** Runs a program to its end: {code, out, err}. Killed, and refused, after `ms`. */
export async function run(program, args, { ms = 60_000, env = {}, cwd, input } = {}) {
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
  alive.add(child);
  const out = [];
  const err = [];
  child.stdout.on('data', (bytes) => out.push(bytes));
  child.stderr.on('data', (bytes) => err.push(bytes));
  if (input !== undefined) child.stdin.end(input);
  const timer = setTimeout(() => child.kill('SIGKILL'), ms);
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => (signal === 'SIGKILL' ? reject(new Error(`${program} ${args.join(' ')}: not done within ${ms} ms; it said: ${Buffer.concat(err)}`)) : resolve(status)));
  }).finally(() => {
    clearTimeout(timer);
    alive.delete(child);
  });
  return { code, out: Buffer.concat(out).toString('utf8'), err: Buffer.concat(err).toString('utf8') };
}

/** As run(); an exit code other than 0 is an error that holds what the program said. */
export async function must(program, args, options) {
  const result = await run(program, args, options);
  if (result.code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${result.code}:\n${result.out}${result.err}`);
  return result;
}

export function tail(file, lines = 40) {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}
