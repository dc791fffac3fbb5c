// What the page can do besides being read. Without this script everything is shown, in its original order.
// Templates request it by data attributes; controls are written with `hidden`, and the script shows them.
//
//   <table data-sortable>              its headings become buttons; a cell's data-value takes precedence over its text
//   <tr data-outcome="..." >           shown or hidden by the chips and the search (any element may have it);
//                                      data-words is searched as well as its text
//   <button data-filter="..." hidden>  a chip: the outcome that is shown; "" shows all
//   <input data-search hidden>         shows what contains every word typed
//   <output data-shown>                how many rows of [data-filtered] are shown
//   <button data-copy="text" hidden>   copies the text; data-copy="" copies the code before it
//   <button data-csv hidden>           copies the table in the same [data-table] element as CSV
//   <td class="key"><a href="records/KEY-1.json">
//                                      a button beside it copies the key in full
//   <button data-theme-switch hidden>  cycles from the reader's own scheme to light, then to dark
"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const remembered = (name, value) => {
    try {
      if (value !== undefined) localStorage.setItem(name, value);
      return localStorage.getItem(name);
    } catch { return null; }  // a page opened from disk may have no storage
  };

  const THEMES = ["auto", "light", "dark"];
  const paint = theme => { theme === "auto" ? delete root.dataset.theme : root.dataset.theme = theme; };
  let theme = THEMES.includes(remembered("theme")) ? remembered("theme") : "auto";
  paint(theme);

  function themes(button) {
    const say = () => { button.textContent = `Theme: ${theme}`; };
    button.addEventListener("click", () => {
      theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
      remembered("theme", theme);
      paint(theme);
      say();
    });
    say();
  }

  function filters() {
    const chips = all("[data-filter]"), search = document.querySelector("[data-search]");
    let outcome = "";
    const wanted = row => {
      const text = `${row.dataset.words || ""} ${row.textContent}`.toLowerCase();
      const words = search ? search.value.toLowerCase().split(/\s+/) : [];
      return (!outcome || row.dataset.outcome === outcome) && words.every(word => text.includes(word));
    };
    const apply = () => {
      for (const row of all("[data-outcome]")) row.hidden = !wanted(row);
      for (const chip of chips) chip.setAttribute("aria-pressed", String(chip.dataset.filter === outcome));
      const rows = all("[data-filtered] [data-outcome]"), shown = rows.filter(row => !row.hidden).length;
      for (const output of all("[data-shown]"))
        output.textContent = shown === rows.length ? "" : `${shown} of ${rows.length} lines shown`;
    };
    for (const chip of chips) chip.addEventListener("click", () => {
      outcome = chip.dataset.filter === outcome ? "" : chip.dataset.filter;
      apply();
    });
    if (search) search.addEventListener("input", apply);
  }

  const plain = text => text.replace(/−/g, "-").replace(/[,\s]/g, "");
  const valueOf = (row, column) => {
    const cell = row.cells[column];
    const text = cell ? cell.dataset.value ?? cell.textContent.trim() : "";
    const number = parseFloat(plain(text).replace(/^[<>≥≤[]+/, ""));
    return [number, text];
  };
  const compare = ([a, x], [b, y]) => {
    if (Number.isNaN(a) !== Number.isNaN(b)) return Number.isNaN(a) ? 1 : -1;
    return Number.isNaN(a) ? x.localeCompare(y) : a - b;
  };

  function sortable(table) {
    const headings = all("thead th", table), body = table.tBodies[0];
    headings.forEach((heading, column) => {
      if (!heading.textContent.trim() || heading.classList.contains("scale")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const down = heading.getAttribute("aria-sort") === "ascending";
        headings.forEach(other => other.removeAttribute("aria-sort"));
        heading.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...body.rows].map(row => [valueOf(row, column), row]);
        rows.sort((one, other) => (down ? -1 : 1) * compare(one[0], other[0]));
        body.append(...rows.map(([, row]) => row));
      });
    });
  }

  function copies(button, text) {
    button.addEventListener("click", async () => {
      const label = button.textContent;
      try {
        await navigator.clipboard.writeText(text());
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not allowed here";
      }
      setTimeout(() => { button.textContent = label; }, 1500);
    });
  }

  const keyOf = cell => cell.querySelector(":scope.key > a")?.getAttribute("href").split("/").pop().replace(/-\d+\.json$/, "");

  function commaSeparated(table) {  // numbers as programs read them, keys in full
    const said = cell => {
      const text = keyOf(cell) ?? cell.textContent.trim();
      return /^−?[\d,]*\.?\d+$/.test(text) ? plain(text) : text;
    };
    const quoted = cell => `"${said(cell).replace(/"/g, '""')}"`;
    return [...table.rows].map(row => [...row.cells].map(quoted).join(",") + "\n").join("");
  }

  function keys() {  // one button for all, beside the key under the pointer or with the focus
    const button = document.createElement("button");
    let key = "";
    button.type = "button";
    button.textContent = "Copy key";
    button.className = "beside";
    copies(button, () => key);
    const follow = event => {
      const cell = event.target.closest("td.key");
      if (!cell || !keyOf(cell) || cell.contains(button)) return;
      key = keyOf(cell);
      cell.append(button);
    };
    for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, follow);
  }

  function unfold() {  // the target of a link may be inside a fold
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let fold = target && target.closest("details"); fold; fold = fold.parentElement.closest("details"))
      fold.open = true;
    if (target) target.scrollIntoView();
  }

  function contents() {  // marks where the reader is
    const links = new Map(all("nav a[href^='#']").map(link => [link.hash.slice(1), link]));
    const seen = new IntersectionObserver(entries => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        links.forEach(link => link.removeAttribute("aria-current"));
        links.get(entry.target.id).setAttribute("aria-current", "true");
      }
    }, { rootMargin: "-10% 0px -80% 0px" });
    links.forEach((_, id) => { const part = document.getElementById(id); if (part) seen.observe(part); });
    for (const fold of all("nav details"))
      fold.addEventListener("click", event => { if (event.target.closest("a")) fold.open = false; });
  }

  document.addEventListener("DOMContentLoaded", () => {
    all("[data-theme-switch]").forEach(themes);
    all("[data-sortable]").forEach(sortable);
    for (const button of all("[data-copy]")) copies(button, () => button.dataset.copy || button.previousElementSibling.textContent);
    for (const button of all("[data-csv]"))
      copies(button, () => commaSeparated(button.closest("[data-table]").querySelector("table")));
    keys();
    filters();
    contents();
    for (const control of all("button[hidden], input[hidden]")) control.hidden = false;
    addEventListener("hashchange", unfold);
    if (location.hash) unfold();
  });
})();
