// The archive's service, and files that leave it.

import { serviceClient } from '@yizhan/kit/core';
import { ArchiveService, type Export } from '@yizhan/kit/gen/audit/v1/archive_service_pb';
import { hex } from './tlog.ts';

export const archive = serviceClient(ArchiveService);

/** Hands a file to the browser. */
export function save(name: string, parts: BlobPart[], type: string): void {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

export interface Downloaded {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** SHA-256 of what came, hex; undefined where this browser may not hash (no secure context). */
  readonly sha256: string | undefined;
}

/** Fetches a finished export in pieces. Throws CallError, or Error when the file changed on the way. */
export async function download(job: Export, progress: (done: number, total: number) => void): Promise<Downloaded> {
  const total = Number(job.sizeBytes);
  const bytes = new Uint8Array(total);
  let at = 0;
  while (at < total) {
    const piece = await archive.readExport({ exportId: job.exportId, offset: BigInt(at), size: 1 << 20 }, { timeoutMs: 60_000 });
    if (piece.data.length === 0 || at + piece.data.length > total) throw new Error(`the file ended at byte ${at} of ${total}`);
    bytes.set(piece.data, at);
    at += piece.data.length;
    progress(at, total);
  }
  const sha256 = globalThis.crypto?.subtle ? hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))) : undefined;
  return { bytes, sha256 };
}
