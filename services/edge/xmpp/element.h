// A parsed piece of a stream: a small read-only tree in one arena, and the parser that makes it (expat).
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "edge/xmpp/errors.h"

namespace yizhan::edge::xmpp {

struct Attribute {
  std::string_view ns;  // empty for an attribute without prefix
  std::string_view name;
  std::string_view value;
};

// A node. Everything it names lives as long as its Document. Prefixes are resolved and forgotten.
class Element {
 public:
  // Iterates over child elements: for (const Element& child : element.children()).
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = const Element;
    using difference_type = std::ptrdiff_t;
    using pointer = const Element*;
    using reference = const Element&;
    explicit Iterator(const Element* at) : at_(at) {}
    const Element& operator*() const { return *at_; }
    const Element* operator->() const { return at_; }
    Iterator& operator++() {
      at_ = at_->next_;
      return *this;
    }
    bool operator==(const Iterator& other) const = default;

   private:
    const Element* at_;
  };
  struct Children {
    const Element* first;
    Iterator begin() const { return Iterator(first); }
    Iterator end() const { return Iterator(nullptr); }
  };

  std::string_view ns() const { return ns_; }
  std::string_view name() const { return name_; }
  bool Is(std::string_view ns, std::string_view name) const { return name_ == name && ns_ == ns; }

  // The value of an attribute without namespace; empty when there is none.
  std::string_view attr(std::string_view name) const;
  // Null when there is none. xml:lang is {ns::kXml, "lang"}.
  const Attribute* FindAttr(std::string_view ns, std::string_view name) const;
  absl::Span<const Attribute> attributes() const { return absl::Span<const Attribute>(attributes_, attribute_count_); }

  // Character data before the first child element: all of it, for every element that XMPP defines.
  std::string_view text() const { return text_; }
  // Character data between this element's end and its next sibling (or its parent's end).
  std::string_view tail() const { return tail_; }

  Children children() const { return {first_}; }
  const Element* first_child() const { return first_; }
  const Element* next_sibling() const { return next_; }
  // The first child of that name; null when there is none.
  const Element* FindChild(std::string_view ns, std::string_view name) const;
  // The first child in that namespace; null when there is none.
  const Element* FindChildIn(std::string_view ns) const;
  // text() of that child; empty when there is none.
  std::string_view ChildText(std::string_view ns, std::string_view name) const;

 private:
  friend class ElementParser;
  Element() = default;

  std::string_view ns_, name_, text_, tail_;
  const Attribute* attributes_ = nullptr;
  uint32_t attribute_count_ = 0;
  Element* first_ = nullptr;
  Element* last_ = nullptr;
  Element* next_ = nullptr;
};

// Owns one tree. Reuse it: Parse() empties it and keeps its first 4 KB. Movable; the tree stays where it is.
class Document {
 public:
  Document() = default;
  Document(Document&&) = default;
  Document& operator=(Document&&) = default;

  // Null before a successful Parse().
  const Element* root() const { return root_; }
  const Element* operator->() const { return root_; }
  const Element& operator*() const { return *root_; }

  void Clear();

 private:
  friend class ElementParser;
  void* Allocate(size_t bytes, size_t alignment);
  std::string_view Copy(std::string_view text);
  template <typename T>
  T* AllocateArray(size_t count) {
    return static_cast<T*>(Allocate(sizeof(T) * count, alignof(T)));
  }

  static constexpr size_t kFirstChunk = 4096;
  std::vector<std::unique_ptr<char[]>> chunks_;
  size_t used_ = 0;      // of the last chunk
  size_t capacity_ = 0;  // of the last chunk
  const Element* root_ = nullptr;
};

// The namespaces that a stream header declares for what follows. Immutable and shared: nearly all streams have
// Common()'s, so that a connection holds one pointer.
struct StreamNamespaces {
  struct Binding {
    std::string prefix;  // empty for the default namespace
    std::string uri;
    bool operator==(const Binding&) const = default;
  };
  std::vector<Binding> bindings;
  bool operator==(const StreamNamespaces&) const = default;

  // jabber:client, and `stream` for the streams' namespace.
  static const std::shared_ptr<const StreamNamespaces>& Common();
  // Nothing declared: for RFC 7395, where each frame is a document of its own.
  static const std::shared_ptr<const StreamNamespaces>& None();
};

// Parses `text`, exactly one whole element, into `document` (emptied first; holds nothing after an error).
// Refused, with the stream error that fits: what expat finds ill-formed, or not UTF-8, or not namespace-well-formed
// (not-well-formed); comments, processing instructions, DTDs (restricted-xml); more than 128 attributes on an element
// or more than kElementDepth levels (policy-violation). Keeps a parser for each thread; thread-safe.
absl::Status ParseElement(std::string_view text, const StreamNamespaces& namespaces, Document* document);

// As above, with Common() namespaces; for tests and for what we wrote ourselves.
absl::StatusOr<Document> ParseElement(std::string_view text);

// A stream's opening.
struct StreamHeader {
  std::string to, from, id, version, lang;
  std::shared_ptr<const StreamNamespaces> namespaces;
  // RFC 6120 section 4.7.5: a missing version is 0.9 and means a peer too old for us.
  bool IsVersion1() const;
};

// Parses a Frame::Kind::kStreamOpen's text. Refused beyond what ParseElement refuses: an encoding other than UTF-8
// (unsupported-encoding), another element than {streams}stream or another content namespace than jabber:client
// (invalid-namespace), a version above or below 1.x (unsupported-version).
absl::StatusOr<StreamHeader> ParseStreamHeader(std::string_view text);

}  // namespace yizhan::edge::xmpp
