// Connections that never get anywhere: no handshake, no header, a byte now and then. Each is ended by the server's own time-out, and
// meanwhile costs nobody else anything.

import { check } from '../../harness/steps.mjs';
import { Raw, WebSocketRaw, Xmpp } from '../../harness/raw.mjs';

const longest = 60_000;

/** A byte of `text` every `pause` ms until the other side has enough. */
function drip(raw, text, pause = 500) {
  let at = 0;
  const timer = setInterval(() => {
    if (raw.closed || raw.ended) clearInterval(timer);
    else raw.send(text[at % text.length]);
    at += 1;
  }, pause);
  return raw;
}

export default async function halfOpen(world) {
  const { info } = world;
  const web = Number(new URL(info.web.url).port);
  const grpc = Number(info.grpc.address.split(':').pop());
  const kinds = {
    'HTTPS without a handshake': () => Raw.tcp(web),
    'HTTPS with a handshake and no request': () => Raw.tls(web, info),
    'a request, a byte at a time (slow loris)': async () => drip(await Raw.tls(web, info), `GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ${'a'.repeat(4_000)}`),
    'a body, a byte at a time': async () => drip((await Raw.tls(web, info)).send('POST /yizhan.directory.v1.SessionService/LogIn HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n'), ' '),
    'XMPP without a header': () => Raw.tcp(info.xmpp.port),
    'XMPP with a header, a space at a time': async () => {
      const stream = await Xmpp.open(info);
      await stream.header();
      return drip(stream.raw, ' ');
    },
    'XMPP, <proceed/> and no handshake': async () => {
      const stream = await Xmpp.open(info, { tls: false });
      await stream.header();
      await stream.ask("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", /<proceed/);
      return stream.raw;
    },
    'XMPP over TLS without a handshake': () => Raw.tcp(info.xmpp.tls_port),
    'a WebSocket that never says Hello': async () => (await WebSocketRaw.open(info)).raw,
    'gRPC without a handshake': () => Raw.tcp(grpc),
    'gRPC with a handshake and no HTTP/2': () => Raw.tls(grpc, info, { ALPNProtocols: ['h2'] }),
    'metrics, no request': () => Raw.tcp(Number(new URL(info.metrics.url).port)),
    'gRPC, garbage': async () => (await Raw.tcp(grpc)).send(Buffer.alloc(4_000, 0x5a)),
  };
  const opened = await Promise.all(Object.entries(kinds).map(async ([name, open]) => [name, await open()]));
  await Promise.all(opened.map(([name, raw]) => check(`half-open: ${name} is ended`, () => raw.untilClosed(longest), longest + 1_000)));
}
