#include "base/config.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "base/utf8.h"

namespace yizhan::config {
namespace {

constexpr size_t kMaxMistakes = 10;
constexpr size_t kMaxFileBytes = 1 << 20;

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

// A word of the file within a message: no longer than a line.
std::string Shortened(const std::string& text) { return text.size() <= 80 ? text : text.substr(0, 77) + "..."; }

// Where the second document begins. YAML::Load() reads the first one and is silent about the rest, and YAML::LoadAll()
// of yaml-cpp 0.7 does not end on some texts; this looks at no more than two.
class SecondDocument : public YAML::EventHandler {
 public:
  explicit SecondDocument(const std::string& text) {
    std::istringstream in(text);
    YAML::Parser parser(in);
    while (documents_ < 2 && parser.HandleNextDocument(*this)) {
    }
  }
  bool there() const { return documents_ == 2; }
  int line() const { return line_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    ++documents_;
    line_ = mark.line;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  int documents_ = 0, line_ = 0;
};

}  // namespace

struct Schema::Mistakes {
  std::string name;
  std::vector<std::string> lines;
  std::set<std::string> keys;  // that have one
  size_t more = 0;
  void Add(int line, const std::string& key, const std::string& what) {
    keys.insert(key);
    if (lines.size() >= kMaxMistakes) {
      ++more;
      return;
    }
    lines.push_back(absl::StrCat(name, ":", line + 1, ": ", what));
  }
};

std::string Schema::Nearest(const std::string& key) const {
  std::string best;
  if (key.size() > 64) return best;
  int distance = std::max<int>(2, static_cast<int>(key.size()) / 3) + 1;
  for (const auto& [known, field] : fields_) {
    if (int d = EditDistance(key, known); d < distance) {
      distance = d;
      best = known;
    }
  }
  return best;
}

void Schema::Walk(const YAML::Node& node, const std::string& prefix, const std::string& shown_prefix,
                  Mistakes* mistakes) {
  std::set<std::string> seen;
  std::vector<std::pair<YAML::Node, YAML::Node>> presets, others;
  for (const auto& entry : node) {
    const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "";
    const std::string shown = Shortened(shown_prefix + prefix + name);
    if (name.empty() || name.find('.') != std::string::npos) {
      mistakes->Add(entry.first.Mark().line, shown,
                    absl::StrCat("a key must be a word without a dot, not \"", Shortened(name), "\""));
    } else if (!seen.insert(name).second) {
      mistakes->Add(entry.first.Mark().line, shown, absl::StrCat("\"", shown, "\" is there twice; keep one"));
    } else {
      auto found = fields_.find(prefix + name);
      (found != fields_.end() && found->second.preset ? presets : others).emplace_back(entry.first, entry.second);
    }
  }
  for (const auto* entries : {&presets, &others}) {
    for (const auto& [name, value] : *entries) ReadKey(name, value, prefix + name.Scalar(), shown_prefix, mistakes);
  }
}

void Schema::ReadKey(const YAML::Node& name, const YAML::Node& value, const std::string& key,
                     const std::string& shown_prefix, Mistakes* mistakes) {
  const int line = name.Mark().line;
  const std::string shown = Shortened(shown_prefix + key);
  if (auto found = fields_.find(key); found != fields_.end()) {
    Field& field = found->second;
    field.line = line;
    field.origin = absl::StrCat(mistakes->name, ":", line + 1);
    if (absl::Status status = field.read(value); !status.ok()) {
      mistakes->Add(line, shown, absl::StrCat("\"", shown, "\" ", status.message()));
    } else if (field.next_item) {
      size_t number = 0;
      for (const YAML::Node& item : value) {
        const std::string path = absl::StrCat(shown, "[", number++, "]");
        Schema schema = field.next_item();
        if (!item.IsMap()) {
          mistakes->Add(item.Mark().line, path, absl::StrCat("\"", path, "\" must be a section: \"key: value\" lines"));
          continue;
        }
        schema.Walk(item, "", path + ".", mistakes);
        schema.Finish(item.Mark().line, path + ".", mistakes);
      }
    }
    return;
  }
  auto below = fields_.lower_bound(key + ".");
  if (below != fields_.end() && absl::StartsWith(below->first, key + ".")) {
    if (value.IsMap()) {
      Walk(value, key + ".", shown_prefix, mistakes);
    } else if (!value.IsNull()) {
      mistakes->Add(line, shown,
                    absl::StrCat("\"", shown, "\" is a section with keys of its own, such as \"", below->first, "\""));
    }
    return;
  }
  const std::string nearest = Nearest(key);
  mistakes->Add(
      line, shown,
      absl::StrCat("there is no key \"", shown, "\"",
                   nearest.empty() ? "; remove it" : absl::StrCat("; did you mean \"", shown_prefix, nearest, "\"?")));
}

void Schema::Finish(int line, const std::string& shown_prefix, Mistakes* mistakes) const {
  for (const auto& [key, field] : fields_) {
    if (!field.required || !field.origin.empty()) continue;
    mistakes->Add(line, shown_prefix + key, absl::StrCat("\"", shown_prefix, key, "\" is missing. ", field.help));
  }
  if (!together_) return;
  for (const Mistake& mistake : together_()) {
    const std::string shown = shown_prefix + mistake.key;
    if (mistakes->keys.count(shown) > 0) continue;
    auto found = fields_.find(mistake.key);
    const bool there = found != fields_.end() && found->second.line >= 0;
    mistakes->Add(there ? found->second.line : line, shown, absl::StrCat("\"", shown, "\" ", mistake.what));
  }
}

absl::Status Schema::ReadText(const std::string& text, const std::string& name) {
  const auto refuse = [](std::string_view message) {
    return Refuse(absl::StatusCode::kInvalidArgument, "CONFIG", message);
  };
  if (text.size() > kMaxFileBytes) return refuse(name + ": larger than 1 MiB is no configuration");
  if (!IsUtf8(text)) return refuse(name + ": this is not text in UTF-8");
  Mistakes mistakes{name, {}, {}, 0};
  // yaml-cpp takes 0x04 for the end of the text, for one; none of them is of use.
  const auto control = std::find_if(text.begin(), text.end(), [](unsigned char c) {
    return (c < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7f;
  });
  if (control != text.end()) {
    return refuse(absl::StrCat(name, ":", std::count(text.begin(), control, '\n') + 1,
                               ": a control character stands here; remove it, or write \"\\x",
                               absl::Hex(static_cast<unsigned char>(*control), absl::kZeroPad2), "\" within quotes"));
  }
  try {
    if (const SecondDocument second(text); second.there()) {
      mistakes.Add(second.line(), "",
                   "another document begins here, behind \"---\" or behind a list or map that has ended; keep one");
    }
    const YAML::Node root = YAML::Load(text);
    if (root.IsMap()) {
      Walk(root, "", "", &mistakes);
      Finish(0, "", &mistakes);
    } else if (root.IsNull()) {
      Finish(0, "", &mistakes);
    } else {
      mistakes.Add(root.Mark().line, "", "a configuration consists of \"key: value\" lines");
    }
  } catch (const YAML::Exception& error) {
    mistakes.Add(error.mark.line, "", absl::StrCat("this is not YAML: ", error.msg));
  }
  if (mistakes.lines.empty()) return absl::OkStatus();
  if (mistakes.more > 0) mistakes.lines.push_back(absl::StrCat(name, ": and ", mistakes.more, " more"));
  return refuse(absl::StrJoin(mistakes.lines, "\n"));
}

absl::Status Schema::ReadFile(const std::string& path) {
  std::error_code error;
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path, error)) {
    return Refuse(
        absl::StatusCode::kNotFound, "CONFIG_MISSING",
        "the configuration " + path + " cannot be read: is it there, is it a file, and may this user read it?");
  }
  // One byte more than is taken, so that ReadText() sees what is too long, and a device does not fill the memory.
  std::string text(kMaxFileBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  return ReadText(text, path);
}

absl::Status Schema::Set(const std::string& key, const std::string& value, const std::string& origin) {
  auto found = fields_.find(key);
  absl::Status status = found == fields_.end()
                            ? absl::InvalidArgumentError(absl::StrCat("sets \"", key, "\", which is no key"))
                            : found->second.read(YAML::Node(value));
  if (!status.ok()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "CONFIG", absl::StrCat(origin, " ", status.message()));
  }
  found->second.origin = origin;
  found->second.line = -1;
  return absl::OkStatus();
}

bool Schema::Given(const std::string& key) const {
  auto found = fields_.find(key);
  return found != fields_.end() && !found->second.origin.empty();
}

std::vector<Schema::Key> Schema::Keys() const {
  std::vector<Key> keys;
  for (const auto& [name, field] : fields_) {
    keys.push_back({name, field.help, field.shown_default, field.required});
    if (!field.next_item) continue;
    for (Key& key : field.item_keys()) {
      key.name = name + "[]." + key.name;
      keys.push_back(std::move(key));
    }
  }
  return keys;
}

// Every key at its place in the file; `line` writes what stands there.
template <typename Line>
std::string Schema::Outline(const Line& line) const {
  std::string out;
  std::vector<std::string> open;
  for (const auto& [key, field] : fields_) {
    std::vector<std::string> parts = absl::StrSplit(key, '.');
    size_t same = 0;
    while (same < open.size() && same + 1 < parts.size() && open[same] == parts[same]) ++same;
    open.assign(parts.begin(), parts.end() - 1);
    for (size_t i = same; i < open.size(); ++i) absl::StrAppend(&out, std::string(2 * i, ' '), open[i], ":\n");
    line(std::string(2 * open.size(), ' '), parts.back(), field, &out);
  }
  return out;
}

std::string Schema::Describe() const {
  return Outline([](const std::string& indent, const std::string& name, const Field& field, std::string* out) {
    absl::StrAppend(out, indent, "# ", field.help, "\n", indent, name, ": ", field.shown_default, "\n");
  });
}

std::string Schema::Print() const {
  const auto value = [](const std::string& indent, const std::string& name, const Field& field, std::string* out) {
    absl::StrAppend(out, indent, name, ": ", field.show(), "\n");
  };
  return Outline([&](const std::string& indent, const std::string& name, const Field& field, std::string* out) {
    const std::string origin = absl::StrCat("  # ", field.origin.empty() ? "default" : field.origin, "\n");
    const std::vector<Schema> items = field.items ? field.items() : std::vector<Schema>();
    absl::StrAppend(out, indent, name, ":", items.empty() ? " " + field.show() : "", origin);
    for (const Schema& item : items) {
      std::string mark = "- ";
      for (const auto& line : absl::StrSplit(item.Outline(value), '\n', absl::SkipEmpty())) {
        absl::StrAppend(out, indent, "  ", std::exchange(mark, "  "), line, "\n");
      }
    }
  });
}

absl::StatusOr<std::string> WithValues(const std::string& text, const std::map<std::string, std::string>& values) {
  try {
    YAML::Node root = YAML::Load(text);
    for (const auto& [key, value] : values) {
      YAML::Node at = root;
      const std::vector<std::string> names = absl::StrSplit(key, '.');
      for (size_t i = 0; i + 1 < names.size(); ++i) at.reset(at[names[i]]);
      if (value.empty()) {
        at.remove(names.back());
      } else {
        at[names.back()] = value;
      }
    }
    YAML::Emitter out;
    out << root;
    return std::string(out.c_str()) + "\n";
  } catch (const YAML::Exception& error) {
    return Refuse(absl::StatusCode::kInvalidArgument, "CONFIG", absl::StrCat("not YAML: ", error.what()));
  }
}

}  // namespace yizhan::config
