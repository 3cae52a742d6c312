// The expat side of element.h; included by element_parser.cc and its tests only.
#pragma once

#include <expat.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "edge/xmpp/element.h"

namespace yizhan::edge::xmpp {

// One thread's parser. It holds a stream open (a root element that declares the stream's namespaces) and is fed whole
// elements as its children, which spares a reset for each; it is made anew after an error, when the namespaces differ,
// and when it has seen enough names (expat keeps each name it has met).
class ElementParser {
 public:
  ElementParser() = default;
  ~ElementParser();
  ElementParser(const ElementParser&) = delete;
  ElementParser& operator=(const ElementParser&) = delete;

  absl::Status Parse(std::string_view text, const StreamNamespaces& namespaces, Document* document);
  absl::StatusOr<StreamHeader> ParseHeader(std::string_view text);

 private:
  static void XMLCALL OnStart(void* self, const XML_Char* name, const XML_Char** attributes);
  static void XMLCALL OnEnd(void* self, const XML_Char* name);
  static void XMLCALL OnText(void* self, const XML_Char* text, int length);
  static void XMLCALL OnComment(void* self, const XML_Char*);
  static void XMLCALL OnInstruction(void* self, const XML_Char*, const XML_Char*);
  static void XMLCALL OnDoctype(void* self, const XML_Char*, const XML_Char*, const XML_Char*, int);
  static void XMLCALL OnDeclaration(void* self, const XML_Char*, const XML_Char* encoding, int);
  static void XMLCALL OnNamespace(void* self, const XML_Char* prefix, const XML_Char* uri);

  absl::Status Open(const StreamNamespaces& namespaces);
  absl::Status Create();
  void Close();
  void Start(const XML_Char* name, const XML_Char** attributes);
  void End();
  void FlushText();
  void Stop(StreamCondition condition, std::string_view text);
  absl::Status Refusal() const;

  XML_Parser parser_ = nullptr;
  StreamNamespaces namespaces_;  // of the open root
  uint64_t fed_ = 0;             // bytes since Create()
  uint32_t parsed_ = 0;          // elements since Create()

  // While an element is being parsed.
  Document* document_ = nullptr;
  std::vector<Element*> open_;
  std::string text_;
  bool inside_ = false;    // the synthetic root was opened, what comes is the caller's
  bool complete_ = false;  // a whole element was seen
  uint64_t end_ = 0;       // the byte at which the text must end
  absl::Status stopped_;
  std::vector<StreamNamespaces::Binding> declared_;  // by a stream header
};

}  // namespace yizhan::edge::xmpp
