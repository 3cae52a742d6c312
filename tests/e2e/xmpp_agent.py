#!/usr/bin/python3
"""XMPP clients of the story: slixmpp, as somebody's desktop client would use it.

Reads commands as JSON lines, {"n": 1, "do": "login", "who": "a", ...}, and answers each with {"n": 1, "ok": ...} or
{"n": 1, "error": "..."}; what happens by itself comes as {"event": "message", "who": "a", ...}. Ends with its standard input.

A client keeps what it wrote until the server has counted it (XEP-0198), connects again by itself, and then writes what
was not counted once more with the same id and origin-id (XEP-0359).
"""
import asyncio
import collections
import json
import logging
import sys

import slixmpp
from slixmpp.exceptions import IqError, IqTimeout, PresenceError
from slixmpp.xmlstream import ET

SID = "urn:xmpp:sid:0"
MARKERS = "urn:xmpp:chat-markers:0"


# Nobody else's words come between the lines: slixmpp prints.
answers, sys.stdout = sys.stdout, sys.stderr


def tell(**what):
    answers.write(json.dumps(what, ensure_ascii=False) + "\n")
    answers.flush()


def stanza_id(message, by):
    for element in message.xml.findall("{%s}stanza-id" % SID):
        if element.get("by") == by:
            return element.get("id")
    return None


class Client(slixmpp.ClientXMPP):
    def __init__(self, who, command):
        super().__init__(command["jid"], command["password"], sasl_mech=command.get("mechanism"),
                         plugin_config={"xep_0198": {"window": 1 << 30}})
        self.who = who
        self.server_address = (command["host"], command["port"])
        self.direct_tls = command.get("tls") == "direct"
        self.ca_certs = command.get("ca")
        for name in ("0030", "0045", "0059", "0184", "0198", "0199", "0280", "0313", "0333", "0359"):
            self.register_plugin("xep_" + name)
        self["xep_0184"].auto_request = False
        self.outbox = collections.OrderedDict()  # id -> how to write it
        self.rooms = {}  # room -> nick
        self.asking = False
        self.ready = asyncio.Event()
        self.wanted = True
        self.failure = asyncio.get_event_loop().create_future()
        for name in ("sm_enabled", "session_resumed", "sm_failed", "disconnected", "failed_all_auth", "ssl_invalid_chain",
                     "stanza_acked", "receipt_received", "marker_displayed", "carbon_sent", "carbon_received", "session_start",
                     "connection_failed"):
            self.add_event_handler(name, getattr(self, "on_" + name))
        self.add_event_handler("message", self.on_message)

    def open(self):
        self.connect(self.server_address, use_ssl=self.direct_tls, force_starttls=not self.direct_tls)

    def fail(self, why):
        if not self.failure.done():
            self.failure.set_exception(RuntimeError(why))

    # --- the stream

    async def on_session_start(self, _):
        self.send_presence()

    async def on_sm_enabled(self, _):
        """A new session: what was not counted is written again, rooms are joined again."""
        await self["xep_0280"].enable(timeout=10)
        for room, nick in self.rooms.items():
            await self["xep_0045"].join_muc_wait(room, nick, maxstanzas=0, timeout=10)
        again = list(self.outbox)
        for key in again:
            self.write(key)
        self.ready.set()
        tell(event="online", who=self.who, resumed=False, again=len(again), mechanism=self["feature_mechanisms"].mech.name,
             tls=self.socket.version())

    def on_session_resumed(self, _):
        for key in [key for key, entry in self.outbox.items() if not entry["written"]]:
            self.write(key)
        self.ready.set()
        tell(event="online", who=self.who, resumed=True)

    def on_sm_failed(self, _):
        tell(event="not_resumed", who=self.who)

    def on_connection_failed(self, why):
        self._connect_loop_wait = 0  # the next try in a moment, not in minutes

    def on_disconnected(self, why):
        self.ready.clear()
        for entry in self.outbox.values():
            entry["written"] = False
        tell(event="offline", who=self.who, why=str(why))
        if self.wanted:
            asyncio.get_event_loop().call_later(0.1, self.open)

    def on_failed_all_auth(self, _):
        self.wanted = False
        self.fail("refused: log-in")

    def on_ssl_invalid_chain(self, error):
        self.wanted = False
        self.fail("refused: certificate: %s" % error)
        self.abort()

    # --- messages

    def write(self, key):
        entry = self.outbox[key]
        message = self.make_message(mto=entry["to"], mbody=entry["body"], mtype=entry["type"])
        message["id"] = key
        message.xml.append(ET.Element("{%s}origin-id" % SID, {"id": key}))
        if entry["type"] == "chat":
            message["request_receipt"] = True
            message.xml.append(ET.Element("{%s}markable" % MARKERS))
        entry["written"] = True
        message.send()
        self.ask_soon()

    def ask_soon(self):
        """Asks for the count until nothing is left to be counted. (slixmpp's own window asks before the stanza is written.)"""
        if not self.asking:
            self.asking = True
            asyncio.get_event_loop().call_later(0.03, self.ask)

    def ask(self):
        self.asking = False
        if self.outbox and self.ready.is_set() and self.transport:
            self["xep_0198"].request_ack()
            self.ask_soon()

    def on_stanza_acked(self, stanza):
        if isinstance(stanza, slixmpp.Message) and self.outbox.pop(stanza["id"], None):
            tell(event="acked", who=self.who, id=stanza["id"])

    def on_message(self, message):
        if message["type"] == "error":
            self.outbox.pop(message["id"], None)
            tell(event="refused", who=self.who, id=message["id"], condition=message["error"]["condition"], text=message["error"]["text"])
            return
        if not message["body"]:
            return
        room = message["type"] == "groupchat"
        tell(event="message", who=self.who, type=message["type"], id=message["id"], body=message["body"],
             **{"from": message["from"].full if room else message["from"].bare},
             stanza_id=stanza_id(message, message["from"].bare if room else self.boundjid.bare))

    def on_receipt_received(self, message):
        tell(event="receipt", who=self.who, id=message["receipt"], **{"from": message["from"].bare})

    def on_marker_displayed(self, message):
        tell(event="displayed", who=self.who, id=message["displayed"]["id"], **{"from": message["from"].bare})

    def on_carbon_sent(self, message):
        inner = message["carbon_sent"]
        tell(event="carbon", who=self.who, direction="sent", body=inner["body"], to=inner["to"].bare)

    def on_carbon_received(self, message):
        inner = message["carbon_received"]
        tell(event="carbon", who=self.who, direction="received", body=inner["body"], **{"from": inner["from"].bare})


class Agent:
    def __init__(self):
        self.clients = {}

    async def login(self, who, command):
        client = self.clients[who] = Client(who, command)
        client.open()
        waiting = asyncio.ensure_future(client.ready.wait())
        done, _ = await asyncio.wait({waiting, client.failure}, timeout=command.get("seconds", 20), return_when=asyncio.FIRST_COMPLETED)
        if waiting in done:
            return {"jid": client.boundjid.full, "mechanism": client["feature_mechanisms"].mech.name, "tls": client.socket.version()}
        waiting.cancel()
        client.wanted = False
        del self.clients[who]
        client.abort()
        if client.failure in done:
            client.failure.result()
        raise RuntimeError("no session within the time")

    async def logout(self, who, command):
        client = self.clients.pop(who)
        client.wanted = False
        await client.disconnect(wait=2.0)

    async def send(self, who, command):
        client = self.clients[who]
        client.outbox[command["id"]] = {"to": command["to"], "body": command["body"], "type": command.get("type", "chat"), "written": False}
        if client.ready.is_set():
            client.write(command["id"])

    async def displayed(self, who, command):
        client = self.clients[who]
        message = client.make_message(mto=command["to"], mtype=command.get("type", "chat"))
        message.xml.append(ET.Element("{%s}displayed" % MARKERS, {"id": command["id"]}))
        message.send()

    async def join(self, who, command):
        client = self.clients[who]
        _, subject, occupants, history = await client["xep_0045"].join_muc_wait(command["room"], command["nick"], maxstanzas=command.get("history", 0), timeout=10)
        client.rooms[command["room"]] = command["nick"]
        return {"occupants": [each["from"].resource for each in occupants], "subject": subject["subject"], "history": [each["body"] for each in history]}

    async def roster(self, who, command):
        iq = await self.clients[who].get_roster(timeout=10)
        return [{"jid": str(jid), "name": item["name"], "groups": item["groups"]} for jid, item in iq["roster"]["items"].items()]

    async def disco(self, who, command):
        info = await self.clients[who]["xep_0030"].get_info(jid=command["jid"], timeout=10)
        return {"features": sorted(info["disco_info"]["features"]), "identities": [list(each) for each in info["disco_info"]["identities"]]}

    async def ping(self, who, command):
        return {"seconds": await self.clients[who]["xep_0199"].ping(jid=command.get("jid"), timeout=10)}

    async def mam(self, who, command):
        """Every message of an archive, oldest first, page by page."""
        client = self.clients[who]
        found = []
        async for message in client["xep_0313"].iterate(jid=command.get("room"), with_jid=command.get("with"), rsm={"max": command.get("page", 50)}):
            result = message["mam_result"]
            inner = result["forwarded"]["stanza"]
            found.append({"id": result["id"], "from": inner["from"].full, "type": inner["type"], "body": inner["body"], "message_id": inner["id"]})
        return found

    async def handle(self, line):
        command = json.loads(line)
        number = command["n"]
        try:
            tell(n=number, ok=await getattr(self, command["do"])(command.get("who"), command))
        except (IqError, PresenceError) as error:
            tell(n=number, error="refused: %s: %s" % (error.condition, error.text))
        except (IqTimeout, asyncio.TimeoutError):
            tell(n=number, error="no answer in time")
        except Exception as error:  # the story decides what a failure means
            tell(n=number, error="%s: %s" % (type(error).__name__, error) if not isinstance(error, RuntimeError) else str(error))

    async def main(self):
        loop = asyncio.get_event_loop()
        reader = asyncio.StreamReader(limit=1 << 22)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        pending = set()
        while line := await reader.readline():
            task = asyncio.ensure_future(self.handle(line))
            pending.add(task)
            task.add_done_callback(pending.discard)
        for client in self.clients.values():
            client.wanted = False
            client.abort()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    asyncio.get_event_loop().run_until_complete(Agent().main())
