// Records, items and manifests from anywhere: no crash, and what is read is written the same way again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "audit/export_format/item.h"
#include "audit/export_format/manifest.h"
#include "audit/export_format/render.h"
#include "audit/tlog/entry.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace yizhan::audit;  // NOLINT: one function
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto json = ParseJson(bytes);
  if (json.ok()) {
    if (ParseJson(json->Write()).value() != *json) std::abort();
    (void)ParseItemJson(*json);
    const auto manifest = ParseManifestJson(*json);
    if (manifest.ok() && ParseManifestJson(ManifestJson(*manifest).value()).value() != *manifest) std::abort();
  }
  const auto record = ReadRecord(bytes);
  if (!record.ok()) return 0;
  ItemSource source;
  source.number = 1;
  source.leaf_salt = std::string(kSaltBytes, 's');
  if (record->content_kind != ContentKind::kNone) source.undisclosed = "fuzz";
  const auto item = BuildItem(source, bytes);
  if (!item.ok()) std::abort();
  const auto again = ParseItemJson(ParseJson(ItemJson(*item).Write()).value());
  if (!again.ok() || *again != source) std::abort();
  (void)RenderEml(*item);
  (void)CsvRow(*item);
  (void)ReadContent(ContentKind::kMessage, bytes);
  return 0;
}
