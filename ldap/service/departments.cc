#include "ldap/service/departments.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "base/ids.h"
#include "base/logging.h"
#include "base/status.h"
#include "ldap/service/rules.h"
#include "ldap/service/text.h"

namespace yizhan::directory {
namespace {

constexpr uint32_t kMaxPage = 200, kUsualPage = 50;
constexpr int kMaxPageBytes = 3'000'000;  // below what a call may answer
constexpr size_t kMaxAtOnce = 4'000;
constexpr int kMaxWalk = 1'000;  // a stack's worth; loops cannot be reached from the top

// Walks the tree, each department with its depth; the order is the answer's.
class Tree {
 public:
  explicit Tree(std::vector<Roster::Department> all) : all_(std::move(all)) {
    std::set<std::string> ids;
    for (const auto& one : all_) ids.insert(one.department.department_id());
    for (size_t i = 0; i < all_.size(); ++i) {
      const std::string& parent = all_[i].department.parent_id();
      below_[ids.contains(parent) ? parent : ""].push_back(i);
    }
    for (auto& [parent, children] : below_) {
      std::sort(children.begin(), children.end(), [this](size_t a, size_t b) { return Order(a) < Order(b); });
    }
  }

  void Write(v1::ListDepartmentsResponse& response) {
    Below("", 0, response);
  }

 private:
  std::tuple<int32_t, std::string_view, std::string_view> Order(size_t i) const {
    const v1::Department& department = all_[i].department;
    return {department.position(), department.name(), department.department_id()};
  }

  // Active people in the departments below `parent`.
  uint32_t Below(const std::string& parent, int depth, v1::ListDepartmentsResponse& response) {
    uint32_t people = 0;
    auto children = below_.find(parent);
    if (children == below_.end() || depth > kMaxWalk) return 0;
    for (size_t i : children->second) {
      const int at = response.departments_size();
      v1::DepartmentSize* size = response.add_departments();
      *size->mutable_department() = all_[i].department;
      size->set_people(all_[i].active_people);
      const uint32_t below = all_[i].active_people + Below(all_[i].department.department_id(), depth + 1, response);
      response.mutable_departments(at)->set_people_below(below);
      people += below;
    }
    return people;
  }

  const std::vector<Roster::Department> all_;
  std::map<std::string, std::vector<size_t>> below_;
};

}  // namespace

v1::ListDepartmentsResponse Departments::List() const {
  v1::ListDepartmentsResponse response;
  Tree(core_->roster().Departments()).Write(response);
  return response;
}

void Departments::Put(const Caller& caller, const v1::PutDepartmentRequest& request, Answer answer) const {
  if (absl::Status bad = CheckDepartment(request.department()); !bad.ok()) return answer(bad);
  core_->Submit(
      caller.actor, request.request_id(),
      [department = request.department(), ldap = ldap_, actor = caller.actor](const ledger::DecideContext&, const Rows& rows,
                                                                              Draft& draft) mutable -> absl::StatusOr<std::string> {
        if (department.department_id().empty()) {
          department.set_department_id(RandomId('d'));
        } else {
          YZ_RETURN_IF_ERROR(RequireDepartment(rows, department.department_id()));
          YZ_ASSIGN_OR_RETURN(auto bound, rows.BoundOf(department.department_id()));
          if (bound && ldap->Find(bound->first) != nullptr) {
            return Refuse(absl::StatusCode::kFailedPrecondition, "OWNED_BY_LDAP",
                          absl::StrCat("this department comes from the LDAP source '", bound->first, "': change it there"));
          }
        }
        YZ_RETURN_IF_ERROR(CheckPlace(rows, department));
        draft.Put(department);
        log::Info("directory", "put a department").With("department", department.department_id()).With("by", actor);
        v1::PutDepartmentResponse response;
        *response.mutable_department() = department;
        return response.SerializeAsString();
      },
      std::move(answer));
}

absl::StatusOr<std::vector<std::string>> Departments::CreateMany(const std::vector<NewDepartment>& departments) const {
  if (departments.size() > kMaxAtOnce) return absl::InvalidArgumentError("too many departments at once");
  for (size_t i = 0; i < departments.size(); ++i) {
    YZ_RETURN_IF_ERROR(CheckDepartment(departments[i].department));
    if (departments[i].parent >= static_cast<int>(i)) return absl::InvalidArgumentError("a department's parent must stand before it");
  }
  std::vector<std::string> ids(departments.size());
  auto decided = core_->SubmitAndWait(
      kOwnActor, [&](const ledger::DecideContext&, const Rows& rows, Draft& draft) -> absl::StatusOr<std::string> {
        std::map<std::pair<std::string, std::string>, std::string> known;  // parent and name → id
        absl::Status readable;
        YZ_RETURN_IF_ERROR(rows.state().Scan(DepartmentPrefix(), "", [&](std::string_view, std::string_view value) {
          auto row = DepartmentRow::Decode(value);
          readable = row.status();
          if (row.ok()) known.emplace(std::make_pair(row->message.parent_id(), row->message.name()), row->message.department_id());
          return readable.ok();
        }));
        YZ_RETURN_IF_ERROR(readable);
        for (size_t i = 0; i < departments.size(); ++i) {
          v1::Department department = departments[i].department;
          department.set_parent_id(departments[i].parent < 0 ? "" : ids[departments[i].parent]);
          auto [found, fresh] = known.try_emplace({department.parent_id(), department.name()}, "");
          if (fresh) {
            found->second = RandomId('d');
            department.set_department_id(found->second);
            draft.Put(department);
          }
          ids[i] = found->second;
        }
        return std::string();
      });
  if (!decided.ok()) return decided.status();
  return ids;
}

absl::StatusOr<v1::ListGroupsResponse> Groups::List(const v1::ListGroupsRequest& request) const {
  const uint32_t page = request.page_size() == 0 ? kUsualPage : std::min(request.page_size(), kMaxPage);
  const std::string& token = request.page_token();
  if (token.size() > kIdBytes) return Refuse(absl::StatusCode::kInvalidArgument, "BAD_PAGE_TOKEN", "page_token is not one of this list's");
  v1::ListGroupsResponse response;
  absl::Status readable;
  size_t bytes = 0;
  YZ_RETURN_IF_ERROR(core_->View()->Scan(GroupPrefix(), GroupKey(token), [&](std::string_view key, std::string_view value) {
    if (key == GroupKey(token)) return true;
    if (response.groups_size() == static_cast<int>(page) || (bytes > 0 && bytes + value.size() > kMaxPageBytes)) {
      response.set_next_page_token(response.groups(response.groups_size() - 1).group_id());
      return false;
    }
    bytes += value.size();
    if (!response.add_groups()->ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      readable = Unreadable("group", value.size());
    }
    return readable.ok();
  }));
  YZ_RETURN_IF_ERROR(readable);
  return response;
}

void Groups::Put(const Caller& caller, const v1::PutGroupRequest& request, Answer answer) const {
  v1::Group group = request.group();
  if (absl::Status bad = CheckGroup(group); !bad.ok()) return answer(bad);
  core_->Submit(
      caller.actor, request.request_id(),
      [group = std::move(group), actor = caller.actor](const ledger::DecideContext&, const Rows& rows,
                                                       Draft& draft) mutable -> absl::StatusOr<std::string> {
        if (group.group_id().empty()) {
          group.set_group_id(RandomId('g'));
        } else {
          YZ_ASSIGN_OR_RETURN(auto known, rows.Group(group.group_id()));
          if (!known) {
            return Refuse(absl::StatusCode::kNotFound, "GROUP_NOT_FOUND",
                          absl::StrCat("there is no group ", AsLine(group.group_id(), 64)));
          }
        }
        for (const std::string& id : group.member_ids()) {
          YZ_ASSIGN_OR_RETURN(auto member, rows.state().Get(PersonKey(id)));
          if (!member) return PersonNotFound(id);
        }
        v1::DirectoryRecord record;
        *record.mutable_group_put() = group;
        draft.Add(record);
        log::Info("directory", "put a group").With("group", group.group_id()).With("members", group.member_ids_size()).With("by", actor);
        v1::PutGroupResponse response;
        *response.mutable_group() = group;
        return response.SerializeAsString();
      },
      std::move(answer));
}

}  // namespace yizhan::directory
