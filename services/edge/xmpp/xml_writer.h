// Writes XML by appending to a string: the fast half of the stream, and the one that must never emit what would end a
// reader's stream.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "edge/xmpp/namespaces.h"

namespace yizhan::edge::xmpp {

class Element;

// Appends text escaped for character data and for attribute values in either quotes. What XML 1.0 cannot hold (control
// characters, U+FFFE, U+FFFF, invalid UTF-8) becomes U+FFFD, because one such byte would end the reader's stream;
// carriage returns, and in attributes tabs and line feeds, become references so that a parser gives them back.
void AppendEscaped(std::string_view text, std::string* out);
// The same for character data, where tab, line feed and quotes stand for themselves.
void AppendEscapedText(std::string_view text, std::string* out);

// Builds elements in order. Names and namespaces are kept by reference until their element is closed and are not
// escaped: pass literals, or names that expat has passed. Not checked: that Attr() precedes content.
class XmlWriter {
 public:
  // `out` outlives the writer. `ns` is the default namespace in force where the text will stand.
  explicit XmlWriter(std::string* out, std::string_view ns = ns::kClient) : out_(out), ns_(ns) {}
  XmlWriter(const XmlWriter&) = delete;
  XmlWriter& operator=(const XmlWriter&) = delete;

  // Opens an element in the current namespace. A name with a prefix ("stream:features") does not change it.
  XmlWriter& Start(std::string_view name);
  // Opens an element in `ns`, declaring it when it is not the current one.
  XmlWriter& Start(std::string_view name, std::string_view ns);
  XmlWriter& Attr(std::string_view name, std::string_view value);
  XmlWriter& Attr(std::string_view name, uint64_t value);
  // Nothing when the value is empty.
  XmlWriter& AttrIf(std::string_view name, std::string_view value) { return value.empty() ? *this : Attr(name, value); }
  XmlWriter& Text(std::string_view text);
  // Well-formed content, as it is, made for the current namespace.
  XmlWriter& Raw(std::string_view xml);
  // A parsed element with all that is in it. Foreign namespaces are declared where they begin.
  XmlWriter& Copy(const Element& element);
  // Closes the innermost open element: "/>" when it is empty.
  XmlWriter& End();

  XmlWriter& Leaf(std::string_view name, std::string_view text) { return Start(name).Text(text).End(); }
  XmlWriter& Empty(std::string_view name, std::string_view ns) { return Start(name, ns).End(); }

  std::string_view ns() const { return ns_; }
  size_t depth() const { return open_.size(); }
  std::string* out() { return out_; }

 private:
  struct Open {
    std::string_view name;
    std::string_view outer_ns;
  };
  void CloseTag() {
    if (in_tag_) {
      out_->push_back('>');
      in_tag_ = false;
    }
  }

  std::string* out_;
  std::string_view ns_;
  absl::InlinedVector<Open, 12> open_;
  bool in_tag_ = false;
};

// An element by itself, for a place where `ns` is in force.
std::string ToXml(const Element& element, std::string_view ns = ns::kClient);

}  // namespace yizhan::edge::xmpp
