#!/usr/bin/python3
"""The contract through gRPC's own Python client: over TLS, with the authority checked, status codes and typed details.

grpc_client.py GENERATED_DIR ADDRESS CA LOGIN PASSWORD PEER_LOGIN

GENERATED_DIR: what protoc --python_out made of proto/. Prints one line of JSON.
"""
import json
import queue
import sys
import time

import grpc

generated, address, ca, login, password, peer = sys.argv[1:]
sys.path.insert(0, generated)
from yizhan.common.v1 import errors_pb2, rpc_status_pb2  # noqa: E402
from yizhan.directory.v1 import directory_service_pb2 as directory, session_service_pb2 as session  # noqa: E402
from yizhan.live.v1 import live_service_pb2 as live  # noqa: E402
from yizhan.im.v1 import conversation_service_pb2 as conversations, message_service_pb2 as messages  # noqa: E402

SERVICES = {pb.DESCRIPTOR.package + "." + name: pb for pb, name in
            ((session, "SessionService"), (directory, "DirectoryService"), (conversations, "ConversationService"), (messages, "MessageService"))}


class Client:
    def __init__(self, channel):
        self.channel = channel
        self.token = ""

    def __call__(self, service, method, request):
        pb = SERVICES[service]
        described = pb.DESCRIPTOR.services_by_name[service.rsplit(".", 1)[1]].methods_by_name[method]
        answer = getattr(pb, described.output_type.name)
        call = self.channel.unary_unary("/%s/%s" % (service, method), request_serializer=type(request).SerializeToString, response_deserializer=answer.FromString)
        return call(request, timeout=10, metadata=[("authorization", "Bearer " + self.token)] if self.token else None)


def refusal(work):
    try:
        work()
    except grpc.RpcError as error:
        details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
        info = errors_pb2.ErrorInfo()
        if details:
            rpc_status_pb2.RpcStatus.FromString(details).details[0].Unpack(info)
        return error.code(), info
    raise AssertionError("it was not refused")


with open(ca, "rb") as file:
    trusted = grpc.ssl_channel_credentials(file.read())
host = address.rsplit(":", 1)[1]
try:  # somebody else's authorities do not vouch for it
    grpc.channel_ready_future(grpc.secure_channel("localhost:" + host, grpc.ssl_channel_credentials())).result(timeout=2)
    raise AssertionError("connected without the installation's authority")
except grpc.FutureTimeoutError:
    pass

call = Client(grpc.secure_channel("localhost:" + host, trusted, options=[("grpc.enable_retries", 0)]))
SESSION, DIRECTORY, IM, MESSAGES = "yizhan.directory.v1.SessionService", "yizhan.directory.v1.DirectoryService", "yizhan.im.v1.ConversationService", "yizhan.im.v1.MessageService"

code, info = refusal(lambda: call(MESSAGES, "SendMessage", messages.SendMessageRequest()))
assert code == grpc.StatusCode.UNAUTHENTICATED, code
assert info.request_id, info
code, _ = refusal(lambda: call(SESSION, "LogIn", session.LogInRequest(login=login, password=password + "x")))
assert code == grpc.StatusCode.UNAUTHENTICATED, code
code, _ = refusal(lambda: call(SESSION, "Introspect", session.IntrospectRequest(token="x")))
assert code in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED), ("an internal method", code)

call.token = call(SESSION, "LogIn", session.LogInRequest(login=login, password=password, device="grpc")).token
code, _ = refusal(lambda: call(SESSION, "Introspect", session.IntrospectRequest(token=call.token)))
assert code == grpc.StatusCode.PERMISSION_DENIED, ("an internal method", code)
person = call(DIRECTORY, "GetPerson", directory.GetPersonRequest(login=peer)).person
request = messages.SendMessageRequest(to_person_id=person.person_id, client_id="grpc-%d" % time.time_ns())
request.content.text = "用 gRPC 发送"
sent = call(MESSAGES, "SendMessage", request)
again = call(MESSAGES, "SendMessage", request)
assert (again.seq, again.message_id) == (sent.seq, sent.message_id), (sent, again)
synced = call(IM, "Sync", conversations.SyncRequest())
assert any(each.conversation_id == sent.conversation_id and each.last_seq == sent.seq for each in synced.conversations), synced
followed = call.channel.unary_unary("/%s/Sync" % IM).with_call(b"", timeout=10, metadata=[("authorization", "Bearer " + call.token), ("x-request-id", "follow.me-1")])[1]
assert dict(followed.trailing_metadata())["x-request-id"] == "follow.me-1", followed.trailing_metadata()
code, info = refusal(lambda: call(IM, "GetConversation", conversations.GetConversationRequest(conversation_id="g:no-such-group")))
assert code in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED), code
assert info.reason and info.reason == info.reason.upper(), info


class Stream:
    """LiveService.Live: says what it is told to, and holds what has come."""

    def __init__(self, channel, token=""):
        self.out = queue.SimpleQueue()
        self.call = channel.stream_stream("/yizhan.live.v1.LiveService/Live", request_serializer=live.ClientFrame.SerializeToString, response_deserializer=live.ServerFrame.FromString)(
            iter(self.out.get, None), timeout=20, metadata=[("authorization", "Bearer " + token)] if token else None)

    def until(self, kind):
        return next(frame for frame in self.call if frame.WhichOneof("kind") == kind)


stream = Stream(call.channel, call.token)
assert stream.until("ready").ready.principal_id, "the stream is live"
stream.out.put(live.ClientFrame(ping=live.Ping(nonce=7)))
assert stream.until("pong").pong.nonce == 7
request.client_id = "grpc-live-%d" % time.time_ns()
heard = call(MESSAGES, "SendMessage", request)
while True:
    event = stream.until("im").im
    if event.WhichOneof("kind") == "message" and event.message.seq == heard.seq:
        break
assert event.message.content.text == request.content.text, event
stream.out.put(live.ClientFrame(hello=live.Hello(token="yzp_nobody")))
assert stream.until("bye").bye.reason == "SESSION_ENDED"
code, info = refusal(lambda: next(stream.call))
assert (code, info.reason) == (grpc.StatusCode.UNAUTHENTICATED, "SESSION_ENDED"), (code, info)
code, _ = refusal(lambda: next(Stream(call.channel, "yzp_nobody").call))
assert code == grpc.StatusCode.UNAUTHENTICATED, code

print(json.dumps([{"conversationId": sent.conversation_id, "seq": str(each.seq), "messageId": str(each.message_id), "text": request.content.text} for each in (sent, heard)]))
