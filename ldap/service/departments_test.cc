#include "ldap/service/departments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ldap/service/testing/bed.h"

namespace yizhan::directory {
namespace {

std::string Tree(const v1::ListDepartmentsResponse& list) {
  std::string text;
  for (const v1::DepartmentSize& size : list.departments()) {
    absl::StrAppend(&text, size.department().name(), ":", size.people(), "/", size.people_below(), " ");
  }
  return text;
}

TEST(Departments, AreATreeWithItsSizes) {
  Bed bed;
  const std::string head = bed.PutDepartment("总行", "", 1)->department_id();
  const std::string branch = bed.PutDepartment("分行", "", 0)->department_id();
  const std::string retail = bed.PutDepartment("零售", head, 2)->department_id();
  const std::string it = bed.PutDepartment("科技", head, 1)->department_id();
  auto put_in = [&](const char* login, const std::string& department) {
    v1::Person person = bed.Add(login);
    person.set_department_id(department);
    ASSERT_TRUE(bed.Update(person).ok());
  };
  put_in("a", head);
  put_in("b", retail);
  put_in("c", retail);
  put_in("d", it);
  EXPECT_EQ(Tree(bed.parts->departments.List()), "分行:0/0 总行:1/4 科技:1/1 零售:2/2 ");
  bed.Restart();
  EXPECT_EQ(Tree(bed.parts->departments.List()), "分行:0/0 总行:1/4 科技:1/1 零售:2/2 ");
}

TEST(Departments, CannotStandBelowThemselves) {
  Bed bed;
  auto top = bed.PutDepartment("top");
  auto middle = bed.PutDepartment("middle", top->department_id());
  auto low = bed.PutDepartment("low", middle->department_id());
  auto move = [&](v1::Department department, const std::string& parent) {
    v1::PutDepartmentRequest request;
    department.set_parent_id(parent);
    *request.mutable_department() = department;
    return ReasonOf(bed.WaitFor<v1::PutDepartmentResponse>([&](Answer answer) {
                         bed.parts->departments.Put(Bed::Administrator(), request, std::move(answer));
                       }).status());
  };
  EXPECT_EQ(move(*top, low->department_id()), "DEPARTMENT_LOOP");
  EXPECT_EQ(move(*top, top->department_id()), "DEPARTMENT_LOOP");
  EXPECT_EQ(move(*low, top->department_id()), "");
  EXPECT_EQ(move(*low, "d000000000000"), "DEPARTMENT_NOT_FOUND");
  v1::Department unknown = *low;
  unknown.set_department_id("d000000000000");
  EXPECT_EQ(move(unknown, ""), "DEPARTMENT_NOT_FOUND");
  std::string above;
  absl::Status refused;
  for (int i = 0; i < 40 && refused.ok(); ++i) {
    auto deeper = bed.PutDepartment("deep", above);
    refused = deeper.status();
    if (deeper.ok()) above = deeper->department_id();
  }
  EXPECT_EQ(ReasonOf(refused), "DEPARTMENT_LOOP");
}

TEST(Departments, OfTheMainAreMadeOnce) {
  Bed bed;
  std::vector<NewDepartment> tree(3);
  tree[0].department.set_name("总行");
  tree[1].department.set_name("科技部");
  tree[1].parent = 0;
  tree[2].department.set_name("科技部");  // the same name elsewhere
  auto first = bed.parts->departments.CreateMany(tree);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_NE((*first)[1], (*first)[2]);
  EXPECT_EQ(*bed.parts->departments.CreateMany(tree), *first);
  EXPECT_EQ(bed.parts->departments.List().departments_size(), 3);
  tree[0].parent = 2;
  EXPECT_FALSE(bed.parts->departments.CreateMany(tree).ok());
}

TEST(Groups, AreKeptAndListedByPages) {
  Bed bed;
  const std::string lina = bed.Add("lina").person_id();
  auto put = [&](const std::string& id, const std::string& name, std::vector<std::string> members) {
    v1::PutGroupRequest request;
    request.mutable_group()->set_group_id(id);
    request.mutable_group()->set_name(name);
    for (const std::string& member : members) request.mutable_group()->add_member_ids(member);
    return bed.WaitFor<v1::PutGroupResponse>(
        [&](Answer answer) { bed.parts->groups.Put(Bed::Administrator(), request, std::move(answer)); });
  };
  EXPECT_EQ(ReasonOf(put("", "", {}).status()), "BAD_FIELD");
  EXPECT_EQ(ReasonOf(put("", "夜班", {"p000000000000"}).status()), "PERSON_NOT_FOUND");
  EXPECT_EQ(ReasonOf(put("g000000000000", "夜班", {}).status()), "GROUP_NOT_FOUND");
  std::vector<std::string> ids;
  for (int i = 0; i < 7; ++i) ids.push_back(put("", absl::StrCat("组", i), {lina})->group().group_id());
  auto replaced = put(ids[3], "新名", {});
  ASSERT_TRUE(replaced.ok()) << replaced.status();
  std::sort(ids.begin(), ids.end());
  v1::ListGroupsRequest request;
  request.set_page_size(3);
  std::vector<std::string> seen;
  for (int pages = 0; pages < 5; ++pages) {
    auto page = bed.parts->groups.List(request);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::Group& group : page->groups()) {
      seen.push_back(group.group_id());
      EXPECT_EQ(group.member_ids_size(), group.name() == "新名" ? 0 : 1);
    }
    if (page->next_page_token().empty()) break;
    request.set_page_token(page->next_page_token());
  }
  EXPECT_EQ(seen, ids);
  EXPECT_EQ(bed.ReplayDiffers(), "");
}

}  // namespace
}  // namespace yizhan::directory
