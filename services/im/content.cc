#include "im/content.h"

#include <cstdint>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "im/ids.h"

namespace yizhan::im {
namespace {

absl::Status Invalid(std::string_view reason, std::string_view message) {
  return Refuse(absl::StatusCode::kInvalidArgument, reason, message);
}

// The code point at `at`, which moves behind it; nullopt for what is not UTF-8 (RFC 3629: no surrogates, no overlong forms).
std::optional<uint32_t> NextCodePoint(std::string_view text, size_t& at) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint8_t lead = byte(at);
  size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length == 0 || at + length > text.size()) return std::nullopt;
  uint32_t code = length == 1 ? lead : lead & (0xff >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return std::nullopt;
    code = code << 6 | (byte(at + i) & 0x3f);
  }
  if ((length == 3 && code < 0x800) || (length == 4 && (code < 0x10000 || code > 0x10ffff))) return std::nullopt;
  if (code >= 0xd800 && code <= 0xdfff) return std::nullopt;
  at += length;
  return code;
}

// Counts characters. C0, C1 and DEL are refused (but for line feed and tab where lines are allowed), and U+FFFE and U+FFFF, which XML
// cannot carry.
absl::StatusOr<size_t> CountCharacters(std::string_view text, bool lines) {
  size_t count = 0;
  for (size_t at = 0; at < text.size(); ++count) {
    auto code = NextCodePoint(text, at);
    if (!code) return Invalid("INVALID_UTF8", absl::StrCat("the text is not valid UTF-8 at byte ", at));
    bool control = *code < 0x20 || (*code >= 0x7f && *code < 0xa0) || *code == 0xfffe || *code == 0xffff;
    if (control && !(lines && (*code == '\n' || *code == '\t'))) {
      return Invalid("CONTROL_CHARACTER",
                     absl::StrCat("character ", count + 1, " is U+", absl::Hex(*code, absl::kZeroPad4),
                                  lines ? ": of the control characters only line feed and tab may be sent"
                                        : ": this is one line, without control characters"));
    }
  }
  return count;
}

}  // namespace

absl::Status CheckContent(const v1::Content& content) {
  if (content.kind_case() != v1::Content::kText || content.text().empty()) {
    return Invalid("NO_CONTENT", "a message needs a text of at least one character");
  }
  // A character has at most 4 bytes: no need to count what cannot fit.
  if (content.text().size() > 4 * kMaxTextCharacters) {
    return Invalid("TEXT_TOO_LONG", absl::StrCat("a text has at most ", kMaxTextCharacters, " characters"));
  }
  YZ_ASSIGN_OR_RETURN(size_t characters, CountCharacters(content.text(), true));
  if (characters > kMaxTextCharacters) {
    return Invalid("TEXT_TOO_LONG",
                   absl::StrCat("a text has at most ", kMaxTextCharacters, " characters; this one has ", characters));
  }
  if (content.mentions_size() > kMaxMentions) {
    return Invalid("TOO_MANY_MENTIONS", absl::StrCat("a message mentions at most ", kMaxMentions, " people, or \"all\""));
  }
  for (const std::string& mention : content.mentions()) {
    if (mention != "all") YZ_RETURN_IF_ERROR(RequirePersonNo(mention).status());
  }
  return absl::OkStatus();
}

absl::Status CheckTitle(std::string_view title) {
  if (title.empty() || title.size() > 4 * kMaxTitleCharacters) {
    return Invalid("TITLE_LENGTH", absl::StrCat("a title has 1 to ", kMaxTitleCharacters, " characters"));
  }
  YZ_ASSIGN_OR_RETURN(size_t characters, CountCharacters(title, false));
  if (characters > kMaxTitleCharacters) {
    return Invalid("TITLE_LENGTH",
                   absl::StrCat("a title has 1 to ", kMaxTitleCharacters, " characters; this one has ", characters));
  }
  return absl::OkStatus();
}

absl::Status CheckStatusLine(std::string_view line) {
  absl::Status too_long =
      Invalid("STATUS_LENGTH", absl::StrCat("the line beside a presence has at most ", kMaxStatusCharacters, " characters"));
  if (line.size() > 4 * kMaxStatusCharacters) return too_long;
  YZ_ASSIGN_OR_RETURN(size_t characters, CountCharacters(line, false));
  return characters > kMaxStatusCharacters ? too_long : absl::OkStatus();
}

absl::StatusOr<v1::Message> ToMessage(const v1::ImRecord& record, const ledger::Keyring& keyring) {
  v1::Message message;
  // What every kind but the creation has.
  auto place = [&](const auto& fact, std::string_view sender) {
    message.set_conversation_id(fact.conversation_id());
    message.set_seq(fact.seq());
    message.set_message_id(fact.message_id());
    message.set_time_us(TimeOfMessageId(fact.message_id()));
    message.set_sender_id(sender.data(), sender.size());
  };
  v1::Notice* notice = record.kind_case() == v1::ImRecord::kSent ? nullptr : message.mutable_notice();
  switch (record.kind_case()) {
    case v1::ImRecord::kSent: {
      place(record.sent(), record.sent().sender_id());
      message.set_client_id(record.sent().client_id());
      v1::Content* content = message.mutable_content();
      auto opened = keyring.Open(record.sent().content());
      if (absl::IsNotFound(opened.status())) return message;  // shredded: its place stays
      if (!opened.ok()) return opened.status();
      if (!content->ParseFromString(*opened)) {
        return absl::DataLossError(absl::StrCat("the content of message ", message.message_id(), " is not readable"));
      }
      return message;
    }
    case v1::ImRecord::kCreated:
      message.set_conversation_id(record.created().conversation_id());
      message.set_seq(1);
      message.set_message_id(record.created().message_id());
      message.set_time_us(TimeOfMessageId(record.created().message_id()));
      message.set_sender_id(record.created().creator_id());
      notice->set_kind(v1::Notice::KIND_CREATED);
      notice->set_title(record.created().title());
      return message;
    case v1::ImRecord::kJoined:
      place(record.joined(), record.joined().by_id());
      notice->set_kind(v1::Notice::KIND_JOINED);
      *notice->mutable_person_ids() = record.joined().person_ids();
      return message;
    case v1::ImRecord::kLeft:
      place(record.left(), record.left().by_id());
      notice->set_kind(v1::Notice::KIND_LEFT);
      notice->add_person_ids(record.left().person_id());
      return message;
    case v1::ImRecord::kRenamed:
      place(record.renamed(), record.renamed().by_id());
      notice->set_kind(v1::Notice::KIND_RENAMED);
      notice->set_title(record.renamed().title());
      return message;
    case v1::ImRecord::kCursors:
    case v1::ImRecord::KIND_NOT_SET:
      break;
  }
  return absl::InternalError("a record without a position in a conversation is not a message");
}

}  // namespace yizhan::im
