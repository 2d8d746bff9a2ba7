#include <nlohmann/json.hpp>

#include "engine/formats/describe.h"
#include "engine/formats/hf_folder.h"
#include "tests/engine/formats/support.h"

namespace crescent {
namespace {

TEST(ParseJson, BuildsTheSameValueAsTheLibrary) {
  const std::string text =
      R"({"a":[1,-2,3.5,"x",null,true,[],{}],"b":{"c":{"d":[[1],[2,{"e":false}]]}},"f":""})";
  EXPECT_EQ(parse_json(text, "x.json"), nlohmann::json::parse(text));
  for (const char* scalar : {"1", "\"a\"", "null", "[]", "{}"}) {
    EXPECT_EQ(parse_json(scalar, "x.json"), nlohmann::json::parse(scalar));
  }
  const std::string config = read_text(fixture("models/llama3_headdim/config.json"));
  EXPECT_EQ(read_json(fixture("models/llama3_headdim/config.json")), nlohmann::json::parse(config));
}

std::string refusal(std::string_view text) {
  return message_of([&] { parse_json(text, "x.json"); });
}

TEST(ParseJson, SaysLineAndColumnOfAFault) {
  EXPECT_EQ(refusal("{\n  \"a\": 1,\n  \"b\": }\n"),
            "x.json: not valid JSON at line 3, column 8: unexpected '}'; expected '[', '{', or a "
            "literal");
  EXPECT_EQ(refusal(""),
            "x.json: not valid JSON at line 1, column 1: unexpected end of input; expected '[', "
            "'{', or a literal");
  EXPECT_EQ(refusal("{} x"),
            "x.json: not valid JSON at line 1, column 4: invalid literal; last read: '{} x'; "
            "expected end of input");
}

TEST(ParseJson, ShowsForeignBytesEscapedAndCut) {
  EXPECT_EQ(refusal("\"\x9b\""),
            "x.json: not valid JSON at line 1, column 2: invalid string: ill-formed UTF-8 byte; "
            "last read: '\"\\x9b'");
  const std::string message = refusal("\"" + std::string(100'000, 'a'));
  EXPECT_LT(message.size(), 300u);
  EXPECT_TRUE(message.ends_with("aaa...")) << message;
}

TEST(ParseJson, RefusesNumbersThatOverflow) {
  EXPECT_EQ(refusal("[1e999]"),
            "x.json: not valid JSON at line 1, column 6: number overflow parsing '1e999'");
}

TEST(ParseJson, RefusesDuplicateKeysAtAnyDepth) {
  EXPECT_EQ(refusal(R"({"a":{"b":1,"c":[{"b":2,"b":3}]}})"),
            "x.json: key 'b' appears twice in one object");
  EXPECT_EQ(refusal(R"({"a":{"b":1},"c":{"b":1}})"), "no error");
}

TEST(ParseJson, RefusesNestingBeyond64Levels) {
  EXPECT_EQ(refusal(std::string(64, '[') + std::string(64, ']')), "no error");
  EXPECT_EQ(refusal(std::string(65, '[') + std::string(65, ']')),
            "x.json: expected at most 64 levels of nesting, found more");
}

TEST(ParseJson, RefusesMoreBytesThanAllowed) {
  EXPECT_EQ(message_of([] { parse_json("[1, 2, 3]", "x.json", 8); }),
            "x.json: expected at most 8 bytes of JSON, found 9");
}

TEST(Describe, ShowsValuesInShort) {
  EXPECT_EQ(describe(nullptr), "null");
  EXPECT_EQ(describe(1.5), "1.5");
  EXPECT_EQ(describe(true), "true");
  EXPECT_EQ(describe("text"), "'text'");
  EXPECT_EQ(describe({1, 2, 3}), "a list of 3");
  EXPECT_EQ(describe(nlohmann::json::object()), "an object");
}

TEST(Describe, QuotesNamesWithoutControlCharactersAndCutsLongOnes) {
  EXPECT_EQ(in_quotes("h.0.attn"), "'h.0.attn'");
  EXPECT_EQ(in_quotes("a\n\x1b[2J\x7f"), "'a\\x0a\\x1b[2J\\x7f'");
  EXPECT_EQ(in_quotes("\xc2\x9b|\xc3\xa9"), "'\\xc2\\x9b|\xc3\xa9'");
  EXPECT_EQ(in_quotes("\xff|"), "'\\xff|'");
  EXPECT_EQ(in_quotes(std::string(81, 'a')), "'" + std::string(80, 'a') + "...'");
  EXPECT_EQ(in_quotes(std::string(79, 'a') + "\xc3\xa9"), "'" + std::string(79, 'a') + "...'");
}

TEST(WholeNumber, IsNeitherNegativeNorBroken) {
  EXPECT_EQ(whole_number(0), 0u);
  EXPECT_EQ(whole_number(nlohmann::json::parse("18446744073709551615")), UINT64_MAX);
  for (const char* other : {"-1", "2.0", "1e3", "18446744073709551616", "\"1\"", "null", "[1]"}) {
    EXPECT_EQ(whole_number(nlohmann::json::parse(other)), std::nullopt) << other;
  }
}

TEST(Describe, WritesShapesAsLists) {
  EXPECT_EQ(shape_text(std::vector<int64_t>{2, 3}), "[2, 3]");
  EXPECT_EQ(shape_text({}), "[]");
}

TEST(ReadJson, RefusesAFileOfMoreThan32Megabytes) {
  const TemporaryFolder folder;
  folder.write("x.json", "[1]");
  std::filesystem::resize_file(folder / "x.json", (size_t{32} << 20) + 1);  // a hole: no disk
  EXPECT_EQ(message_of([&] { read_json(folder / "x.json"); }),
            folder / "x.json" + ": expected at most 33554432 bytes of JSON, found 33554433");
}

TEST(ParseJsonMembers, HandsOverEachMemberOfTheObjectInItsOrder) {
  std::string seen;
  const MemberReader reader{10, [&](const std::string& name, const nlohmann::json& value) {
                              seen += name + "=" + value.dump() + ";";
                            }};
  parse_json_members(R"({"b": {"x": [1, {}], "y": null}, "a": 3, "c": []})", "x", 100, reader);
  EXPECT_EQ(seen, R"(b={"x":[1,{}],"y":null};a=3;c=[];)");
}

TEST(ParseJsonMembers, RefusesAMemberOfTooManyValuesBeforeItIsRead) {
  const MemberReader reader{
      3, [](const std::string& name, const nlohmann::json&) { EXPECT_EQ(name, "small"); }};
  const auto refusal = [&](std::string_view text) {
    return message_of([&] { parse_json_members(text, "x.json", 1000, reader); });
  };
  const std::string expected = "x.json: expected at most 3 values in 'large', found more";
  EXPECT_EQ(refusal(R"({"small": [1, 2], "large": [1, 2, 3]})"), expected);
  EXPECT_EQ(refusal(R"({"large": {"a": [{"b": 0}]}})"), expected);
  EXPECT_EQ(refusal(R"({"small": 1, "small": 2})"),
            "x.json: key 'small' appears twice in one object");
}

}  // namespace
}  // namespace crescent
