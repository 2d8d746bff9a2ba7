// Put into a copy of a page: clicks every column's title three times and looks at the order of the
// rows. What it found stands in an element that the dump of the page has.
window.addEventListener("load", function () {
  var problems = [], columns = 0;
  function values(table, column) {
    return Array.from(table.tBodies[0].rows).map(function (row) {
      return row.cells[column].getAttribute("data-value");
    });
  }
  function inOrder(a, b) {
    if (a === null || b === null) { return b === null; }
    if (a === "" || b === "" || isNaN(a) || isNaN(b)) {
      return isNaN(a) === isNaN(b) ? a.localeCompare(b) <= 0 : isNaN(b) || b === "";
    }
    return Number(a) <= Number(b);
  }
  document.querySelectorAll("table").forEach(function (table) {
    var rows = table.tBodies[0].rows;
    if (rows.length < 2) { return; }
    var before = Array.from(rows).map(function (row) { return row.textContent; }).join("|");
    Array.from(table.tHead.rows[0].cells).forEach(function (head, column) {
      function wrong(what) { problems.push(table.id + " column " + (column + 1) + ": " + what); }
      var button = head.querySelector("button");
      if (!button) { return wrong("no button"); }
      var expected = head.getAttribute("data-better") === "higher" ?
        ["descending", "ascending", null] : ["ascending", "descending", null];
      button.focus();
      // What is closed can't have the focus.
      var details = table.closest("details");
      if (document.activeElement !== button && !(details && !details.open)) {
        wrong("the button takes no focus");
      }
      expected.forEach(function (order) {
        button.click();
        if (head.getAttribute("aria-sort") !== order) {
          wrong("aria-sort is " + head.getAttribute("aria-sort") + ", not " + order);
        }
        var list = values(table, column);
        for (var i = 1; order && i < list.length; i++) {
          var a = list[i - 1], b = list[i];
          var ordered = a === null || b === null || order === "ascending" ?
            inOrder(a, b) : inOrder(b, a);
          if (!ordered) { wrong(order + ": " + a + " stands before " + b); }
        }
      });
      columns += 1;
    });
    var after = Array.from(rows).map(function (row) { return row.textContent; }).join("|");
    if (before !== after) { problems.push(table.id + ": the third click changes the order"); }
  });
  var said = document.createElement("pre");
  said.id = "sort-check";
  said.textContent = problems.length ? problems.join("; ") : "sorted by " + columns + " columns";
  document.body.appendChild(said);
});
