// A real OpenLDAP server with a small bank in it (ldap/testing), and the configuration that makes it a source.

import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { start } from './children.mjs';

export class Slapd {
  static async start(dir, log) {
    const slapd = new Slapd();
    slapd.child = start(join(process.env.YIZHAN_BUILD, 'bin/slapd_fixture'), [], { log, pipe: true });
    const line = await Promise.race([
      new Promise((resolve) => createInterface({ input: slapd.child.stdout }).once('line', resolve)),
      slapd.child.ended.then((how) => { throw new Error(`slapd_fixture ended: ${JSON.stringify(how)}`); }),
    ]);
    Object.assign(slapd, JSON.parse(line));
    // The product's configuration goes on naming it when the server is gone.
    slapd.caFile = join(dir, 'ldap-ca.pem');
    copyFileSync(slapd.ca_file, slapd.caFile);
    slapd.passwordFile = join(dir, 'ldap-password');
    writeFileSync(slapd.passwordFile, `${slapd.bind_password}\n`, { mode: 0o600 });
    return slapd;
  }

  /** Lines of the product's configuration file. */
  config(name) {
    return [
      'ldap:',
      `  - name: ${name}`,
      '    type: openldap',
      `    urls: ["ldaps://127.0.0.1:${this.ldaps_port}"]`,
      '    start_tls: false',
      `    ca_file: ${this.caFile}`,
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
