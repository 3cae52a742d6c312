// What a message costs on its way in (frame, parse) and out (write), in the shape that a load program sends.
#include <benchmark/benchmark.h>

#include <string>

#include "edge/xmpp/element.h"
#include "edge/xmpp/extensions.h"
#include "edge/xmpp/framer.h"
#include "edge/xmpp/jid.h"

namespace yizhan::edge::xmpp {
namespace {

constexpr std::string_view kHeader =
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
    "to='localhost' version='1.0'>";

std::string Message(std::string_view body) {
  return "<message to='u123@localhost' type='chat' id='m4711'><body>" + std::string(body) + "</body></message>";
}
std::string Body(bool chinese) {
  std::string body;
  while (body.size() < 100) body += chinese ? "请查收附件里的合同" : "XL1 12-34 1 2 3456 ";
  return body;
}

void FrameAndParse(benchmark::State& state) {
  StreamFramer framer(kElementBytesAfterLogin);
  framer.Feed(kHeader);
  while (framer.Next().kind != Frame::Kind::kNeedMore) continue;
  const std::string message = Message(Body(state.range(0) != 0));
  Document document;
  for (auto _ : state) {
    framer.Feed(message);
    for (Frame frame = framer.Next(); frame.kind == Frame::Kind::kElement; frame = framer.Next()) {
      if (!ParseElement(frame.text, *StreamNamespaces::Common(), &document).ok()) state.SkipWithError("refused");
      benchmark::DoNotOptimize(document.root()->ChildText(ns::kClient, "body").size());
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * message.size()));
}
BENCHMARK(FrameAndParse)->Arg(0)->Arg(1);

void FrameOnly(benchmark::State& state) {
  StreamFramer framer(kElementBytesAfterLogin);
  framer.Feed(kHeader);
  while (framer.Next().kind != Frame::Kind::kNeedMore) continue;
  const std::string message = Message(Body(false));
  for (auto _ : state) {
    framer.Feed(message);
    while (framer.Next().kind == Frame::Kind::kElement) continue;
  }
}
BENCHMARK(FrameOnly);

void WriteDelivery(benchmark::State& state) {
  const std::string body = Body(state.range(0) != 0);
  std::string out;
  for (auto _ : state) {
    out.clear();
    XmlWriter writer(&out);
    StartStanza(&writer, "message",
                {.type = "chat", .from = "u1@localhost/load", .to = "u2@localhost/load", .id = "m4711"});
    writer.Leaf("body", body);
    AddStanzaId(&writer, "4711", "u2@localhost");
    writer.End();
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * out.size()));
}
BENCHMARK(WriteDelivery)->Arg(0)->Arg(1);

void ParseJid(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Jid::Parse("u123@localhost/load"));
}
BENCHMARK(ParseJid);

void ParseHeader(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(ParseStreamHeader(kHeader));
}
BENCHMARK(ParseHeader);

}  // namespace
}  // namespace yizhan::edge::xmpp
