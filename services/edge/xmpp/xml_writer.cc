#include "edge/xmpp/xml_writer.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <array>
#include <charconv>

#include "edge/xmpp/element.h"

namespace yizhan::edge::xmpp {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

enum : uint8_t { kPlain = 0, kMarkup = 1, kQuoteOrBlank = 2, kOther = 4 };

constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> classes{};
  for (int c = 0; c < 0x20; ++c) classes[c] = kOther;
  for (int c = 0x80; c < 0x100; ++c) classes[c] = kOther;
  for (unsigned char c : {'<', '>', '&', '\r'}) classes[c] = kMarkup;
  for (unsigned char c : {'\'', '"', '\t', '\n'}) classes[c] = kQuoteOrBlank;
  return classes;
}
constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

// The length of a valid character of more than one byte that XML can hold at the front of `text`; 0 if there is none.
size_t CharacterLength(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0; };
  const auto tail = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const uint8_t lead = byte(0);
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!tail(1) || !tail(2)) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;
    if (lead == 0xED && byte(1) > 0x9F) return 0;                      // surrogates
    if (lead == 0xEF && byte(1) == 0xBF && byte(2) >= 0xBE) return 0;  // U+FFFE, U+FFFF
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (lead == 0xF0 && byte(1) < 0x90) return 0;
    if (lead == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

std::string_view Reference(char c) {
  switch (c) {
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '&':
      return "&amp;";
    case '\'':
      return "&apos;";
    case '"':
      return "&quot;";
    case '\r':
      return "&#xD;";
    case '\n':
      return "&#xA;";
    default:
      return "&#x9;";
  }
}

// How many bytes at the front of `text`, counted in sixteens, certainly need no second look. Long bodies are mostly
// that.
size_t DullBytes(std::string_view text) {
  size_t at = 0;
#ifdef __SSE2__
  for (; at + 16 <= text.size(); at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    // The comparison is signed: what is not ASCII is below the blank as well. '&' and the apostrophe differ in one bit,
    // and so do '<' and '>'.
    __m128i odd = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(_mm_or_si128(bytes, _mm_set1_epi8(1)), _mm_set1_epi8('\'')));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(_mm_or_si128(bytes, _mm_set1_epi8(2)), _mm_set1_epi8('>')));
    if (_mm_movemask_epi8(odd) != 0) break;
  }
#endif
  return at;
}

template <uint8_t kStops>
void Append(std::string_view text, std::string* out) {
  size_t from = 0;
  size_t at = DullBytes(text);
  while (true) {
    while (at < text.size() && (kClasses[static_cast<uint8_t>(text[at])] & kStops) == 0) ++at;
    if (at == text.size()) break;
    const char c = text[at];
    if ((kClasses[static_cast<uint8_t>(c)] & kOther) != 0) {
      if (const size_t length = CharacterLength(text.substr(at)); length > 0) {
        at += length;
        continue;
      }
      out->append(text.substr(from, at - from)).append(kReplacement);
    } else {
      out->append(text.substr(from, at - from)).append(Reference(c));
    }
    from = ++at;
  }
  out->append(text.substr(from));
}

}  // namespace

void AppendEscaped(std::string_view text, std::string* out) { Append<kMarkup | kQuoteOrBlank | kOther>(text, out); }
void AppendEscapedText(std::string_view text, std::string* out) { Append<kMarkup | kOther>(text, out); }

XmlWriter& XmlWriter::Start(std::string_view name) {
  CloseTag();
  out_->push_back('<');
  out_->append(name);
  open_.push_back({name, ns_});
  in_tag_ = true;
  return *this;
}

XmlWriter& XmlWriter::Start(std::string_view name, std::string_view ns) {
  Start(name);
  if (ns != ns_) {
    ns_ = ns;
    out_->append(" xmlns='");
    AppendEscaped(ns, out_);
    out_->push_back('\'');
  }
  return *this;
}

XmlWriter& XmlWriter::Attr(std::string_view name, std::string_view value) {
  out_->push_back(' ');
  out_->append(name).append("='");
  AppendEscaped(value, out_);
  out_->push_back('\'');
  return *this;
}

XmlWriter& XmlWriter::Attr(std::string_view name, uint64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  return Attr(name, std::string_view(digits, static_cast<size_t>(end - digits)));
}

XmlWriter& XmlWriter::Text(std::string_view text) {
  if (text.empty()) return *this;
  CloseTag();
  AppendEscapedText(text, out_);
  return *this;
}

XmlWriter& XmlWriter::Raw(std::string_view xml) {
  if (xml.empty()) return *this;
  CloseTag();
  out_->append(xml);
  return *this;
}

XmlWriter& XmlWriter::End() {
  const Open open = open_.back();
  open_.pop_back();
  ns_ = open.outer_ns;
  if (in_tag_) {
    out_->append("/>");
    in_tag_ = false;
  } else {
    out_->append("</").append(open.name).push_back('>');
  }
  return *this;
}

XmlWriter& XmlWriter::Copy(const Element& element) {
  Start(element.name(), element.ns());
  int prefixes = 0;
  for (const Attribute& attribute : element.attributes()) {
    std::string name;
    if (attribute.ns == ns::kXml) {
      name = "xml:";
    } else if (!attribute.ns.empty()) {
      const std::string prefix = "n" + std::to_string(prefixes++);
      Attr("xmlns:" + prefix, attribute.ns);
      name = prefix + ":";
    }
    Attr(name.append(attribute.name), attribute.value);
  }
  Text(element.text());
  for (const Element& child : element.children()) {
    Copy(child);
    Text(child.tail());
  }
  return End();
}

std::string ToXml(const Element& element, std::string_view ns) {
  std::string xml;
  XmlWriter(&xml, ns).Copy(element);
  return xml;
}

}  // namespace yizhan::edge::xmpp
