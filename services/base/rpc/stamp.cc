#include "base/rpc/stamp.h"

#include "google/protobuf/descriptor.h"

namespace yizhan::rpc {
namespace {

const google::protobuf::FieldDescriptor* TextField(const google::protobuf::Descriptor* type, const char* name) {
  const auto* field = type->FindFieldByName(name);
  return field != nullptr && !field->is_repeated() && field->type() == google::protobuf::FieldDescriptor::TYPE_STRING
             ? field
             : nullptr;
}

}  // namespace

bool IsStamped(const google::protobuf::Descriptor* request) { return TextField(request, "remote_address") != nullptr; }

void Stamp(google::protobuf::Message* request, std::string_view remote_address, std::string_view origin) {
  const auto* type = request->GetDescriptor();
  if (!IsStamped(type)) return;
  request->GetReflection()->SetString(request, TextField(type, "remote_address"), std::string(remote_address));
  if (const auto* field = TextField(type, "origin"))
    request->GetReflection()->SetString(request, field, std::string(origin));
}

}  // namespace yizhan::rpc
