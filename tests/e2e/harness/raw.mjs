// Sockets without manners: what is written is exactly what was asked for.

import { readFileSync } from 'node:fs';
import { connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';

export class Raw {
  constructor(socket) {
    this.use(socket);
    this.bytes = Buffer.alloc(0);
    this.closed = false;
  }

  use(socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => { this.bytes = Buffer.concat([this.bytes, bytes]); });
    socket.on('error', () => {});
    socket.on('close', () => { this.closed = true; });
    socket.on('end', () => { this.ended = true; });
  }

  static tcp(port) {
    return new Promise((resolve, reject) => {
      const socket = tcpConnect({ port, host: '127.0.0.1' }, () => resolve(new Raw(socket)));
      socket.once('error', reject);
    });
  }

  static tls(port, info, options = {}) {
    return new Promise((resolve, reject) => {
      const socket = tlsConnect({ port, host: '127.0.0.1', servername: 'localhost', ca: readFileSync(info.ca), ...options }, () => resolve(new Raw(socket)));
      socket.once('error', reject);
    });
  }

  /** The TLS handshake on this connection. */
  startTls(info, servername) {
    this.socket.removeAllListeners();
    return new Promise((resolve, reject) => {
      const socket = tlsConnect({ socket: this.socket, servername, ca: readFileSync(info.ca) }, () => {
        this.bytes = Buffer.alloc(0);
        this.use(socket);
        resolve(this);
      });
      socket.once('error', reject);
    });
  }

  get text() {
    return this.bytes.toString('utf8');
  }

  send(data) {
    if (!this.closed && !this.socket.destroyed) this.socket.write(data);
    return this;
  }

  /** What came, once it fits; refused when the connection ends before, or nothing comes. */
  async until(pattern, ms = 10_000) {
    const end = Date.now() + ms;
    for (;;) {
      const found = pattern.exec(this.text);
      if (found) return found;
      if (this.closed || Date.now() > end) throw new Error(`${this.closed ? 'closed' : `not within ${ms} ms`} without ${pattern}; it said: ${this.text.slice(-400)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** The other side closes; milliseconds that took. */
  async untilClosed(ms = 10_000) {
    const begun = Date.now();
    while (!this.closed && !this.ended) {
      if (Date.now() - begun > ms) throw new Error(`it is open after ${ms} ms; it said: ${this.text.slice(-400)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    this.socket.destroy();
    return Date.now() - begun;
  }

  drop() {
    this.socket.destroy();
  }
}

/** An XMPP stream by hand. */
export class Xmpp {
  constructor(raw, domain) {
    this.raw = raw;
    this.domain = domain;
  }

  static async open(info, { tls = true } = {}) {
    const raw = tls ? await Raw.tls(info.xmpp.tls_port, info, { servername: info.xmpp.domain, ALPNProtocols: ['xmpp-client'] }) : await Raw.tcp(info.xmpp.port);
    return new Xmpp(raw, info.xmpp.domain);
  }

  async header(to = this.domain) {
    this.raw.bytes = Buffer.alloc(0);
    this.raw.send(`<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='${to}' version='1.0'>`);
    return this.raw.until(/<stream:features[^]*<\/stream:features>|<stream:error/);
  }

  auth(login, password) {
    this.raw.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${Buffer.from(`\0${login}\0${password}`).toString('base64')}</auth>`);
  }

  /** Logs in and takes a resource. */
  async session(person, resource = 'raw') {
    await this.header();
    this.auth(person.login, person.password);
    await this.raw.until(/<success/);
    await this.header();
    this.raw.send(`<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${resource}</resource></bind></iq>`);
    await this.raw.until(/<iq[^>]*id='bind'[^>]*>[^]*<\/iq>|<iq[^>]*id="bind"/);
    this.raw.send('<presence/>');
    this.raw.bytes = Buffer.alloc(0);
    return this;
  }

  /** Sends and waits for an answer that fits. */
  async ask(xml, pattern, ms) {
    this.raw.send(xml);
    return this.raw.until(pattern, ms);
  }
}

/** A WebSocket by hand: what RFC 6455 forbids has to be sendable. */
export class WebSocketRaw {
  static async open(info, path = '/live', headers = {}) {
    const raw = await Raw.tls(Number(new URL(info.web.url).port), info);
    const host = new URL(info.web.url).host;
    const all = { Host: host, Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', ...headers };
    raw.send(`GET ${path} HTTP/1.1\r\n${Object.entries(all).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
    const [, status] = await raw.until(/^HTTP\/1\.1 (\d+)[^]*?\r\n\r\n/);
    const socket = Object.assign(new WebSocketRaw(), { raw, status: Number(status) });
    if (socket.status === 101) raw.bytes = raw.bytes.subarray(raw.bytes.indexOf('\r\n\r\n') + 4);
    return socket;
  }

  frame(opcode, payload, { masked = true, fin = true, length } = {}) {
    const body = Buffer.from(payload);
    const size = length ?? body.length;
    const head = [(fin ? 0x80 : 0) | opcode];
    const bit = masked ? 0x80 : 0;
    if (size < 126) head.push(bit | size);
    else if (size < 65_536) head.push(bit | 126, size >> 8, size & 0xff);
    else head.push(bit | 127, 0, 0, 0, 0, size >>> 24, (size >> 16) & 0xff, (size >> 8) & 0xff, size & 0xff);
    this.raw.send(Buffer.concat([Buffer.from(head), masked ? Buffer.alloc(4) : Buffer.alloc(0), body]));
    return this;
  }

  text(value) {
    return this.frame(1, typeof value === 'string' ? value : JSON.stringify(value));
  }

  /** Frames that came: {opcode, payload}. */
  get frames() {
    const found = [];
    for (let at = 0, bytes = this.raw.bytes; at + 2 <= bytes.length; ) {
      let length = bytes[at + 1] & 0x7f;
      let start = at + 2;
      if (length === 126) [length, start] = [bytes.readUInt16BE(start), start + 2];
      else if (length === 127) [length, start] = [Number(bytes.readBigUInt64BE(start)), start + 8];
      if (start + length > bytes.length) break;
      found.push({ opcode: bytes[at] & 0x0f, payload: bytes.subarray(start, start + length) });
      at = start + length;
    }
    return found;
  }

  /** The server says goodbye: {code, bye} of the close frame and of the frame before it. */
  async goodbye(ms = 10_000) {
    await this.raw.untilClosed(ms);
    const close = this.frames.find((each) => each.opcode === 8);
    const last = this.frames.filter((each) => each.opcode === 1 || each.opcode === 2).at(-1);
    return { code: close ? close.payload.readUInt16BE(0) : 0, bye: last ? last.payload.toString('utf8') : '' };
  }
}
