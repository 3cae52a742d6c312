#include "ldap/testing/slapd_data.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ldap/client/dn.h"
#include "ldap/credentials/crypto.h"
#include "ldap/testing/slapd.h"

namespace yizhan::directory {
namespace {

using Values = std::vector<std::pair<std::string, std::string>>;

// All values in base64: LDIF allows nothing else for Chinese, and nothing has to be told apart.
void Add(std::string* ldif, const std::string& dn, const Values& values) {
  absl::StrAppend(ldif, "dn:: ", Base64(dn), "\n");
  for (const auto& [name, value] : values) absl::StrAppend(ldif, name, ":: ", Base64(value), "\n");
  absl::StrAppend(ldif, "\n");
}

struct Person {
  const char *login, *cn, *surname, *zh, *en, *title;
  const char* place;  // below ou=staff
  bool disabled = false;
};

constexpr char kHead[] = "ou=总行,ou=staff";
constexpr char kIt[] = "ou=科技部,ou=总行,ou=staff";
constexpr char kLab[] = "ou=研发中心,ou=科技部,ou=总行,ou=staff";
constexpr char kRetail[] = "ou=零售银行部,ou=总行,ou=staff";
constexpr char kService[] = "ou=客户服务中心,ou=零售银行部,ou=总行,ou=staff";

const Person kPeople[] = {
    {"wangwei", "Wang Wei", "Wang", "王伟", "Wang Wei", "行长", kHead},
    {"lina", "Li Na", "Li", "李娜", "Li Na", "总经理", kIt},
    {"zhangmin", "Zhang Min", "Zhang", "张敏", "Zhang Min", "工程师", kLab},
    {"liuyang", "Liu Yang", "Liu", "刘洋", "Liu Yang", "工程师", kLab},
    {"chenjing", "Chen Jing", "Chen", "陈静", "Chen Jing", "架构师", kLab},
    {"yangfan", "Yang Fan", "Yang", "杨帆", "Yang Fan", "总经理", kRetail},
    {"huanglei", "Huang Lei", "Huang", "黄磊", "Huang Lei", "客户经理", kRetail},
    {"zhouxun", "Zhou Xun", "Zhou", "周迅", "Zhou Xun", "客服", kService},
    {"wu(qi)*", "Wu Qi (Temp*), Jr.\\Ops", "Wu", "吴琪", "Wu Qi", "客服", kService},
    {"annsmith", "Smith, Ann + Co = \"x\" <y>; #1", "Smith", "安·史密斯", "Ann Smith", "Agent", kService},
    {"zhengshuang", "Zheng Shuang", "Zheng", "郑爽", "Zheng Shuang", "客服", kService},
    {"zhaoliu", "Zhao Liu", "Zhao", "赵六", "Zhao Liu", "离职", kRetail, true},
};

std::string Below(const std::string& place) { return absl::StrCat(place, ",", Slapd::base()); }

std::string DnOf(const Person& person) {
  return Below(absl::StrCat("cn=", EscapeDnValue(person.cn), ",", person.place));
}

void AddUnit(std::string* ldif, const std::string& place) {
  const Dn dn = *ParseDn(place);
  Add(ldif, Below(place), {{"objectClass", "organizationalUnit"}, {"ou", dn[0][0].value}});
}

void AddGroup(std::string* ldif, const std::string& name, const std::vector<std::string>& members) {
  Values values = {{"objectClass", "groupOfNames"}, {"cn", name}};
  for (const std::string& member : members) values.emplace_back("member", member);
  Add(ldif, Below(absl::StrCat("cn=", name, ",ou=groups")), values);
}

// objectGUID 00112233-4455-6677-8899-aabbccddeeNN as Active Directory sends it; its bytes hold ( ) * \ and NUL.
std::string Guid(char last) {
  return std::string("\x33\x22\x11\x00\x55\x44\x77\x66\x28\x29\x2a\x5c\x00\x0a\xee", 15) + last;
}

void AddActiveDirectoryUser(std::string* ldif, const std::string& account, const std::string& cn, char guid,
                            const std::string& control) {
  Add(ldif, Below(absl::StrCat("cn=", EscapeDnValue(cn), ",ou=Branch,ou=ad")),
      {{"objectClass", "user"},
       {"cn", cn},
       {"sn", cn},
       {"displayName", cn},
       {"sAMAccountName", account},
       {"sAMAccountType", "805306368"},
       {"objectGUID", Guid(guid)},
       {"userAccountControl", control},
       {"userPassword", BankPassword(account)}});
}

}  // namespace

std::string BankPassword(const std::string& login) { return absl::StrCat("Yizhan-", login, "-2026"); }

std::vector<Slapd::Login> Slapd::people() {
  std::vector<Login> logins;
  for (const Person& person : kPeople) {
    if (!person.disabled) logins.push_back({person.login, BankPassword(person.login)});
  }
  return logins;
}

std::string BankLdif(int extra_people) {
  std::string ldif;
  Add(&ldif, Slapd::base(),
      {{"objectClass", "organization"}, {"objectClass", "dcObject"}, {"o", "示例银行"}, {"dc", "bank"}});
  Add(&ldif, Slapd::bind_dn(),
      {{"objectClass", "organizationalRole"},
       {"objectClass", "simpleSecurityObject"},
       {"cn", "reader"},
       {"userPassword", Slapd::bind_password()}});
  AddUnit(&ldif, "ou=staff");
  for (const char* place : {kHead, kIt, kLab, kRetail, kService}) AddUnit(&ldif, place);
  for (const Person& person : kPeople) {
    Values values = {{"objectClass", "inetOrgPerson"},
                     {"cn", person.cn},
                     {"cn;lang-zh", person.zh},
                     {"cn;lang-en", person.en},
                     {"sn", person.surname},
                     {"uid", person.login},
                     {"displayName", person.zh},
                     {"mail", absl::StrCat(person.surname, "@bank.example")},
                     {"title", person.title},
                     {"telephoneNumber", "+86 10 5555 0100"},
                     {"userPassword", BankPassword(person.login)}};
    if (person.disabled) values.emplace_back("employeeType", "disabled");
    Add(&ldif, DnOf(person), values);
  }
  // A scanner: an inetOrgPerson that nobody can log in as.
  Add(&ldif, Below(absl::StrCat("cn=Scanner 3,", kHead)),
      {{"objectClass", "inetOrgPerson"}, {"cn", "Scanner 3"}, {"sn", "Scanner"}});
  for (int i = 1; i <= extra_people; ++i) {
    const std::string login = absl::StrFormat("u%04d", i);
    Add(&ldif, Below(absl::StrCat("cn=", login, ",", kRetail)),
        {{"objectClass", "inetOrgPerson"},
         {"cn", login},
         {"sn", login},
         {"uid", login},
         {"userPassword", BankPassword(login)}});
  }
  AddUnit(&ldif, "ou=groups");
  AddGroup(&ldif, "lab", {DnOf(kPeople[2]), DnOf(kPeople[3]), DnOf(kPeople[4])});
  AddGroup(&ldif, "it", {DnOf(kPeople[1]), DnOf(kPeople[2]), Below("cn=lab,ou=groups")});
  AddGroup(&ldif, "service", {DnOf(kPeople[8]), DnOf(kPeople[9])});
  AddUnit(&ldif, "ou=ad");
  AddUnit(&ldif, "ou=Branch,ou=ad");
  AddActiveDirectoryUser(&ldif, "sunli", "Sun Li", '\x01', "512");
  AddActiveDirectoryUser(&ldif, "qianduo", "Qian Duo", '\x02', "514");
  return ldif;
}

}  // namespace yizhan::directory
