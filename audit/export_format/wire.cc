#include "audit/export_format/wire.h"

#include <optional>

#include "audit/tlog/text.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

constexpr size_t kMaxFields = 100000;

absl::Status NotAMessage(std::string_view what) {
  return absl::InvalidArgumentError(Cat("not a protobuf message: ", what));
}

std::optional<uint64_t> TakeVarint(std::string_view* rest) {
  uint64_t value = 0;
  for (size_t i = 0; i < 10 && i < rest->size(); ++i) {
    const auto byte = static_cast<unsigned char>((*rest)[i]);
    if (i == 9 && byte > 1) return std::nullopt;
    value |= static_cast<uint64_t>(byte & 0x7F) << (7 * i);
    if (byte < 0x80) {
      rest->remove_prefix(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

uint64_t TakeLittleEndian(std::string_view* rest, size_t size) {
  uint64_t value = 0;
  for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>((*rest)[i]);
  rest->remove_prefix(size);
  return value;
}

}  // namespace

absl::StatusOr<WireMessage> WireMessage::Parse(std::string_view bytes) {
  WireMessage message;
  while (!bytes.empty()) {
    const auto tag = TakeVarint(&bytes);
    if (!tag || *tag >> 3 == 0 || *tag >> 3 > 536870911) return NotAMessage("a field has no number");
    WireField field;
    field.number = static_cast<uint32_t>(*tag >> 3);
    switch (*tag & 7) {
      case 0: {
        const auto value = TakeVarint(&bytes);
        if (!value) return NotAMessage("a number does not end");
        field.value = *value;
        break;
      }
      case 1:
        if (bytes.size() < 8) return NotAMessage("it ends early");
        field.kind = WireField::Kind::kFixed64;
        field.value = TakeLittleEndian(&bytes, 8);
        break;
      case 2: {
        const auto length = TakeVarint(&bytes);
        if (!length || *length > bytes.size()) return NotAMessage("a field is longer than the message");
        field.kind = WireField::Kind::kBytes;
        field.bytes = bytes.substr(0, *length);
        bytes.remove_prefix(*length);
        break;
      }
      case 5:
        if (bytes.size() < 4) return NotAMessage("it ends early");
        field.kind = WireField::Kind::kFixed32;
        field.value = TakeLittleEndian(&bytes, 4);
        break;
      default:
        return NotAMessage("a field of a type that no record has");
    }
    if (message.fields_.size() == kMaxFields) return NotAMessage("too many fields");
    message.fields_.push_back(field);
  }
  return message;
}

absl::StatusOr<const WireField*> WireMessage::One(uint32_t number, WireField::Kind kind) const {
  const WireField* found = nullptr;
  for (const WireField& field : fields_) {
    if (field.number != number) continue;
    if (found != nullptr) return NotAMessage(Cat("field ", number, " occurs twice"));
    if (field.kind != kind) return NotAMessage(Cat("field ", number, " is of another type"));
    found = &field;
  }
  return found;
}

absl::StatusOr<uint64_t> WireMessage::Varint(uint32_t number) const {
  YZ_ASSIGN_OR_RETURN(const WireField* field, One(number, WireField::Kind::kVarint));
  return field == nullptr ? 0 : field->value;
}

absl::StatusOr<std::string_view> WireMessage::Bytes(uint32_t number) const {
  YZ_ASSIGN_OR_RETURN(const WireField* field, One(number, WireField::Kind::kBytes));
  return field == nullptr ? std::string_view() : field->bytes;
}

absl::StatusOr<std::string_view> WireMessage::Str(uint32_t number) const {
  YZ_ASSIGN_OR_RETURN(std::string_view text, Bytes(number));
  if (!IsUtf8(text)) return NotAMessage(Cat("field ", number, " is not UTF-8"));
  return text;
}

}  // namespace yizhan::audit
