// What a verification found: every problem named by its file, its item and its kind.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/export_format/json.h"
#include "audit/export_format/manifest.h"

namespace yizhan::audit {

struct Problem {
  enum class Kind {
    kMissing,     // a file that the export must have is not there
    kExtra,       // something in the folder that the export does not have
    kUnreadable,  // the system does not let it be read (permission, I/O): nothing is known about it
    kMalformed,   // it is not in its format
    kVersion,     // it is in a newer format than this program reads
    kModified,    // its bytes are not the listed, or signed, ones
    kSignature,   // not signed by a given key, or the signature does not fit
    kCheckpoint,  // another checkpoint than that of the export
    kProof,       // the proof does not lead from the leaf to the checkpoint's root
    kCommitment,  // the record is not the one that the leaf commits to
    kContent,     // the disclosed content is not the one that the record commits to
    kText,        // what people read is not what the record says
    kDuplicate,   // the same leaf as another item
  };
  Kind kind;
  std::string file;   // relative to the export's folder
  uint64_t item = 0;  // its number; 0 when it concerns no item
  std::string message;
};

// "modified", "signature", ...: stable words for programs.
std::string_view KindName(Problem::Kind kind);

struct Report {
  // More than this many are counted, not kept.
  static constexpr size_t kMaxProblems = 1000;

  std::vector<Problem> problems;
  uint64_t problem_count = 0;
  std::optional<Manifest> manifest;      // when it could be read; trusted only when manifest_signer is not empty
  std::string manifest_signer;           // the key that has signed the manifest
  std::optional<Checkpoint> checkpoint;  // when its signature is good
  uint64_t items = 0;                    // items looked at
  uint64_t undisclosed = 0;              // of these, items whose content is not disclosed
  uint64_t bytes = 0;                    // bytes read

  bool verified() const { return problem_count == 0; }
  void Add(Problem::Kind kind, std::string_view file, uint64_t item, std::string_view message);

  // For people, several lines; and for programs.
  std::string ToText() const;
  Json ToJson() const;
};

}  // namespace yizhan::audit
