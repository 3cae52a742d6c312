#include "base/objects/xml_leaves.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace yizhan::objects {
namespace {

TEST(XmlLeavesTest, ElementsComeInTheOrderOfTheirEnds) {
  auto leaves = ReadXml("<?xml version='1.0'?><l xmlns='u:x' xmlns:p='u:y'><p:k>a&amp;<!-- b -->c</p:k> <s/></l>");
  ASSERT_TRUE(leaves.ok()) << leaves.status();
  ASSERT_EQ(leaves->size(), 3u);
  EXPECT_EQ((*leaves)[0].path, "l/k");
  EXPECT_EQ((*leaves)[0].text, "a&c");
  EXPECT_EQ((*leaves)[1].path, "l/s");
  EXPECT_EQ((*leaves)[1].text, "");
  EXPECT_EQ((*leaves)[2].path, "l");
}

TEST(XmlLeavesTest, WhatIsNoPlainDocumentIsRefused) {
  std::string deep;
  for (int i = 0; i < 17; ++i) deep += "<a>";
  for (const std::string& document :
       {std::string(), std::string("<html><br></html>"), std::string("<a>"), std::string("<a/><b/>"), deep,
        std::string("<!DOCTYPE a [<!ENTITY b 'bb'>]><a>&b;</a>"), std::string("<a>\xff</a>"), std::string("{}")}) {
    EXPECT_EQ(ReadXml(document).status().code(), absl::StatusCode::kInvalidArgument) << document;
  }
}

}  // namespace
}  // namespace yizhan::objects
