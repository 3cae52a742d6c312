#include "base/config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"

namespace yizhan::config {
namespace {

constexpr size_t kMaxMistakes = 10;
constexpr size_t kMaxFileBytes = 1 << 20;

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

int EditDistance(const std::string& a, const std::string& b) {
  std::vector<int> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      int next = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = std::exchange(row[j], next);
    }
  }
  return row[b.size()];
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

}  // namespace

struct Schema::Mistakes {
  std::string name;
  std::vector<std::string> lines;
  size_t more = 0;
  void Add(const YAML::Node& node, const std::string& what) {
    if (lines.size() >= kMaxMistakes) {
      ++more;
      return;
    }
    lines.push_back(absl::StrCat(name, ":", node.Mark().line + 1, ": ", what));
  }
};

Schema& Schema::Add(std::string key, std::string help, std::string shown_default,
                    std::function<absl::Status(const YAML::Node&)> read) {
  fields_[std::move(key)] = {std::move(read), std::move(help), std::move(shown_default), false, nullptr};
  return *this;
}

Schema& Schema::String(std::string key, std::string* field, std::string help) {
  return Add(std::move(key), std::move(help), Quoted(*field),
             [field](const YAML::Node& node) { return Scalar(node, field); });
}

Schema& Schema::SecretText(std::string key, Secret<std::string>* field, std::string help) {
  return Add(std::move(key), std::move(help) + " A value, or {file: PATH}.", "\"\"",
             [field](const YAML::Node& node) -> absl::Status {
               std::string text;
               if (node.IsMap() && node.size() == 1 && node["file"] && node["file"].IsScalar()) {
                 std::ifstream in(node["file"].Scalar());
                 if (!std::getline(in, text))
                   return Wrong("names a file that cannot be read: " + node["file"].Scalar());
               } else {
                 YZ_RETURN_IF_ERROR(Scalar(node, &text));
               }
               *field = Secret<std::string>(std::move(text));
               return absl::OkStatus();
             });
}

Schema& Schema::Bool(std::string key, bool* field, std::string help) {
  return Add(std::move(key), std::move(help), *field ? "true" : "false",
             [field](const YAML::Node& node) -> absl::Status {
               std::string text;
               YZ_RETURN_IF_ERROR(Scalar(node, &text));
               if (text != "true" && text != "false") return Wrong("must be true or false");
               *field = text == "true";
               return absl::OkStatus();
             });
}

Schema& Schema::Int(std::string key, int64_t* field, int64_t min, int64_t max, std::string help) {
  return Add(std::move(key), std::move(help), absl::StrCat(*field),
             [field, min, max](const YAML::Node& node) -> absl::Status {
               std::string text;
               YZ_RETURN_IF_ERROR(Scalar(node, &text));
               int64_t value;
               if (!absl::SimpleAtoi(text, &value) || value < min || value > max) {
                 return Wrong(absl::StrCat("must be a whole number from ", min, " to ", max, ", not \"", text, "\""));
               }
               *field = value;
               return absl::OkStatus();
             });
}

Schema& Schema::Int(std::string key, int* field, int min, int max, std::string help) {
  return Add(std::move(key), std::move(help), absl::StrCat(*field),
             [field, min, max](const YAML::Node& node) -> absl::Status {
               std::string text;
               YZ_RETURN_IF_ERROR(Scalar(node, &text));
               int value;
               if (!absl::SimpleAtoi(text, &value) || value < min || value > max) {
                 return Wrong(absl::StrCat("must be a whole number from ", min, " to ", max, ", not \"", text, "\""));
               }
               *field = value;
               return absl::OkStatus();
             });
}

Schema& Schema::Duration(std::string key, absl::Duration* field, std::string help) {
  return Add(std::move(key), std::move(help), ShowDuration(*field), [field](const YAML::Node& node) -> absl::Status {
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
    if (!split || one == absl::ZeroDuration())
      return Wrong("must be a time such as 250ms, 30s, 5m, 2h or 7d, not \"" + text + "\"");
    *field = number * one;
    return absl::OkStatus();
  });
}

Schema& Schema::Bytes(std::string key, uint64_t* field, std::string help) {
  return Add(std::move(key), std::move(help), absl::StrCat(*field), [field](const YAML::Node& node) -> absl::Status {
    std::string text, unit;
    YZ_RETURN_IF_ERROR(Scalar(node, &text));
    int64_t number = 0;
    bool split = SplitUnit(text, &number, &unit);
    int shift = unit.empty() ? 0 : unit == "KiB" ? 10 : unit == "MiB" ? 20 : unit == "GiB" ? 30 : -1;
    if (!split || shift < 0 || number > (INT64_MAX >> shift))
      return Wrong("must be a size such as 512, 64KiB, 4MiB or 2GiB, not \"" + text + "\"");
    *field = static_cast<uint64_t>(number) << shift;
    return absl::OkStatus();
  });
}

Schema& Schema::Choice(std::string key, std::string* field, std::vector<std::string> words, std::string help) {
  std::string list = absl::StrJoin(words, ", ");
  return Add(std::move(key), std::move(help) + " One of: " + list + ".", *field,
             [field, words, list](const YAML::Node& node) -> absl::Status {
               std::string text;
               YZ_RETURN_IF_ERROR(Scalar(node, &text));
               if (std::find(words.begin(), words.end(), text) == words.end())
                 return Wrong("must be one of " + list + ", not \"" + text + "\"");
               *field = text;
               return absl::OkStatus();
             });
}

Schema& Schema::Strings(std::string key, std::vector<std::string>* field, std::string help) {
  std::vector<std::string> shown;
  for (const std::string& text : *field) shown.push_back(Quoted(text));
  return Add(std::move(key), std::move(help), "[" + absl::StrJoin(shown, ", ") + "]",
             [field](const YAML::Node& node) -> absl::Status {
               if (!node.IsSequence()) return Wrong("must be a list");
               field->clear();
               for (const YAML::Node& item : node) {
                 field->emplace_back();
                 YZ_RETURN_IF_ERROR(Scalar(item, &field->back()));
               }
               return absl::OkStatus();
             });
}

Schema& Schema::AddList(std::string key, std::string help, std::function<Schema()> next_item,
                        std::function<void()> clear) {
  Field field;
  field.read = [clear](const YAML::Node& node) -> absl::Status {
    if (!node.IsSequence()) return Wrong("must be a list of sections");
    clear();
    return absl::OkStatus();
  };
  field.help = std::move(help);
  field.shown_default = "[]";
  field.list = true;
  field.next_item = std::move(next_item);
  fields_[std::move(key)] = std::move(field);
  return *this;
}

std::string Schema::Nearest(const std::string& key) const {
  std::string best;
  int distance = std::max<int>(2, static_cast<int>(key.size()) / 3) + 1;
  for (const auto& [known, field] : fields_) {
    if (int d = EditDistance(key, known); d < distance) {
      distance = d;
      best = known;
    }
  }
  return best;
}

void Schema::ReadItems(const Field& field, const YAML::Node& node, const std::string& path, Mistakes* mistakes) const {
  size_t number = 0;
  for (const YAML::Node& item : node) {
    Schema schema = field.next_item();
    std::string shown = absl::StrCat(path, "[", number++, "].");
    if (!item.IsMap()) {
      mistakes->Add(item, absl::StrCat("each item of \"", path, "\" must be a section"));
      continue;
    }
    schema.Walk(item, "", shown, mistakes);
  }
}

void Schema::Walk(const YAML::Node& node, const std::string& prefix, const std::string& shown_prefix,
                  Mistakes* mistakes) const {
  std::set<std::string> seen;
  for (const auto& entry : node) {
    std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "";
    std::string key = prefix + name;
    if (name.empty() || !seen.insert(name).second) {
      mistakes->Add(entry.first, name.empty() ? "a key must be a word"
                                              : absl::StrCat("\"", shown_prefix, key, "\" is there twice; keep one"));
      continue;
    }
    if (auto found = fields_.find(key); found != fields_.end()) {
      absl::Status status = found->second.read(entry.second);
      if (!status.ok()) {
        mistakes->Add(entry.second, absl::StrCat("\"", shown_prefix, key, "\" ", status.message()));
      } else if (found->second.list) {
        ReadItems(found->second, entry.second, shown_prefix + key, mistakes);
      }
      continue;
    }
    auto below = fields_.lower_bound(key + ".");
    if (below != fields_.end() && below->first.compare(0, key.size() + 1, key + ".") == 0) {
      if (entry.second.IsMap()) {
        Walk(entry.second, key + ".", shown_prefix, mistakes);
      } else if (!entry.second.IsNull()) {
        mistakes->Add(entry.second,
                      absl::StrCat("\"", shown_prefix, key, "\" is a section with keys of its own, such as \"",
                                   below->first, "\""));
      }
      continue;
    }
    std::string nearest = Nearest(key);
    mistakes->Add(entry.first,
                  absl::StrCat("there is no key \"", shown_prefix, key, "\"",
                               nearest.empty() ? "; remove it"
                                               : absl::StrCat("; did you mean \"", shown_prefix, nearest, "\"?")));
  }
}

absl::Status Schema::ReadText(const std::string& text, const std::string& name) {
  if (text.size() > kMaxFileBytes)
    return Refuse(absl::StatusCode::kInvalidArgument, "CONFIG", name + ": larger than 1 MiB is no configuration");
  Mistakes mistakes{name, {}, 0};
  try {
    YAML::Node root = YAML::Load(text);
    if (root.IsMap()) {
      Walk(root, "", "", &mistakes);
    } else if (!root.IsNull()) {
      mistakes.Add(root, "a configuration consists of \"key: value\" lines");
    }
  } catch (const YAML::Exception& error) {
    mistakes.lines.push_back(absl::StrCat(name, ":", error.mark.line + 1, ": this is not YAML: ", error.msg));
  }
  if (mistakes.lines.empty()) return absl::OkStatus();
  if (mistakes.more > 0) mistakes.lines.push_back(absl::StrCat(name, ": and ", mistakes.more, " more"));
  return Refuse(absl::StatusCode::kInvalidArgument, "CONFIG", absl::StrJoin(mistakes.lines, "\n"));
}

absl::Status Schema::ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  if (!in)
    return Refuse(absl::StatusCode::kNotFound, "CONFIG_MISSING",
                  "the configuration " + path + " cannot be read: is it there, and may this user read it?");
  text << in.rdbuf();
  return ReadText(std::move(text).str(), path);
}

std::string Schema::Describe() const {
  std::string out;
  std::vector<std::string> open;
  for (const auto& [key, field] : fields_) {
    std::vector<std::string> parts;
    for (size_t at = 0; at <= key.size();) {
      size_t dot = std::min(key.find('.', at), key.size());
      parts.push_back(key.substr(at, dot - at));
      at = dot + 1;
    }
    size_t same = 0;
    while (same < open.size() && same + 1 < parts.size() && open[same] == parts[same]) ++same;
    open.assign(parts.begin(), parts.end() - 1);
    for (size_t i = same; i < open.size(); ++i) absl::StrAppend(&out, std::string(2 * i, ' '), open[i], ":\n");
    std::string indent(2 * open.size(), ' ');
    absl::StrAppend(&out, indent, "# ", field.help, "\n", indent, parts.back(), ": ", field.shown_default, "\n");
  }
  return out;
}

}  // namespace yizhan::config
