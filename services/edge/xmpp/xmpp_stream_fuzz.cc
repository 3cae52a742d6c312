// Any bytes as an XMPP stream. The first byte says into which pieces the rest is cut; then
//   - the framer finds the same pieces and the same error as when all of it comes at once,
//   - what it calls a header or an element is read by expat or refused with a reason,
//   - what was read is written and read again as the same,
//   - a refused element leaves nothing behind for the next one.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "edge/xmpp/archive.h"
#include "edge/xmpp/element.h"
#include "edge/xmpp/extensions.h"
#include "edge/xmpp/framer.h"
#include "edge/xmpp/jid.h"
#include "edge/xmpp/muc.h"
#include "edge/xmpp/sasl.h"
#include "edge/xmpp/scram.h"
#include "edge/xmpp/sm.h"

namespace yizhan::edge::xmpp {
namespace {

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

struct Piece {
  Frame::Kind kind;
  std::string text;
  bool operator==(const Piece&) const = default;
};

std::vector<Piece> Cut(std::string_view bytes, size_t step) {
  StreamFramer framer(4096);
  std::vector<Piece> pieces;
  for (size_t at = 0; at < bytes.size(); at += step) {
    const std::string part(bytes.substr(at, step));
    framer.Feed(part);
    for (Frame frame = framer.Next(); frame.kind != Frame::Kind::kNeedMore; frame = framer.Next()) {
      if (frame.kind == Frame::Kind::kError) {
        Require(!framer.error().ok(), "an error without a reason");
        pieces.push_back({frame.kind, std::string(Name(StreamConditionOf(framer.error())))});
        return pieces;
      }
      pieces.push_back({frame.kind, std::string(frame.text)});
    }
    Require(framer.held_bytes() <= 2 * (4096 + part.size()) + 64, "more is held than one element");
  }
  return pieces;
}

// Everything that looks at a client's element.
void Read(const Element& element) {
  (void)ParseMarks(element);
  (void)ParseHandled(element).ok();
  (void)ParseMucJoin(element).ok();
  (void)ParseSaslResponse(element).ok();
  if (const auto auth = ParseSaslAuth(element); auth.ok() && auth->initial) {
    (void)ParsePlain(*auth->initial).ok();
    ScramServer scram(32, "nonce");
    if (scram.OnClientFirst(*auth->initial).ok() && scram.ServerFirst({"salt", 1}).ok()) {
      (void)scram.OnClientFinal(*auth->initial).ok();
    }
  }
  if (const auto jid = Jid::Parse(element.attr("to")); jid.ok()) {
    const auto again = Jid::Parse(jid->full());
    Require(again.ok() && *again == *jid, "preparing a JID twice changes it");
  }
  for (const Element& child : element.children()) (void)ParseArchiveQuery(child).ok();
  std::string out;
  AppendErrorReply(element, StanzaCondition::kBadRequest, element.text(), &out);
  if (!out.empty()) Require(ParseElement(out).ok(), "an error reply is not well-formed");
}

}  // namespace
}  // namespace yizhan::edge::xmpp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace yizhan::edge::xmpp;
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto pieces = Cut(bytes, bytes.size());
  Require(Cut(bytes, 1 + data[0] % 64) == pieces, "the cut of the bytes changes the result");
  Document document, again;
  auto namespaces = StreamNamespaces::Common();
  for (const Piece& piece : pieces) {
    if (piece.kind == Frame::Kind::kStreamOpen) {
      if (auto header = ParseStreamHeader(piece.text); header.ok()) namespaces = header->namespaces;
    } else if (piece.kind == Frame::Kind::kElement) {
      const absl::Status parsed = ParseElement(piece.text, *namespaces, &document);
      if (!parsed.ok()) {
        Require(!parsed.message().empty() && document.root() == nullptr, "a refusal without a reason");
        Require(ParseElement("<a/>", *namespaces, &document).ok(), "a refused element is felt by the next");
        continue;
      }
      const std::string xml = ToXml(*document);
      Require(ParseElement(xml, *StreamNamespaces::Common(), &again).ok(), "what was written cannot be read");
      Require(ToXml(*again) == xml, "what was read again is another element");
      Read(*document);
    }
  }
  // The element parser on its own: WebSocket frames come to it without a framer.
  if (ParseElement(bytes, *StreamNamespaces::None(), &document).ok()) {
    Require(ParseElement(ToXml(*document), *StreamNamespaces::Common(), &again).ok(),
            "what was written cannot be read");
  }
  return 0;
}
