#include "audit/export_format/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/tlog/text.h"

namespace yizhan::audit {
namespace {

TEST(Json, HasOneWrittenForm) {
  const auto json =
      ParseJson(R"( {"b":[1,{"x":"y"},[]],"a":"驿\u7ad9\ud83d\udc0e\n\"\\\/\u0001", "c":{},"d":true,"e":false} )");
  ASSERT_TRUE(json.ok()) << json.status();
  const std::string written =
      "{\n  \"a\": \"驿站\xF0\x9F\x90\x8E\\n\\\"\\\\/\\u0001\",\n  \"b\": [\n    1,\n    {\n      \"x\": \"y\"\n    "
      "},\n    []\n  ],\n"
      "  \"c\": {},\n  \"d\": true,\n  \"e\": false\n}\n";
  EXPECT_EQ(json->Write(), written);
  EXPECT_EQ(*ParseJson(written), *json);
}

TEST(Json, RefusesWhatReadersDisagreeAbout) {
  const std::string deep(100000, '[');
  for (const std::string& bad : {std::string(),
                                 std::string("{"),
                                 std::string("{}x"),
                                 std::string("{\"a\":1,\"a\":2}"),
                                 std::string("{\"a\" 1}"),
                                 std::string("{a:1}"),
                                 std::string("[1,]"),
                                 std::string("[1 2]"),
                                 std::string("01"),
                                 std::string("-1"),
                                 std::string("1.5"),
                                 std::string("1e3"),
                                 std::string("18446744073709551616"),
                                 std::string("nul"),
                                 std::string("null"),
                                 std::string("\"a"),
                                 std::string("\"\\x\""),
                                 std::string("\"\\u12\""),
                                 std::string("\"\\ud800\""),
                                 std::string("\"\\udc00\""),
                                 std::string("\"\\ud800\\u0041\""),
                                 std::string("\"\n\""),
                                 std::string("\"\xFF\""),
                                 std::string("tru"),
                                 deep}) {
    EXPECT_FALSE(ParseJson(bad).ok()) << Quoted(bad);
  }
  EXPECT_EQ(ParseJson("18446744073709551615")->number(), UINT64_MAX);
}

TEST(Json, NamesWhatIsMissing) {
  const Json json = *ParseJson(R"({"a":{"b":1},"c":"x"})");
  EXPECT_EQ(*(*json.GetObject("a"))->GetNumber("b"), 1u);
  EXPECT_EQ(*json.GetString("c"), "x");
  EXPECT_THAT(std::string(json.GetNumber("c").status().message()), testing::HasSubstr("\"c\""));
  EXPECT_FALSE(json.GetArray("a").ok());
  EXPECT_FALSE(json.GetString("d").ok());
}

TEST(FirstDifference, IsAPath) {
  const Json a = *ParseJson(R"({"x":{"y":1,"z":[1]},"w":1})");
  EXPECT_EQ(FirstDifference(a, a), "");
  EXPECT_EQ(FirstDifference(a, *ParseJson(R"({"x":{"y":2,"z":[1]},"w":1})")), "x.y");
  EXPECT_EQ(FirstDifference(a, *ParseJson(R"({"x":{"y":1,"z":[2]},"w":1})")), "x.z");
  EXPECT_EQ(FirstDifference(a, *ParseJson(R"({"x":{"y":1,"z":[1]}})")), "w");
  EXPECT_EQ(FirstDifference(a, *ParseJson(R"({"x":{"y":1,"z":[1],"more":1},"w":1})")), "x.more");
}

}  // namespace
}  // namespace yizhan::audit
