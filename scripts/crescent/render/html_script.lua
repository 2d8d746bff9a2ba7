--- The script of a report's page: a click on a column's title sorts. Without it the page is the
--- same but for that. It has neither '<' nor '&', so that the page is XML as well.
return [[
(function () {
  "use strict";
  function isNumber(text) { return text !== "" ? isFinite(Number(text)) : false; }
  // What is missing stands last, whichever way one sorts.
  function compare(a, b, sign) {
    if (a === null) { return b === null ? 0 : 1; }
    if (b === null) { return -1; }
    if (isNumber(a)) {
      if (isNumber(b)) { return sign * (Number(a) - Number(b)); }
      return -sign;
    }
    if (isNumber(b)) { return sign; }
    return sign * a.localeCompare(b);
  }
  function arrange(table, original, column, order) {
    var rows = original.slice();
    if (order !== "none") {
      var sign = order === "ascending" ? 1 : -1;
      rows.sort(function (a, b) {
        var by = compare(a.cells[column].getAttribute("data-value"),
          b.cells[column].getAttribute("data-value"), sign);
        return by !== 0 ? by : original.indexOf(a) - original.indexOf(b);
      });
    }
    rows.forEach(function (row) { table.tBodies[0].appendChild(row); });
  }
  function prepare(table) {
    var heads = Array.from(table.tHead.rows[0].cells);
    var original = Array.from(table.tBodies[0].rows);
    heads.forEach(function (head, column) {
      var title = head.querySelector("span");
      var button = document.createElement("button");
      button.type = "button";
      head.replaceChild(button, title);
      button.appendChild(title);
      // The better end first; the third click gives the order of the report again.
      var first = head.getAttribute("data-better") === "higher" ? "descending" : "ascending";
      var second = first === "ascending" ? "descending" : "ascending";
      button.addEventListener("click", function () {
        var before = head.getAttribute("aria-sort");
        var order = before === first ? second : before === second ? "none" : first;
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        if (order !== "none") { head.setAttribute("aria-sort", order); }
        arrange(table, original, column, order);
      });
    });
  }
  document.querySelectorAll("table").forEach(function (table) {
    if (table.tBodies[0].rows.length > 1) { prepare(table); }
  });
  // On paper nobody can open what is closed.
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (part) { part.open = true; });
  });
})();
]]
