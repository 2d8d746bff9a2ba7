#pragma once
#include "bindings/api/api.h"

namespace crescent::api {

// One function a file; all_subjects.cpp puts them in order.
const Subject& model_subject();        ///< loading, presets, levels, weights
const Subject& text_subject();         ///< tokenizers
const Subject& running_subject();      ///< forward, generate, sessions
const Subject& eval_subject();         ///< perplexity, agreement
const Subject& prune_subject();        ///< plans, criteria, what pruning saved
const Subject& bench_subject();        ///< decode, prefill, load, compare
const Subject& profile_subject();      ///< profiles, traces
const Subject& machine_subject();      ///< machine, statistics
const Subject& energy_subject();       ///< what tells the energy here
const Subject& store_subject();        ///< stored runs
const Subject& sweep_subject();        ///< cells of experiments, merging stores
const Subject& files_subject();        ///< json, inspect
const Subject& process_subject();      ///< threads, child processes
const Subject& help_subject();         ///< what `?name` and completion read
const Subject& memory_subject();       ///< memory, scope
const Subject& tensor_subject();       ///< making tensors, their shapes and values
const Subject& tensor_math_subject();  ///< arithmetic, functions, reductions

}  // namespace crescent::api
