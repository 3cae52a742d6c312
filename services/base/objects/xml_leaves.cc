#include "base/objects/xml_leaves.h"

#include <expat.h>

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace yizhan::objects {
namespace {
constexpr size_t kMaxDepth = 16;

struct Reader {
  XML_Parser parser;
  std::vector<XmlLeaf> open, closed;
  const char* refusal = nullptr;

  void Refuse(const char* why) {
    refusal = why;
    XML_StopParser(parser, XML_FALSE);
  }

  static void OnStart(void* self, const XML_Char* name, const XML_Char**) {
    auto& reader = *static_cast<Reader*>(self);
    if (reader.refusal != nullptr) return;
    if (reader.open.size() == kMaxDepth) return reader.Refuse("elements are nested too deep");
    std::string_view local(name);
    if (const size_t colon = local.find(':'); colon != local.npos) local.remove_prefix(colon + 1);
    std::string path = reader.open.empty() ? std::string() : reader.open.back().path + "/";
    reader.open.push_back({path.append(local), ""});
  }

  static void OnEnd(void* self, const XML_Char*) {
    auto& reader = *static_cast<Reader*>(self);
    if (reader.refusal != nullptr) return;
    reader.closed.push_back(std::move(reader.open.back()));
    reader.open.pop_back();
  }

  static void OnText(void* self, const XML_Char* text, int length) {
    auto& reader = *static_cast<Reader*>(self);
    if (reader.refusal == nullptr) reader.open.back().text.append(text, static_cast<size_t>(length));
  }

  // Entities could make much of little.
  static void OnDoctype(void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) {
    static_cast<Reader*>(self)->Refuse("it has a document type");
  }
};
}  // namespace

absl::StatusOr<std::vector<XmlLeaf>> ReadXml(std::string_view document) {
  const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(XML_ParserCreate(nullptr), XML_ParserFree);
  if (parser == nullptr) return absl::ResourceExhaustedError("out of memory for an XML parser");
  if (document.size() > (size_t{1} << 30)) return absl::InvalidArgumentError("XML beyond a GiB");
  Reader reader{parser.get(), {}, {}};
  XML_SetUserData(parser.get(), &reader);
  XML_SetElementHandler(parser.get(), Reader::OnStart, Reader::OnEnd);
  XML_SetCharacterDataHandler(parser.get(), Reader::OnText);
  XML_SetStartDoctypeDeclHandler(parser.get(), Reader::OnDoctype);
  const int size = static_cast<int>(document.size());
  if (XML_Parse(parser.get(), document.data(), size, XML_TRUE) == XML_STATUS_OK) return std::move(reader.closed);
  return absl::InvalidArgumentError(
      absl::StrCat("not good as XML: ",
                   reader.refusal != nullptr ? reader.refusal : XML_ErrorString(XML_GetErrorCode(parser.get()))));
}

}  // namespace yizhan::objects
