// Data forms (XEP-0004), as far as a server without user-defined forms needs them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace yizhan::edge::xmpp {

class Element;
class XmlWriter;

struct FormField {
  struct Option {
    std::string label, value;
  };
  std::string var;
  std::string type;   // empty: left out (allowed in "submit" and "result")
  std::string label;  // may be empty
  std::vector<std::string> values;
  std::vector<Option> options = {};
  bool required = false;
};

struct DataForm {
  std::string type;   // "form", "submit", "result", "cancel"
  std::string title;  // may be empty
  std::vector<FormField> fields;

  // A form of a protocol: FORM_TYPE comes first, hidden.
  static DataForm Of(std::string_view type, std::string_view form_type);
  // The FORM_TYPE; empty when there is none.
  std::string_view form_type() const { return Value("FORM_TYPE"); }
  // Null when there is none.
  const FormField* Find(std::string_view var) const;
  // Its first value; empty when there is none.
  std::string_view Value(std::string_view var) const;
  DataForm& Add(std::string_view var, std::string_view value, std::string_view field_type = {},
                std::string_view label = {});
};

void AddDataForm(XmlWriter* writer, const DataForm& form);

// <x xmlns='jabber:x:data'>. InvalidArgument for an unknown type, more than 200 fields, or a var twice.
absl::StatusOr<DataForm> ParseDataForm(const Element& x);

}  // namespace yizhan::edge::xmpp
