#include "profiler/store/schema.h"

#include <fmt/format.h>

#include <SQLiteCpp/Database.h>
#include <array>

namespace crescent {
namespace {

// What a user of the sqlite3 tool reads with `.schema`. Large values stand last in their rows, so
// that whoever reads the others doesn't pass them. Columns named *_json hold JSON lists of numbers:
// as short as doubles are in a blob (a time in ms with its ns takes about 8 bytes), and json_each
// reads them, which the views at the end do. Layers, heads, tokens and positions count from 0.
constexpr const char* kVersion1 = R"sql(
-- One a measurement that was stored: a profile, a benchmark, a comparison, an experiment.
CREATE TABLE runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given to another run, also after a trim
  kind TEXT NOT NULL CHECK (kind IN ('profile', 'bench', 'compare', 'experiment')),
  name TEXT NOT NULL,         -- of the experiment, or of what was measured
  version INTEGER,            -- of the experiment, as its author counts
  status TEXT NOT NULL CHECK (status IN ('running', 'done', 'failed', 'killed')),
  started TEXT NOT NULL,      -- UTC, ISO 8601
  started_ns INTEGER NOT NULL,-- the same, ns since 1970
  finished TEXT,              -- UTC; null while it runs and if it was killed
  finished_ns INTEGER,        -- ns since 1970
  model TEXT NOT NULL,        -- as it prints; '' without one
  model_hash TEXT NOT NULL,   -- of weights and description; '' without one
  threads INTEGER,            -- of the arithmetic
  owner_pid INTEGER,          -- the process that runs it, to find out whether it died:
  owner_ticks INTEGER,        -- when it started, clock ticks since boot
  owner_boot TEXT,            -- the kernel's boot id
  owner_namespace TEXT,       -- of process ids
  definition_hash TEXT NOT NULL,
  definition TEXT NOT NULL    -- JSON; runs are compared only where it is equal
);
-- Facts of the machine, versions of libraries, state of the script's repository, its text.
CREATE TABLE environment (
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (run, key)
) WITHOUT ROWID;
CREATE TABLE options (
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,        -- JSON
  PRIMARY KEY (run, key)
) WITHOUT ROWID;
CREATE TABLE warnings (
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  number INTEGER NOT NULL,    -- from 1
  text TEXT NOT NULL,
  PRIMARY KEY (run, number)
) WITHOUT ROWID;
-- Files that belong to a run: traces, reports.
CREATE TABLE artifacts (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,   -- 'application/json'
  bytes BLOB NOT NULL,
  UNIQUE (run, name)
);
-- One repetition of a run, or one candidate's turn. Committed as a whole.
CREATE TABLE trials (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  number INTEGER NOT NULL,    -- from 1, within the run
  candidate TEXT,             -- of a comparison
  status TEXT NOT NULL CHECK (status IN ('done', 'failed')),
  tokens INTEGER NOT NULL,
  duration_ns INTEGER NOT NULL,
  samples INTEGER NOT NULL,   -- how many single values table samples holds for it
  windows TEXT NOT NULL,      -- JSON list of the names that spans of windows have
  spans BLOB NOT NULL,        -- packed, as profiler/span_codec.h says; may be empty
  UNIQUE (run, number)
);
-- Every value of a measurement and what they sum up to. All in the row's unit.
CREATE TABLE samples (
  trial INTEGER NOT NULL REFERENCES trials ON DELETE CASCADE,
  name TEXT NOT NULL,         -- 'token_ms'
  unit TEXT NOT NULL,         -- 'ms'
  count INTEGER NOT NULL,
  median REAL NOT NULL,
  mad REAL NOT NULL,          -- median absolute deviation * 1.4826
  low REAL NOT NULL,          -- interval of the median, by order statistics
  high REAL NOT NULL,
  confidence REAL NOT NULL,   -- what the interval really covers; 0.95 from 6 values on
  values_json TEXT NOT NULL,  -- in the order in which they came; view sample_values
  PRIMARY KEY (trial, name)
) WITHOUT ROWID;
-- A trial's profile: a tree whose children add up to their parents.
CREATE TABLE nodes (
  trial INTEGER NOT NULL REFERENCES trials ON DELETE CASCADE,
  node INTEGER NOT NULL,      -- from 0, parents before children, children in order
  parent INTEGER,             -- null of the root
  kind TEXT NOT NULL,         -- run window section layers layer component operation self profiling
  id INTEGER NOT NULL,        -- section, site or window, as engine/observe.h counts
  layer INTEGER,              -- null outside of layers
  section TEXT,               -- the name of the section that it is or is in
  name TEXT NOT NULL,         -- 'decode', 'layer 3', 'attention', 'scores'
  count INTEGER NOT NULL,     -- how often
  time_ns REAL NOT NULL,      -- of all of them
  flops REAL,                 -- a multiply-add is 2; null where none are defined
  bytes REAL,                 -- of weights and cache that have to come from memory
  estimated INTEGER NOT NULL, -- 1: scaled up from a part of the tokens or layers
  cut INTEGER NOT NULL,       -- how many were closed by an error or by their parent
  PRIMARY KEY (trial, node)
) WITHOUT ROWID;
-- Statistics of activations and attention.
CREATE TABLE statistics (
  trial INTEGER NOT NULL REFERENCES trials ON DELETE CASCADE,
  number INTEGER NOT NULL,    -- from 0
  section TEXT NOT NULL,      -- 'prefill'
  layer INTEGER,
  site TEXT NOT NULL,         -- 'ffn.activation'
  head INTEGER,
  name TEXT NOT NULL,         -- 'mean_abs'
  value REAL NOT NULL,
  count INTEGER NOT NULL,     -- how many numbers it sums up
  PRIMARY KEY (trial, number)
) WITHOUT ROWID;
-- What each token took, by section.
CREATE TABLE token_totals (
  trial INTEGER NOT NULL REFERENCES trials ON DELETE CASCADE,
  section TEXT NOT NULL,
  ns_json TEXT NOT NULL,      -- by token; null for one without this section; view token_ns
  PRIMARY KEY (trial, section)
) WITHOUT ROWID;
-- Sensors and counters over time.
CREATE TABLE tracks (
  trial INTEGER NOT NULL REFERENCES trials ON DELETE CASCADE,
  name TEXT NOT NULL,         -- 'package energy'
  unit TEXT NOT NULL,         -- 'J', 'bytes'
  label TEXT NOT NULL CHECK (label IN ('measured', 'estimated', 'absent')),
  reason TEXT NOT NULL,       -- why absent, how estimated; else ''
  points_json TEXT NOT NULL,  -- [ns from the trial's beginning, value] ..; view track_values
  PRIMARY KEY (trial, name)
) WITHOUT ROWID;
-- Choices that were measured once for a machine. They outlive runs.
CREATE TABLE decisions (
  key TEXT NOT NULL,
  machine TEXT NOT NULL,      -- its id
  value TEXT NOT NULL,
  created TEXT NOT NULL,      -- UTC, ISO 8601
  PRIMARY KEY (key, machine)
) WITHOUT ROWID;
CREATE VIEW sample_values AS
  SELECT trial, name, unit, each.key AS position, each.value AS value
  FROM samples, json_each(values_json) AS each;
CREATE VIEW token_ns AS
  SELECT trial, section, each.key AS token, each.value AS ns
  FROM token_totals, json_each(ns_json) AS each WHERE each.value IS NOT NULL;
CREATE VIEW track_values AS
  SELECT trial, name, unit, label, json_extract(each.value, '$[0]') AS time_ns,
    json_extract(each.value, '$[1]') AS value
  FROM tracks, json_each(points_json) AS each;
)sql";

// What experiments are made of.
constexpr const char* kVersion2 = R"sql(
-- One a point of an experiment's grid, for given options and model.
CREATE TABLE cells (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  identity TEXT NOT NULL,     -- hash of experiment, version, options, model and point
  position INTEGER,           -- in the grid, from 1; null if the grid has this point no longer
  point TEXT NOT NULL,        -- JSON: the parameters by name
  model TEXT NOT NULL,        -- as it was named; '' without one
  model_hash TEXT NOT NULL,   -- of weights and description; '' without one
  status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'done', 'failed', 'stale')),
  attempts INTEGER NOT NULL,  -- how often it was begun
  duration_ns INTEGER,        -- of the last attempt
  message TEXT,               -- why it failed
  traceback TEXT,
  output TEXT,                -- the last lines that it wrote
  UNIQUE (run, identity)
);
-- What a cell gave in a round; most experiments have one round.
CREATE TABLE results (
  cell INTEGER NOT NULL REFERENCES cells ON DELETE CASCADE,
  round INTEGER NOT NULL,     -- from 1
  trial INTEGER NOT NULL REFERENCES trials ON DELETE CASCADE, -- has its samples
  text TEXT NOT NULL REFERENCES texts, -- the script that gave it
  build TEXT NOT NULL,        -- of crescent and LibTorch
  row TEXT NOT NULL,          -- JSON; {"$samples": NAME} stands for a row of table samples
  PRIMARY KEY (cell, round)
) WITHOUT ROWID;
CREATE INDEX results_by_trial ON results (trial);
-- Texts of experiments with all that they require.
CREATE TABLE texts (
  hash TEXT PRIMARY KEY,      -- of their code, without comments and blanks
  files TEXT NOT NULL         -- JSON: text by module
) WITHOUT ROWID;
)sql";

constexpr std::array kMigrations = {Migration{1, kVersion1}, Migration{2, kVersion2}};

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

int store_version() { return kMigrations.back().version; }

void migrate(SQLite::Database& database, int from, std::span<const Migration> steps) {
  for (const Migration& step : steps) {
    if (step.version <= from) continue;
    database.exec(step.sql);
    database.exec(fmt::format("PRAGMA user_version = {}", step.version));
  }
}

}  // namespace crescent
