// XMPP streams that break RFC 6120, and stanzas that ask for what is not theirs.

import assert from 'node:assert/strict';
import { Raw, Xmpp } from '../../harness/raw.mjs';
import { check } from '../../harness/steps.mjs';

const laughs = `<!DOCTYPE lolz [<!ENTITY lol "lol">${Array.from({ length: 9 }, (_, i) => `<!ENTITY lol${i + 1} "${`&lol${i || ''};`.repeat(10)}">`).join('')}]>`;

export default async function xmppStreams(world) {
  const { info } = world;
  const person = world.person('yuan.quan');
  const stranger = world.person('deng.chao');
  const error = (condition) => new RegExp(`<stream:error[^]*<${condition}`);

  /** What a stream says before it is closed. `open`: how far it has come before. */
  const streams = {
    'not XML at all, before log-in': { open: 'tcp', send: 'GET / HTTP/1.1\r\n\r\n', says: /<stream:error/ },
    'billion laughs, before log-in': { open: 'tls', send: `<?xml version='1.0'?>${laughs}<stream:stream xmlns='jabber:client' to='&lol9;'>`, says: error('(restricted-xml|not-well-formed|bad-format)') },
    'a document type declaration after the header': { open: 'header', send: laughs, says: error('(restricted-xml|not-well-formed|bad-format)') },
    'another domain': { open: 'tls', send: "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='evil.example' version='1.0'>", says: error('host-unknown') },
    'a password before TLS': { open: 'plain', send: "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>", says: /encryption-required|policy-violation/ },
    'a stanza before log-in': { open: 'header', send: '<message to="a@b"><body>x</body></message>', says: error('not-authorized') },
    'too large before log-in': { open: 'header', send: `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${'A'.repeat(20_000)}</auth>`, says: error('policy-violation') },
    'malformed XML': { open: 'session', send: '<message><body>x</message></body>', says: error('(not-well-formed|invalid-xml|bad-format)') },
    'an undeclared prefix': { open: 'session', send: '<foo:message/>', says: error('(bad-namespace-prefix|not-well-formed|bad-format)') },
    'bytes that are no UTF-8': { open: 'session', send: Buffer.concat([Buffer.from('<message><body>'), Buffer.from([0xc0, 0xff, 0xed, 0xa0, 0x80]), Buffer.from('</body></message>')]), says: error('(not-well-formed|bad-format|invalid-xml|unsupported-encoding)') },
    'a comment': { open: 'session', send: '<message><!-- --></message>', says: error('(restricted-xml|not-well-formed)') },
    'a processing instruction': { open: 'session', send: '<message><?php ?></message>', says: error('(restricted-xml|not-well-formed)') },
    'an entity': { open: 'session', send: '<message><body>&lol;</body></message>', says: error('(restricted-xml|not-well-formed)') },
    'too large after log-in': { open: 'session', send: `<message to='${world.jid(stranger.login)}'><body>${'x'.repeat(300 * 1024)}</body></message>`, says: error('policy-violation') },
    'too deep': { open: 'session', send: `<message>${'<x>'.repeat(200)}`, says: error('policy-violation') },
    'a stanza of no kind': { open: 'session', send: "<nonsense xmlns='jabber:client'/>", says: error('(unsupported-stanza-type|bad-format|invalid-namespace)') },
    'an acknowledgement of what was never sent': { open: 'managed', send: "<a xmlns='urn:xmpp:sm:3' h='4000'/>", says: error('(undefined-condition|policy-violation|bad-format)') },
  };
  for (const [name, { open, send, says }] of Object.entries(streams)) {
    await check(`XMPP: ${name}: ${String(says).replace(/\/|<stream:error\[\^\]\*</g, '')}`, async () => {
      let raw;
      if (open === 'tcp') raw = await Raw.tcp(info.xmpp.port);
      else {
        const stream = await Xmpp.open(info, { tls: open !== 'plain' });
        if (open === 'header' || open === 'plain') await stream.header();
        if (open === 'session' || open === 'managed') await stream.session(person);
        if (open === 'managed') await stream.ask("<enable xmlns='urn:xmpp:sm:3' resume='true'/>", /<enabled/);
        raw = stream.raw;
      }
      raw.send(send);
      await raw.until(says);
      await raw.untilClosed();
      assert.ok(raw.text.length < 10_000, 'a refusal is short');
    });
  }

  await check('XMPP: log-in: what each wrong word is answered with', async () => {
    const stream = await Xmpp.open(info);
    await stream.header();
    const words = [
      ["mechanism='PLAIN'>%%%%</auth>", /<failure[^]*?(incorrect-encoding|malformed-request)/],
      ["mechanism='DIGEST-MD5'>AA==</auth>", /<failure[^]*?invalid-mechanism/],
      [`mechanism='PLAIN'>${Buffer.from('no-nul-here').toString('base64')}</auth>`, /<failure[^]*?(malformed-request|not-authorized|incorrect-encoding)/],
      [`mechanism='PLAIN'>${Buffer.from(`${world.jid(stranger.login)}\0${person.login}\0${person.password}`).toString('base64')}</auth>`, /<failure[^]*?(invalid-authzid|not-authorized)/],
    ];
    for (const [rest, says] of words) {
      stream.raw.bytes = Buffer.alloc(0);
      await stream.ask(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' ${rest}`, says);
    }
    stream.raw.bytes = Buffer.alloc(0);
    stream.auth('nobody.at.all', 'whatever');
    const unknown = (await stream.raw.until(/<failure[^]*<\/failure>/))[0];
    const again = await Xmpp.open(info);
    await again.header();
    again.auth(stranger.login, 'wrong');
    const wrong = (await again.raw.until(/<failure[^]*<\/failure>/))[0];
    assert.equal(unknown, wrong, 'who is not there and who is are told alike');
    assert.match(wrong, /not-authorized/);
    again.raw.drop();
    stream.raw.drop();
  });

  await check('XMPP: another’s address as from does not come through', async () => {
    const listener = await (await Xmpp.open(info)).session(stranger, 'victim');
    const stream = await (await Xmpp.open(info)).session(person, 'spoofer');
    stream.raw.send(`<message from='${world.jid('cheng.long')}/desk' to='${world.jid(stranger.login)}' type='chat' id='s1'><body>伪造</body></message>`);
    const [stanza] = await listener.raw.until(/<message[^>]*>[^]*?伪造/);
    assert.ok(stanza.includes(`from='${world.jid(person.login)}`) && !stanza.includes('cheng.long'), stanza);
    for (const each of [listener, stream]) each.raw.drop();
  });

  const unheard = [];
  await check('XMPP: stanzas to nobody, to elsewhere, to a foreign room, for a foreign archive', async () => {
    const listener = await (await Xmpp.open(info)).session(stranger, 'listener');
    const stream = await (await Xmpp.open(info)).session(person, 'asker');
    const foreign = world.room('risk-review');
    const mam = (to, id) => `<iq type='set' id='${id}'${to}><query xmlns='urn:xmpp:mam:2'/></iq>`;
    const asks = [
      [`<message to='nobody@${info.xmpp.domain}' type='chat' id='n1'><body>x</body></message>`, /id='n1'[^]*?<(item-not-found|service-unavailable)/],
      ["<message to='a@elsewhere.example' type='chat' id='n2'><body>x</body></message>", /id='n2'[^]*?<(remote-server-not-found|service-unavailable|not-allowed|item-not-found)/],
      [`<message to='@@@${info.xmpp.domain}' type='chat' id='n3'><body>x</body></message>`, /id='n3'[^]*?<jid-malformed/],
      [`<message to='${world.jid(stranger.login)}' type='chat' id='n4'><body>${'长'.repeat(20_001)}</body></message>`, /id='n4'[^]*?<(not-acceptable|bad-request|policy-violation|resource-constraint)/],
      [`<message to='${foreign}' type='groupchat' id='n5'><body>x</body></message>`, /id='n5'[^]*?<(not-acceptable|forbidden|item-not-found|registration-required)/],
      [`<presence to='${foreign}/${person.login}' id='n6'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, /id='n6'[^]*?<(registration-required|forbidden|item-not-found)/],
      [mam(` to='${foreign}'`, 'n7'), /id='n7'[^]*?<(forbidden|item-not-found|registration-required)/],
      [mam(` to='${world.jid(stranger.login)}'`, 'n8'), /id='n8'[^]*?<(forbidden|item-not-found|service-unavailable|not-allowed)/],
      ["<iq type='get' id='n9'><query xmlns='urn:example:unknown'/></iq>", /id='n9'[^]*?<(service-unavailable|feature-not-implemented)/],
      ["<iq type='set' id='n10'><query xmlns='jabber:iq:roster'><item jid='a@b'/></query></iq>", /id='n10'[^]*?<(not-allowed|forbidden|feature-not-implemented|service-unavailable)/],
      ["<iq type='set' id='n11'><query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field><field var='nonsense'><value>1</value></field></x></query></iq>", /id='n11'[^]*?<(bad-request|feature-not-implemented)/],
      ["<iq type='set' id='n12'><query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>-5</max></set></query></iq>", /id='n12'[^]*?<bad-request/],
    ];
    const wrong = [];
    for (const [xml, says] of asks) {
      stream.raw.bytes = Buffer.alloc(0);
      await stream.ask(xml, says, 5_000).catch((failure) => wrong.push(failure.message));
      assert.ok(!stream.raw.closed, `closed after ${xml.slice(0, 100)}`);
    }
    assert.deepEqual(wrong, []);
    assert.ok(!/<body>x/.test(listener.raw.text), listener.raw.text);
    unheard.push(listener.raw, stream.raw);
  });
  for (const raw of unheard) raw.drop();
}
