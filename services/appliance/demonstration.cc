#include "appliance/demonstration.h"


#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "base/ids.h"
#include "base/status.h"
#include "ldap/service/service.h"
#include "yizhan/desk/v1/agent_service.pb.h"
#include "yizhan/im/v1/conversation_service.pb.h"

namespace yizhan::appliance {
namespace {

using common::v1::Role;

struct DepartmentSeed {
  const char* key;
  const char* parent;
  const char* name;
  const char* english;
};
constexpr DepartmentSeed kDepartments[] = {
    {"head", "", "总行", "Head Office"},
    {"retail", "head", "零售银行部", "Retail Banking"},
    {"credit", "head", "信贷部", "Credit"},
    {"wealth", "retail", "财富管理部", "Wealth Management"},
    {"cards", "retail", "信用卡中心", "Card Centre"},
    {"service", "head", "客户服务中心", "Customer Service"},
    {"risk", "head", "风险管理部", "Risk Management"},
    {"it", "head", "信息科技部", "Information Technology"},
    {"audit", "head", "审计部", "Internal Audit"},
    {"people", "head", "人力资源部", "Human Resources"},
};

struct PersonSeed {
  const char* login;
  const char* name;
  const char* english;
  const char* department;
  const char* title;
  Role role;  // beside employee; unspecified for none
};
constexpr Role kNone = common::v1::ROLE_UNSPECIFIED;
constexpr PersonSeed kPeople[] = {
    {"sysadmin", "周建国", "George Zhou", "it", "系统管理员", common::v1::ROLE_SYSTEM_ADMIN},
    {"secadmin", "吴敏", "Min Wu", "it", "安全管理员", common::v1::ROLE_SECURITY_ADMIN},
    {"auditor", "郑明", "Ming Zheng", "audit", "审计管理员", common::v1::ROLE_AUDITOR},
    {"zhang.wei", "张伟", "Wei Zhang", "credit", "信贷部总经理", kNone},
    {"li.na", "李娜", "Nana Li", "credit", "客户经理", kNone},
    {"wang.fang", "王芳", "Fang Wang", "credit", "审批专员", kNone},
    {"zeng.xiaoxian", "曾小贤", "Sean Zeng", "credit", "客户经理", kNone},
    {"liu.yang", "刘洋", "Yang Liu", "credit", "客户经理", kNone},
    {"chen.jing", "陈静", "Jing Chen", "wealth", "财富管理部总经理", kNone},
    {"yang.min", "杨敏", "Min Yang", "wealth", "理财顾问", kNone},
    {"zhao.lei", "赵磊", "Lei Zhao", "wealth", "理财顾问", kNone},
    {"huang.lan", "黄岚", "Lan Huang", "wealth", "理财顾问", kNone},
    {"shan.chuan", "单川", "Chuan Shan", "wealth", "产品经理", kNone},
    {"xu.jie", "徐杰", "Jack Xu", "retail", "零售银行部总经理", kNone},
    {"sun.li", "孙丽", "Lily Sun", "retail", "网点经理", kNone},
    {"ma.chao", "马超", "Chao Ma", "retail", "网点经理", kNone},
    {"zhu.hong", "朱红", "Hong Zhu", "retail", "柜面主管", kNone},
    {"hu.bin", "胡斌", "Bin Hu", "cards", "信用卡中心总经理", kNone},
    {"guo.jing", "郭静", "Jing Guo", "cards", "产品经理", kNone},
    {"he.ping", "何平", "Ping He", "cards", "风控专员", kNone},
    {"gao.yuan", "高远", "Yuan Gao", "cards", "数据分析师", kNone},
    {"lin.mei", "林梅", "May Lin", "service", "客服主管", common::v1::ROLE_SUPERVISOR},
    {"luo.ying", "罗英", "Ying Luo", "service", "客服坐席", common::v1::ROLE_AGENT},
    {"liang.chao", "梁超", "Chao Liang", "service", "客服坐席", common::v1::ROLE_AGENT},
    {"song.jia", "宋佳", "Jia Song", "service", "客服坐席", common::v1::ROLE_AGENT},
    {"tang.wen", "唐文", "Wendy Tang", "service", "客服坐席", common::v1::ROLE_AGENT},
    {"xie.lin", "谢琳", "Lynn Xie", "service", "客服坐席", common::v1::ROLE_AGENT},
    {"han.xue", "韩雪", "Snow Han", "service", "客服坐席", common::v1::ROLE_AGENT},
    {"feng.gang", "冯刚", "Gang Feng", "risk", "风险管理部总经理", kNone},
    {"yu.bo", "于波", "Bo Yu", "risk", "合规经理", kNone},
    {"dong.jie", "董洁", "Jie Dong", "risk", "合规专员", kNone},
    {"xiao.feng", "肖峰", "Feng Xiao", "risk", "模型工程师", kNone},
    {"cheng.long", "程龙", "Long Cheng", "it", "信息科技部总经理", kNone},
    {"cao.ying", "曹颖", "Ying Cao", "it", "运维工程师", kNone},
    {"yuan.quan", "袁泉", "Quan Yuan", "it", "开发工程师", kNone},
    {"deng.chao", "邓超", "Chao Deng", "it", "开发工程师", kNone},
    {"xu.qing", "许晴", "Qing Xu", "it", "测试工程师", kNone},
    {"fu.biao", "傅彪", "Biao Fu", "audit", "审计员", kNone},
    {"shen.teng", "沈腾", "Teng Shen", "people", "人力资源部总经理", kNone},
    {"zeng.li", "曾黎", "Li Zeng", "people", "招聘经理", kNone},
    {"li.jiheng", "李𠮷恒", "Jiheng Li", "people", "培训专员", kNone},
    {"smith.anna", "安娜·史密斯", "Anna Smith", "head", "顾问", kNone},
};

std::string RoleWord(Role role) {
  std::string word = common::v1::Role_Name(role).substr(sizeof("ROLE_") - 1);
  absl::AsciiStrToLower(&word);
  return word;
}

// The password of the demonstration's accounts: made once for a data folder.
absl::StatusOr<std::string> Password(const std::string& path) {
  if (std::ifstream in(path); in) {
    const auto saved = nlohmann::json::parse(in, nullptr, false);
    if (saved.is_object() && saved.contains("password") && saved["password"].is_string()) return saved["password"].get<std::string>();
    return absl::FailedPreconditionError(path + " is damaged; the demonstration's password cannot be told. Start with a new data folder");
  }
  const std::string password = "demo-" + RandomName(8);
  const std::string text = nlohmann::json{{"password", password}}.dump() + "\n";
  YZ_RETURN_IF_ERROR(WriteNewFile(path, text));
  return password;
}

std::vector<Account> Accounts(const std::string& password) {
  std::vector<Account> accounts;
  for (const PersonSeed& seed : kPeople) {
    Account& account = accounts.emplace_back(Account{seed.login, password, seed.name, {"employee"}});
    if (seed.role != kNone) account.roles.push_back(RoleWord(seed.role));
  }
  return accounts;
}

class Seeder {
 public:
  Seeder(directory::DirectoryService& directory, rpc::Channel& channel, std::string password)
      : directory_(directory), channel_(channel), password_(std::move(password)) {}

  absl::StatusOr<Demonstration> Run() {
    YZ_RETURN_IF_ERROR(Departments());
    YZ_RETURN_IF_ERROR(People());
    YZ_RETURN_IF_ERROR(Desk());
    YZ_RETURN_IF_ERROR(Groups());
    return std::move(result_);
  }

 private:
  // The same request id each time: a second start finds its own answer.
  static std::string RequestId(const std::string& what) { return "demonstration:" + what; }

  absl::Status Departments() {
    std::vector<directory::NewDepartment> departments;
    int position = 0;
    for (const DepartmentSeed& seed : kDepartments) {
      directory::NewDepartment& department = departments.emplace_back();
      department.department.set_name(seed.name);
      department.department.set_english_name(seed.english);
      department.department.set_position(++position);
      for (int i = 0; i + 1 < position; ++i) {
        if (std::string_view(kDepartments[i].key) == seed.parent) department.parent = i;
      }
    }
    YZ_ASSIGN_OR_RETURN(auto ids, directory_.CreateDepartments(departments));
    for (size_t i = 0; i < ids.size(); ++i) departments_[kDepartments[i].key] = ids[i];
    return absl::OkStatus();
  }

  absl::Status People() {
    YZ_ASSIGN_OR_RETURN(auto credentials, directory_.PrepareCredentials(Secret<std::string>(password_)));
    std::vector<directory::NewPerson> people;
    for (const PersonSeed& seed : kPeople) {
      directory::NewPerson& person = people.emplace_back();
      person.person.set_login(seed.login);
      person.person.set_name(seed.name);
      person.person.set_english_name(seed.english);
      person.person.set_department_id(departments_[seed.department]);
      person.person.set_title(seed.title);
      person.person.set_email(absl::StrCat(seed.login, "@bank.example"));
      if (seed.role != kNone) person.person.add_roles(seed.role);
      person.credentials = credentials;
    }
    result_.people = Accounts(password_);
    YZ_ASSIGN_OR_RETURN(auto created, directory_.CreatePeople(std::move(people)));
    for (size_t i = 0; i < created.person_ids.size(); ++i) ids_[kPeople[i].login] = created.person_ids[i];
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> ServiceGroup(const std::string& name, const std::vector<std::string>& agents) {
    desk::v1::PutServiceGroupRequest request;
    request.mutable_group()->set_name(name);
    for (const auto& login : agents) request.mutable_group()->add_agent_ids(ids_[login]);
    request.set_request_id(RequestId("group:" + name));
    YZ_ASSIGN_OR_RETURN(auto made, channel_.Wait<desk::v1::PutServiceGroupResponse>("/yizhan.desk.v1.AgentService/PutServiceGroup", request));
    return made.group().group_id();
  }

  absl::Status Desk() {
    YZ_ASSIGN_OR_RETURN(std::string cards, ServiceGroup("信用卡服务", {"luo.ying", "liang.chao", "song.jia"}));
    YZ_RETURN_IF_ERROR(ServiceGroup("贷款服务", {"song.jia", "tang.wen", "xie.lin", "han.xue"}).status());
    desk::v1::PutChannelRequest request;
    request.mutable_channel()->set_name("网上银行");
    request.mutable_channel()->set_group_id(cards);
    request.mutable_channel()->set_greeting("您好，这里是信用卡服务。请问有什么可以帮您？ / Hello, how can we help?");
    // Its own demonstration page may embed it anyway; other sites have to be named.
    request.set_request_id(RequestId("channel:web"));
    YZ_ASSIGN_OR_RETURN(auto made, channel_.Wait<desk::v1::PutChannelResponse>("/yizhan.desk.v1.AgentService/PutChannel", request));
    result_.channel_id = made.channel().channel_id();
    return absl::OkStatus();
  }

  // Conversations are their members' own: made on behalf of the one who leads them.
  absl::Status Group(const std::string& handle, const std::string& title, const std::vector<std::string>& members) {
    im::v1::CreateGroupRequest request;
    request.set_title(title);
    request.set_handle(handle);
    request.set_request_id(RequestId("conversation:" + handle));
    for (size_t i = 1; i < members.size(); ++i) request.add_member_ids(ids_[members[i]]);
    rpc::CallOptions options;
    options.on_behalf_of.set_kind(rpc::Principal::KIND_PERSON);
    options.on_behalf_of.set_id(ids_[members[0]]);
    options.on_behalf_of.add_roles(common::v1::ROLE_EMPLOYEE);
    // Messaging hears of the directory's people a moment after they are made.
    absl::Status status;
    for (int tries = 0; tries < 500; ++tries) {
      status = channel_.Wait<im::v1::CreateGroupResponse>("/yizhan.im.v1.ConversationService/CreateGroup", request, options).status();
      if (ReasonOf(status) != "PERSON_NOT_FOUND") break;
      absl::SleepFor(absl::Milliseconds(20));
    }
    return absl::IsAlreadyExists(status) ? absl::OkStatus() : status;
  }

  absl::Status Groups() {
    YZ_RETURN_IF_ERROR(Group("credit", "信贷部", {"zhang.wei", "li.na", "wang.fang", "zeng.xiaoxian", "liu.yang"}));
    YZ_RETURN_IF_ERROR(Group("risk-review", "风险评审", {"feng.gang", "yu.bo", "dong.jie", "zhang.wei", "wang.fang"}));
    return Group("it-operations", "科技运维", {"cheng.long", "cao.ying", "yuan.quan", "deng.chao", "sysadmin"});
  }

  directory::DirectoryService& directory_;
  rpc::Channel& channel_;
  const std::string password_;
  std::map<std::string, std::string> departments_;  // key -> id
  std::map<std::string, std::string> ids_;          // login -> person id
  Demonstration result_;
};

}  // namespace

absl::StatusOr<Demonstration> SeedDemonstration(const std::string& data_dir, directory::DirectoryService& directory, rpc::Channel& channel) {
  YZ_ASSIGN_OR_RETURN(std::string password, Password(data_dir + "/demonstration.json"));
  return Seeder(directory, channel, std::move(password)).Run();
}

absl::StatusOr<Demonstration> ShowDemonstration(const std::string& data_dir) {
  YZ_ASSIGN_OR_RETURN(std::string password, Password(data_dir + "/demonstration.json"));
  return Demonstration{Accounts(password), ""};
}

absl::Status SeedBenchPeople(int count, directory::DirectoryService& directory) {
  YZ_ASSIGN_OR_RETURN(auto credentials, directory.PrepareCredentials(Secret<std::string>("benchpw")));
  std::vector<directory::NewPerson> people;
  people.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    directory::NewPerson& person = people.emplace_back();
    person.person.set_login(absl::StrCat("u", i));
    person.person.set_name(absl::StrCat("u", i));
    person.credentials = credentials;
  }
  return directory.CreatePeople(std::move(people)).status();
}

}  // namespace yizhan::appliance
