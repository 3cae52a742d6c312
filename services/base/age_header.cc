#include "base/age_header.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/age.h"
#include "base/status.h"

namespace yizhan::age {
namespace {

constexpr size_t kColumns = 64;

absl::Status NoAgeFile(std::string_view what) { return Refuse(absl::StatusCode::kInvalidArgument, "AGE_FORMAT", what); }

bool StartsWith(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

// The bytes of the one spelling that Base64() has for them.
bool FromBase64(std::string_view text, std::string* bytes) {
  return absl::Base64Unescape(AbslView(text), bytes) && Base64(*bytes) == text;
}

bool FromBase64(std::string_view text, Bytes32* bytes) {
  std::string decoded;
  if (!FromBase64(text, &decoded) || decoded.size() != bytes->size()) return false;
  std::memcpy(bytes->data(), decoded.data(), decoded.size());
  return true;
}

class Reader {
 public:
  explicit Reader(std::string_view file) : file_(file), text_(file.substr(0, kMaxHeaderBytes)) {}

  absl::StatusOr<Header> Read() {
    YZ_RETURN_IF_ERROR(Version());
    while (true) {
      const size_t begin = at_;
      std::string_view line;
      YZ_RETURN_IF_ERROR(Next(&line));
      if (StartsWith(line, "-> ")) {
        YZ_RETURN_IF_ERROR(ReadStanza(line.substr(3)));
      } else if (StartsWith(line, "--- ")) {
        if (!FromBase64(line.substr(4), &header_.mac)) return BadLine("is not its end and a MAC");
        header_.mac_size = begin + 3;
        header_.size = at_;
        break;
      } else {
        return BadLine("begins neither a recipient (->) nor its end (---)");
      }
    }
    const size_t stanzas = header_.stanzas.size() + header_.others;
    if (stanzas == 0) return Damaged("its header has no recipient");
    if (passphrases_ > 0 && stanzas > 1) return Damaged("its header has a passphrase beside other recipients");
    if (passphrases_ > 0) {
      return Refuse(absl::StatusCode::kUnimplemented, "AGE_PASSPHRASE",
                    "this age file is for a passphrase, which is not supported: decrypt it with `age -d`, and encrypt "
                    "it to a recipient (age1…)");
    }
    return std::move(header_);
  }

 private:
  absl::Status Version() {
    if (StartsWith(file_, kVersionLine)) {
      at_ = kVersionLine.size();
      return absl::OkStatus();
    }
    if (file_.empty()) return NoAgeFile("this is empty, not an age file");
    if (StartsWith(file_, "-----BEGIN AGE ")) {
      return NoAgeFile("this age file has an ASCII armour: take it off with `age -d`, or encrypt without -a");
    }
    if (StartsWith(file_, "age-encryption.org/")) {
      return NoAgeFile("this is an age file of another version than v1, or its first line was cut off or changed");
    }
    return NoAgeFile("this is not an age file: it does not begin with age-encryption.org/v1");
  }

  // The next line, without its end.
  absl::Status Next(std::string_view* line) {
    ++line_;
    const size_t end = text_.find('\n', at_);
    if (end == std::string_view::npos) {
      if (text_.size() < file_.size()) return Damaged(absl::StrCat("its header is longer than ", kMaxHeaderBytes));
      return Damaged(absl::StrCat("it was cut off within line ", line_, " of its header"));
    }
    *line = text_.substr(at_, end - at_);
    at_ = end + 1;
    return absl::OkStatus();
  }

  // `arguments`: what stands behind the arrow, with single spaces between them.
  absl::Status ReadStanza(std::string_view arguments) {
    const size_t number = line_;
    char before = ' ';
    for (char c : arguments) {
      if (c < 0x20 || c > 0x7e || (c == ' ' && before == ' ')) return BadLine("has a character that cannot be there");
      before = c;
    }
    if (before == ' ') return BadLine("lacks an argument");
    std::string body;
    YZ_RETURN_IF_ERROR(ReadBody(&body));
    const std::string_view kind = arguments.substr(0, arguments.find(' '));
    if (kind != "X25519") {
      ++header_.others;
      if (kind == "scrypt") ++passphrases_;
      return absl::OkStatus();
    }
    Stanza stanza;
    stanza.line = number;
    if (kind.size() == arguments.size() || !FromBase64(arguments.substr(kind.size() + 1), &stanza.share)) {
      return Damaged(absl::StrCat("line ", number, " of its header has not the one share of an X25519 recipient"));
    }
    if (body.size() != stanza.body.size()) {
      return Damaged(absl::StrCat("the recipient on line ", number, " of its header has a key of ", body.size(),
                                  " bytes instead of ", stanza.body.size()));
    }
    std::memcpy(stanza.body.data(), body.data(), body.size());
    header_.stanzas.push_back(stanza);
    return absl::OkStatus();
  }

  // Lines of 64 columns, and one that is shorter, maybe empty.
  absl::Status ReadBody(std::string* body) {
    while (true) {
      std::string_view line;
      std::string bytes;
      YZ_RETURN_IF_ERROR(Next(&line));
      if (line.size() > kColumns) return BadLine("has more than 64 columns");
      if (!FromBase64(line, &bytes)) return BadLine("is not canonical Base64");
      *body += bytes;
      if (line.size() < kColumns) return absl::OkStatus();
    }
  }

  absl::Status BadLine(std::string_view problem) const {
    return Damaged(absl::StrCat("line ", line_, " of its header ", AbslView(problem)));
  }

  const std::string_view file_;
  const std::string_view text_;  // the bytes that may be its header
  size_t at_ = 0;
  size_t line_ = 1;
  size_t passphrases_ = 0;
  Header header_;
};

}  // namespace

absl::Status Damaged(std::string_view what) {
  return Refuse(absl::StatusCode::kDataLoss, "AGE_DAMAGED",
                absl::StrCat("this age file is damaged: ", AbslView(what), "; take another copy of it"));
}

std::string Base64(std::string_view bytes) {
  std::string text = absl::Base64Escape(AbslView(bytes));
  while (!text.empty() && text.back() == '=') text.pop_back();
  return text;
}

absl::StatusOr<Header> ReadHeader(std::string_view file) { return Reader(file).Read(); }

}  // namespace yizhan::age
