#include "audit/export_format/manifest.h"

#include <algorithm>
#include <utility>

#include "audit/export_format/item.h"
#include "audit/tlog/text.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

constexpr std::string_view kFormatFront = "yizhan-export/";
constexpr std::string_view kFormat = "yizhan-export/v1";

absl::Status Malformed(std::string_view what) {
  return Refuse(absl::StatusCode::kInvalidArgument, "MANIFEST_MALFORMED", what);
}

bool IsExportId(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

absl::StatusOr<Manifest> Parse(const Json& json) {
  Manifest m;
  YZ_ASSIGN_OR_RETURN(m.export_id, json.GetString("export_id"));
  if (!IsExportId(m.export_id)) return absl::InvalidArgumentError("not an export id");
  YZ_ASSIGN_OR_RETURN(m.case_id, json.GetString("case_id"));
  YZ_ASSIGN_OR_RETURN(m.reason, json.GetString("reason"));
  YZ_ASSIGN_OR_RETURN(const Json* auditor, json.GetObject("auditor"));
  YZ_ASSIGN_OR_RETURN(m.auditor_id, auditor->GetString("id"));
  YZ_ASSIGN_OR_RETURN(m.auditor_name, auditor->GetString("name"));
  YZ_ASSIGN_OR_RETURN(m.access_id, json.GetString("access_id"));
  YZ_ASSIGN_OR_RETURN(uint64_t created_us, json.GetNumber("created_us"));
  if (created_us > INT64_MAX) return absl::InvalidArgumentError("its time is out of range");
  m.created_us = static_cast<int64_t>(created_us);
  YZ_ASSIGN_OR_RETURN(const Json* query, json.GetObject("query"));
  m.query = *query;
  YZ_ASSIGN_OR_RETURN(const Json* coverage, json.GetArray("coverage"));
  for (const Json& each : coverage->elements()) {
    Manifest::Coverage partition;
    YZ_ASSIGN_OR_RETURN(partition.partition, each.GetString("partition"));
    YZ_ASSIGN_OR_RETURN(partition.archived_seq, each.GetNumber("archived_seq"));
    YZ_ASSIGN_OR_RETURN(partition.head, each.GetNumber("head"));
    m.coverage.push_back(std::move(partition));
  }
  YZ_ASSIGN_OR_RETURN(const Json* checkpoint, json.GetObject("checkpoint"));
  YZ_ASSIGN_OR_RETURN(m.checkpoint.origin, checkpoint->GetString("origin"));
  YZ_ASSIGN_OR_RETURN(m.checkpoint.size, checkpoint->GetNumber("size"));
  YZ_ASSIGN_OR_RETURN(std::string root, checkpoint->GetString("root"));
  YZ_ASSIGN_OR_RETURN(m.checkpoint.root, HashFromBase64(root));
  YZ_ASSIGN_OR_RETURN(m.items, json.GetNumber("items"));
  if (m.items > kMaxItems) return absl::InvalidArgumentError("too many items");
  YZ_ASSIGN_OR_RETURN(const Json* files, json.GetObject("files"));
  YZ_ASSIGN_OR_RETURN(std::string list, files->GetString("sha256"));
  YZ_ASSIGN_OR_RETURN(std::string list_hash, FromHex(list));
  YZ_ASSIGN_OR_RETURN(m.file_list, HashFromBytes(list_hash));
  YZ_ASSIGN_OR_RETURN(m.file_count, files->GetNumber("count"));
  YZ_ASSIGN_OR_RETURN(m.file_bytes, files->GetNumber("bytes"));
  return m;
}

std::string NoteText(std::string_view export_id, std::string_view manifest_json) {
  return Cat(kFormat, "\nexport ", export_id, "\nmanifest ", ToBase64(Sha256(manifest_json).view()), '\n');
}

}  // namespace

absl::StatusOr<Json> ManifestJson(const Manifest& m) {
  if (!IsExportId(m.export_id)) return Malformed(Cat("not an export id: ", Quoted(m.export_id)));
  for (const std::string* text : {&m.case_id, &m.reason, &m.auditor_id, &m.auditor_name, &m.access_id}) {
    if (!IsUtf8(*text)) return Malformed("a text is not UTF-8");
  }
  if (m.created_us < 0) return Malformed("a time before 1970");
  Json json;
  json.Set("format", Json::String(kFormat));
  json.Set("export_id", Json::String(m.export_id));
  json.Set("case_id", Json::String(m.case_id));
  json.Set("reason", Json::String(m.reason));
  Json auditor;
  auditor.Set("id", Json::String(m.auditor_id));
  auditor.Set("name", Json::String(m.auditor_name));
  json.Set("auditor", std::move(auditor));
  json.Set("access_id", Json::String(m.access_id));
  json.Set("created", Json::String(FormatTime(m.created_us)));
  json.Set("created_us", Json::Number(static_cast<uint64_t>(m.created_us)));
  json.Set("query", m.query);
  Json coverage = Json::Array();
  for (const Manifest::Coverage& each : m.coverage) {
    Json partition;
    partition.Set("partition", Json::String(each.partition));
    partition.Set("archived_seq", Json::Number(each.archived_seq));
    partition.Set("head", Json::Number(each.head));
    coverage.Add(std::move(partition));
  }
  json.Set("coverage", std::move(coverage));
  Json checkpoint;
  checkpoint.Set("origin", Json::String(m.checkpoint.origin));
  checkpoint.Set("size", Json::Number(m.checkpoint.size));
  checkpoint.Set("root", Json::String(ToBase64(m.checkpoint.root.view())));
  json.Set("checkpoint", std::move(checkpoint));
  json.Set("items", Json::Number(m.items));
  Json files;
  files.Set("list", Json::String(kFileListFile));
  files.Set("sha256", Json::String(ToHex(m.file_list.view())));
  files.Set("count", Json::Number(m.file_count));
  files.Set("bytes", Json::Number(m.file_bytes));
  json.Set("files", std::move(files));
  return json;
}

absl::StatusOr<Manifest> ParseManifestJson(const Json& json) {
  const auto format = json.GetString("format");
  if (!format.ok() || format->substr(0, kFormatFront.size()) != kFormatFront)
    return Malformed("not an export's manifest");
  if (*format != kFormat) {
    return Refuse(absl::StatusCode::kUnimplemented, "MANIFEST_VERSION",
                  Cat("an export of format ", Quoted(*format), "; this program reads ", kFormat));
  }
  auto manifest = Parse(json);
  if (!manifest.ok()) return Malformed(std::string(manifest.status().message()));
  return manifest;
}

absl::StatusOr<std::string> SignManifest(std::string_view export_id, std::string_view manifest_json,
                                         absl::Span<const NoteSigner> signers) {
  if (!IsExportId(export_id)) return Malformed(Cat("not an export id: ", Quoted(export_id)));
  return SignNote(NoteText(export_id, manifest_json), signers);
}

absl::StatusOr<std::string> VerifyManifest(std::string_view note, std::string_view manifest_json,
                                           absl::Span<const NoteKey> known) {
  YZ_ASSIGN_OR_RETURN(Note opened, OpenNote(note, known));
  std::string_view rest = opened.text;
  constexpr std::string_view kExport = "export ";
  const auto format = TakeLine(&rest);
  const auto export_line = TakeLine(&rest);
  if (!format || *format != kFormat || !export_line || export_line->substr(0, kExport.size()) != kExport) {
    return Refuse(absl::StatusCode::kInvalidArgument, "NOTE_MALFORMED", "the note does not speak of an export");
  }
  if (NoteText(export_line->substr(kExport.size()), manifest_json) != opened.text) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "MANIFEST_MODIFIED",
                  "it is not the manifest that was signed: its SHA-256 is another");
  }
  return opened.signatures[0].key_name;
}

std::string FileListLine(const Hash& hash, std::string_view path) { return Cat(ToHex(hash.view()), "  ", path, '\n'); }

std::string_view ReadmeText() {
  return R"(Yizhan 归档导出 / Yizhan archive export

验证 / To verify
    yizhan-verify 本文件夹 --key 公钥          yizhan-verify THIS_FOLDER --key PUBLIC_KEY
    公钥须从可信渠道取得，不可取自本文件夹。   Get the public key from where you trust it, never from this folder.
    不用本产品的工具也可验证：                 Without any tool of the product:
    sha256sum -c files.sha256                  (every file is the listed one)
    docs/formats/export.md                     (openssl for the signatures, any C2SP tlog-proof verifier for the items)

内容 / Contents
    messages.csv          所有条目，一行一条              all items, one row each
    items/*/NNNNNN.eml    可读的邮件格式                  the item for people, as a mail message
    items/*/NNNNNN.json   条目的字段与公开的内容          its fields and the disclosed content
    items/*/NNNNNN.record 归档的原始记录（内容加密）      the archived record itself, its content sealed
    items/*/NNNNNN.leaf   日志中的叶                      the log's entry for it
    items/*/NNNNNN.tlog-proof  叶在日志中的证明           the proof that the entry is in the log
    checkpoint            日志的签名检查点                the log's signed checkpoint
    manifest.json         案件、理由、范围、覆盖情况      case, reason, query, coverage
    manifest.note         对 manifest.json 的签名         the signature over manifest.json
    files.sha256          文件清单                        the list of files

姓名与会话标题是导出时附加的说明，不由记录证明；其余内容均可由记录证明。
Names and conversation titles are added for the reader and are not proven by the records; everything else is.
)";
}

}  // namespace yizhan::audit
