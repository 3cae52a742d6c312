#include "edge/xmpp/element_parser.h"

#include <cstring>
#include <utility>

#include "edge/xmpp/framer.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/xml_writer.h"

namespace yizhan::edge::xmpp {
namespace {

// Between namespace and name in what expat reports. XML 1.0 has no such character, so neither part can contain it.
constexpr char kSeparator = '\x01';
constexpr size_t kMaxAttributes = 128;
// How much a parser may see before it is made anew: bounds the names and the buffers that expat keeps.
constexpr uint32_t kMaxElements = 1024;
constexpr uint64_t kMaxFed = 1 << 20;

std::pair<std::string_view, std::string_view> SplitName(const XML_Char* name) {
  const std::string_view whole(name);
  const size_t at = whole.find(kSeparator);
  if (at == std::string_view::npos) return {{}, whole};
  return {whole.substr(0, at), whole.substr(at + 1)};
}

}  // namespace

ElementParser::~ElementParser() { Close(); }

void ElementParser::Close() {
  if (parser_ != nullptr) XML_ParserFree(parser_);
  parser_ = nullptr;
}

absl::Status ElementParser::Create() {
  Close();
  // The encoding given here overrides what a declaration claims.
  parser_ = XML_ParserCreateNS("UTF-8", kSeparator);
  if (parser_ == nullptr) return absl::ResourceExhaustedError("out of memory for an XML parser");
  XML_SetUserData(parser_, this);
  XML_SetElementHandler(parser_, OnStart, OnEnd);
  XML_SetCharacterDataHandler(parser_, OnText);
  XML_SetCommentHandler(parser_, OnComment);
  XML_SetProcessingInstructionHandler(parser_, OnInstruction);
  XML_SetStartDoctypeDeclHandler(parser_, OnDoctype);
  fed_ = parsed_ = 0;
  inside_ = false;
  return absl::OkStatus();
}

absl::Status ElementParser::Open(const StreamNamespaces& namespaces) {
  YZ_RETURN_IF_ERROR(Create());
  namespaces_ = namespaces;
  std::string root = "<r";
  for (const auto& binding : namespaces.bindings) {
    root.append(binding.prefix.empty() ? " xmlns" : " xmlns:").append(binding.prefix).append("='");
    AppendEscaped(binding.uri, &root);
    root.push_back('\'');
  }
  root.push_back('>');
  fed_ = root.size();
  if (XML_Parse(parser_, root.data(), static_cast<int>(root.size()), XML_FALSE) != XML_STATUS_OK) {
    absl::Status refusal = Refusal();
    Close();
    return refusal;
  }
  inside_ = true;
  return absl::OkStatus();
}

absl::Status ElementParser::Refusal() const {
  if (!stopped_.ok()) return stopped_;
  const XML_Error code = XML_GetErrorCode(parser_);
  return StreamRefusal(StreamCondition::kNotWellFormed,
                       code == XML_ERROR_NONE ? "the element is incomplete" : XML_ErrorString(code));
}

absl::Status ElementParser::Parse(std::string_view text, const StreamNamespaces& namespaces, Document* document) {
  document->Clear();
  stopped_ = absl::OkStatus();
  if (text.size() > (1u << 30)) return StreamRefusal(StreamCondition::kPolicyViolation, "the element is too big");
  if (parser_ == nullptr || parsed_ >= kMaxElements || fed_ >= kMaxFed || !(namespaces_ == namespaces)) {
    YZ_RETURN_IF_ERROR(Open(namespaces));
  }
  document_ = document;
  complete_ = false;
  open_.clear();
  text_.clear();
  end_ = fed_ + text.size();
  const bool ok = XML_Parse(parser_, text.data(), static_cast<int>(text.size()), XML_FALSE) == XML_STATUS_OK;
  document_ = nullptr;
  fed_ = end_;
  ++parsed_;
  if (text_.capacity() > 65536) std::string().swap(text_);
  if (ok && complete_ && stopped_.ok()) return absl::OkStatus();
  absl::Status refusal = Refusal();
  document->Clear();
  Close();
  return refusal;
}

void ElementParser::Stop(StreamCondition condition, std::string_view text) {
  if (!stopped_.ok()) return;
  stopped_ = StreamRefusal(condition, text);
  XML_StopParser(parser_, XML_FALSE);
}

void ElementParser::FlushText() {
  if (text_.empty()) return;
  const std::string_view copy = document_->Copy(text_);
  text_.clear();
  Element* parent = open_.back();
  (parent->last_ == nullptr ? parent->text_ : parent->last_->tail_) = copy;
}

void ElementParser::Start(const XML_Char* name, const XML_Char** attributes) {
  if (!stopped_.ok()) return;
  if (complete_) return Stop(StreamCondition::kNotWellFormed, "more than one element");
  if (open_.size() == kElementDepth) return Stop(StreamCondition::kPolicyViolation, "elements are nested too deep");
  if (!open_.empty()) FlushText();
  size_t count = 0;
  while (attributes[count] != nullptr) count += 2;
  count /= 2;
  if (count > kMaxAttributes) return Stop(StreamCondition::kPolicyViolation, "an element has too many attributes");

  Element* element = new (document_->Allocate(sizeof(Element), alignof(Element))) Element;
  const auto [ns, local] = SplitName(name);
  element->ns_ = !open_.empty() && open_.back()->ns_ == ns ? open_.back()->ns_ : document_->Copy(ns);
  element->name_ = document_->Copy(local);
  if (count > 0) {
    Attribute* list = document_->AllocateArray<Attribute>(count);
    for (size_t i = 0; i < count; ++i) {
      const auto [attribute_ns, attribute_name] = SplitName(attributes[2 * i]);
      new (&list[i]) Attribute{document_->Copy(attribute_ns), document_->Copy(attribute_name),
                               document_->Copy(attributes[2 * i + 1])};
    }
    element->attributes_ = list;
    element->attribute_count_ = static_cast<uint32_t>(count);
  }
  if (open_.empty()) {
    document_->root_ = element;
  } else {
    Element* parent = open_.back();
    (parent->last_ == nullptr ? parent->first_ : parent->last_->next_) = element;
    parent->last_ = element;
  }
  open_.push_back(element);
}

void ElementParser::End() {
  if (!stopped_.ok()) return;
  if (open_.empty()) return Stop(StreamCondition::kNotWellFormed, "an end tag closes what was not opened");
  FlushText();
  open_.pop_back();
  if (!open_.empty()) return;
  complete_ = true;
  // What follows could be held back by expat as the beginning of a token and end up in the next caller's element.
  const uint64_t at = static_cast<uint64_t>(XML_GetCurrentByteIndex(parser_)) + XML_GetCurrentByteCount(parser_);
  if (at != end_) Stop(StreamCondition::kNotWellFormed, "something follows the element");
}

void ElementParser::OnStart(void* self, const XML_Char* name, const XML_Char** attributes) {
  auto* parser = static_cast<ElementParser*>(self);
  if (parser->inside_) parser->Start(name, attributes);
}

void ElementParser::OnEnd(void* self, const XML_Char*) {
  auto* parser = static_cast<ElementParser*>(self);
  if (parser->inside_) parser->End();
}

void ElementParser::OnText(void* self, const XML_Char* text, int length) {
  auto* parser = static_cast<ElementParser*>(self);
  if (!parser->inside_ || !parser->stopped_.ok()) return;
  if (parser->open_.empty())
    return parser->Stop(StreamCondition::kNotWellFormed, "there is text outside of the element");
  parser->text_.append(text, static_cast<size_t>(length));
}

void ElementParser::OnComment(void* self, const XML_Char*) {
  static_cast<ElementParser*>(self)->Stop(StreamCondition::kRestrictedXml, "comments have no place in a stream");
}

void ElementParser::OnInstruction(void* self, const XML_Char*, const XML_Char*) {
  static_cast<ElementParser*>(self)->Stop(StreamCondition::kRestrictedXml,
                                          "processing instructions have no place in a stream");
}

void ElementParser::OnDoctype(void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) {
  static_cast<ElementParser*>(self)->Stop(StreamCondition::kRestrictedXml,
                                          "document type declarations have no place in a stream");
}

void ElementParser::OnDeclaration(void* self, const XML_Char*, const XML_Char* encoding, int) {
  if (encoding == nullptr) return;
  std::string name(encoding);
  for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  if (name != "UTF-8") {
    static_cast<ElementParser*>(self)->Stop(StreamCondition::kUnsupportedEncoding, "streams are UTF-8");
  }
}

void ElementParser::OnNamespace(void* self, const XML_Char* prefix, const XML_Char* uri) {
  auto* parser = static_cast<ElementParser*>(self);
  if (parser->declared_.size() == kMaxAttributes) {
    return parser->Stop(StreamCondition::kPolicyViolation, "the stream header declares too many namespaces");
  }
  parser->declared_.push_back({prefix == nullptr ? "" : prefix, uri == nullptr ? "" : uri});
}

absl::StatusOr<StreamHeader> ElementParser::ParseHeader(std::string_view text) {
  stopped_ = absl::OkStatus();
  if (text.size() > (1u << 20)) return StreamRefusal(StreamCondition::kPolicyViolation, "the stream header is too big");
  YZ_RETURN_IF_ERROR(Create());
  XML_SetXmlDeclHandler(parser_, OnDeclaration);
  XML_SetStartNamespaceDeclHandler(parser_, OnNamespace);
  Document document;
  document_ = &document;
  complete_ = false;
  inside_ = true;
  open_.clear();
  text_.clear();
  declared_.clear();
  const bool ok = XML_Parse(parser_, text.data(), static_cast<int>(text.size()), XML_FALSE) == XML_STATUS_OK;
  absl::Status refusal = ok && stopped_.ok() && open_.size() == 1 && document.root()->first_child() == nullptr &&
                                 text_.empty() && text.back() == '>'
                             ? absl::OkStatus()
                             : Refusal();
  document_ = nullptr;
  Close();
  YZ_RETURN_IF_ERROR(refusal);

  const Element& root = *document.root();
  if (!root.Is(ns::kStream, "stream")) {
    return StreamRefusal(StreamCondition::kInvalidNamespace,
                         "the stream's element is not {http://etherx.jabber.org/streams}stream");
  }
  StreamHeader header;
  header.to = root.attr("to");
  header.from = root.attr("from");
  header.id = root.attr("id");
  header.version = root.attr("version");
  if (const Attribute* lang = root.FindAttr(ns::kXml, "lang")) header.lang = lang->value;
  StreamNamespaces declared{std::move(declared_)};
  declared_ = {};
  bool client = false;
  for (const auto& binding : declared.bindings) client |= binding.prefix.empty() && binding.uri == ns::kClient;
  if (!client)
    return StreamRefusal(StreamCondition::kInvalidNamespace, "the stream's content namespace is not jabber:client");
  const bool major_1 = header.version.empty() || header.IsVersion1();
  if (!major_1) return StreamRefusal(StreamCondition::kUnsupportedVersion, "this server speaks version 1.0");
  const auto& common = StreamNamespaces::Common();
  bool same = declared.bindings.size() == common->bindings.size();
  for (const auto& binding : common->bindings) {
    bool found = false;
    for (const auto& other : declared.bindings) found |= other == binding;
    same &= found;
  }
  header.namespaces = same ? common : std::make_shared<const StreamNamespaces>(std::move(declared));
  return header;
}

namespace {
ElementParser& ThreadParser() {
  thread_local ElementParser parser;
  return parser;
}
}  // namespace

absl::Status ParseElement(std::string_view text, const StreamNamespaces& namespaces, Document* document) {
  return ThreadParser().Parse(text, namespaces, document);
}

absl::StatusOr<Document> ParseElement(std::string_view text) {
  Document document;
  YZ_RETURN_IF_ERROR(ParseElement(text, *StreamNamespaces::Common(), &document));
  return document;
}

absl::StatusOr<StreamHeader> ParseStreamHeader(std::string_view text) {
  // A parser of its own: the thread's goes on with its stream.
  ElementParser parser;
  return parser.ParseHeader(text);
}

}  // namespace yizhan::edge::xmpp
