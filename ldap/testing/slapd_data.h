// The bank that the test server holds.
#pragma once

#include <string>

namespace yizhan::directory {

// LDIF (RFC 2849) of the whole tree, with `extra_people` people u0001, u0002, ... in the retail department.
std::string BankLdif(int extra_people);

// The password of a person of the bank; of an extra one too.
std::string BankPassword(const std::string& login);

}  // namespace yizhan::directory
