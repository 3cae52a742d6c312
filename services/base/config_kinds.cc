// The kinds of values that a configuration knows: how each is read from YAML and shown as YAML.
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/config.h"
#include "base/status.h"

namespace yizhan::config {
namespace {

constexpr size_t kMaxSecretBytes = 4096;

absl::Status Wrong(std::string_view what) {
  return absl::InvalidArgumentError(absl::string_view(what.data(), what.size()));
}

absl::Status Scalar(const YAML::Node& node, std::string* text) {
  if (node.IsNull()) return Wrong("has no value; write one or leave the key out");
  if (!node.IsScalar()) return Wrong("must be a single value");
  *text = node.Scalar();
  return absl::OkStatus();
}

// A number and the unit behind it.
bool SplitUnit(const std::string& text, int64_t* number, std::string* unit) {
  size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || digits > 15) return false;
  *unit = text.substr(digits);
  return absl::SimpleAtoi(text.substr(0, digits), number);
}

std::string Quoted(const std::string& text) {
  YAML::Emitter out;
  out << YAML::DoubleQuoted << text;
  return out.c_str();
}

std::string ShowDuration(absl::Duration duration) {
  return duration % absl::Seconds(1) == absl::ZeroDuration() ? absl::StrCat(absl::ToInt64Seconds(duration), "s")
                                                             : absl::StrCat(absl::ToInt64Milliseconds(duration), "ms");
}

absl::Status ReadWord(const YAML::Node& node, const std::vector<std::string>& words, std::string* field) {
  std::string text;
  YZ_RETURN_IF_ERROR(Scalar(node, &text));
  if (std::find(words.begin(), words.end(), text) == words.end()) {
    return Wrong(absl::StrCat("must be one of ", absl::StrJoin(words, ", "), ", not \"", text, "\""));
  }
  *field = text;
  return absl::OkStatus();
}

// Of a file that may be anything: a device gives no more than is taken.
absl::Status FirstLine(const std::string& path, std::string* line) {
  std::ifstream in(path, std::ios::binary);
  std::string text(kMaxSecretBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.empty()) {
    return Wrong(absl::StrCat("must be a file that can be read and is not empty, not \"", path, "\""));
  }
  const size_t end = text.find('\n');
  if (end == std::string::npos && text.size() > kMaxSecretBytes) {
    return Wrong(absl::StrCat("names \"", path, "\", whose first line is longer than ", kMaxSecretBytes, " bytes"));
  }
  text.resize(std::min(end, text.size()));
  if (text.empty()) return Wrong(absl::StrCat("names \"", path, "\", whose first line is empty"));
  *line = std::move(text);
  return absl::OkStatus();
}

}  // namespace

Schema& Schema::Add(std::string key, std::string help, std::function<absl::Status(const YAML::Node&)> read,
                    std::function<std::string()> show) {
  last_ = key;
  Field field;
  field.read = std::move(read);
  field.show = std::move(show);
  field.help = std::move(help);
  field.shown_default = field.show();
  fields_[std::move(key)] = std::move(field);
  return *this;
}

Schema& Schema::AddList(std::string key, std::string help, std::function<void()> clear,
                        std::function<Schema()> next_item, std::function<std::vector<Schema>()> items,
                        std::function<std::vector<Key>()> item_keys) {
  Add(
      std::move(key), std::move(help),
      [clear](const YAML::Node& node) -> absl::Status {
        if (!node.IsSequence()) return Wrong("must be a list of sections");
        clear();
        return absl::OkStatus();
      },
      [] { return std::string("[]"); });
  fields_[last_].next_item = std::move(next_item);
  fields_[last_].items = std::move(items);
  fields_[last_].item_keys = std::move(item_keys);
  return *this;
}

Schema& Schema::Required() {
  fields_[last_].required = true;
  return *this;
}

Schema& Schema::Together(std::function<std::vector<Mistake>()> check) {
  together_ = std::move(check);
  return *this;
}

Schema& Schema::String(std::string key, std::string* field, std::string help, Check check) {
  return Add(
      std::move(key), std::move(help),
      [field, check](const YAML::Node& node) -> absl::Status {
        std::string text;
        YZ_RETURN_IF_ERROR(Scalar(node, &text));
        if (check) YZ_RETURN_IF_ERROR(check(text));
        *field = text;
        return absl::OkStatus();
      },
      [field] { return Quoted(*field); });
}

Schema& Schema::SecretFile(std::string key, Secret<std::string>* field, std::string help) {
  return Add(
      std::move(key), std::move(help),
      [field](const YAML::Node& node) -> absl::Status {
        std::string path, text;
        YZ_RETURN_IF_ERROR(Scalar(node, &path));
        if (field == nullptr) return absl::OkStatus();
        YZ_RETURN_IF_ERROR(FirstLine(path, &text));
        *field = Secret<std::string>(std::move(text));
        return absl::OkStatus();
      },
      [field] { return std::string(field == nullptr || field->empty() ? "\"\"" : "\"***\""); });
}

Schema& Schema::Bool(std::string key, bool* field, std::string help) {
  return Add(
      std::move(key), std::move(help),
      [field](const YAML::Node& node) -> absl::Status {
        std::string text;
        YZ_RETURN_IF_ERROR(Scalar(node, &text));
        if (text != "true" && text != "false") {
          return Wrong(absl::StrCat("must be true or false, not \"", text, "\""));
        }
        *field = text == "true";
        return absl::OkStatus();
      },
      [field] { return std::string(*field ? "true" : "false"); });
}

template <typename T>
Schema& Schema::AddInt(std::string key, T* field, T min, T max, std::string help) {
  return Add(
      std::move(key), std::move(help),
      [field, min, max](const YAML::Node& node) -> absl::Status {
        std::string text;
        YZ_RETURN_IF_ERROR(Scalar(node, &text));
        T value;
        if (!absl::SimpleAtoi(text, &value) || value < min || value > max) {
          return Wrong(absl::StrCat("must be a whole number from ", min, " to ", max, ", not \"", text, "\""));
        }
        *field = value;
        return absl::OkStatus();
      },
      [field] { return absl::StrCat(*field); });
}

Schema& Schema::Int(std::string key, int64_t* field, int64_t min, int64_t max, std::string help) {
  return AddInt(std::move(key), field, min, max, std::move(help));
}

Schema& Schema::Int(std::string key, int* field, int min, int max, std::string help) {
  return AddInt(std::move(key), field, min, max, std::move(help));
}

Schema& Schema::Duration(std::string key, absl::Duration* field, std::string help) {
  return Add(
      std::move(key), std::move(help),
      [field](const YAML::Node& node) -> absl::Status {
        std::string text, unit;
        YZ_RETURN_IF_ERROR(Scalar(node, &text));
        int64_t number = 0;
        bool split = SplitUnit(text, &number, &unit);
        absl::Duration one = unit == "ms"  ? absl::Milliseconds(1)
                             : unit == "s" ? absl::Seconds(1)
                             : unit == "m" ? absl::Minutes(1)
                             : unit == "h" ? absl::Hours(1)
                             : unit == "d" ? absl::Hours(24)
                                           : absl::ZeroDuration();
        if (!split || one == absl::ZeroDuration()) {
          return Wrong(absl::StrCat("must be a time such as 250ms, 30s, 5m, 2h or 7d, not \"", text, "\""));
        }
        *field = number * one;
        return absl::OkStatus();
      },
      [field] { return ShowDuration(*field); });
}

Schema& Schema::Bytes(std::string key, uint64_t* field, std::string help) {
  return Add(
      std::move(key), std::move(help),
      [field](const YAML::Node& node) -> absl::Status {
        std::string text, unit;
        YZ_RETURN_IF_ERROR(Scalar(node, &text));
        int64_t number = 0;
        bool split = SplitUnit(text, &number, &unit);
        int shift = unit.empty() ? 0 : unit == "KiB" ? 10 : unit == "MiB" ? 20 : unit == "GiB" ? 30 : -1;
        if (!split || shift < 0 || number > (INT64_MAX >> shift)) {
          return Wrong(absl::StrCat("must be a size such as 512, 64KiB, 4MiB or 2GiB, not \"", text, "\""));
        }
        *field = static_cast<uint64_t>(number) << shift;
        return absl::OkStatus();
      },
      [field] { return absl::StrCat(*field); });
}

Schema& Schema::Choice(std::string key, std::string* field, std::vector<std::string> words, std::string help) {
  help += " One of: " + absl::StrJoin(words, ", ") + ".";
  return Add(
      std::move(key), std::move(help), [field, words](const YAML::Node& node) { return ReadWord(node, words, field); },
      [field] { return *field; });
}

Schema& Schema::Preset(std::string key, std::string* field, std::vector<std::string> words,
                       std::function<void()> chosen, std::string help) {
  help += " One of: " + absl::StrJoin(words, ", ") + ".";
  Add(
      std::move(key), std::move(help),
      [field, words, chosen](const YAML::Node& node) -> absl::Status {
        YZ_RETURN_IF_ERROR(ReadWord(node, words, field));
        chosen();
        return absl::OkStatus();
      },
      [field] { return *field; });
  fields_[last_].preset = true;
  return *this;
}

Schema& Schema::Strings(std::string key, std::vector<std::string>* field, std::string help) {
  return Add(
      std::move(key), std::move(help),
      [field](const YAML::Node& node) -> absl::Status {
        if (!node.IsSequence()) return Wrong("must be a list, such as [\"one\", \"two\"]");
        field->clear();
        for (const YAML::Node& item : node) YZ_RETURN_IF_ERROR(Scalar(item, &field->emplace_back()));
        return absl::OkStatus();
      },
      [field] {
        std::vector<std::string> shown;
        for (const std::string& text : *field) shown.push_back(Quoted(text));
        return "[" + absl::StrJoin(shown, ", ") + "]";
      });
}

}  // namespace yizhan::config
