// The XML that S3 servers answer with, as a flat list.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace yizhan::objects {

// An element, where it ends: the names from the root on, without namespaces ("ListBucketResult/Contents/Key"), and the
// text directly in it.
struct XmlLeaf {
  std::string path;
  std::string text;
};

// The elements in the order in which they end: a Contents comes after its Key. InvalidArgument says what is wrong:
// not well formed, a document type, nested deeper than 16.
absl::StatusOr<std::vector<XmlLeaf>> ReadXml(std::string_view document);

}  // namespace yizhan::objects
