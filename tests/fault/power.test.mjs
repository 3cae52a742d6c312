// A power cut is one: what was synced is there, what was not is not.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = `
import os, signal, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT, 0o600)
os.write(fd, b'synced'); os.fdatasync(fd)
os.write(fd, b' and not')
if sys.argv[2] == 'close': os.close(fd)
os.kill(os.getpid(), signal.SIGKILL)
`;

test('what was not synced dies with the process, below the folder and nowhere else', () => {
  const folder = mkdtempSync(join(tmpdir(), 'yizhan-power-'));
  try {
    const library = join(folder, 'power.so');
    execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', library, fileURLToPath(new URL('power.c', import.meta.url))]);
    const left = (how, dir) => {
      const file = join(folder, 'file');
      rmSync(file, { force: true });
      const { signal } = spawnSync('/usr/bin/python3', ['-c', program, file, how], { env: { ...process.env, LD_PRELOAD: library, POWER_DIR: dir } });
      assert.equal(signal, 'SIGKILL');
      return readFileSync(file, 'utf8');
    };
    assert.equal(left('die', folder), 'synced');
    assert.equal(left('close', folder), 'synced and not');
    assert.equal(left('die', ''), 'synced and not');
    assert.equal(left('die', '/usr'), 'synced and not');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
