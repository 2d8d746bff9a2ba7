#include <gtest/gtest.h>

#include "engine/interrupt.h"
#include "profiler/store/store.h"
#include "profiler/store/writer.h"
#include "tests/profiler/store/made_trials.h"
#include "tests/support.h"

namespace crescent {
namespace {

class StoreQuery : public ::testing::Test {
 protected:
  StoreQuery() {
    StoreWriter writer(path_);
    writer.finish_run(writer.begin_run(made_run("a")), RunStatus::done);
    writer.finish_run(writer.begin_run(made_run("b")), RunStatus::done);
  }
  std::string refusal(const std::string& sql, const SqlParameters& parameters = {}) {
    return message_of([&] { Store(path_).query(sql, parameters); });
  }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "runs.db";
};

TEST_F(StoreQuery, GivesColumnsAndValuesOfEveryKind) {
  const SqlTable table =
      Store(path_).query("SELECT 1 AS i, 1.5 AS r, 'a' AS t, x'00ff' AS b, NULL AS n");
  EXPECT_EQ(table.columns, (std::vector<std::string>{"i", "r", "t", "b", "n"}));
  ASSERT_EQ(table.rows.size(), 1u);
  EXPECT_EQ(table.rows[0],
            (std::vector<SqlValue>{int64_t{1}, 1.5, std::string("a"),
                                   SqlBytes{std::string("\0\xff", 2)}, std::monostate{}}));
}

TEST_F(StoreQuery, TakesParametersByPositionAndByName) {
  const Store store(path_);
  Store reader(path_);
  const SqlTable by_position = reader.query("SELECT id FROM runs WHERE name = ? AND id > ?",
                                            {.by_position = {std::string("b"), int64_t{0}}});
  EXPECT_EQ(by_position.rows, (std::vector<std::vector<SqlValue>>{{int64_t{2}}}));
  const SqlTable by_name =
      reader.query("SELECT id FROM runs WHERE name = :name", {.by_name = {{"name", "a"}}});
  EXPECT_EQ(by_name.rows, (std::vector<std::vector<SqlValue>>{{int64_t{1}}}));
  EXPECT_EQ(refusal("SELECT ?, ?", {.by_position = {int64_t{1}}}),
            path_ + ": expected 2 parameters, got 1\n  in: SELECT ?, ?");
  EXPECT_EQ(refusal("SELECT :a", {.by_name = {{"b", int64_t{1}}}}),
            path_ + ": has no parameter ':b'\n  in: SELECT :a");
}

TEST_F(StoreQuery, ChangesNothingUnlessTheStoreIsOpenForWriting) {
  EXPECT_EQ(refusal("DELETE FROM runs"),
            path_ +
                ": the store is open for reading; to change it, open it with write = true\n"
                "  in: DELETE FROM runs");
  EXPECT_EQ(Store(path_).runs().size(), 2u);
  Store(path_, true).query("DELETE FROM runs WHERE name = 'a'");
  EXPECT_EQ(Store(path_).runs().size(), 1u);
}

TEST_F(StoreQuery, NamesTheStatementThatIsWrong) {
  EXPECT_EQ(refusal("SELECT nme FROM runs"),
            path_ + ": no such column: nme\n  in: SELECT nme FROM runs");
  EXPECT_EQ(refusal("SELECT 1; SELECT 2"),
            path_ + ": expected one statement, found more behind it\n  in: SELECT 1; SELECT 2");
  EXPECT_EQ(refusal("SELECT 1; \n"), "no error");
  EXPECT_EQ(refusal("-- nothing"),
            path_ + ": expected a statement of SQL, found none\n  in: -- nothing");
  EXPECT_EQ(refusal("SELECT a.id, b.id FROM runs a, runs b"),
            path_ +
                ": two columns are named 'id'; name one of them with AS\n"
                "  in: SELECT a.id, b.id FROM runs a, runs b");
}

TEST_F(StoreQuery, EndsWhenItIsInterrupted) {
  interrupt_requested = true;
  Store store(path_);
  EXPECT_THROW(store.query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                           "SELECT max(i) FROM n"),
               Interrupted);
  interrupt_requested = false;
  EXPECT_EQ(store.query("SELECT 1 AS one").rows.size(), 1u);
}

}  // namespace
}  // namespace crescent
