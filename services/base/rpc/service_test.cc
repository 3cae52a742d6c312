#include "base/rpc/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "base/logging.h"
#include "base/metrics.h"
#include "base/status.h"
#include "yizhan/directory/v1/session_service.pb.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::rpc {
namespace {

using yizhan::common::v1::Access;
using yizhan::im::v1::SetTypingRequest;
using yizhan::im::v1::SetTypingResponse;

constexpr char kSetTyping[] = "/yizhan.im.v1.MessageService/SetTyping";

Principal Make(Principal::Kind kind, std::vector<Role> roles = {}) {
  Principal principal;
  principal.set_kind(kind);
  principal.set_id("x1");
  for (Role role : roles) principal.add_roles(role);
  return principal;
}

absl::StatusOr<std::string> Call(const ServiceTable& table, const Context& context, std::string_view method,
                                 std::string_view request) {
  absl::StatusOr<std::string> answer = absl::UnknownError("no answer");
  int answers = 0;
  table.Dispatch(context, method, request, [&](absl::StatusOr<std::string> result) {
    answer = std::move(result);
    ++answers;
  });
  EXPECT_EQ(answers, 1);
  return answer;
}

TEST(CheckAccess, LetsInWhomTheRuleNames) {
  Access people, visitors, agents, inside, anyone, none;
  people.set_people(true);
  visitors.set_visitors(true);
  agents.add_roles(yizhan::common::v1::ROLE_AGENT);
  inside.set_internal(true);
  anyone.set_anyone(true);
  Principal nobody, service = Make(Principal::KIND_SERVICE), visitor = Make(Principal::KIND_VISITOR);
  Principal person = Make(Principal::KIND_PERSON, {yizhan::common::v1::ROLE_EMPLOYEE});
  Principal agent = Make(Principal::KIND_PERSON, {yizhan::common::v1::ROLE_EMPLOYEE, yizhan::common::v1::ROLE_AGENT});

  struct Case {
    const Access* access;
    const Principal* caller;
    absl::StatusCode code;
  };
  constexpr auto kOk = absl::StatusCode::kOk, kDenied = absl::StatusCode::kPermissionDenied,
                 kNoToken = absl::StatusCode::kUnauthenticated;
  const Case cases[] = {
      {&people, &person, kOk},       {&people, &agent, kOk},         {&people, &visitor, kDenied},
      {&people, &service, kDenied},  {&people, &nobody, kNoToken},   {&visitors, &visitor, kOk},
      {&visitors, &person, kDenied}, {&visitors, &nobody, kNoToken}, {&agents, &agent, kOk},
      {&agents, &person, kDenied},   {&agents, &visitor, kDenied},   {&agents, &service, kDenied},
      {&agents, &nobody, kNoToken},  {&inside, &service, kOk},       {&inside, &agent, kDenied},
      {&inside, &visitor, kDenied},  {&inside, &nobody, kNoToken},   {&anyone, &nobody, kOk},
      {&anyone, &person, kOk},       {&anyone, &service, kOk},       {&none, &service, kDenied},
      {&none, &person, kDenied},     {&none, &nobody, kDenied},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(CheckAccess(*c.access, *c.caller, "/m").code(), c.code)
        << c.access->ShortDebugString() << " for " << Principal::Kind_Name(c.caller->kind());
  }
}

TEST(ServiceTable, AnswersRefusesAndNamesWhatIsUnknown) {
  ServiceTable table;
  table.Unary<SetTypingRequest, SetTypingResponse>(
      kSetTyping, [](const Context&, const SetTypingRequest&, Reply<SetTypingResponse> reply) { reply.Ok({}); });
  Context context;
  context.caller = Make(Principal::KIND_PERSON);
  EXPECT_TRUE(Call(table, context, kSetTyping, "").ok());
  EXPECT_EQ(ReasonOf(Call(table, context, "/yizhan.im.v1.MessageService/Nothing", "").status()), "METHOD_UNKNOWN");
  EXPECT_EQ(ReasonOf(Call(table, context, "", "").status()), "METHOD_UNKNOWN");
  auto malformed = Call(table, context, kSetTyping, "\xff\xff\xff");
  EXPECT_EQ(malformed.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(malformed.status()), "MALFORMED_REQUEST");
  EXPECT_EQ(ReasonOf(Call(table, context, kSetTyping, std::string(kMaxMessageBytes + 1, 'x')).status()),
            "REQUEST_TOO_LARGE");

  context.caller.set_expires_at_us(absl::ToUnixMicros(absl::Now()) - 1);
  EXPECT_EQ(ReasonOf(Call(table, context, kSetTyping, "").status()), "TOKEN_EXPIRED");
  context.caller.set_expires_at_us(absl::ToUnixMicros(absl::Now() + absl::Hours(1)));
  EXPECT_TRUE(Call(table, context, kSetTyping, "").ok());
  context.deadline = absl::Now() - absl::Seconds(1);
  EXPECT_EQ(Call(table, context, kSetTyping, "").status().code(), absl::StatusCode::kDeadlineExceeded);

  EXPECT_THAT(
      table.Missing("yizhan.im.v1.MessageService"),
      ::testing::ElementsAre("/yizhan.im.v1.MessageService/SendMessage", "/yizhan.im.v1.MessageService/ListMessages",
                             "/yizhan.im.v1.MessageService/ListArchive", "/yizhan.im.v1.MessageService/MoveCursor"));
  EXPECT_EQ(table.Missing("yizhan.im.v1.NoService").size(), 1u);
}

TEST(ServiceTable, AHandlerThatForgetsToAnswerAnswersInternal) {
  ServiceTable table;
  table.Unary<SetTypingRequest, SetTypingResponse>(
      kSetTyping, [](const Context&, const SetTypingRequest&, Reply<SetTypingResponse>) {});
  Context context;
  context.caller = Make(Principal::KIND_PERSON);
  EXPECT_EQ(Call(table, context, kSetTyping, "").status().code(), absl::StatusCode::kInternal);
}

TEST(ServiceTable, ShedsBeyondItsBound) {
  ServiceTable table;
  std::vector<Reply<SetTypingResponse>> held;
  table.Unary<SetTypingRequest, SetTypingResponse>(
      kSetTyping, [&](const Context&, const SetTypingRequest&, Reply<SetTypingResponse> reply) {
        held.push_back(std::move(reply));
      });
  table.set_max_in_flight(2);
  Context context;
  context.caller = Make(Principal::KIND_PERSON);
  int answered = 0;
  for (int i = 0; i < 2; ++i) table.Dispatch(context, kSetTyping, "", [&](absl::StatusOr<std::string>) { ++answered; });
  auto shed = Call(table, context, kSetTyping, "");
  EXPECT_EQ(shed.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(RetryAfterMs(shed.status()), 500);
  for (auto& reply : held) reply.Ok({});
  EXPECT_EQ(answered, 2);
  held.clear();
  table.Dispatch(context, kSetTyping, "", [&](absl::StatusOr<std::string>) { ++answered; });
  held.front().Ok({});
  EXPECT_EQ(answered, 3);
}

TEST(ServiceTable, CountsAndLogsWithoutTheContent) {
  std::string lines;
  log::CaptureForTest(&lines);
  log::SetLevel(log::Level::kDebug);
  ServiceTable table;
  table.Unary<yizhan::directory::v1::LogInRequest, yizhan::directory::v1::LogInResponse>(
      "/yizhan.directory.v1.SessionService/LogIn", [](const Context&, const yizhan::directory::v1::LogInRequest&,
                                                      Reply<yizhan::directory::v1::LogInResponse> reply) {
        reply.Error(Refuse(absl::StatusCode::kUnauthenticated, "BAD_CREDENTIALS", "no"));
      });
  yizhan::directory::v1::LogInRequest request;
  request.set_password("s3cret-password");
  Context context;
  context.request_id = "req-77";
  EXPECT_FALSE(Call(table, context, "/yizhan.directory.v1.SessionService/LogIn", request.SerializeAsString()).ok());
  log::SetLevel(log::Level::kInfo);
  log::CaptureForTest(nullptr);
  const size_t id = lines.find("\"request_id\":\"req-77\"");
  EXPECT_NE(id, std::string::npos) << lines;
  EXPECT_EQ(lines.find("request_id", id + 2), std::string::npos) << "said twice: " << lines;
  EXPECT_NE(lines.find("BAD_CREDENTIALS"), std::string::npos) << lines;
  EXPECT_EQ(lines.find("s3cret-password"), std::string::npos) << lines;
  std::string text = metrics::Serialize();
  EXPECT_NE(
      text.find(
          "yizhan_rpc_calls_total{method=\"/yizhan.directory.v1.SessionService/LogIn\",code=\"UNAUTHENTICATED\"} 1"),
      std::string::npos);
}

TEST(CheckAccessTest, AnInternalMethodMayBeForSomeServicesOnly) {
  yizhan::common::v1::Access access;
  access.set_internal(true);
  auto ask = [&](const std::string& service) {
    Principal caller;
    caller.set_kind(Principal::KIND_SERVICE);
    caller.set_id(service);
    return CheckAccess(access, caller, "/a.B/C");
  };
  EXPECT_TRUE(ask("desk").ok()) << "no list: every service";
  access.add_services("im");
  access.add_services("audit");
  EXPECT_TRUE(ask("im").ok());
  EXPECT_TRUE(ask("audit").ok());
  EXPECT_TRUE(ask("yizhan").ok()) << "a process of all services";
  for (const char* other : {"desk", "i", "im2", ""}) EXPECT_EQ(ReasonOf(ask(other)), "NOT_FOR_THIS_SERVICE") << other;
  // A list alone opens nothing.
  access.set_internal(false);
  EXPECT_EQ(ReasonOf(ask("im")), "METHOD_WITHOUT_RULE");
}

}  // namespace
}  // namespace yizhan::rpc
