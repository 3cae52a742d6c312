// The page's own look at a proof: leaf hash, path and root are computed again here (RFC 6962 2.1.1, c2sp.org/tlog-proof@v1,
// c2sp.org/tlog-checkpoint). The signature is checked by the server and by yizhan-verify; not every browser knows Ed25519.

export interface ParsedProof {
  readonly index: bigint;
  readonly hashes: readonly Uint8Array[];
  readonly origin: string;
  readonly size: bigint;
  readonly root: Uint8Array;
  /** Names of those who signed the checkpoint. */
  readonly signers: readonly string[];
}

/** Reads a tlog-proof; throws Error with a sentence when it is malformed. */
export function parseProof(text: string): ParsedProof {
  const lines = text.split('\n');
  let at = 0;
  if (lines[at++] !== 'c2sp.org/tlog-proof@v1') throw new Error('not a tlog-proof@v1');
  if (lines[at]?.startsWith('extra ')) at += 1;
  const index = /^index (0|[1-9]\d{0,19})$/.exec(lines[at++] ?? '');
  if (!index) throw new Error('the index is missing');
  const hashes: Uint8Array[] = [];
  for (; at < lines.length && lines[at] !== ''; at += 1) hashes.push(hash(lines[at]!));
  if (lines[at] !== '' || at + 1 >= lines.length) throw new Error('the checkpoint is missing');
  const checkpoint = parseCheckpoint(lines.slice(at + 1).join('\n'));
  return { index: BigInt(index[1]!), hashes, ...checkpoint };
}

/** Reads a signed checkpoint. */
export function parseCheckpoint(text: string): { origin: string; size: bigint; root: Uint8Array; signers: string[] } {
  const lines = text.split('\n');
  const [origin, size, root] = lines;
  if (!origin || !/^(0|[1-9]\d{0,19})$/.test(size ?? '') || !root) throw new Error('the checkpoint is malformed');
  const signers = lines.filter((line) => line.startsWith('— ')).map((line) => line.split(' ')[1] ?? '');
  return { origin, size: BigInt(size!), root: hash(root), signers };
}

/** Whether `leaf` is at the proof's index of the tree of its checkpoint. Undefined where this browser may not hash (no secure context). */
export async function includes(proof: ParsedProof, leaf: Uint8Array): Promise<boolean | undefined> {
  if (!globalThis.crypto?.subtle) return undefined;
  if (proof.index >= proof.size) return false;
  let node = await sha256(0, leaf);
  let index = proof.index;
  let last = proof.size - 1n;
  for (const sibling of proof.hashes) {
    if (last === 0n) return false;
    if ((index & 1n) === 1n || index === last) {
      node = await sha256(1, sibling, node);
      // The rightmost node of a level without a partner moves up as it is.
      while ((index & 1n) === 0n && index !== 0n) {
        index >>= 1n;
        last >>= 1n;
      }
    } else {
      node = await sha256(1, node, sibling);
    }
    index >>= 1n;
    last >>= 1n;
  }
  return last === 0n && equal(node, proof.root);
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function base64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

async function sha256(prefix: number, ...parts: Uint8Array[]): Promise<Uint8Array> {
  const bytes = new Uint8Array(1 + parts.reduce((sum, part) => sum + part.length, 0));
  bytes[0] = prefix;
  let at = 1;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

function hash(text: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    throw new Error('a hash is not base64');
  }
  if (bytes.length !== 32) throw new Error('a hash is not 32 bytes long');
  return bytes;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
