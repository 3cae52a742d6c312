#include "edge/xmpp/element.h"

#include <algorithm>
#include <cstring>

#include "edge/xmpp/namespaces.h"

namespace yizhan::edge::xmpp {

std::string_view Element::attr(std::string_view name) const {
  const Attribute* found = FindAttr({}, name);
  return found == nullptr ? std::string_view() : found->value;
}

const Attribute* Element::FindAttr(std::string_view ns, std::string_view name) const {
  for (const Attribute& attribute : attributes()) {
    if (attribute.name == name && attribute.ns == ns) return &attribute;
  }
  return nullptr;
}

const Element* Element::FindChild(std::string_view ns, std::string_view name) const {
  for (const Element& child : children()) {
    if (child.Is(ns, name)) return &child;
  }
  return nullptr;
}

const Element* Element::FindChildIn(std::string_view ns) const {
  for (const Element& child : children()) {
    if (child.ns() == ns) return &child;
  }
  return nullptr;
}

std::string_view Element::ChildText(std::string_view ns, std::string_view name) const {
  const Element* child = FindChild(ns, name);
  return child == nullptr ? std::string_view() : child->text();
}

void Document::Clear() {
  root_ = nullptr;
  if (chunks_.size() > 1) chunks_.resize(1);
  used_ = 0;
  capacity_ = chunks_.empty() ? 0 : kFirstChunk;
}

void* Document::Allocate(size_t bytes, size_t alignment) {
  size_t at = (used_ + alignment - 1) & ~(alignment - 1);
  if (at + bytes > capacity_) {
    // The first chunk keeps its size, so that Clear() knows it; an oversized request gets a chunk of its own size.
    const size_t size = chunks_.empty() && bytes <= kFirstChunk ? kFirstChunk : std::max(bytes, size_t{16384});
    if (chunks_.empty() && size != kFirstChunk) chunks_.emplace_back(new char[kFirstChunk]);
    chunks_.emplace_back(new char[size]);
    capacity_ = size;
    at = 0;
  }
  used_ = at + bytes;
  return chunks_.back().get() + at;
}

std::string_view Document::Copy(std::string_view text) {
  if (text.empty()) return {};
  char* copy = static_cast<char*>(Allocate(text.size(), 1));
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

const std::shared_ptr<const StreamNamespaces>& StreamNamespaces::Common() {
  static const auto& common = *new std::shared_ptr<const StreamNamespaces>(
      new StreamNamespaces{{{"", std::string(ns::kClient)}, {"stream", std::string(ns::kStream)}}});
  return common;
}

const std::shared_ptr<const StreamNamespaces>& StreamNamespaces::None() {
  static const auto& none = *new std::shared_ptr<const StreamNamespaces>(new StreamNamespaces);
  return none;
}

bool StreamHeader::IsVersion1() const { return version.size() > 2 && version.compare(0, 2, "1.") == 0; }

}  // namespace yizhan::edge::xmpp
