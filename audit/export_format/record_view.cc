#include "audit/export_format/record_view.h"

#include <array>
#include <span>

#include "audit/export_format/wire.h"
#include "audit/tlog/text.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

struct Field {
  enum Kind { kString, kStrings, kNumber, kId, kBool, kEnum };
  uint32_t number;
  std::string_view name;
  Kind kind;
  // kEnum: the names of 0, 1, ...; a value beyond them is written as its number.
  std::span<const std::string_view> words = {};
  // When not 0, the field stands in the submessage with this number.
  uint32_t inside = 0;
};

struct Payload {
  std::string_view family;  // of the partition: "im" of "im/17"
  uint32_t member;          // of the record message's oneof
  std::span<const Field> fields;
  uint32_t sealed = 0;  // the field with the sealed content; 0 for none
  ContentKind content = ContentKind::kNone;
};

constexpr std::string_view kConversationKinds[] = {"", "DIRECT", "GROUP"};
constexpr std::string_view kAuthors[] = {"", "CUSTOMER", "AGENT", "SYSTEM"};
constexpr std::string_view kAgentStates[] = {"", "OFFLINE", "ONLINE", "PAUSED"};

// Frozen with export format version 1: a verifier computes the very same facts from a record, years later.
constexpr Field kConversationCreated[] = {
    {1, "conversation_id", Field::kString}, {2, "kind", Field::kEnum, kConversationKinds},
    {3, "title", Field::kString},           {4, "open", Field::kBool},
    {5, "member_ids", Field::kStrings},     {6, "creator_id", Field::kString},
    {7, "message_id", Field::kId}};
constexpr Field kMessageSent[] = {{1, "conversation_id", Field::kString},
                                  {2, "seq", Field::kNumber},
                                  {3, "message_id", Field::kId},
                                  {4, "client_id", Field::kString},
                                  {5, "sender_id", Field::kString}};
constexpr Field kMembersJoined[] = {{1, "conversation_id", Field::kString},
                                    {2, "seq", Field::kNumber},
                                    {3, "message_id", Field::kId},
                                    {4, "person_ids", Field::kStrings},
                                    {5, "by_id", Field::kString}};
constexpr Field kMemberLeft[] = {{1, "conversation_id", Field::kString}, {2, "seq", Field::kNumber},
                                 {3, "message_id", Field::kId},          {4, "person_id", Field::kString},
                                 {5, "by_id", Field::kString},           {6, "successor_id", Field::kString}};
constexpr Field kGroupRenamed[] = {{1, "conversation_id", Field::kString},
                                   {2, "seq", Field::kNumber},
                                   {3, "message_id", Field::kId},
                                   {4, "title", Field::kString},
                                   {5, "by_id", Field::kString}};
constexpr Field kCursorsMoved[] = {{1, "conversation_id", Field::kString},
                                   {2, "person_id", Field::kString},
                                   {3, "read_seq", Field::kNumber},
                                   {4, "delivered_seq", Field::kNumber}};
constexpr Field kLineWritten[] = {{1, "conversation_id", Field::kString},
                                  {2, "seq", Field::kNumber},
                                  {3, "line_id", Field::kId},
                                  {4, "client_id", Field::kString},
                                  {5, "author", Field::kEnum, kAuthors},
                                  {6, "author_id", Field::kString},
                                  {7, "internal", Field::kBool}};
constexpr Field kReceptionStarted[] = {
    {1, "conversation_id", Field::kString}, {2, "seq", Field::kNumber},        {3, "line_id", Field::kId},
    {4, "customer_id", Field::kString},     {5, "channel_id", Field::kString}, {6, "page_url", Field::kString}};
constexpr Field kReceptionQueued[] = {
    {1, "conversation_id", Field::kString}, {2, "seq", Field::kNumber},   {3, "line_id", Field::kId},
    {4, "group_id", Field::kString},        {5, "at_head", Field::kBool}, {6, "by_agent_id", Field::kString}};
constexpr Field kReceptionAssigned[] = {{1, "conversation_id", Field::kString},
                                        {2, "seq", Field::kNumber},
                                        {3, "line_id", Field::kId},
                                        {4, "agent_id", Field::kString},
                                        {5, "by_agent_id", Field::kString}};
constexpr Field kReceptionClosed[] = {{1, "conversation_id", Field::kString},
                                      {2, "seq", Field::kNumber},
                                      {3, "line_id", Field::kId},
                                      {4, "by_agent_id", Field::kString}};
constexpr Field kReceptionRated[] = {{1, "conversation_id", Field::kString},
                                     {2, "seq", Field::kNumber},
                                     {3, "line_id", Field::kId},
                                     {4, "rating", Field::kNumber}};
constexpr Field kAgentChanged[] = {
    {1, "agent_id", Field::kString}, {2, "state", Field::kEnum, kAgentStates}, {3, "capacity", Field::kNumber}};
constexpr Field kSessionStarted[] = {{1, "session_id", Field::kString},
                                     {2, "person_id", Field::kString},
                                     {4, "device", Field::kString},
                                     {5, "remote_address", Field::kString}};
constexpr Field kSessionEnded[] = {
    {1, "session_id", Field::kString}, {2, "person_id", Field::kString}, {3, "reason", Field::kString}};
constexpr Field kLogInFailed[] = {
    {1, "login", Field::kString}, {2, "remote_address", Field::kString}, {3, "count", Field::kNumber}};
constexpr Field kAccessed[] = {{1, "auditor_id", Field::kString},        {2, "action", Field::kString},
                               {1, "case_id", Field::kString, {}, 3},    {2, "reason", Field::kString, {}, 3},
                               {2, "query_text", Field::kString, {}, 4}, {5, "subject", Field::kString}};
constexpr Field kRestored[] = {{2, "backup_number", Field::kNumber}, {3, "former_key", Field::kString}, {4, "key", Field::kString}};

constexpr Payload kPayloads[] = {
    {"im", 1, kConversationCreated},
    {"im", 2, kMessageSent, 6, ContentKind::kMessage},
    {"im", 3, kMembersJoined},
    {"im", 4, kMemberLeft},
    {"im", 5, kGroupRenamed},
    {"im", 6, kCursorsMoved},
    {"desk", 4, kLineWritten, 8, ContentKind::kText},
    {"desk", 5, kReceptionStarted},
    {"desk", 6, kReceptionQueued},
    {"desk", 7, kReceptionAssigned},
    {"desk", 8, kReceptionClosed},
    {"desk", 9, kReceptionRated, 5, ContentKind::kText},
    {"desk", 10, kAgentChanged},
    {"directory", 5, kSessionStarted},
    {"directory", 6, kSessionEnded},
    {"directory", 7, kLogInFailed},
    {"audit", 3, kAccessed},
    {"audit", 6, kRestored},
};

constexpr uint32_t kCommitmentField = 4;  // of yizhan.common.v1.Sealed
constexpr uint8_t kContentPrefix = 0x03;

absl::Status Malformed(std::string_view what) {
  return Refuse(absl::StatusCode::kInvalidArgument, "RECORD_MALFORMED", what);
}

absl::Status AddFact(const WireMessage& message, const Field& field, Json* facts) {
  if (field.kind == Field::kStrings) {
    Json list = Json::Array();
    for (const WireField& each : message.fields()) {
      if (each.number != field.number) continue;
      if (each.kind != WireField::Kind::kBytes || !IsUtf8(each.bytes))
        return Malformed(Cat(field.name, " is not text"));
      list.Add(Json::String(each.bytes));
    }
    if (!list.elements().empty()) facts->Set(field.name, std::move(list));
    return absl::OkStatus();
  }
  if (field.kind == Field::kString) {
    YZ_ASSIGN_OR_RETURN(std::string_view text, message.Str(field.number));
    if (!text.empty()) facts->Set(field.name, Json::String(text));
    return absl::OkStatus();
  }
  YZ_ASSIGN_OR_RETURN(uint64_t value, message.Varint(field.number));
  if (value == 0) return absl::OkStatus();
  switch (field.kind) {
    case Field::kBool:
      facts->Set(field.name, Json::Bool(true));
      break;
    case Field::kId:
      facts->Set(field.name, Json::String(std::to_string(value)));
      break;
    case Field::kEnum:
      facts->Set(field.name, Json::String(value < field.words.size() ? field.words[value] : std::to_string(value)));
      break;
    default:
      facts->Set(field.name, Json::Number(value));
  }
  return absl::OkStatus();
}

absl::Status ReadPayload(std::string_view payload, RecordView* view) {
  const std::string_view family = std::string_view(view->partition).substr(0, view->partition.find('/'));
  YZ_ASSIGN_OR_RETURN(WireMessage outer, WireMessage::Parse(payload));
  constexpr uint32_t kCredentialsSet = 4;
  for (const WireField& field : outer.fields()) {
    if (family == "keyring" || (family == "directory" && field.number == kCredentialsSet)) view->secret = true;
  }
  for (const Payload& spec : kPayloads) {
    if (spec.family != family) continue;
    YZ_ASSIGN_OR_RETURN(std::string_view bytes, outer.Bytes(spec.member));
    if (bytes.data() == nullptr) continue;  // another member of the oneof
    YZ_ASSIGN_OR_RETURN(WireMessage message, WireMessage::Parse(bytes));
    for (const Field& field : spec.fields) {
      if (field.inside == 0) {
        YZ_RETURN_IF_ERROR(AddFact(message, field, &view->facts));
      } else {
        YZ_ASSIGN_OR_RETURN(std::string_view inner_bytes, message.Bytes(field.inside));
        YZ_ASSIGN_OR_RETURN(WireMessage inner, WireMessage::Parse(inner_bytes));
        YZ_RETURN_IF_ERROR(AddFact(inner, field, &view->facts));
      }
    }
    if (spec.sealed == 0) return absl::OkStatus();
    YZ_ASSIGN_OR_RETURN(std::string_view sealed_bytes, message.Bytes(spec.sealed));
    if (sealed_bytes.data() == nullptr) return absl::OkStatus();  // a content that is optional
    YZ_ASSIGN_OR_RETURN(WireMessage sealed, WireMessage::Parse(sealed_bytes));
    YZ_ASSIGN_OR_RETURN(std::string_view commitment, sealed.Bytes(kCommitmentField));
    YZ_ASSIGN_OR_RETURN(view->content_commitment, HashFromBytes(commitment));
    view->content_kind = spec.content;
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::StatusOr<RecordView> ReadEnvelope(std::string_view record) {
  YZ_ASSIGN_OR_RETURN(WireMessage message, WireMessage::Parse(record));
  RecordView view;
  YZ_ASSIGN_OR_RETURN(std::string_view partition, message.Str(1));
  YZ_ASSIGN_OR_RETURN(view.seq, message.Varint(2));
  YZ_ASSIGN_OR_RETURN(uint64_t time_us, message.Varint(3));
  YZ_ASSIGN_OR_RETURN(std::string_view actor, message.Str(4));
  YZ_ASSIGN_OR_RETURN(std::string_view request_id, message.Str(5));
  YZ_ASSIGN_OR_RETURN(std::string_view type, message.Str(6));
  YZ_ASSIGN_OR_RETURN(std::string_view payload, message.Bytes(7));
  if (time_us > INT64_MAX) return absl::InvalidArgumentError("its time is before 1970");
  view.partition = std::string(partition);
  view.time_us = static_cast<int64_t>(time_us);
  view.actor = std::string(actor);
  view.request_id = std::string(request_id);
  view.type = std::string(type);
  YZ_RETURN_IF_ERROR(ReadPayload(payload, &view));
  return view;
}

}  // namespace

absl::StatusOr<RecordView> ReadRecord(std::string_view record) {
  auto view = ReadEnvelope(record);
  if (!view.ok()) return Malformed(Cat("not a record: ", std::string(view.status().message())));
  return view;
}

Hash ContentCommitment(std::string_view salt, std::string_view content) {
  return Sha256Of(kContentPrefix, salt, content);
}

absl::StatusOr<Json> ReadContent(ContentKind kind, std::string_view content) {
  Json out;
  if (kind == ContentKind::kText) {
    if (!IsUtf8(content)) return Malformed("the content is not UTF-8");
    if (!content.empty()) out.Set("text", Json::String(content));
    return out;
  }
  if (kind == ContentKind::kNone) return Malformed("this record has no content");
  auto message = WireMessage::Parse(content);
  if (!message.ok()) return Malformed(Cat("not a content: ", std::string(message.status().message())));
  constexpr Field kFields[] = {
      {1, "text", Field::kString}, {2, "reply_to_seq", Field::kNumber}, {3, "mentions", Field::kStrings}};
  for (const Field& field : kFields) YZ_RETURN_IF_ERROR(AddFact(*message, field, &out));
  for (const WireField& field : message->fields()) {
    if (field.number > 3) out.Set("unrendered", Json::Bool(true));
  }
  return out;
}

}  // namespace yizhan::audit
