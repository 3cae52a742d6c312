#include "ledger/commit.h"

#include <utility>

namespace yizhan::ledger {
namespace {
// Twice what Command::decide may append.
constexpr size_t kMaxBytes = 32 << 20;

class EmbeddedCommitter : public Committer {
 public:
  CommitResult Commit(absl::Span<const PartitionBatch>, LocalWrite& local) override {
    absl::Status written = local.Write(/*sync=*/true);
    if (written.ok()) return {};
    return {CommitResult::Verdict::kUnavailable, std::move(written), {}};
  }
  CommitLimits limits() const override { return {SIZE_MAX, kMaxBytes}; }
};
}  // namespace

std::unique_ptr<Committer> MakeEmbeddedCommitter() { return std::make_unique<EmbeddedCommitter>(); }

}  // namespace yizhan::ledger
