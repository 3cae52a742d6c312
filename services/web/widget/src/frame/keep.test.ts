import { describe, expect, it } from 'vitest';
import { Keep, parse } from './keep';

class Jar {
  value = '';
  writes = 0;
  constructor(private readonly works = true) {}
  get = () => this.value;
  set = (text: string) => {
    this.writes++;
    if (!this.works) return;
    this.value = /max-age=0/.test(text) ? '' : text.split(';')[0]!;
  };
}

class Box {
  items = new Map<string, string>();
  getItem = (key: string) => this.items.get(key) ?? null;
  setItem = (key: string, value: string) => void this.items.set(key, value);
  removeItem = (key: string) => void this.items.delete(key);
}

const broken = () => {
  throw new DOMException('denied', 'SecurityError');
};

describe('Keep', () => {
  it('writes nothing before it is asked to', () => {
    const jar = new Jar();
    const box = new Box();
    new Keep('w1', { cookie: jar, storage: () => box }, async () => broken(), '/widget/').load('');
    expect(jar.writes + box.items.size).toBe(0);
  });

  it('keeps the token in the cookie and finds it again', async () => {
    const jar = new Jar();
    const make = () => new Keep('w1', { cookie: jar, storage: () => new Box() }, async () => false, '/widget/');
    const first = make();
    await first.saveToken('a=b; c');
    expect(first.where).toBe('cookie');
    const second = make();
    expect(second.load('').token).toBe('a=b; c');
    expect(second.where).toBe('cookie');
  });

  it('falls back to the bank’s page, then to memory', async () => {
    let blob = '';
    const host = async (kept: string) => ((blob = kept), true);
    const first = new Keep('w1', { cookie: new Jar(false), storage: broken }, host, '/');
    await first.saveToken('t');
    await first.saveDraft('draft');
    await first.addPending({ id: 'a', text: 'x' });
    expect(first.where).toBe('host');
    const second = new Keep('w1', { cookie: new Jar(false), storage: broken }, host, '/');
    expect(second.load(blob)).toEqual({ token: 't', draft: 'draft', outbox: [{ id: 'a', text: 'x' }], seen: '', unrated: '' });
    const third = new Keep('w1', { cookie: new Jar(false), storage: broken }, async () => false, '/');
    await third.saveToken('t');
    expect(third.where).toBe('memory');
    expect(third.token()).toBe('t');
  });

  it('does not give the token to the bank’s page while the cookie holds it', async () => {
    let blob = '';
    const keep = new Keep('w1', { cookie: new Jar(), storage: broken }, async (kept) => ((blob = kept), true), '/');
    await keep.saveToken('secret');
    await keep.saveDraft('draft');
    expect(blob).toContain('draft');
    expect(blob).not.toContain('secret');
  });

  it('leaves another tab’s pending lines alone', async () => {
    const box = new Box();
    const make = () => new Keep('w1', { cookie: new Jar(), storage: () => box }, async () => false, '/');
    const one = make();
    const two = make();
    one.load('');
    two.load('');
    await one.addPending({ id: 'a', text: '1' });
    await two.addPending({ id: 'b', text: '2' });
    await one.removePending('a');
    await two.saveDraft('hello');
    expect(make().load('').outbox).toEqual([{ id: 'b', text: '2' }]);
  });
});

describe('parse', () => {
  it('survives whatever a page may have put there', () => {
    for (const text of ['', 'null', '7', '[]', '{', '{"token":7,"outbox":[1,{"id":"a"}],"draft":null}'])
      expect(() => parse(text)).not.toThrow();
    expect(parse('{"token":7,"outbox":[1,{"id":"a"},{"id":"b","text":"c"}]}')).toEqual({ outbox: [{ id: 'b', text: 'c' }] });
  });
});
