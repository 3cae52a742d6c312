// Calls of the contract as JSON over HTTPS, with the installation's own authority checked; and requests of any other kind.

import { readFileSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';

/** An answer that refused: `code` and `reason` as the contract names them. */
export class Refused extends Error {
  constructor(method, status, body) {
    super(`${method}: ${status} ${body.code ?? ''} ${body.message ?? ''}`);
    this.status = status;
    this.code = body.code ?? '';
    this.reason = body.details?.[0]?.debug?.reason ?? '';
    this.said = body.message ?? '';
    this.body = body;
  }
}

export class Caller {
  /** info: what `run --info` wrote. */
  constructor(info, token = '') {
    this.info = info;
    this.token = token;
    this.ms = 20_000;
    // The certificate's name, where the address is a number.
    this.agent = new Agent({ ca: readFileSync(info.ca), keepAlive: true, maxSockets: 8, servername: 'localhost' });
  }

  /** The same installation as somebody else. */
  as(token) {
    const other = Object.create(Caller.prototype);
    return Object.assign(other, this, { token });
  }

  /** Any request: {status, headers, body}. */
  raw(method, path, { headers = {}, body, ms = this.ms } = {}) {
    const url = new URL(path, this.info.web.url);
    return new Promise((resolve, reject) => {
      const request = httpsRequest(url, { method, headers, agent: this.agent, timeout: ms }, (response) => {
        const pieces = [];
        response.on('data', (bytes) => pieces.push(bytes));
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces) }));
        response.on('error', reject);
      });
      request.on('timeout', () => request.destroy(new Error(`${path}: no answer within ${ms} ms`)));
      request.on('error', reject);
      request.end(body);
    });
  }

  /** A unary call: `call('im.v1.MessageService/SendMessage', {...})`. Refused when it is. */
  async call(method, message = {}, headers = {}) {
    const answer = await this.raw('POST', `/yizhan.${method}`, {
      headers: { 'Content-Type': 'application/json', 'Connect-Protocol-Version': '1', ...(this.token ? { Authorization: `Bearer ${this.token}` } : {}), ...headers },
      body: JSON.stringify(message),
    });
    let json;
    try {
      json = JSON.parse(answer.body.toString('utf8'));
    } catch {
      throw new Error(`${method}: ${answer.status} and no JSON: ${answer.body.toString('utf8').slice(0, 300)}`);
    }
    if (answer.status !== 200) throw new Refused(method, answer.status, json);
    return json;
  }

  async logIn(person, device = 'story') {
    const session = await this.call('directory.v1.SessionService/LogIn', { login: person.login, password: person.password, device });
    const caller = this.as(session.token);
    caller.person = session.person;
    return caller;
  }

  async allMessages(conversationId) {
    const all = [];
    for (let afterSeq = '0'; ; ) {
      const page = await this.call('im.v1.MessageService/ListMessages', { conversationId, afterSeq, pageSize: 200 });
      all.push(...(page.messages ?? []));
      if (!page.more) return all;
      afterSeq = all[all.length - 1].seq;
    }
  }
}

/** Expects a refusal and gives it back. */
export async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
