#include "ledger/record_json.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/util/json_util.h"

namespace yizhan::ledger {
namespace {

// A service's record message: the one named ...Record in yizhan/SERVICE/v1/record.proto (the ledger's own is in
// keyring.proto).
const google::protobuf::Descriptor* PayloadType(std::string_view service) {
  const std::string name = service == "keyring" ? "yizhan/ledger/v1/keyring.proto"
                                                : absl::StrCat("yizhan/", std::string(service), "/v1/record.proto");
  const auto* file = google::protobuf::DescriptorPool::generated_pool()->FindFileByName(name);
  for (int i = 0; file != nullptr && i < file->message_type_count(); ++i) {
    if (std::string_view(file->message_type(i)->name()).ends_with("Record")) return file->message_type(i);
  }
  return nullptr;
}

// Null when the payload is not of a known type or cannot be read as it.
nlohmann::ordered_json Payload(const Record& record) {
  const std::string_view partition = record.partition();
  const auto* descriptor = PayloadType(partition.substr(0, partition.find('/')));
  if (descriptor == nullptr) return nullptr;
  std::unique_ptr<google::protobuf::Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  if (!message->ParseFromString(record.payload()) ||
      !google::protobuf::util::MessageToJsonString(*message, &json, options).ok())
    return nullptr;
  return nlohmann::ordered_json::parse(json, nullptr, /*allow_exceptions=*/false);
}
}  // namespace

std::string RecordJson(const Record& record) {
  nlohmann::ordered_json out;
  out["partition"] = record.partition();
  out["seq"] = record.seq();
  out["time"] = absl::FormatTime(absl::RFC3339_full, absl::FromUnixMicros(record.time_us()), absl::UTCTimeZone());
  out["actor"] = record.actor();
  if (!record.request_id().empty()) out["request_id"] = record.request_id();
  out["type"] = record.type();
  auto payload = Payload(record);
  if (payload.is_object()) {
    out["payload"] = std::move(payload);
  } else {
    out["payload_base64"] = absl::Base64Escape(record.payload());
  }
  if (!record.result().empty()) out["result_base64"] = absl::Base64Escape(record.result());
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace yizhan::ledger
