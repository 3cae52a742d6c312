// A real OpenLDAP server with a small bank in it (ldap/testing), and the configuration that makes it a source.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { start } from './children.mjs';

export class Slapd {
  static async start(dir, log) {
    const slapd = new Slapd();
    slapd.child = start(join(process.env.YIZHAN_BUILD, 'bin/slapd_fixture'), [], { log, pipe: true });
    slapd.lines = createInterface({ input: slapd.child.stdout });
    Object.assign(slapd, JSON.parse(await slapd.line()));
    slapd.passwordFile = join(dir, 'ldap-password');
    writeFileSync(slapd.passwordFile, `${slapd.bind_password}\n`, { mode: 0o600 });
    return slapd;
  }

  /** The next line that the fixture says. */
  line() {
    return Promise.race([
      new Promise((resolve) => this.lines.once('line', resolve)),
      this.child.ended.then((how) => { throw new Error(`slapd_fixture ended: ${JSON.stringify(how)}`); }),
    ]);
  }

  /** 'stop': nobody answers any more; 'start': the same again, where it was. */
  async tell(what) {
    const answer = this.line();
    this.child.stdin.write(`${what}\n`);
    await answer;
  }

  /** Lines of the product's configuration file. */
  config(name) {
    return [
      'ldap:',
      `  - name: ${name}`,
      '    type: openldap',
      `    urls: ["ldaps://127.0.0.1:${this.ldaps_port}"]`,
      '    start_tls: false',
      `    ca_file: ${this.ca_file}`,
      `    bind_dn: ${JSON.stringify(this.bind_dn)}`,
      `    bind_password_file: ${this.passwordFile}`,
      `    people_base: ${JSON.stringify(this.people_base)}`,
      `    departments_base: ${JSON.stringify(this.departments_base)}`,
      '',
    ].join('\n');
  }

  person(login) {
    return this.people.find((each) => each.login === login);
  }

  /** It ends itself when its standard input ends. */
  async stop() {
    this.child.stdin.end();
    await this.child.ended;
  }
}
