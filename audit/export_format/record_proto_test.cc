// The verifier reads records by frozen field numbers, without protobuf. Here protobuf itself writes them: a field that
// was renumbered, or a name that drifted, fails this test.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <string>

#include "audit/export_format/record_view.h"
#include "audit/tlog/text.h"
#include "yizhan/audit/v1/record.pb.h"
#include "yizhan/common/v1/sealed.pb.h"
#include "yizhan/desk/v1/record.pb.h"
#include "yizhan/directory/v1/record.pb.h"
#include "yizhan/im/v1/conversation.pb.h"
#include "yizhan/im/v1/record.pb.h"
#include "yizhan/ledger/v1/record.pb.h"

namespace yizhan::audit {
namespace {

namespace pb = google::protobuf;

// Sets every scalar field of a message to a value that is not its default.
void Fill(pb::Message* message, int depth = 0) {
  const pb::Reflection* reflection = message->GetReflection();
  for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
    const pb::FieldDescriptor* field = message->GetDescriptor()->field(i);
    const std::string text = std::string(field->name()) + "-value";
    if (field->is_repeated() && field->cpp_type() != pb::FieldDescriptor::CPPTYPE_STRING) continue;
    switch (field->cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_STRING:
        field->is_repeated() ? reflection->AddString(message, field, text)
                             : reflection->SetString(message, field, text);
        break;
      case pb::FieldDescriptor::CPPTYPE_UINT64:
        reflection->SetUInt64(message, field, 5);
        break;
      case pb::FieldDescriptor::CPPTYPE_UINT32:
        reflection->SetUInt32(message, field, 5);
        break;
      case pb::FieldDescriptor::CPPTYPE_BOOL:
        reflection->SetBool(message, field, true);
        break;
      case pb::FieldDescriptor::CPPTYPE_ENUM:
        reflection->SetEnumValue(message, field, 2);
        break;
      case pb::FieldDescriptor::CPPTYPE_MESSAGE:
        if (depth < 1) Fill(reflection->MutableMessage(message, field), depth + 1);
        break;
      default:
        break;
    }
  }
}

std::string Short(const std::string& enum_value) { return enum_value.substr(enum_value.find('_') + 1); }

// Every fact that ReadRecord tells of a payload must be the field of that name; every scalar field of the payload must
// be among the facts.
void Compare(const std::string& partition, pb::Message* outer, const std::string& member) {
  SCOPED_TRACE(member);
  const pb::FieldDescriptor* field = outer->GetDescriptor()->FindFieldByName(member);
  ASSERT_NE(field, nullptr);
  pb::Message* payload = outer->GetReflection()->MutableMessage(outer, field);
  Fill(payload);
  ledger::v1::Record record;
  record.set_partition(partition);
  record.set_seq(3);
  record.set_time_us(4);
  record.set_actor("person:p");
  record.set_request_id("r");
  record.set_type("t");
  record.set_payload(outer->SerializeAsString());
  // A Sealed field holds a commitment of 32 bytes.
  for (int i = 0; i < payload->GetDescriptor()->field_count(); ++i) {
    const pb::FieldDescriptor* inner = payload->GetDescriptor()->field(i);
    if (inner->message_type() != common::v1::Sealed::descriptor()) continue;
    static_cast<common::v1::Sealed*>(payload->GetReflection()->MutableMessage(payload, inner))
        ->set_commitment(std::string(32, 'h'));
    record.set_payload(outer->SerializeAsString());
  }
  const auto view = ReadRecord(record.SerializeAsString());
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(view->partition, partition);
  EXPECT_EQ(view->seq, 3u);
  EXPECT_EQ(view->time_us, 4);
  EXPECT_EQ(view->actor, "person:p");
  EXPECT_EQ(view->request_id, "r");
  EXPECT_EQ(view->type, "t");
  for (int i = 0; i < payload->GetDescriptor()->field_count(); ++i) {
    const pb::FieldDescriptor* inner = payload->GetDescriptor()->field(i);
    const std::string name(inner->name());
    if (inner->message_type() == common::v1::Sealed::descriptor()) {
      EXPECT_NE(view->content_kind, ContentKind::kNone);
      EXPECT_EQ(view->content_commitment.view(), std::string(32, 'h'));
      continue;
    }
    if (inner->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const Json* fact = view->facts.Find(name);
    // Left out on purpose.
    if (name == "token_hash" || name == "idle_seconds" || name == "expires_at_us") {
      EXPECT_EQ(fact, nullptr) << name;
      continue;
    }
    // A field that was added: tell it in record_view.cc. Once exports of a version are out in the world, that is a new
    // version of the item format, since an older verifier computes the facts without it.
    ASSERT_NE(fact, nullptr) << name;
    switch (fact->kind()) {
      case Json::Kind::kString:
        if (inner->cpp_type() == pb::FieldDescriptor::CPPTYPE_ENUM) {
          const std::string word(inner->enum_type()->FindValueByNumber(2)->name());
          EXPECT_EQ(fact->text(), Short(word)) << name;
        } else {
          EXPECT_EQ(fact->text(), inner->cpp_type() == pb::FieldDescriptor::CPPTYPE_UINT64 ? "5" : name + "-value");
        }
        break;
      case Json::Kind::kNumber:
        EXPECT_EQ(fact->number(), 5u) << name;
        break;
      case Json::Kind::kArray:
        EXPECT_EQ(fact->elements().at(0).text(), name + "-value");
        break;
      default:
        EXPECT_TRUE(fact->flag()) << name;
    }
  }
}

TEST(RecordView, AgreesWithTheContracts) {
  for (const char* member : {"created", "sent", "joined", "left", "renamed", "cursors"}) {
    im::v1::ImRecord record;
    Compare("im/17", &record, member);
  }
  for (const char* member : {"line", "started", "queued", "assigned", "closed", "rated", "agent"}) {
    desk::v1::DeskRecord record;
    Compare("desk/0", &record, member);
  }
  for (const char* member : {"session_started", "session_ended", "log_in_failed"}) {
    directory::v1::DirectoryRecord record;
    Compare("directory/0", &record, member);
  }
  yizhan::audit::v1::AuditRecord accessed;
  Compare("audit/0", &accessed, "accessed");
}

TEST(RecordView, CredentialsAreSecret) {
  directory::v1::DirectoryRecord credentials;
  credentials.mutable_credentials_set()->set_person_id("p");
  ledger::v1::Record record;
  record.set_partition("directory/0");
  record.set_payload(credentials.SerializeAsString());
  EXPECT_TRUE(ReadRecord(record.SerializeAsString())->secret);
}

TEST(ReadContent, AgreesWithTheContract) {
  im::v1::Content content;
  content.set_text("驿站");
  content.set_reply_to_seq(7);
  content.add_mentions("all");
  EXPECT_EQ(*ReadContent(ContentKind::kMessage, content.SerializeAsString()),
            *ParseJson(R"({"text":"驿站","reply_to_seq":7,"mentions":["all"]})"));
}

}  // namespace
}  // namespace yizhan::audit
