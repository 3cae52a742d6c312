#include "edge/transcode.h"

#include "base/status.h"
#include "google/protobuf/util/json_util.h"

namespace yizhan::edge {
namespace {

namespace pb = google::protobuf;

std::unique_ptr<pb::Message> New(const pb::Descriptor* type) {
  return std::unique_ptr<pb::Message>(pb::MessageFactory::generated_factory()->GetPrototype(type)->New());
}

absl::Status Malformed(const pb::Descriptor* type, const std::string& why) {
  return Refuse(
      absl::StatusCode::kInvalidArgument, "MALFORMED_REQUEST",
      "the request is not a valid " + std::string(type->full_name()) + (why.empty() ? "" : ": " + why.substr(0, 300)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<pb::Message>> FromJson(const pb::Descriptor* type, std::string_view json) {
  std::unique_ptr<pb::Message> message = New(type);
  if (json.find_first_not_of(" \t\r\n") == std::string_view::npos) return message;
  pb::util::JsonParseOptions options;
  options.ignore_unknown_fields = false;
  pb::util::Status status =
      pb::util::JsonStringToMessage(pb::StringPiece(json.data(), json.size()), message.get(), options);
  if (!status.ok()) return Malformed(type, std::string(status.message().data(), status.message().size()));
  return message;
}

absl::StatusOr<std::unique_ptr<pb::Message>> FromBinary(const pb::Descriptor* type, std::string_view bytes) {
  std::unique_ptr<pb::Message> message = New(type);
  if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return Malformed(type, "");
  return message;
}

absl::StatusOr<std::string> ToJson(const pb::Message& message) {
  std::string json;
  pb::util::Status status = pb::util::MessageToJsonString(message, &json);
  if (!status.ok())
    return absl::InternalError("an answer cannot be written as JSON: " +
                               std::string(status.message().data(), status.message().size()));
  return json;
}

}  // namespace yizhan::edge
