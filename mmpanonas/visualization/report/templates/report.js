"use strict";
// The candidates' table: a click on a head sorts by its column, one on a number unfolds the
// architecture, and why the candidate failed. Both are buttons, for the keyboard's sake.
(() => {
  const table = document.getElementById("table");
  const legend = JSON.parse(document.getElementById("legend").textContent);
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];

  function sort(head) {
    const other = { ascending: "descending", descending: "ascending" };
    const order = other[head.ariaSort] ?? head.dataset.first;
    const column = heads.indexOf(head);
    const sign = order === "ascending" ? 1 : -1;
    const isText = "text" in head.dataset;
    const rows = [...body.querySelectorAll("tr[data-arch]")].map((row) => {
      const cell = row.cells[column];
      return { row, key: isText ? cell.textContent : cell.dataset.value };
    });
    rows.sort((a, b) => {
      if (a.key === "" || b.key === "") return (a.key === "") - (b.key === ""); // missing: last
      return sign * (isText ? a.key.localeCompare(b.key) : a.key - b.key);
    });
    for (const { row } of rows) {
      const unfolded = row.nextElementSibling?.matches(".arch") && row.nextElementSibling;
      body.append(...(unfolded ? [row, unfolded] : [row]));
    }
    heads.forEach((h) => h.removeAttribute("aria-sort"));
    head.ariaSort = order;
  }

  function unfold(row, button) {
    const open = button.ariaExpanded === "true";
    button.ariaExpanded = String(!open);
    if (open) row.nextElementSibling.remove();
    else row.after(architecture(row));
  }

  function architecture(row) {
    const unfolded = document.createElement("tr");
    unfolded.className = "arch";
    const cell = unfolded.insertCell();
    cell.colSpan = heads.length;
    row.dataset.arch.split(" ").forEach((codes, part) => {
      if (!codes) return;
      const [name, choices] = legend[part];
      const line = cell.appendChild(document.createElement("div"));
      line.appendChild(document.createElement("b")).textContent = name;
      for (const code of codes) {
        const chip = line.appendChild(document.createElement("span"));
        [chip.textContent, chip.style.background, chip.style.color] = choices[parseInt(code, 36)];
      }
    });
    if (row.className === "failed") {
      cell.appendChild(document.createElement("p")).textContent = row.lastElementChild.textContent;
    }
    return unfolded;
  }

  heads.forEach((head) => head.firstChild.addEventListener("click", () => sort(head)));
  for (const row of body.rows) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "unfold", ariaExpanded: "false" });
    button.title = "Show the architecture";
    button.append(...row.cells[0].childNodes);
    button.addEventListener("click", () => unfold(row, button));
    row.cells[0].append(button);
  }
})();
