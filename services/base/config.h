// The configuration: one YAML file, defaults for everything, and no key that is not known.
//
//   struct EdgeConfig { std::string address = "127.0.0.1:8443"; absl::Duration idle = absl::Seconds(75); };
//   EdgeConfig edge;
//   config::Schema schema;
//   schema.String("edge.address", &edge.address, "Where HTTPS is spoken.").Duration("edge.idle", &edge.idle, "Between
//   two requests."); YZ_RETURN_IF_ERROR(schema.ReadFile("/etc/yizhan/yizhan.yaml"));
//
// A mistake is told with the file's name and line, the key, what is wrong and what would be right; all mistakes of a
// file (at most ten) at once. After a refusal the fields hold what had been read so far: throw them away.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/secret.h"

namespace YAML {
class Node;
}

namespace yizhan::config {

// The keys of a configuration and the fields that they fill; a field's value at binding is its default. Fields outlive
// the schema's use.
class Schema {
 public:
  Schema& String(std::string key, std::string* field, std::string help);
  // The value itself, or {file: PATH} for the first line of a file (a credential that systemd hands over).
  Schema& SecretText(std::string key, Secret<std::string>* field, std::string help);
  Schema& Bool(std::string key, bool* field, std::string help);
  // Whole numbers within bounds, ends included.
  Schema& Int(std::string key, int64_t* field, int64_t min, int64_t max, std::string help);
  Schema& Int(std::string key, int* field, int min, int max, std::string help);
  // "250ms", "30s", "5m", "2h", "7d"; not negative.
  Schema& Duration(std::string key, absl::Duration* field, std::string help);
  // "512", "64KiB", "4MiB", "2GiB".
  Schema& Bytes(std::string key, uint64_t* field, std::string help);
  // One of the words.
  Schema& Choice(std::string key, std::string* field, std::vector<std::string> words, std::string help);
  Schema& Strings(std::string key, std::vector<std::string>* field, std::string help);
  // A list of sections with the same keys. `bind` binds one item's fields.
  template <typename T>
  Schema& List(std::string key, std::vector<T>* field, std::function<void(Schema&, T*)> bind, std::string help) {
    return AddList(
        std::move(key), std::move(help),
        [field, bind] {
          field->emplace_back();
          Schema item;
          bind(item, &field->back());
          return item;
        },
        [field] { field->clear(); });
  }

  // InvalidArgument (CONFIG) names every mistake; NotFound (CONFIG_MISSING) when there is no such file.
  absl::Status ReadFile(const std::string& path);
  absl::Status ReadText(const std::string& text, const std::string& name);

  // Every key with its default and its help, as a YAML file that could be read.
  std::string Describe() const;

 private:
  struct Field {
    // Fills the field; an error says what is wrong with the value.
    std::function<absl::Status(const YAML::Node&)> read;
    std::string help, shown_default;
    bool list = false;
    // Lists: an item's schema.
    std::function<Schema()> next_item;
  };
  struct Mistakes;

  Schema& Add(std::string key, std::string help, std::string shown_default,
              std::function<absl::Status(const YAML::Node&)> read);
  Schema& AddList(std::string key, std::string help, std::function<Schema()> next_item, std::function<void()> clear);
  void Walk(const YAML::Node& node, const std::string& prefix, const std::string& shown_prefix,
            Mistakes* mistakes) const;
  void ReadItems(const Field& field, const YAML::Node& node, const std::string& path, Mistakes* mistakes) const;
  std::string Nearest(const std::string& key) const;

  std::map<std::string, Field> fields_;
};

// A value that readers share and that is exchanged whole. Thread-safe.
template <typename T>
class Snapshot {
 public:
  explicit Snapshot(T value) : value_(std::make_shared<const T>(std::move(value))) {}
  std::shared_ptr<const T> Get() const {
    absl::ReaderMutexLock lock(&mutex_);
    return value_;
  }
  void Set(T value) {
    auto next = std::make_shared<const T>(std::move(value));
    absl::MutexLock lock(&mutex_);
    value_ = std::move(next);
  }

 private:
  mutable absl::Mutex mutex_;
  std::shared_ptr<const T> value_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace yizhan::config
