// yizhan-verify: tells whether an export from the archive is whole, genuine and what the archive holds.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "audit/tlog/note.h"
#include "audit/tlog/text.h"
#include "audit/verify/verify.h"

namespace {

using yizhan::audit::NoteKey;

constexpr char kHelp[] =
    "usage: yizhan-verify EXPORT_DIR --key KEY [--key KEY ...] [--json]\n"
    "\n"
    "Verifies an export from the Yizhan archive with nothing but its folder and the archive's public key:\n"
    "that the export is whole and was made by the archive, that every item is in the archive's log, and\n"
    "that what people read in it is what the archived records say. No network, no other file.\n"
    "\n"
    "  EXPORT_DIR   the folder of the export (unpack a .zip first)\n"
    "  --key KEY    the public key, NAME+ID+BASE64, or a file that holds keys, one a line ('#' begins a comment).\n"
    "               Get it from where you trust it; a key that came with the export proves nothing.\n"
    "  --json       write the report as JSON\n"
    "  --help       this text\n"
    "\n"
    "Ends with 0 when everything is verified, 1 when not (each problem is named with its file and item), 2 when\n"
    "it was called wrongly.\n";

int Usage(const std::string& message) {
  std::fprintf(stderr, "yizhan-verify: %s\nTry yizhan-verify --help.\n", message.c_str());
  return 2;
}

// Adds the key, or the keys of the file, that `value` names; a message for people when that fails.
std::string AddKeys(const std::string& value, std::vector<NoteKey>* keys) {
  // No file has such a name by chance: the text form has two '+'.
  if (auto key = NoteKey::Parse(value); key.ok()) {
    keys->push_back(*std::move(key));
    return "";
  }
  std::ifstream file(value, std::ios::binary);
  if (!file) return yizhan::audit::Cat("--key: neither a public key nor a file that can be read: ", value);
  std::string text(1 << 16, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  const size_t before = keys->size();
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty() || line[0] == '#') continue;
    auto key = NoteKey::Parse(line);
    if (!key.ok()) return yizhan::audit::Cat(value, ": ", std::string(key.status().message()));
    keys->push_back(*std::move(key));
  }
  return keys->size() > before ? "" : yizhan::audit::Cat(value, ": there is no key in it");
}

}  // namespace

int main(int argc, char** argv) {
  std::string dir;
  std::vector<NoteKey> keys;
  bool json = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--help" || word == "-h") {
      std::fputs(kHelp, stdout);
      return 0;
    } else if (word == "--json") {
      json = true;
    } else if (word == "--key" || word.rfind("--key=", 0) == 0) {
      if (word == "--key" && i + 1 == argc) return Usage("--key wants a key");
      const std::string problem = AddKeys(word == "--key" ? std::string(argv[++i]) : word.substr(6), &keys);
      if (!problem.empty()) return Usage(problem);
    } else if (!word.empty() && word[0] == '-') {
      return Usage("no such option: " + word);
    } else if (dir.empty()) {
      dir = word;
    } else {
      return Usage("one folder at a time");
    }
  }
  if (dir.empty()) return Usage("which folder?");
  if (keys.empty()) return Usage("--key is missing: without the public key nothing can be verified");
  std::error_code error;
  if (!std::filesystem::is_directory(dir, error)) return Usage(dir + " is not a folder that can be read");
  const yizhan::audit::Report report = yizhan::audit::VerifyExport(dir, keys);
  const std::string text = json ? report.ToJson().Write() : report.ToText();
  if (std::fputs(text.c_str(), stdout) == EOF || std::fflush(stdout) != 0) return Usage("cannot write the report");
  return report.verified() ? 0 : 1;
}
