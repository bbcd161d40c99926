"use strict";
window.addEventListener("beforeprint", function () {
  for (const part of document.querySelectorAll("details.print")) part.open = true;
});
function reveal() {
  const place = location.hash ? document.getElementById(location.hash.slice(1)) : null;
  for (let part = place; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
  if (place) place.scrollIntoView();
}
window.addEventListener("hashchange", reveal);
reveal();
(function () {
  const table = document.getElementById("claims");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const text = document.getElementById("filter");
  const verdict = document.getElementById("verdict");
  const shown = document.getElementById("shown");
  function apply() {
    const word = text.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      const wanted = verdict.value === "" || row.dataset.verdict === verdict.value || (verdict.value === "judged" && row.dataset.ours === "1");
      const visible = wanted && (word === "" || row.textContent.toLowerCase().includes(word));
      row.hidden = !visible;
      if (visible) count += 1;
    }
    shown.textContent = count + " of " + rows.length + " claims";
  }
  text.addEventListener("input", apply);
  verdict.addEventListener("change", apply);
  for (const button of table.querySelectorAll("th button")) {
    button.addEventListener("click", function () {
      const head = button.parentElement;
      const index = Array.from(head.parentElement.children).indexOf(head);
      const rising = head.getAttribute("aria-sort") !== "ascending";
      for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const key = (row) => row.cells[index].dataset.value || row.cells[index].textContent.trim();
      rows.sort(function (a, b) {
        const x = key(a), y = key(b), p = parseFloat(x), q = parseFloat(y);
        const order = Number.isNaN(p) || Number.isNaN(q) ? x.localeCompare(y) : p - q;
        return rising ? order : -order;
      });
      for (const row of rows) body.appendChild(row);
    });
  }
  apply();
})();
(function () {
  // A link to a closed part of the page opens it.
  const open = function () {
    const part = location.hash && document.getElementById(location.hash.slice(1));
    if (part && part.tagName === "DETAILS") { part.open = true; part.scrollIntoView(); }
  };
  window.addEventListener("hashchange", open);
  open();
})();
