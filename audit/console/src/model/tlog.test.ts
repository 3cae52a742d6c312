import { describe, expect, it } from 'vitest';
import { base64, hex, includes, parseCheckpoint, parseProof } from './tlog.ts';

// The eight standard leaves of RFC 6962 implementations, and the root of all eight.
const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map((text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16)));
const roots: Record<number, string> = {
  1: '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  4: 'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  7: 'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  8: '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
};

async function sha(...parts: Uint8Array[]): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(parts.flatMap((part) => [...part]))));
}
const splitOf = (size: number) => 2 ** Math.floor(Math.log2(size - 1));
async function rootOf(nodes: Uint8Array[]): Promise<Uint8Array> {
  if (nodes.length === 1) return sha(Uint8Array.of(0), nodes[0]!);
  const split = splitOf(nodes.length);
  return sha(Uint8Array.of(1), await rootOf(nodes.slice(0, split)), await rootOf(nodes.slice(split)));
}
async function path(index: number, nodes: Uint8Array[]): Promise<Uint8Array[]> {
  if (nodes.length === 1) return [];
  const split = splitOf(nodes.length);
  return index < split
    ? [...(await path(index, nodes.slice(0, split))), await rootOf(nodes.slice(split))]
    : [...(await path(index - split, nodes.slice(split))), await rootOf(nodes.slice(0, split))];
}
async function proofText(index: number, size: number): Promise<string> {
  const some = leaves.slice(0, size);
  const hashes = (await path(index, some)).map((each) => base64(each) + '\n').join('');
  return `c2sp.org/tlog-proof@v1\nindex ${index}\n${hashes}\nyizhan.example/archive\n${size}\n${base64(await rootOf(some))}\n\n— yizhan.example/archive AAAAAAAA\n`;
}

describe('includes', () => {
  it('agrees with the published roots', async () => {
    for (const [size, root] of Object.entries(roots)) expect(hex(parseProof(await proofText(0, Number(size))).root)).toBe(root);
  });

  it('accepts every leaf of every size', async () => {
    for (let size = 1; size <= 8; size += 1) for (let index = 0; index < size; index += 1) expect(await includes(parseProof(await proofText(index, size)), leaves[index]!)).toBe(true);
  });

  it('refuses another leaf, another index, a changed path, a longer and a shorter one', async () => {
    const proof = parseProof(await proofText(5, 7));
    expect(await includes(proof, leaves[4]!)).toBe(false);
    expect(await includes({ ...proof, index: 4n }, leaves[5]!)).toBe(false);
    expect(await includes({ ...proof, index: 7n }, leaves[5]!)).toBe(false);
    const changed = proof.hashes.map((each, at) => (at === 1 ? each.map((byte, place) => (place === 0 ? byte ^ 1 : byte)) : each));
    expect(await includes({ ...proof, hashes: changed }, leaves[5]!)).toBe(false);
    expect(await includes({ ...proof, hashes: [...proof.hashes, proof.root] }, leaves[5]!)).toBe(false);
    expect(await includes({ ...proof, hashes: proof.hashes.slice(0, -1) }, leaves[5]!)).toBe(false);
  });
});

describe('parseProof', () => {
  it('reads index, size, origin and signers', async () => {
    expect(parseProof(await proofText(3, 5))).toMatchObject({ index: 3n, size: 5n, origin: 'yizhan.example/archive', signers: ['yizhan.example/archive'] });
  });
  it('says what is wrong', async () => {
    const good = await proofText(3, 5);
    for (const bad of ['', 'c2sp.org/tlog-proof@v2\n', good.replace('index 3', 'index 03'), good.replace(/\n\n[^]*/, '\n'), good.replace('\n5\n', '\nfive\n'), good.replace(/^(.*\n.*\n)..../, '$1!!!!')])
      expect(() => parseProof(bad)).toThrow();
    expect(() => parseCheckpoint('a\n1\nAAAA\n')).toThrow('32 bytes');
  });
});
