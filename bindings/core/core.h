#pragma once

namespace crescent {

/// Hands every tensor-free function to the registry. Called once, before the Lua state is filled.
void register_core();

// One a file of bindings/core/; register_core calls them all.
void register_help();
void register_tokenizer();
void register_files();
void register_presets();
void register_machine();
void register_energy();
void register_statistics();
void register_memory();
void register_store();
void register_store_profile();
void register_sweep();
void register_compare();
void register_trace();
void register_child();

}  // namespace crescent
