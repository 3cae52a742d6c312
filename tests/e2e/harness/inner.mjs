// Calls of the services' inner faces, as one who has (or has not) a service's certificate.

import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';

/** A protobuf field that is a string or bytes, or a number. */
export function field(number, value) {
  if (typeof value === 'number') return Buffer.from([number << 3, ...varint(value)]);
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function varint(value) {
  const bytes = [];
  for (let left = value; ; left >>>= 7) {
    if (left < 128) return [...bytes, left];
    bytes.push((left & 127) | 128);
  }
}

/** One unary gRPC call at `port`: {status, message, bytes}; rejects where there is no connection. `tls`: {ca, cert, key} files, or without cert and key. */
export function innerCall(port, tls, method, request, headers = {}) {
  return new Promise((resolve, reject) => {
    const read = (file) => file && readFileSync(file);
    const session = connect(`https://127.0.0.1:${port}`, { ca: read(tls.ca), cert: read(tls.cert), key: read(tls.key), servername: 'house' });
    const fail = (error) => {
      session.destroy();
      reject(error);
    };
    session.on('error', fail);
    session.on('close', () => reject(new Error('the connection was closed')));
    const stream = session.request({ ':method': 'POST', ':path': method, 'content-type': 'application/grpc', te: 'trailers', ...headers });
    const pieces = [];
    const end = (trailers) => {
      if (trailers['grpc-status'] === undefined) return;
      const bytes = Buffer.concat(pieces);
      resolve({ status: Number(trailers['grpc-status']), message: decodeURIComponent(trailers['grpc-message'] ?? ''), bytes: bytes.subarray(5) });
      session.close();
    };
    stream.on('response', end);
    stream.on('trailers', end);
    stream.on('data', (bytes) => pieces.push(bytes));
    stream.on('error', fail);
    const body = Buffer.alloc(5 + request.length);
    body.writeUInt32BE(request.length, 1);
    Buffer.from(request).copy(body, 5);
    stream.end(body);
    setTimeout(() => fail(new Error(`${method}: no answer within 10 s`)), 10_000).unref();
  });
}
