#include "audit/tlog/checkpoint.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "audit/tlog/text.h"
#include "audit/tlog/tree.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

absl::Status Malformed(std::string_view what) {
  return Refuse(absl::StatusCode::kInvalidArgument, "CHECKPOINT_MALFORMED", what);
}

absl::Status CheckLine(std::string_view line, std::string_view what) {
  if (line.empty()) return Malformed(Cat(what, " is empty"));
  if (!IsUtf8(line)) return Malformed(Cat(what, " is not UTF-8"));
  for (char c : line) {
    if (static_cast<unsigned char>(c) < 0x20) return Malformed(Cat(what, " has a control character"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> FormatCheckpoint(const Checkpoint& checkpoint) {
  YZ_RETURN_IF_ERROR(CheckLine(checkpoint.origin, "the origin"));
  if (checkpoint.size > kMaxTreeSize) return Malformed(Cat("no tree has ", checkpoint.size, " leaves"));
  std::string text = Cat(checkpoint.origin, '\n', checkpoint.size, '\n', ToBase64(checkpoint.root.view()), '\n');
  for (const std::string& line : checkpoint.extensions) {
    YZ_RETURN_IF_ERROR(CheckLine(line, "an extension line"));
    text += Cat(line, '\n');
  }
  return text;
}

absl::StatusOr<Checkpoint> ParseCheckpoint(std::string_view text) {
  Checkpoint checkpoint;
  const auto origin = TakeLine(&text);
  const auto size = TakeLine(&text);
  const auto root = TakeLine(&text);
  if (!origin || !size || !root) return Malformed("a checkpoint has three lines or more, each ended by a newline");
  YZ_RETURN_IF_ERROR(CheckLine(*origin, "the origin"));
  checkpoint.origin = std::string(*origin);
  const auto leaves = ParseDecimal(*size, kMaxTreeSize);
  if (!leaves) return Malformed(Cat("not a tree size: ", Quoted(*size)));
  checkpoint.size = *leaves;
  auto hash = HashFromBase64(*root);
  if (!hash.ok()) return Malformed(Cat("not a root hash: ", Quoted(*root)));
  checkpoint.root = *hash;
  while (auto line = TakeLine(&text)) {
    YZ_RETURN_IF_ERROR(CheckLine(*line, "an extension line"));
    checkpoint.extensions.emplace_back(*line);
  }
  if (!text.empty()) return Malformed("the last line is not ended by a newline");
  return checkpoint;
}

absl::StatusOr<std::string> SignCheckpoint(const Checkpoint& checkpoint, absl::Span<const NoteSigner> signers) {
  YZ_ASSIGN_OR_RETURN(std::string text, FormatCheckpoint(checkpoint));
  return SignNote(text, signers);
}

absl::StatusOr<Checkpoint> OpenCheckpoint(std::string_view bytes, absl::Span<const NoteKey> known) {
  YZ_ASSIGN_OR_RETURN(Note note, OpenNote(bytes, known));
  YZ_ASSIGN_OR_RETURN(Checkpoint checkpoint, ParseCheckpoint(note.text));
  const bool by_the_log = std::any_of(note.signatures.begin(), note.signatures.end(),
                                      [&](const NoteSignature& s) { return s.key_name == checkpoint.origin; });
  if (!by_the_log) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "WRONG_ORIGIN",
                  Cat("the checkpoint is of the log ", Quoted(checkpoint.origin), ", which has not signed it: it is ",
                      "signed by ", note.signatures[0].key_name));
  }
  return checkpoint;
}

}  // namespace yizhan::audit
