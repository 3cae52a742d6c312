#include "audit/export_format/sample_export.h"

#include <utility>

#include "audit/tlog/entry.h"
#include "audit/tlog/test_tree.h"
#include "audit/tlog/text.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

std::string Varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
  return out;
}

constexpr int64_t kTime = 1768620896123456;  // 2026-01-17T03:34:56.123456Z

MemoryTree TreeOf(const std::vector<Hash>& leaves) {
  MemoryTree tree;
  for (const Hash& leaf : leaves) tree.Append(leaf);
  return tree;
}

}  // namespace

std::string WireVarint(uint32_t field, uint64_t value) { return Varint(uint64_t{field} << 3) + Varint(value); }
std::string WireBytes(uint32_t field, std::string_view bytes) {
  return Cat(Varint(uint64_t{field} << 3 | 2), Varint(bytes.size()), bytes);
}

std::string SealedWire(std::string_view salt, std::string_view content) {
  return Cat(WireBytes(1, "g:desk@20260117"), WireBytes(2, std::string(12, 'n')),
             WireBytes(3, std::string(content.size() + 32, 'c')),
             WireBytes(4, ContentCommitment(salt, content).view()));
}

std::string RecordWire(std::string_view partition, uint64_t seq, int64_t time_us, std::string_view actor,
                       std::string_view type, uint32_t member, std::string_view message) {
  return Cat(WireBytes(1, partition), WireVarint(2, seq), WireVarint(3, static_cast<uint64_t>(time_us)),
             WireBytes(4, actor), WireBytes(5, Cat("request-", seq)), WireBytes(6, type),
             WireBytes(7, WireBytes(member, message)));
}

SampleArchive::SampleArchive() : signer_(*NoteSigner::FromSeed("bank.example/archive", std::string(32, 'k'))) {
  const std::string salt(kContentSaltBytes, 's');
  const auto message = [&](uint64_t seq, std::string_view sender, std::string_view content) {
    return RecordWire("im/17", seq, kTime + static_cast<int64_t>(seq), Cat("person:", sender), "im.MessageSent", 2,
                      Cat(WireBytes(1, "g:credit"), WireVarint(2, seq), WireVarint(3, uint64_t{1} << 62),
                          WireBytes(4, "c1"), WireBytes(5, sender), WireBytes(6, SealedWire(salt, content))));
  };
  ItemSource source;
  source.conversation_title = "信贷审批 \"A\" 组";
  source.names = {{"p1", "王小明"}, {"p2", "Li, Hua"}};

  source.disclosed = {salt, WireBytes(1, "请把合同发给我，谢谢。\n第二行")};
  Take({message(1, "p1", source.disclosed->bytes), source});
  source.disclosed = {salt,
                      Cat(WireBytes(1, "=1+1, \"quoted\""), WireVarint(2, 1), WireBytes(3, "p1"), WireBytes(3, "all"))};
  Take({message(2, "p2", source.disclosed->bytes), source});
  source.disclosed.reset();
  Take({RecordWire("im/17", 3, kTime + 3, "person:p1", "im.MembersJoined", 3,
                   Cat(WireBytes(1, "g:credit"), WireVarint(2, 3), WireVarint(3, 99), WireBytes(4, "p3"),
                       WireBytes(4, "p4"), WireBytes(5, "p1"))),
        source});
  source.conversation_title = "访客 42";
  source.names = {{"p2", "Li Hua"}};
  source.disclosed = {salt, "客户情绪激动，请主管留意"};
  Take({RecordWire("desk/0", 1, kTime + 4, "person:p2", "desk.LineWritten", 4,
                   Cat(WireBytes(1, "r42"), WireVarint(2, 7), WireVarint(3, 100), WireVarint(5, 2), WireBytes(6, "p2"),
                       WireVarint(7, 1), WireBytes(8, SealedWire(salt, source.disclosed->bytes)))),
        source});
  source.disclosed = {salt, "很好"};
  Take({RecordWire("desk/0", 2, kTime + 5, "visitor:v42", "desk.ReceptionRated", 9,
                   Cat(WireBytes(1, "r42"), WireVarint(2, 8), WireVarint(3, 101), WireVarint(4, 5),
                       WireBytes(5, SealedWire(salt, source.disclosed->bytes)))),
        source});
  source.disclosed.reset();
  source.undisclosed = "key destroyed";
  Take({message(4, "p1", "whatever it was"), source});
  source = {};
  Take({RecordWire("audit/0", 9, kTime + 7, "person:a1", "audit.Accessed", 3,
                   Cat(WireBytes(1, "a1"), WireBytes(2, "Search"),
                       WireBytes(3, Cat(WireBytes(1, "案-1"), WireBytes(2, "投诉"))),
                       WireBytes(4, WireBytes(2, "合同")), WireBytes(5, "e1"))),
        source});
  const MemoryTree tree = TreeOf(leaves_);
  checkpoint_ = *SignCheckpoint({signer_.key().name(), leaves_.size(), tree.compact().Root(), {}}, {signer_});
}

void SampleArchive::Take(SampleRecord record) {
  for (int other = 0; other < 3; ++other) leaves_.push_back(LeafHash(Cat("another leaf ", leaves_.size())));
  const RecordView view = *ReadRecord(record.bytes);
  record.source.leaf_salt = std::string(kSaltBytes, static_cast<char>('A' + records_.size()));
  record.source.leaf_index = leaves_.size();
  const Hash commitment = *RecordCommitment(record.source.leaf_salt, record.bytes);
  leaves_.push_back(LeafHash(*EncodeEntry({view.partition, view.seq, view.time_us, view.type, commitment})));
  records_.push_back(std::move(record));
}

std::vector<Hash> SampleArchive::InclusionOf(uint64_t leaf_index) const {
  return *InclusionProof(TreeOf(leaves_), leaf_index, leaves_.size());
}

Manifest SampleArchive::About() const {
  Manifest about;
  about.export_id = "e00000000001a";
  about.case_id = "案-2026-01";
  about.reason = "客户投诉调查";
  about.auditor_id = "a1";
  about.auditor_name = "审计员";
  about.access_id = "9";
  about.created_us = kTime + 1000000;
  about.query.Set("text", Json::String("合同"));
  about.coverage = {{"desk/0", 2, 2}, {"im/17", 4, 5}};
  return about;
}

absl::Status SampleArchive::Export(const std::filesystem::path& dir, size_t items) const {
  YZ_ASSIGN_OR_RETURN(auto writer, ExportWriter::Create(dir, checkpoint_));
  for (size_t i = 0; i < items; ++i) {
    const SampleRecord& record = records_[i];
    YZ_RETURN_IF_ERROR(writer->Add(record.source, record.bytes, InclusionOf(record.source.leaf_index)).status());
  }
  return writer->Finish(About(), {signer_}).status();
}

}  // namespace yizhan::audit
