#include "audit/tlog/tlog_proof.h"

#include "audit/tlog/proof.h"
#include "audit/tlog/text.h"
#include "audit/tlog/tree.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

constexpr std::string_view kHeader = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kExtra = "extra ";
constexpr std::string_view kIndex = "index ";
constexpr size_t kMaxExtraBytes = 1 << 16;
constexpr size_t kMaxProofHashes = 63;

absl::Status Malformed(std::string_view what) {
  return Refuse(absl::StatusCode::kInvalidArgument, "PROOF_MALFORMED", what);
}

}  // namespace

std::string FormatTlogProof(const TlogProof& proof) {
  std::string out = Cat(kHeader, '\n');
  if (proof.extra) out += Cat(kExtra, ToBase64(*proof.extra), '\n');
  out += Cat(kIndex, proof.index, '\n');
  for (const Hash& hash : proof.hashes) out += Cat(ToBase64(hash.view()), '\n');
  return Cat(out, '\n', proof.checkpoint);
}

absl::StatusOr<TlogProof> ParseTlogProof(std::string_view text) {
  TlogProof proof;
  auto line = TakeLine(&text);
  if (!line || *line != kHeader) return Malformed(Cat("a proof begins with the line ", kHeader));
  line = TakeLine(&text);
  if (line && line->substr(0, kExtra.size()) == kExtra) {
    auto extra = FromBase64(line->substr(kExtra.size()));
    if (!extra.ok() || extra->size() > kMaxExtraBytes) return Malformed("the extra data is not base64 of up to 64 KiB");
    proof.extra = *std::move(extra);
    line = TakeLine(&text);
  }
  if (!line || line->substr(0, kIndex.size()) != kIndex) return Malformed("there is no index line");
  const auto index = ParseDecimal(line->substr(kIndex.size()), kMaxTreeSize);
  if (!index) return Malformed(Cat("not an index: ", Quoted(line->substr(kIndex.size()))));
  proof.index = *index;
  while (true) {
    line = TakeLine(&text);
    if (!line) return Malformed("there is no blank line before the checkpoint");
    if (line->empty()) break;
    if (proof.hashes.size() == kMaxProofHashes) return Malformed("more than 63 hashes");
    auto hash = HashFromBase64(*line);
    if (!hash.ok()) return Malformed(Cat("line ", proof.hashes.size() + 1, " of the inclusion proof is not a hash"));
    proof.hashes.push_back(*hash);
  }
  if (text.empty() || text.size() > kMaxNoteBytes) return Malformed("there is no checkpoint");
  proof.checkpoint = std::string(text);
  return proof;
}

absl::StatusOr<Checkpoint> VerifyTlogProof(const TlogProof& proof, const Hash& leaf_hash,
                                           absl::Span<const NoteKey> known) {
  YZ_ASSIGN_OR_RETURN(Checkpoint checkpoint, OpenCheckpoint(proof.checkpoint, known));
  YZ_RETURN_IF_ERROR(VerifyInclusion(leaf_hash, proof.index, checkpoint.size, proof.hashes, checkpoint.root));
  return checkpoint;
}

}  // namespace yizhan::audit
