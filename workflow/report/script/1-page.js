"use strict";
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

function button(text, className, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = className;
  made.textContent = text;
  made.addEventListener("click", action);
  return made;
}

/* Theme: the system's until the reader chooses; the choice is kept where the browser allows. */
const root = document.documentElement;
const themeButton = document.getElementById("theme");
const system = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
function nameTheme() {
  themeButton.lastChild.textContent = isDark() ? themeButton.dataset.light : themeButton.dataset.dark;
  themeButton.title = themeButton.lastChild.textContent;
}
function remembered() {
  try { return localStorage.getItem("batchmark-theme"); } catch { return null; }
}
function remember(theme) {
  try { localStorage.setItem("batchmark-theme", theme); } catch { /* private mode: not kept */ }
}
if (["light", "dark"].includes(remembered())) root.dataset.theme = remembered();
themeButton.hidden = false;
nameTheme();
system.addEventListener("change", nameTheme);
themeButton.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  remember(root.dataset.theme);
  nameTheme();
});

/* Tables: sort by any column, filter rows, copy as tab-separated text. */
const key = (row, column) => row.cells[column].dataset.key ?? row.cells[column].textContent.trim();
function compare(a, b) {
  const [x, y] = [a === "" ? NaN : Number(a === "inf" ? Infinity : a), b === "" ? NaN : Number(b === "inf" ? Infinity : b)];
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x === y ? 0 : x - y;
  if (a === "" || b === "") return (a === "") - (b === "");
  return a.localeCompare(b, root.lang, { numeric: true });
}
function sort(table, head, column) {
  const down = head.getAttribute("aria-sort") === "ascending";
  all("th[aria-sort]", table).forEach((one) => one.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => compare(key(a, column), key(b, column)) * (down ? -1 : 1));
  table.tBodies[0].append(...rows);
}
function sortable(table) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const text = head.textContent;
    head.textContent = "";
    head.append(button(text, "", () => sort(table, head, column)));
  });
}
function filterable(table, holder) {
  const input = document.createElement("input");
  input.type = "search";
  input.className = "filter";
  input.placeholder = holder.dataset.filter;
  input.setAttribute("aria-label", holder.dataset.filter + ": " + table.caption.textContent);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/);
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    const rows = [...table.tBodies[0].rows];
    count.textContent = `${rows.filter((row) => !row.hidden).length} / ${rows.length}`;
  });
  const count = document.createElement("output");
  count.className = "count";
  holder.prepend(input, count);
}
/* A cell with what stands under it: its interval or the published value. */
function written(cell) {
  return [...cell.childNodes].map((node) => node.textContent.trim()).filter(Boolean)
    .map((part, k) => (k ? `(${part})` : part)).join(" ");
}
function text(table) {
  return [...table.rows].filter((row) => !row.hidden)
    .map((row) => [...row.cells].map(written).join("\t")).join("\n");
}
function copyable(table, holder) {
  const made = button(holder.dataset.copy, "tool", async () => {
    try { await navigator.clipboard.writeText(text(table)); } catch { return; }
    made.textContent = holder.dataset.copied;
    setTimeout(() => { made.textContent = holder.dataset.copy; }, 1500);
  });
  holder.querySelector(".under").append(made);
}
for (const holder of all(".table")) {
  const table = holder.querySelector("table");
  if ("tools" in table.dataset) {
    sortable(table);
    if (table.tBodies[0].rows.length > 6) filterable(table, holder);
  }
  copyable(table, holder);
}

/* Highlighting: the chosen series stays, the others fade, in every figure that has it. */
let chosen = "";
function highlight(series) {
  chosen = chosen === series ? "" : series;
  for (const drawing of all(".drawing")) {
    const marks = all("[data-series]", drawing);
    const has = marks.some((mark) => mark.dataset.series === chosen);
    marks.forEach((mark) => mark.classList.toggle("dim", has && mark.dataset.series !== chosen));
  }
  all("[data-highlight]").forEach((chip) => chip.setAttribute("aria-pressed", String(chip.dataset.highlight === chosen)));
}
all(".highlight").forEach((group) => { group.hidden = false; });
all("[data-highlight]").forEach((chip) => chip.addEventListener("click", () => highlight(chip.dataset.highlight)));
all(".drawing [data-series]").forEach((mark) => mark.addEventListener("click", () => highlight(mark.dataset.series)));
addEventListener("keydown", (event) => { if (event.key === "Escape" && chosen) highlight(chosen); });

/* Zoom: the figure itself as large as the window, put back afterwards: its ids stay unique. */
const zoom = document.getElementById("zoom");
let home = null;
all("[data-zoom]").forEach((opener) => {
  opener.hidden = false;
  opener.addEventListener("click", () => {
    const figure = document.getElementById(opener.dataset.zoom);
    home = figure.querySelector(".drawing");
    home.style.minHeight = `${home.offsetHeight}px`;
    zoom.querySelector("strong").textContent = figure.querySelector(".finding").textContent;
    zoom.querySelector("div").replaceChildren(home.querySelector("svg"));
    zoom.showModal();
  });
});
zoom.addEventListener("close", () => {
  home.append(zoom.querySelector("svg"));
  home.style.minHeight = "";
});
zoom.addEventListener("click", (event) => {
  if (event.target === zoom || "close" in event.target.dataset) zoom.close();
});

/* A place on the page stays one in the other language; what is folded opens where a link leads. */
all("a[hreflang]").forEach((link) => link.addEventListener("click", () => { link.hash = location.hash; }));
function unfold() {
  const target = document.getElementById(location.hash.slice(1));
  const folded = target?.closest("details") ?? target?.querySelector(":scope > details");
  if (folded && !folded.open) { folded.open = true; target.scrollIntoView(); }
}
addEventListener("hashchange", unfold);
unfold();

/* Contents: mark the section being read; close the phone's menu after a choice. */
const links = new Map(all(".contents a").map((link) => [link.hash.slice(1), link]));
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((one) => one.isIntersecting)) {
    links.forEach((link, id) => (id === entry.target.id ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
  }
}, { rootMargin: "-15% 0px -75% 0px" });
links.forEach((_, id) => { const section = document.getElementById(id); if (section) watcher.observe(section); });
all(".menu a").forEach((link) => link.addEventListener("click", () => { link.closest("details").open = false; }));
