#include "audit/export_format/item.h"

#include <utility>

#include "audit/export_format/calendar.h"
#include "audit/tlog/entry.h"
#include "audit/tlog/text.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

constexpr std::string_view kFormatFront = "yizhan-item/";
constexpr std::string_view kFormat = "yizhan-item/v1";

absl::Status Malformed(std::string_view what) {
  return Refuse(absl::StatusCode::kInvalidArgument, "ITEM_MALFORMED", what);
}

std::string Digits(uint64_t number, size_t width) {
  std::string digits = std::to_string(number);
  return digits.size() < width ? std::string(width - digits.size(), '0') + digits : digits;
}

std::string TextOf(const Json& value) {
  switch (value.kind()) {
    case Json::Kind::kString:
      return value.text();
    case Json::Kind::kNumber:
      return std::to_string(value.number());
    case Json::Kind::kBool:
      return value.flag() ? "yes" : "no";
    default: {
      std::string all;
      for (const Json& element : value.elements()) all += Cat(all.empty() ? "" : ", ", TextOf(element));
      return all;
    }
  }
}

absl::Status CheckSource(const ItemSource& source, const RecordView& record) {
  if (source.number == 0 || source.number > kMaxItems) return Malformed(Cat("no item has the number ", source.number));
  if (source.leaf_salt.size() != kSaltBytes) return Malformed("the leaf's salt has not 32 bytes");
  if (!IsUtf8(source.undisclosed) || !IsUtf8(source.conversation_title)) return Malformed("a text is not UTF-8");
  for (const auto& [id, name] : source.names) {
    if (!IsUtf8(id) || !IsUtf8(name)) return Malformed("a name is not UTF-8");
  }
  const bool has_content = record.content_kind != ContentKind::kNone;
  if (!has_content && (source.disclosed || !source.undisclosed.empty())) {
    return Malformed("it discloses a content, and its record has none");
  }
  if (has_content && source.disclosed.has_value() == !source.undisclosed.empty()) {
    return Malformed("its record's content must be either disclosed, or not disclosed with a reason");
  }
  if (source.disclosed && source.disclosed->salt.size() != kContentSaltBytes) {
    return Malformed("the content's salt has not 16 bytes");
  }
  return absl::OkStatus();
}

absl::StatusOr<ItemSource> ParseSource(const Json& json) {
  ItemSource source;
  YZ_ASSIGN_OR_RETURN(source.number, json.GetNumber("number"));
  YZ_ASSIGN_OR_RETURN(const Json* leaf, json.GetObject("leaf"));
  YZ_ASSIGN_OR_RETURN(source.leaf_index, leaf->GetNumber("index"));
  YZ_ASSIGN_OR_RETURN(std::string leaf_salt, leaf->GetString("salt"));
  YZ_ASSIGN_OR_RETURN(source.leaf_salt, FromBase64(leaf_salt));
  if (json.Find("disclosed") != nullptr) {
    YZ_ASSIGN_OR_RETURN(const Json* disclosed, json.GetObject("disclosed"));
    YZ_ASSIGN_OR_RETURN(std::string salt, disclosed->GetString("salt"));
    YZ_ASSIGN_OR_RETURN(std::string bytes, disclosed->GetString("bytes"));
    source.disclosed.emplace();
    YZ_ASSIGN_OR_RETURN(source.disclosed->salt, FromBase64(salt));
    YZ_ASSIGN_OR_RETURN(source.disclosed->bytes, FromBase64(bytes));
  }
  if (json.Find("undisclosed") != nullptr) {
    YZ_ASSIGN_OR_RETURN(source.undisclosed, json.GetString("undisclosed"));
  }
  YZ_ASSIGN_OR_RETURN(const Json* context, json.GetObject("context"));
  if (context->Find("conversation_title") != nullptr) {
    YZ_ASSIGN_OR_RETURN(source.conversation_title, context->GetString("conversation_title"));
  }
  YZ_ASSIGN_OR_RETURN(const Json* names, context->GetObject("names"));
  for (const auto& [id, name] : names->members()) {
    if (name.kind() != Json::Kind::kString) return absl::InvalidArgumentError("a name is not a string");
    source.names[id] = name.text();
  }
  return source;
}

}  // namespace

std::string Item::Fact(std::string_view name) const {
  const Json* fact = record.facts.Find(name);
  return fact == nullptr ? std::string() : TextOf(*fact);
}

std::string Item::Text() const {
  const Json* text = content.Find("text");
  return text == nullptr ? std::string() : text->text();
}

std::string Item::AuthorId() const {
  for (std::string_view name : {"sender_id", "author_id"}) {
    if (std::string id = Fact(name); !id.empty()) return id;
  }
  const size_t colon = record.actor.find(':');
  return colon == std::string::npos ? record.actor : record.actor.substr(colon + 1);
}

std::string Item::AuthorName() const {
  const auto name = names.find(AuthorId());
  return name == names.end() ? std::string() : name->second;
}

std::string Item::Event() const {
  if (record.content_kind != ContentKind::kNone && Fact("rating").empty()) return "";
  std::string all;
  for (const auto& [name, value] : record.facts.members()) {
    if (name == "conversation_id" || name == "seq" || name == "message_id" || name == "line_id") continue;
    all += Cat(all.empty() ? "" : "; ", name, ": ", TextOf(value));
  }
  return all;
}

absl::StatusOr<Item> BuildItem(const ItemSource& source, std::string_view record) {
  Item item;
  static_cast<ItemSource&>(item) = source;
  YZ_ASSIGN_OR_RETURN(item.record, ReadRecord(record));
  YZ_RETURN_IF_ERROR(CheckSource(source, item.record));
  if (source.disclosed) {
    if (ContentCommitment(source.disclosed->salt, source.disclosed->bytes) != item.record.content_commitment) {
      return Refuse(absl::StatusCode::kFailedPrecondition, "CONTENT_MISMATCH",
                    "the disclosed content is not the one that the record commits to");
    }
    YZ_ASSIGN_OR_RETURN(item.content, ReadContent(item.record.content_kind, source.disclosed->bytes));
  }
  return item;
}

Json ItemJson(const Item& item) {
  Json json;
  json.Set("format", Json::String(kFormat));
  json.Set("number", Json::Number(item.number));
  Json leaf;
  leaf.Set("index", Json::Number(item.leaf_index));
  leaf.Set("salt", Json::String(ToBase64(item.leaf_salt)));
  json.Set("leaf", std::move(leaf));
  Json record;
  record.Set("partition", Json::String(item.record.partition));
  record.Set("seq", Json::Number(item.record.seq));
  record.Set("time", Json::String(FormatTime(item.record.time_us)));
  record.Set("type", Json::String(item.record.type));
  record.Set("actor", Json::String(item.record.actor));
  if (!item.record.request_id.empty()) record.Set("request_id", Json::String(item.record.request_id));
  json.Set("record", std::move(record));
  json.Set("facts", item.record.facts);
  if (item.disclosed) {
    json.Set("content", item.content);
    Json disclosed;
    disclosed.Set("salt", Json::String(ToBase64(item.disclosed->salt)));
    disclosed.Set("bytes", Json::String(ToBase64(item.disclosed->bytes)));
    json.Set("disclosed", std::move(disclosed));
  }
  if (!item.undisclosed.empty()) json.Set("undisclosed", Json::String(item.undisclosed));
  Json context;
  if (!item.conversation_title.empty()) context.Set("conversation_title", Json::String(item.conversation_title));
  Json names;
  for (const auto& [id, name] : item.names) names.Set(id, Json::String(name));
  context.Set("names", std::move(names));
  json.Set("context", std::move(context));
  return json;
}

absl::StatusOr<ItemSource> ParseItemJson(const Json& json) {
  const auto format = json.GetString("format");
  if (!format.ok() || format->substr(0, kFormatFront.size()) != kFormatFront) return Malformed("it is not an item");
  if (*format != kFormat) {
    return Refuse(absl::StatusCode::kUnimplemented, "ITEM_VERSION",
                  Cat("an item of format ", Quoted(*format), "; this program reads ", kFormat));
  }
  auto source = ParseSource(json);
  if (!source.ok()) return Malformed(std::string(source.status().message()));
  return source;
}

std::string ItemPath(uint64_t number, std::string_view extension) {
  return Cat("items/", Digits(number / 1000, 3), '/', Digits(number, 6), '.', extension);
}

std::string FormatTime(int64_t time_us) {
  const CalendarTime t = ToCalendar(time_us);
  return Cat(Digits(t.year, 4), '-', Digits(t.month, 2), '-', Digits(t.day, 2), 'T', Digits(t.hour, 2), ':',
             Digits(t.minute, 2), ':', Digits(t.second, 2), '.', Digits(t.micros, 6), 'Z');
}

}  // namespace yizhan::audit
