#include "edge/xmpp/data_form.h"

#include "edge/xmpp/element.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/xml_writer.h"

namespace yizhan::edge::xmpp {

DataForm DataForm::Of(std::string_view type, std::string_view form_type) {
  DataForm form;
  form.type = type;
  form.Add("FORM_TYPE", form_type, "hidden");
  return form;
}

const FormField* DataForm::Find(std::string_view var) const {
  for (const FormField& field : fields) {
    if (field.var == var) return &field;
  }
  return nullptr;
}

std::string_view DataForm::Value(std::string_view var) const {
  const FormField* field = Find(var);
  return field == nullptr || field->values.empty() ? std::string_view() : std::string_view(field->values.front());
}

DataForm& DataForm::Add(std::string_view var, std::string_view value, std::string_view field_type,
                        std::string_view label) {
  FormField& field = fields.emplace_back();
  field.var = var;
  field.type = field_type;
  field.label = label;
  field.values.emplace_back(value);
  return *this;
}

void AddDataForm(XmlWriter* writer, const DataForm& form) {
  writer->Start("x", ns::kDataForms).Attr("type", form.type);
  if (!form.title.empty()) writer->Leaf("title", form.title);
  for (const FormField& field : form.fields) {
    writer->Start("field").AttrIf("var", field.var).AttrIf("type", field.type).AttrIf("label", field.label);
    if (field.required) writer->Start("required").End();
    for (const std::string& value : field.values) writer->Leaf("value", value);
    for (const FormField::Option& option : field.options) {
      writer->Start("option").AttrIf("label", option.label).Leaf("value", option.value).End();
    }
    writer->End();
  }
  writer->End();
}

absl::StatusOr<DataForm> ParseDataForm(const Element& x) {
  constexpr size_t kMaxFields = 200;
  const auto bad = [](std::string_view text) { return Refuse(absl::StatusCode::kInvalidArgument, "BAD_FORM", text); };
  DataForm form;
  form.type = x.attr("type");
  if (form.type != "form" && form.type != "submit" && form.type != "result" && form.type != "cancel") {
    return bad("the form's type is unknown");
  }
  form.title = x.ChildText(ns::kDataForms, "title");
  for (const Element& child : x.children()) {
    if (!child.Is(ns::kDataForms, "field")) continue;
    if (form.fields.size() == kMaxFields) return bad("the form has more than 200 fields");
    FormField field;
    field.var = child.attr("var");
    field.type = child.attr("type");
    field.label = child.attr("label");
    if (!field.var.empty() && form.Find(field.var) != nullptr) return bad("the form has a field twice");
    for (const Element& part : child.children()) {
      if (part.Is(ns::kDataForms, "value")) field.values.emplace_back(part.text());
      if (part.Is(ns::kDataForms, "required")) field.required = true;
      if (part.Is(ns::kDataForms, "option")) {
        field.options.push_back(
            {std::string(part.attr("label")), std::string(part.ChildText(ns::kDataForms, "value"))});
      }
    }
    form.fields.push_back(std::move(field));
  }
  return form;
}

}  // namespace yizhan::edge::xmpp
