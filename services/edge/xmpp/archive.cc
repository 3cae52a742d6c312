#include "edge/xmpp/archive.h"

#include <charconv>

#include "edge/xmpp/data_form.h"
#include "edge/xmpp/element.h"
#include "edge/xmpp/extensions.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/timestamp.h"
#include "edge/xmpp/xml_writer.h"

namespace yizhan::edge::xmpp {
namespace {

absl::Status Bad(std::string_view text) { return Refuse(absl::StatusCode::kInvalidArgument, "BAD_QUERY", text); }

std::string Digits(uint64_t value) { return std::to_string(value); }

}  // namespace

absl::StatusOr<PageRequest> ParsePage(const Element& query) {
  PageRequest page;
  const Element* set = query.FindChild(ns::kRsm, "set");
  if (set == nullptr) return page;
  for (const Element& child : set->children()) {
    if (child.Is(ns::kRsm, "max")) {
      const std::string_view text = child.text();
      uint32_t max = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), max);
      if (error != std::errc() || end != text.data() + text.size()) return Bad("the page's max is not a number");
      page.max = max;
    } else if (child.Is(ns::kRsm, "after")) {
      page.after = child.text();
    } else if (child.Is(ns::kRsm, "before")) {
      page.before = child.text();
    } else if (child.Is(ns::kRsm, "index")) {
      return Refuse(absl::StatusCode::kUnimplemented, "NO_INDEX",
                    "pages by index are not offered: use after or before");
    }
  }
  if (page.after && page.before) return Bad("a page has both after and before");
  return page;
}

void AddPageResult(XmlWriter* writer, const PageResult& page) {
  writer->Start("set", ns::kRsm);
  if (!page.first.empty()) {
    writer->Start("first");
    if (page.index) writer->Attr("index", *page.index);
    writer->Text(page.first).End();
    writer->Leaf("last", page.last);
  }
  if (page.count) writer->Leaf("count", Digits(*page.count));
  writer->End();
}

absl::StatusOr<ArchiveQuery> ParseArchiveQuery(const Element& query) {
  ArchiveQuery parsed;
  parsed.queryid = query.attr("queryid");
  YZ_ASSIGN_OR_RETURN(parsed.page, ParsePage(query));
  parsed.flip_page = query.FindChild(ns::kMam, "flip-page") != nullptr;
  const Element* x = query.FindChild(ns::kDataForms, "x");
  if (x == nullptr) return parsed;
  YZ_ASSIGN_OR_RETURN(const DataForm form, ParseDataForm(*x));
  if (form.form_type() != ns::kMam) return Bad("the query's form is not urn:xmpp:mam:2");
  for (const FormField& field : form.fields) {
    if (field.var == "FORM_TYPE") continue;
    const std::string value = field.values.empty() ? std::string() : field.values.front();
    if (field.var == "with") {
      parsed.with = value;
    } else if (field.var == "start" || field.var == "end") {
      auto time = ParseTimestamp(value);
      if (!time.ok()) return Annotate(time.status(), field.var);
      (field.var == "start" ? parsed.start_us : parsed.end_us) = *time;
    } else if (field.var == "after-id") {
      parsed.after_id = value;
    } else if (field.var == "before-id") {
      parsed.before_id = value;
    } else {
      return Refuse(absl::StatusCode::kUnimplemented, "UNKNOWN_FIELD",
                    "the archive cannot filter by '" + field.var + "'");
    }
  }
  return parsed;
}

void AddArchiveForm(XmlWriter* writer) {
  DataForm form = DataForm::Of("form", ns::kMam);
  for (const auto& [var, type] : {std::pair<std::string_view, std::string_view>{"with", "jid-single"},
                                  {"start", "text-single"},
                                  {"end", "text-single"},
                                  {"before-id", "text-single"},
                                  {"after-id", "text-single"}}) {
    FormField& field = form.fields.emplace_back();
    field.var = var;
    field.type = type;
  }
  writer->Start("query", ns::kMam);
  AddDataForm(writer, form);
  writer->End();
}

void StartArchiveResult(XmlWriter* writer, const ArchiveResult& result) {
  StartStanza(writer, "message", {.type = {}, .from = result.from, .to = result.to, .id = {}});
  writer->Start("result", ns::kMam).AttrIf("queryid", result.queryid).Attr("id", result.id);
  writer->Start("forwarded", ns::kForward);
  AddDelay(writer, result.micros, {});
}

void EndArchiveResult(XmlWriter* writer) { writer->End().End().End(); }

void AddArchiveEnd(XmlWriter* writer, const PageResult& page, bool complete) {
  writer->Start("fin", ns::kMam);
  if (complete) writer->Attr("complete", "true");
  AddPageResult(writer, page);
  writer->End();
}

}  // namespace yizhan::edge::xmpp
