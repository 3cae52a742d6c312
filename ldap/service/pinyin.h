// Spellings by which a person is found.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace yizhan::directory {

// The keys to search a person by, in lower case, without doubles: the Chinese name's pinyin in full and its initials ("zengxiaoxian",
// "zxx"), with v for ü where there is one ("lvbu" beside "lubu"), then the English name as it is and without spaces. Surnames that are
// read otherwise than the same character elsewhere (曾 zeng, 单 shan, 仇 qiu …) are read as surnames at the name's beginning. By ICU's
// transliterator; which ICU it is decides about rare characters, so the keys are kept in the record. At most 8 keys of at most 128 bytes.
// Thread-safe; the first call takes some 200 ms.
std::vector<std::string> SearchKeysOf(std::string_view name, std::string_view english_name);

}  // namespace yizhan::directory
