#include "audit/verify/report.h"

#include "audit/export_format/item.h"
#include "audit/tlog/hash.h"
#include "audit/tlog/text.h"

namespace yizhan::audit {
namespace {

// A file name from a folder that nobody vouches for: kept off the terminal's control characters.
std::string Shown(std::string_view name) {
  bool plain = IsUtf8(name);
  for (char c : name) plain = plain && static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
  return plain ? std::string(name) : Quoted(name);
}

}  // namespace

std::string_view KindName(Problem::Kind kind) {
  switch (kind) {
    case Problem::Kind::kMissing:
      return "missing";
    case Problem::Kind::kExtra:
      return "extra";
    case Problem::Kind::kUnreadable:
      return "unreadable";
    case Problem::Kind::kMalformed:
      return "malformed";
    case Problem::Kind::kVersion:
      return "version";
    case Problem::Kind::kModified:
      return "modified";
    case Problem::Kind::kSignature:
      return "signature";
    case Problem::Kind::kCheckpoint:
      return "checkpoint";
    case Problem::Kind::kProof:
      return "proof";
    case Problem::Kind::kCommitment:
      return "commitment";
    case Problem::Kind::kContent:
      return "content";
    case Problem::Kind::kText:
      return "text";
    case Problem::Kind::kDuplicate:
      return "duplicate";
  }
  return "unknown";
}

void Report::Add(Problem::Kind kind, std::string_view file, uint64_t item, std::string_view message) {
  ++problem_count;
  if (problems.size() < kMaxProblems) problems.push_back({kind, Shown(file), item, std::string(message)});
}

std::string Report::ToText() const {
  std::string out;
  for (const Problem& problem : problems) {
    out += Cat(problem.file, problem.item == 0 ? std::string() : Cat(" (item ", problem.item, ')'), ": ",
               KindName(problem.kind), ": ", problem.message, '\n');
  }
  if (problem_count > problems.size()) out += Cat("and ", problem_count - problems.size(), " more problems\n");
  out += verified() ? "VERIFIED\n"
                    : Cat("NOT VERIFIED: ", problem_count, problem_count == 1 ? " problem\n" : " problems\n");
  if (manifest) {
    const std::string_view doubt =
        manifest_signer.empty() ? " (not vouched for: the manifest's signature is not good)" : "";
    out += Cat("  export       ", manifest->export_id, " of ", FormatTime(manifest->created_us), doubt, '\n');
    out += Cat("  case         ", Shown(manifest->case_id), ": ", Shown(manifest->reason), '\n');
    out += Cat("  by           ", Shown(manifest->auditor_name), " (", Shown(manifest->auditor_id), ")\n");
  }
  if (checkpoint) {
    out += Cat("  log          ", checkpoint->origin, ", ", checkpoint->size, " leaves, root ",
               ToBase64(checkpoint->root.view()), '\n');
  }
  out += Cat("  items        ", items,
             undisclosed == 0 ? std::string() : Cat(", of which ", undisclosed, " undisclosed"), '\n');
  if (manifest && verified()) {
    for (const Manifest::Coverage& each : manifest->coverage) {
      out += Cat("  archived     ", Shown(each.partition), " to ", each.archived_seq, " of ", each.head, '\n');
    }
    out += "  names and conversation titles are the exporter's word; all else follows from the records\n";
  }
  return out;
}

Json Report::ToJson() const {
  Json json;
  json.Set("verified", Json::Bool(verified()));
  json.Set("problem_count", Json::Number(problem_count));
  Json list = Json::Array();
  for (const Problem& problem : problems) {
    Json each;
    each.Set("kind", Json::String(KindName(problem.kind)));
    each.Set("file", Json::String(problem.file));
    if (problem.item != 0) each.Set("item", Json::Number(problem.item));
    each.Set("message", Json::String(IsUtf8(problem.message) ? problem.message : Quoted(problem.message)));
    list.Add(std::move(each));
  }
  json.Set("problems", std::move(list));
  json.Set("items", Json::Number(items));
  json.Set("undisclosed", Json::Number(undisclosed));
  json.Set("bytes", Json::Number(bytes));
  if (manifest) {
    json.Set("export_id", Json::String(manifest->export_id));
    json.Set("manifest_signer", Json::String(manifest_signer));
  }
  if (checkpoint) {
    Json tree;
    tree.Set("origin", Json::String(checkpoint->origin));
    tree.Set("size", Json::Number(checkpoint->size));
    tree.Set("root", Json::String(ToBase64(checkpoint->root.view())));
    json.Set("checkpoint", std::move(tree));
  }
  return json;
}

}  // namespace yizhan::audit
