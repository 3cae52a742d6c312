// The contract through @connectrpc/connect, the published client: binary and JSON, answers and typed errors.
//
//   NODE_EXTRA_CA_CERTS=CA node connect_client.mjs GENERATED_DIR WEB_URL LOGIN PASSWORD PEER_LOGIN
//
// GENERATED_DIR: what protoc-gen-es (target=js) made of proto/. Prints one line of JSON.

import assert from 'node:assert/strict';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';

const [generated, baseUrl, login, password, peer] = process.argv.slice(2);
const load = (file) => import(`file://${generated}/yizhan/${file}_pb.js`);
const [{ SessionService }, { DirectoryService }, { MessageService }, { ConversationService }, { ErrorInfoSchema }] = await Promise.all(['directory/v1/session_service', 'directory/v1/directory_service', 'im/v1/message_service', 'im/v1/conversation_service', 'common/v1/errors'].map(load));

async function converse(useBinaryFormat) {
  let token = '';
  const transport = createConnectTransport({
    baseUrl,
    useBinaryFormat,
    defaultTimeoutMs: 10_000,
    interceptors: [(next) => (request) => {
      if (token) request.header.set('Authorization', `Bearer ${token}`);
      return next(request);
    }],
  });
  const client = (service) => createClient(service, transport);

  const refusal = await client(MessageService).sendMessage({}).then(() => assert.fail('without a session'), ConnectError.from);
  assert.equal(refusal.code, Code.Unauthenticated);
  assert.ok(refusal.findDetails(ErrorInfoSchema)[0].requestId, 'an error names its request');

  const wrong = await client(SessionService).logIn({ login, password: `${password}x` }).then(() => assert.fail('wrong password'), ConnectError.from);
  assert.equal(wrong.code, Code.Unauthenticated);
  const session = await client(SessionService).logIn({ login, password, device: 'connect' });
  token = session.token;
  const { person } = await client(DirectoryService).getPerson({ login: peer });
  const text = `用官方客户端发送（${useBinaryFormat ? 'protobuf' : 'JSON'}）`;
  const request = { toPersonId: person.personId, clientId: `connect-${useBinaryFormat}-${Date.now()}`, content: { kind: { case: 'text', value: text } } };
  const sent = await client(MessageService).sendMessage(request);
  assert.ok(sent.seq > 0n && sent.messageId > 0n && sent.timeUs > 0n);
  const again = await client(MessageService).sendMessage(request);
  assert.deepEqual([again.seq, again.messageId], [sent.seq, sent.messageId], 'a retry is answered with the first result');

  const all = await client(ConversationService).sync({ lastSeqs: {} });
  const conversation = all.conversations.find((each) => each.conversationId === sent.conversationId);
  assert.equal(conversation.lastMessage.content.kind.value, text);
  assert.equal(conversation.lastSeq, sent.seq);
  const beyond = await client(ConversationService).sync({ lastSeqs: Object.fromEntries(all.conversations.map((each) => [each.conversationId, each.lastSeq])) });
  assert.ok(!beyond.conversations.some((each) => each.conversationId === sent.conversationId), 'nothing is beyond what one has');

  const missing = await client(ConversationService).getConversation({ conversationId: 'g:no-such-group' }).then(() => assert.fail('unknown id'), ConnectError.from);
  assert.ok([Code.NotFound, Code.PermissionDenied].includes(missing.code), String(missing));
  assert.match(missing.findDetails(ErrorInfoSchema)[0].reason, /^[A-Z_]+$/);
  await client(SessionService).logOut({});
  const over = await client(SessionService).whoAmI({}).then(() => assert.fail('after log-out'), ConnectError.from);
  assert.equal(over.code, Code.Unauthenticated);
  return { conversationId: sent.conversationId, seq: String(sent.seq), messageId: String(sent.messageId), text };
}

console.log(JSON.stringify([await converse(true), await converse(false)]));
