#pragma once
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace crescent::api {

// What Lua sees, as data: one file a subject below bindings/api/. Option checking, nearest-name
// errors, completion, `?name`, the LuaLS stubs and the reference page all read these tables, and
// nothing else says what a function takes. Tensor-free.

enum class Kind {
  any,
  boolean,
  number,
  integer,
  text,
  table,
  function,
  choice,  ///< a string out of Value::choices
  ids,     ///< a list of token ids
  text_or_ids,
  dims,  ///< integers, as separate arguments (where variadic) or as one list
  tensor,
  tensors,  ///< a list of tensors
  model,
  session,
  tokenizer,
  plan,
  store,
  profiling,
  sweep,
  child,
  channel,
  tensor_or_number,
};

/// What a value may be: kind, range, and the words for it.
struct Value {
  Kind kind = Kind::any;
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false, high_open = false;
  std::vector<std::string_view> choices = {};

  Value(Kind k) : kind(k) {}  // NOLINT: the tables read better without a constructor's name
  static Value at_least(Kind kind, double low) {
    Value v(kind);
    v.low = low;
    return v;
  }
  static Value above(Kind kind, double low) {
    Value v = at_least(kind, low);
    v.low_open = true;
    return v;
  }
  static Value between(Kind kind, double low, double high) {
    Value v = at_least(kind, low);
    v.high = high;
    return v;
  }
  static Value one_of(std::vector<std::string_view> choices) {
    Value v(Kind::choice);
    v.choices = std::move(choices);
    return v;
  }

  std::string expected() const;  ///< 'an integer >= 1', "'stored' or 'float32'"
  std::string lua_type() const;  ///< for stubs: 'integer', "'stored'|'float32'", 'crescent.Model'
};

struct Argument {
  std::string_view name;
  Value value;
  std::string_view doc;
  bool optional = false;
  bool variadic = false;  ///< the last one only: takes all that follow but a table of options
};

struct Option {
  std::string_view name;
  Value value;
  std::string_view fallback;  ///< the default as Lua text: `100`, `'stored'`; empty: none
  std::string_view doc;
  bool required = false;
};

enum class Home { core, engine };  ///< where the function is: in the executable, or loaded late

struct Function {
  std::string_view name;  ///< 'crescent.load', 'model:generate'
  Home home = Home::core;
  std::string_view doc;  ///< present tense, first sentence stands alone; units, errors, cost
  std::vector<Argument> args = {};   ///< a method's first one is its subject
  std::vector<Option> options = {};  ///< taken as one table behind the arguments
  std::string_view returns;  ///< LuaLS: 'crescent.Tensor', '{ text: string, ids: integer[] }'
  std::string_view example = "";
};

/// A read-only field of a handle: `model.params`.
struct Field {
  std::string_view name;  ///< 'model.params'
  std::string_view doc;
  std::string_view type;
};

struct Subject {
  std::string_view title;  ///< heading in the reference: 'Loading'
  std::vector<Function> functions;
  std::vector<Field> fields = {};
};

/// All subjects, in the order of the reference page; all_subjects.cpp lists them.
std::span<const Subject* const> subjects();

const Function* find_function(std::string_view name);

}  // namespace crescent::api
