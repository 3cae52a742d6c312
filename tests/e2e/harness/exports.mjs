// The auditor's exports by their calls.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { until } from './steps.mjs';

const archive = 'audit.v1.ArchiveService';

/** Exports a search as `auditor`, a Caller, and waits: the job, done. */
export async function makeExport(auditor, search) {
  const { export: { exportId } } = await auditor.call(`${archive}/StartExport`, { search, requestId: `export-${Date.now()}` });
  const job = await until('the export ends', async () => {
    const { exports = [] } = await auditor.call(`${archive}/ListExports`, {});
    const each = exports.find((one) => one.exportId === exportId);
    return each && each.state !== 'STATE_RUNNING' && each;
  }, 60_000, 100);
  assert.equal(job.state, 'STATE_DONE', job.problem);
  return job;
}

/** Reads all of an export, piece by piece; its SHA-256 in hexadecimal digits. */
export async function readExport(auditor, exportId) {
  const hash = createHash('sha256');
  for (let offset = 0, size = 1; offset < size;) {
    const piece = await auditor.call(`${archive}/ReadExport`, { exportId, offset });
    size = Number(piece.sizeBytes);
    const data = Buffer.from(piece.data, 'base64');
    assert.ok(data.length > 0);
    hash.update(data);
    offset += data.length;
  }
  return hash.digest('hex');
}
