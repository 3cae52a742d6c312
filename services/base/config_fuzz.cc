// A configuration file of any bytes: read or refused with a message of some lines; what was read prints as a file that
// reads the same.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/config.h"
#include "base/utf8.h"

namespace {

struct Item {
  std::string name, type = "a";
  int64_t number = 1;
};
struct Settings {
  std::string text = "x";
  int number = 3;
  bool flag = false;
  absl::Duration time = absl::Seconds(1);
  uint64_t bytes = 5;
  std::string word = "info";
  std::vector<std::string> list;
  std::vector<Item> items;
};

yizhan::config::Schema SchemaOf(Settings* s) {
  yizhan::config::Schema schema;
  schema.String("text", &s->text, "T.")
      .Int("part.number", &s->number, 1, 65535, "N.")
      .Bool("part.flag", &s->flag, "F.")
      .Duration("part.time", &s->time, "D.")
      .Bytes("bytes", &s->bytes, "B.")
      .Choice("word", &s->word, {"debug", "info"}, "W.")
      .Strings("list", &s->list, "L.")
      .List<Item>(
          "items", &s->items,
          [](yizhan::config::Schema& schema, Item* item) {
            schema.String("name", &item->name, "N.")
                .Required()
                .Preset(
                    "type", &item->type, {"a", "b"}, [] {}, "T.")
                .Int("number", &item->number, -5, 1 << 20, "N.");
          },
          "I.");
  return schema;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Settings first, second;
  yizhan::config::Schema schema = SchemaOf(&first);
  const absl::Status status = schema.ReadText(std::string(reinterpret_cast<const char*>(data), size), "fuzz.yaml");
  if (!status.ok()) {
    if (status.message().size() > 8'192) abort();
    return 0;
  }
  yizhan::config::Schema again = SchemaOf(&second);
  const std::string printed = schema.Print();
  if (!again.ReadText(printed, "printed.yaml").ok()) abort();
  if (first.text != second.text || first.number != second.number || first.time != second.time) abort();
  if (first.bytes != second.bytes || first.list != second.list || first.items.size() != second.items.size()) abort();
  return 0;
}
