// What a caller hears who gives wrong arguments, through functions declared for this test alone.
#include "bindings/args.h"

#include <gtest/gtest.h>

#include "bindings/guard.h"

namespace crescent {
namespace {

using api::Kind;
using api::Value;

const api::Function& declared() {
  static const api::Function function{
      .name = "crescent.cut",
      .args = {{"path", Kind::text, "where"},
               {"count", Value::at_least(Kind::integer, 1), "how many", true}},
      .options = {{"ratio", Value::between(Kind::number, 0, 1), "0.5", "how much"},
                  {"per", Value::one_of({"layer", "model"}), "'model'", "where"},
                  {"dry", Kind::boolean, "false", "only look"},
                  {"ids", Kind::ids, "", "which"}},
      .returns = "number"};
  return function;
}

int cut(lua_State* L) {
  const Args args(L, declared());
  lua_pushnumber(L, args.number("ratio"));
  lua_pushstring(L, args.text("per").c_str());
  lua_pushboolean(L, args.boolean("dry"));
  lua_pushinteger(L, args.has(2) ? args.integer(2) : 0);
  lua_pushboolean(L, args.has("ids"));
  if (args.has("ids")) lua_pushinteger(L, static_cast<lua_Integer>(args.ids("ids").size()));
  return args.has("ids") ? 6 : 5;
}

int sum(lua_State* L) {
  static const api::Function function{.name = "crescent.sum",
                                      .args = {{"terms", Kind::number, "", false, true}},
                                      .returns = "number"};
  const Args args(L, function);
  double total = 0;
  for (int i = 1; i <= args.count(); ++i) total += args.number(i);
  lua_pushnumber(L, total);
  return 1;
}

class ArgsOf : public testing::Test {
 protected:
  void SetUp() override {
    luaL_openlibs(L);
    lua_register(L, "cut", &guarded<cut>);
    lua_register(L, "sum", &guarded<sum>);
  }
  void TearDown() override { lua_close(L); }
  /// The error of an expression without its position, or "".
  std::string error_of(const std::string& expression) {
    if (luaL_dostring(L, ("local result = " + expression).c_str()) == 0) return "";
    const std::string message = lua_tostring(L, -1);
    const std::string position = "]:1: ";
    return message.substr(message.find(position) + position.size());
  }
  std::string result_of(const std::string& expression) {
    const std::string code = "local t = { " + expression +
                             " } for i, v in ipairs(t) do t[i] = tostring(v) end "
                             "return table.concat(t, ' ')";
    if (luaL_dostring(L, code.c_str()) != 0) ADD_FAILURE() << lua_tostring(L, -1);
    return lua_tostring(L, -1);
  }

  lua_State* L = luaL_newstate();
};

TEST_F(ArgsOf, FillInDefaults) {
  EXPECT_EQ(result_of("cut('x')"), "0.5 model false 0 false");
  EXPECT_EQ(result_of("cut('x', 3, { ratio = 1, per = 'layer', dry = true, ids = { 1, 2 } })"),
            "1 layer true 3 true 2");
}

TEST_F(ArgsOf, TakeOptionsInPlaceOfOptionalArguments) {
  EXPECT_EQ(result_of("cut('x', { ratio = 0 })"), "0 model false 0 false");
}

TEST_F(ArgsOf, TakeAnyNumberOfVariadicOnes) {
  EXPECT_EQ(result_of("sum(1, 2, 3)"), "6");
  EXPECT_EQ(error_of("sum(1, 'x')"),
            "crescent.sum: argument 2 'terms': expected a number, got 'x'");
  EXPECT_EQ(error_of("sum()"), "crescent.sum: argument 1 'terms': expected a number, got nothing");
}

TEST_F(ArgsOf, NameTheArgumentThatIsWrong) {
  EXPECT_EQ(error_of("cut()"), "crescent.cut: argument 1 'path': expected a string, got nothing");
  EXPECT_EQ(error_of("cut(3)"), "crescent.cut: argument 1 'path': expected a string, got 3");
  EXPECT_EQ(error_of("cut('x', 0)"),
            "crescent.cut: argument 2 'count': expected an integer >= 1, got 0");
  EXPECT_EQ(error_of("cut('x', 1.5)"),
            "crescent.cut: argument 2 'count': expected an integer >= 1, got 1.5");
  EXPECT_EQ(error_of("cut('x', 1, {}, 4)"),
            "crescent.cut: too many arguments: expected at most 3, got 4");
  EXPECT_EQ(error_of("cut('x', 1, 4)"),
            "crescent.cut: argument 3: expected a table of options, got 4");
}

TEST_F(ArgsOf, NameTheOptionThatIsWrong) {
  EXPECT_EQ(error_of("cut('x', { raito = 1 })"),
            "crescent.cut: unknown option 'raito' (did you mean 'ratio'?)");
  EXPECT_EQ(error_of("cut('x', { ratio = 2 })"),
            "crescent.cut: option 'ratio': expected a number in [0, 1], got 2");
  EXPECT_EQ(error_of("cut('x', { per = 'head' })"),
            "crescent.cut: option 'per': expected 'layer' or 'model', got 'head'");
  EXPECT_EQ(error_of("cut('x', { 7 })"),
            "crescent.cut: options are named: expected { name = value }, got the key 1");
  EXPECT_EQ(error_of("cut('x', { ids = { 1, 2.5 } })"),
            "crescent.cut: option 'ids': expected a list of token ids (integers >= 0), got 2.5 at "
            "position 2");
}

}  // namespace
}  // namespace crescent
