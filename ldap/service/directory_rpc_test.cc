#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"
#include "base/status.h"
#include "ldap/service/service.h"
#include "ldap/service/testing/bed.h"

namespace yizhan::directory {
namespace {

namespace common = yizhan::common::v1;

class DirectoryRpc : public ::testing::Test {
 protected:
  // Dispatch asks the real clock whether a session has expired.
  DirectoryRpc() {
    bed_.clock.Set(absl::Now());
    RegisterMethods(*bed_.parts, table_);
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(const Principal& caller, const std::string& method, const Request& request) {
    rpc::Context context;
    context.caller = caller;
    context.request_id = "test";
    context.remote_address = "192.0.2.1";
    absl::Notification done;
    absl::StatusOr<std::string> bytes;
    table_.Dispatch(context, "/yizhan.directory.v1." + method, request.SerializeAsString(), [&](absl::StatusOr<std::string> answer) {
      bytes = std::move(answer);
      done.Notify();
    });
    done.WaitForNotification();
    if (!bytes.ok()) return bytes.status();
    Response response;
    if (!response.ParseFromString(*bytes)) return absl::InternalError("unreadable answer");
    return response;
  }

  Bed bed_;
  rpc::ServiceTable table_;
};

TEST_F(DirectoryRpc, HasEveryMethod) {
  EXPECT_THAT(table_.Missing("yizhan.directory.v1.SessionService"), testing::IsEmpty());
  EXPECT_THAT(table_.Missing("yizhan.directory.v1.DirectoryService"), testing::IsEmpty());
}

TEST_F(DirectoryRpc, ServesAPersonsDay) {
  const Principal service = Bed::Service().principal, security = Bed::Administrator().principal, nobody;
  Principal edge = service;
  edge.set_id("edge");
  v1::PutDepartmentRequest department;
  department.mutable_department()->set_name("总行");
  auto head = Call<v1::PutDepartmentResponse>(security, "DirectoryService/PutDepartment", department);
  ASSERT_TRUE(head.ok()) << head.status();
  v1::CreatePersonRequest create;
  create.mutable_person()->set_login("lina");
  create.mutable_person()->set_name("李娜");
  create.mutable_person()->set_department_id(head->department().department_id());
  create.set_password("long enough");
  auto created = Call<v1::CreatePersonResponse>(service, "DirectoryService/CreatePerson", create);
  ASSERT_TRUE(created.ok()) << created.status();

  v1::LogInRequest log_in;
  log_in.set_login("lina");
  log_in.set_password("long enough");
  log_in.set_device("Firefox");
  auto session = Call<v1::LogInResponse>(nobody, "SessionService/LogIn", log_in);
  ASSERT_TRUE(session.ok()) << session.status();
  EXPECT_EQ(session->person().name(), "李娜");
  v1::IntrospectRequest introspect;
  introspect.set_token(session->token());
  auto principal = Call<v1::IntrospectResponse>(edge, "SessionService/Introspect", introspect);
  ASSERT_TRUE(principal.ok()) << principal.status();
  const Principal lina = principal->principal();

  EXPECT_EQ(Call<v1::WhoAmIResponse>(lina, "SessionService/WhoAmI", v1::WhoAmIRequest())->person().login(), "lina");
  EXPECT_EQ(Call<v1::ListSessionsResponse>(lina, "SessionService/ListSessions", v1::ListSessionsRequest())->sessions_size(), 1);
  EXPECT_EQ(Call<v1::ListPeopleResponse>(lina, "DirectoryService/ListPeople", v1::ListPeopleRequest())->total(), 1u);
  EXPECT_EQ(Call<v1::SyncDirectoryResponse>(lina, "DirectoryService/SyncDirectory", v1::SyncDirectoryRequest())->people_size(), 1);
  auto tree = Call<v1::ListDepartmentsResponse>(lina, "DirectoryService/ListDepartments", v1::ListDepartmentsRequest());
  EXPECT_EQ(tree->departments(0).people(), 1u);
  EXPECT_TRUE(Call<v1::ListGroupsResponse>(lina, "DirectoryService/ListGroups", v1::ListGroupsRequest()).ok());
  v1::SetPasswordRequest change;
  change.set_old_password("long enough");
  change.set_new_password("another one");
  EXPECT_TRUE(Call<v1::SetPasswordResponse>(lina, "DirectoryService/SetPassword", change).ok());
  EXPECT_TRUE(Call<v1::LogOutResponse>(lina, "SessionService/LogOut", v1::LogOutRequest()).ok());
  EXPECT_EQ(ReasonOf(Call<v1::IntrospectResponse>(edge, "SessionService/Introspect", introspect).status()), "TOKEN_UNKNOWN");
}

TEST_F(DirectoryRpc, HoldsTheAccessRules) {
  Principal lina;
  lina.set_kind(Principal::KIND_PERSON);
  lina.set_id("p000000000001");
  lina.add_roles(common::ROLE_EMPLOYEE);
  lina.add_roles(common::ROLE_SYSTEM_ADMIN);
  EXPECT_EQ(ReasonOf(Call<v1::CreatePersonResponse>(lina, "DirectoryService/CreatePerson", v1::CreatePersonRequest()).status()), "ROLE_REQUIRED");
  EXPECT_EQ(ReasonOf(Call<v1::UpdatePersonResponse>(lina, "DirectoryService/UpdatePerson", v1::UpdatePersonRequest()).status()), "ROLE_REQUIRED");
  EXPECT_EQ(ReasonOf(Call<v1::SyncLdapResponse>(lina, "DirectoryService/SyncLdap", v1::SyncLdapRequest()).status()), "ROLE_REQUIRED");
  EXPECT_EQ(ReasonOf(Call<v1::IntrospectResponse>(lina, "SessionService/Introspect", v1::IntrospectRequest()).status()), "INTERNAL_METHOD");
  EXPECT_EQ(ReasonOf(Call<v1::GetPersonResponse>(Principal(), "DirectoryService/GetPerson", v1::GetPersonRequest()).status()), "TOKEN_REQUIRED");
}

}  // namespace
}  // namespace yizhan::directory
