#include "bindings/api/subjects.h"

namespace crescent::api {
namespace {

const Argument kTensor{"tensor", Kind::tensor, ""};
const Argument kOther{"other", Kind::tensor_or_number, "of a shape that fits by broadcasting"};
const Argument kDim{"dim", Kind::integer, "from 1, or from the end if negative; -1 if not given",
                    true};
const Argument kMaybeDim{"dim", Kind::integer, "the whole tensor if not given", true};
const Argument kDims{"dims", Kind::dims, "one dimension or a list; all if not given", true};
const Option kKeepDim{"keepdim", Kind::boolean, "false", "keep reduced dimensions with size 1"};
const Option kUnbiased{"unbiased", Kind::boolean, "true", "divide by n - 1 instead of n"};

Function method(std::string_view name, std::string_view doc, std::string_view example,
                std::vector<Argument> args = {}, std::vector<Option> options = {}) {
  args.insert(args.begin(), kTensor);
  return {.name = name,
          .home = Home::engine,
          .doc = doc,
          .args = std::move(args),
          .options = std::move(options),
          .returns = "crescent.Tensor",
          .example = example};
}

/// A method that gives values, and their positions if a dimension is given.
Function with_positions(Function function) {
  function.returns = "crescent.Tensor values, crescent.Tensor? positions";
  return function;
}

std::vector<Function> arithmetic() {
  return {
      method("tensor:add", "Adds; `a + b`.", "a + 1", {kOther}),
      method("tensor:sub", "Subtracts; `a - b`.", "1 - a", {kOther}),
      method("tensor:mul", "Multiplies element by element; `a * b`.", "a * b", {kOther}),
      method("tensor:div", "Divides; `a / b`. Integers give float32.", "a / a:sum()", {kOther}),
      method("tensor:mod", "Gives the remainder with the divisor's sign, as Lua does; `a % b`.",
             "a % 2", {kOther}),
      method("tensor:pow", "Raises to a power; `a ^ b`.", "a ^ 2", {kOther}),
      method("tensor:neg", "Changes the sign; `-a`.", "-a"),
      method(
          "tensor:matmul",
          "Multiplies matrices (..., N, K) and (..., K, M); (K) stands for a row on the left and a "
          "column on the right. Dtypes must be equal.",
          "q:matmul(k:transpose(-2, -1))", {{"other", Kind::tensor, "(..., K, M) or (K)"}}),
      method(
          "tensor:eq",
          "Compares element by element and gives a bool tensor. Lua's own `==` tells whether two "
          "values are the same handle.",
          "a:eq(b):all():item()", {kOther}),
      method("tensor:ne", "Gives a bool tensor, true where elements differ.", "a:ne(0)", {kOther}),
      method("tensor:lt", "Gives a bool tensor, true where elements are less.", "a:lt(b)",
             {kOther}),
      method("tensor:le", "Gives a bool tensor, true where elements are less or equal.", "a:le(b)",
             {kOther}),
      method("tensor:gt", "Gives a bool tensor, true where elements are greater.", "a:gt(0)",
             {kOther}),
      method("tensor:ge", "Gives a bool tensor, true where elements are greater or equal.",
             "a:ge(0)", {kOther}),
      method("tensor:logical_not", "Gives a bool tensor, true where elements are false or 0.",
             "mask:logical_not()"),
      method("tensor:isfinite", "Gives a bool tensor, false where elements are NaN or infinite.",
             "a:isfinite():all():item()"),
  };
}

std::vector<Function> functions() {
  return {
      method("tensor:abs", "Gives absolute values.", "a:abs()"),
      method("tensor:exp", "Gives e to the power of each element.", "a:exp()"),
      method("tensor:log", "Gives natural logarithms.", "(a + 1e-12):log()"),
      method("tensor:sqrt", "Gives square roots.", "a:sqrt()"),
      method("tensor:sin", "Gives sines, of radians.", "a:sin()"),
      method("tensor:cos", "Gives cosines, of radians.", "a:cos()"),
      method("tensor:tanh", "Gives hyperbolic tangents.", "a:tanh()"),
      method("tensor:sigmoid", "Gives 1 / (1 + exp(-x)).", "a:sigmoid()"),
      method("tensor:relu", "Gives max(x, 0).", "a:relu()"),
      method("tensor:silu", "Gives x sigmoid(x).", "a:silu()"),
      method("tensor:gelu",
             "Gives x times the normal distribution function at x, exactly or by the tanh formula "
             "that "
             "GPT-2 uses.",
             "a:gelu('tanh')",
             {{"approximation", Value::one_of({"none", "tanh"}), "'none' if not given", true}}),
      method("tensor:floor", "Rounds down.", "a:floor()"),
      method("tensor:round", "Rounds to the nearest whole number, halves to even.", "a:round()"),
      method("tensor:clamp", "Limits elements to a range.", "a:clamp(0, 1)",
             {{"low", Kind::number, ""}, {"high", Kind::number, ""}}),
      method("tensor:softmax", "Gives exp(x) divided by its sum over a dimension.", "a:softmax(-1)",
             {kDim}),
      method("tensor:log_softmax", "Gives the logarithm of softmax, without its rounding.",
             "a:log_softmax(-1)", {kDim}),
      method("tensor:layer_norm",
             "Brings the last dimension to mean 0 and variance 1, then scales and shifts it.",
             "x:layer_norm(weight, bias)",
             {{"weight", Kind::tensor, "of the last dimension's size", true},
              {"bias", Kind::tensor, "of the last dimension's size", true}},
             {{"eps", Value::at_least(Kind::number, 0), "1e-5", "added to the variance"}}),
      method("tensor:cumsum", "Gives running sums along a dimension.", "a:cumsum(1)", {kDim}),
  };
}

std::vector<Function> reductions() {
  Function allclose =
      method("tensor:allclose", "Tells whether |a - b| <= atol + rtol |b| for all elements.",
             "a:allclose(b)", {{"other", Kind::tensor, "of the same shape"}},
             {{"rtol", Value::at_least(Kind::number, 0), "1e-5", "relative tolerance"},
              {"atol", Value::at_least(Kind::number, 0), "1e-8", "absolute tolerance"},
              {"equal_nan", Kind::boolean, "false", "NaN is equal to NaN"}});
  allclose.returns = "boolean";
  Function argmax = method("tensor:argmax", "Gives the position, from 1, of the largest element.",
                           "logits:argmax(-1)", {kMaybeDim}, {kKeepDim});
  return {
      method("tensor:sum", "Adds up. Integers and booleans give int64.", "a:sum(2)", {kDims},
             {kKeepDim}),
      method("tensor:mean", "Gives means.", "a:mean({ 1, 2 })", {kDims}, {kKeepDim}),
      method("tensor:std", "Gives standard deviations.", "a:std(1, { unbiased = false })", {kDims},
             {kUnbiased, kKeepDim}),
      method("tensor:var", "Gives variances.", "a:var()", {kDims}, {kUnbiased, kKeepDim}),
      method("tensor:norm", "Gives (sum |x|^p)^(1/p); p = math.huge the largest |x|.", "a:norm(2)",
             {kDims}, {{"p", Kind::number, "2", "2 is the Euclidean norm"}, kKeepDim}),
      with_positions(method("tensor:min",
                            "Gives the smallest element, or, along a dimension, the smallest and "
                            "their positions, from 1.",
                            "local values, positions = a:min(1)", {kMaybeDim}, {kKeepDim})),
      with_positions(method("tensor:max",
                            "Gives the largest element, or, along a dimension, the largest and "
                            "their positions, from 1.",
                            "local values, positions = a:max(1)", {kMaybeDim}, {kKeepDim})),
      std::move(argmax),
      method("tensor:argmin", "Gives the position, from 1, of the smallest element.", "a:argmin(1)",
             {kMaybeDim}, {kKeepDim}),
      with_positions(method("tensor:topk",
                            "Gives the k largest elements of a dimension, the largest first, and "
                            "their positions, from 1.",
                            "local values, positions = logits:topk(5)",
                            {{"k", Value::at_least(Kind::integer, 1), "how many"}, kDim},
                            {{"largest", Kind::boolean, "true", "false: the smallest"}})),
      with_positions(method("tensor:sort",
                            "Sorts along a dimension, equal elements in their old order, and gives "
                            "where each was, from 1.",
                            "local values, positions = a:sort()", {kDim},
                            {{"descending", Kind::boolean, "false", "the largest first"}})),
      method("tensor:svd_values", "Gives the singular values of a matrix, the largest first.",
             "w:svd_values()"),
      method("tensor:any", "Tells, as a bool tensor of shape (), whether any element is true.",
             "a:gt(0):any():item()"),
      method("tensor:all", "Tells, as a bool tensor of shape (), whether all elements are true.",
             "a:gt(0):all():item()"),
      std::move(allclose),
  };
}

}  // namespace

const Subject& tensor_math_subject() {
  static const Subject subject = [] {
    Subject all{.title = "Tensor arithmetic", .functions = arithmetic()};
    for (auto more : {functions(), reductions()})
      for (auto& function : more) all.functions.push_back(std::move(function));
    return all;
  }();
  return subject;
}

}  // namespace crescent::api
