#include "ldap/service/pinyin.h"

#include <unicode/translit.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "absl/synchronization/mutex.h"
#include "ldap/service/text.h"

namespace yizhan::directory {
namespace {

constexpr size_t kMaxKeys = 8;
constexpr size_t kMaxKeyBytes = 128;
constexpr size_t kMaxNameCharacters = 64;

struct Reading {
  std::u16string_view characters;
  std::vector<std::string_view> syllables;
};

// Surnames by their readings as such: 百家姓, where it differs from the character's usual one. The longer ones first.
const std::vector<Reading>& Surnames() {
  static const auto& surnames = *new std::vector<Reading>{
      {u"尉迟", {"yu", "chi"}}, {u"万俟", {"mo", "qi"}}, {u"单于", {"chan", "yu"}}, {u"长孙", {"zhang", "sun"}},
      {u"澹台", {"tan", "tai"}}, {u"曾", {"zeng"}},      {u"单", {"shan"}},         {u"單", {"shan"}},
      {u"仇", {"qiu"}},          {u"解", {"xie"}},       {u"任", {"ren"}},          {u"区", {"ou"}},
      {u"區", {"ou"}},           {u"盖", {"ge"}},        {u"蓋", {"ge"}},           {u"查", {"zha"}},
      {u"朴", {"piao"}},         {u"冼", {"xian"}},      {u"乐", {"yue"}},          {u"缪", {"miao"}},
      {u"秘", {"bi"}},           {u"员", {"yun"}},       {u"覃", {"qin"}},          {u"种", {"chong"}},
      {u"召", {"shao"}},         {u"翟", {"zhai"}},
  };
  return surnames;
}

// One character's syllable, as "lü"; asked of ICU once for each character.
class Syllables {
 public:
  std::string Of(char16_t character) {
    absl::MutexLock lock(&mu_);
    auto [found, fresh] = known_.try_emplace(character);
    if (fresh) found->second = Ask(character);
    return found->second;
  }

 private:
  std::string Ask(char16_t character) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (!asked_) {
      asked_ = true;
      UErrorCode error = U_ZERO_ERROR;
      latin_.reset(icu::Transliterator::createInstance("Han-Latin", UTRANS_FORWARD, error));
      if (U_FAILURE(error)) latin_.reset();
    }
    if (!latin_) return "";
    icu::UnicodeString text(character);
    latin_->transliterate(text);
    // Tone marks go, the two dots of ü stay; what is no letter after that is none of pinyin's.
    std::string syllable;
    for (int32_t i = 0; i < text.length(); ++i) {
      UErrorCode error = U_ZERO_ERROR;
      const char16_t c = text[i];
      if (c == u'ü' || (c >= u'ǖ' && c <= u'ǜ')) {
        syllable += "ü";
      } else if (c < 0x80) {
        if (c >= 'a' && c <= 'z') syllable.push_back(static_cast<char>(c));
      } else {
        icu::UnicodeString base(c);
        if (!ascii_) ascii_.reset(icu::Transliterator::createInstance("Latin-ASCII", UTRANS_FORWARD, error));
        if (!ascii_ || U_FAILURE(error)) continue;
        ascii_->transliterate(base);
        for (int32_t j = 0; j < base.length(); ++j) {
          if (base[j] >= 'a' && base[j] <= 'z') syllable.push_back(static_cast<char>(base[j]));
        }
      }
    }
    return syllable;
  }

  absl::Mutex mu_;
  bool asked_ ABSL_GUARDED_BY(mu_) = false;
  std::unique_ptr<icu::Transliterator> latin_ ABSL_GUARDED_BY(mu_), ascii_ ABSL_GUARDED_BY(mu_);
  // At most the characters of the basic plane.
  std::unordered_map<char16_t, std::string> known_ ABSL_GUARDED_BY(mu_);
};

bool IsHan(char16_t c) {
  UErrorCode error = U_ZERO_ERROR;
  return uscript_getScript(c, &error) == USCRIPT_HAN && U_SUCCESS(error);
}

// "lüzhi" with v or u in the place of ü.
std::string With(std::string_view syllable, char letter) {
  std::string plain;
  for (size_t i = 0; i < syllable.size(); ++i) {
    if (syllable.substr(i, 2) == "ü") {
      plain.push_back(letter);
      ++i;
    } else {
      plain.push_back(syllable[i]);
    }
  }
  return plain;
}

// The name's syllables; runs of other letters and digits are one each.
std::vector<std::string> Split(const icu::UnicodeString& name) {
  static auto& syllables = *new Syllables;
  std::vector<std::string> parts;
  int32_t at = 0;
  for (const Reading& surname : Surnames()) {
    const auto length = static_cast<int32_t>(surname.characters.size());
    if (name.length() <= length || name.compare(0, length, surname.characters.data(), 0, length) != 0) continue;
    for (std::string_view syllable : surname.syllables) parts.emplace_back(syllable);
    at = length;
    break;
  }
  bool run = false;  // whether the last part may grow
  for (; at < name.length(); ++at) {
    const char16_t c = name[at];
    if (IsHan(c)) {
      std::string syllable = syllables.Of(c);
      if (!syllable.empty()) parts.push_back(std::move(syllable));
      run = false;
    } else if (c < 0x80 && u_isalnum(c)) {
      if (!run) parts.emplace_back();
      parts.back().push_back(static_cast<char>(u_tolower(c)));
      run = true;
    } else {
      run = false;
    }
  }
  return parts;
}

void Add(std::vector<std::string>& keys, std::string key) {
  if (key.size() > kMaxKeyBytes) key = CutTo(key.substr(0, kMaxKeyBytes), kMaxKeyBytes / 4);
  if (key.empty() || keys.size() == kMaxKeys || std::find(keys.begin(), keys.end(), key) != keys.end()) return;
  keys.push_back(std::move(key));
}

}  // namespace

std::vector<std::string> SearchKeysOf(std::string_view name, std::string_view english_name) {
  std::vector<std::string> keys;
  const std::string cut = CutTo(name, kMaxNameCharacters);
  const bool chinese = std::any_of(cut.begin(), cut.end(), [](char c) { return static_cast<uint8_t>(c) >= 0x80; });
  if (chinese) {
    std::string full_v, full_u, initials;
    for (const std::string& part : Split(icu::UnicodeString::fromUTF8(cut))) {
      full_v += With(part, 'v');
      full_u += With(part, 'u');
      initials.push_back(part[0]);
    }
    Add(keys, full_u);
    Add(keys, initials);
    Add(keys, full_v);
  }
  for (const std::string& text : {Lower(english_name), chinese ? std::string() : Lower(cut)}) {
    std::string joined;
    for (char c : text) {
      if (c != ' ') joined.push_back(c);
    }
    Add(keys, text);
    Add(keys, joined);
  }
  return keys;
}

}  // namespace yizhan::directory
