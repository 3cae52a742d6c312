// The one reader of configuration: defaults for everything, a YAML file over them, flags over the file, and no key that
// is not known.
//
//   struct EdgeConfig { std::string address = "127.0.0.1:8443"; absl::Duration idle = absl::Seconds(75); };
//   EdgeConfig edge;
//   config::Schema schema;
//   schema.String("edge.address", &edge.address, "Where HTTPS is spoken.")
//       .Duration("edge.idle", &edge.idle, "Between two requests.");
//   YZ_RETURN_IF_ERROR(schema.ReadFile("/etc/yizhan/yizhan.yaml"));
//   YZ_RETURN_IF_ERROR(schema.Set("edge.idle", "30s", "--edge-idle"));
//
// A mistake is told with the file's name and line (or the flag), the key, what is wrong and what would be right; all
// mistakes of a file (at most ten) at once. After a refusal the fields hold what had been read so far: throw them away.
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
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/secret.h"

namespace YAML {
class Node;
}

namespace yizhan::config {

// The keys of a configuration and the fields that they fill; a field's value at binding is its default. Fields outlive
// the schema's use. Not thread-safe.
class Schema {
 public:
  // Says what is wrong with a value that is of the right kind: "must be …".
  using Check = std::function<absl::Status(const std::string&)>;
  // What is wrong with a key in the light of the others: "must be …".
  struct Mistake {
    std::string key, what;
  };
  struct Key {
    std::string name, help, shown_default;
    bool required = false;
  };

  Schema& String(std::string key, std::string* field, std::string help, Check check = nullptr);
  // The path of a file whose first line, not empty, is the secret (a credential that systemd hands over, say). A
  // secret in the configuration itself is not taken. Without a field the file is not opened: it is another process's.
  Schema& SecretFile(std::string key, Secret<std::string>* field, std::string help);
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
  // A choice that is read before the other keys of its section, wherever it stands: `chosen` sets the values that they
  // have when they are left out.
  Schema& Preset(std::string key, std::string* field, std::vector<std::string> words, std::function<void()> chosen,
                 std::string help);
  Schema& Strings(std::string key, std::vector<std::string>* field, std::string help);
  // A list of sections with the same keys. `bind` binds one item's fields; also those of an item that was read, to
  // print it, so it changes no value that was set.
  template <typename T>
  Schema& List(std::string key, std::vector<T>* field, std::function<void(Schema&, T*)> bind, std::string help) {
    const auto schema_of = [bind](T* item) {
      Schema schema;
      bind(schema, item);
      return schema;
    };
    return AddList(
        std::move(key), std::move(help), [field] { field->clear(); },
        [field, schema_of] { return schema_of(&field->emplace_back()); },
        [field, schema_of] {
          std::vector<Schema> items;
          for (T& item : *field) items.push_back(schema_of(&item));
          return items;
        },
        [schema_of] {
          T item{};
          return schema_of(&item).Keys();
        });
  }
  // The key that was added last must be there when its section is.
  Schema& Required();
  // Looks at the fields when a file, or an item of a list, has been read; flags come later. A mistake is told at its
  // key's line, and dropped when that key has one already.
  Schema& Together(std::function<std::vector<Mistake>()> check);

  // InvalidArgument (CONFIG) names every mistake; NotFound (CONFIG_MISSING) when there is no file that can be read.
  absl::Status ReadFile(const std::string& path);
  absl::Status ReadText(const std::string& text, const std::string& name);
  // A single value that wins over the file; `origin` is how a person calls it: "--port-base". InvalidArgument (CONFIG).
  absl::Status Set(const std::string& key, const std::string& value, const std::string& origin);

  // Whether a file or a flag gave the key's value. False for a key that is not known.
  bool Given(const std::string& key) const;
  // Every key by name; those of lists' items as "ldap[].name".
  std::vector<Key> Keys() const;
  // Every key with its default and its help, as a YAML file that could be read.
  std::string Describe() const;
  // Every key with its value and, as a comment, where it comes from: "default", FILE:LINE, or a flag. Secrets are shown
  // as ***.
  std::string Print() const;

 private:
  struct Field {
    // Fills the field; an error says what is wrong with the value.
    std::function<absl::Status(const YAML::Node&)> read;
    // The field's value as YAML on one line.
    std::function<std::string()> show;
    std::string help, shown_default, origin;
    int line = -1;
    bool required = false, preset = false;
    // Lists: the schema of one more item, those of the items that are there, and the keys of any.
    std::function<Schema()> next_item;
    std::function<std::vector<Schema>()> items;
    std::function<std::vector<Key>()> item_keys;
  };
  struct Mistakes;

  Schema& Add(std::string key, std::string help, std::function<absl::Status(const YAML::Node&)> read,
              std::function<std::string()> show);
  Schema& AddList(std::string key, std::string help, std::function<void()> clear, std::function<Schema()> next_item,
                  std::function<std::vector<Schema>()> items, std::function<std::vector<Key>()> item_keys);
  template <typename T>
  Schema& AddInt(std::string key, T* field, T min, T max, std::string help);
  // One section of a file; nested sections are walked with a prefix.
  void Walk(const YAML::Node& node, const std::string& prefix, const std::string& shown_prefix, Mistakes* mistakes);
  void ReadKey(const YAML::Node& name, const YAML::Node& value, const std::string& key, const std::string& shown_prefix,
               Mistakes* mistakes);
  // What must be there, and what does not fit together, after the section at `line` has been walked.
  void Finish(int line, const std::string& shown_prefix, Mistakes* mistakes) const;
  std::string Nearest(const std::string& key) const;
  template <typename Line>
  std::string Outline(const Line& line) const;

  std::map<std::string, Field> fields_;
  std::string last_;  // the key that was added last
  std::function<std::vector<Mistake>()> together_;
};

// A configuration's text with other values at these keys ("cluster.node"), which are added where they are missing; an
// empty value takes the key away. Comments are lost. InvalidArgument (CONFIG) when it is not YAML.
absl::StatusOr<std::string> WithValues(const std::string& text, const std::map<std::string, std::string>& values);

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
