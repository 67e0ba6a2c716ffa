/* Explorer: the rows of the table of choices that fit what is chosen. It looks up and computes nothing. */
const explorer = document.getElementById("explorer");
function copying(holder) {
  const words = document.getElementById("main").dataset;
  const pre = holder.querySelector("pre");
  const name = `${words.copy} ${holder.getAttribute("aria-label")}`;
  const made = button(name, "tool", async () => {
    try { await navigator.clipboard.writeText(pre.textContent); } catch { return; }
    made.textContent = words.copied;
    setTimeout(() => { made.textContent = name; }, 1500);
  });
  holder.prepend(made);
}
function element(name, text, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}
function settingsOf(row) {
  const folded = document.createElement("details");
  folded.append(element("summary", explorer.dataset.settings));
  for (const [name, kind] of [["YAML", "yaml"], ["Keras", "keras"]]) {
    const holder = element("div", "", "copied");
    const pre = element("pre", row.dataset[kind]);
    pre.tabIndex = 0;
    holder.setAttribute("role", "group");
    holder.setAttribute("aria-label", name);
    holder.append(pre);
    copying(holder);
    folded.append(holder);
  }
  return folded;
}
function card(row, heads, first) {
  const made = element("div", "", "result");
  const list = document.createElement("dl");
  [...row.cells].slice(first).forEach((cell, k) => {
    if (!cell.textContent) return;
    const pair = document.createElement("div");
    const value = document.createElement("dd");
    value.append(...[...cell.childNodes].map((node) => node.cloneNode(true)));
    pair.append(element("dt", heads[first + k]), value);
    list.append(pair);
  });
  made.append(list);
  if (row.dataset.yaml) made.append(settingsOf(row));
  return made;
}
function explore() {
  const slider = explorer.elements.target;
  const stops = all("option", slider.list);
  const selects = all("select", explorer);
  const keys = ["target", ...selects.map((one) => one.name)];
  const rows = all("#choices tbody tr");
  const heads = all("#choices thead th").map((one) => one.textContent);
  const chosen = document.getElementById("chosen");

  const state = () => ({ target: stops[slider.value].dataset.value, ...Object.fromEntries(selects.map((one) => [one.name, one.value])) });
  const fits = (row, wanted) => keys.every((name) => row.dataset[name] === wanted[name]);
  const agreeing = (row, wanted) => keys.filter((name) => row.dataset[name] === wanted[name]).length;
  const away = (row, wanted) => Math.abs(Number(row.dataset.target) - Number(wanted.target));

  function set(wanted) {
    const stop = stops.findIndex((one) => one.dataset.value === wanted.target);
    if (stop >= 0) slider.value = stop;
    for (const one of selects) {
      if ([...one.options].some((option) => option.value === wanted[one.name])) one.value = wanted[one.name];
    }
  }
  /* What was chosen last is what the reader wants to keep. */
  let changed = "target";
  function closest(wanted) {
    const keeps = (row) => Number(row.dataset[changed] === wanted[changed]);
    const [best] = [...rows].sort((a, b) => keeps(b) - keeps(a) || agreeing(b, wanted) - agreeing(a, wanted) || away(a, wanted) - away(b, wanted));
    const words = [...best.cells].slice(0, keys.length).map((cell) => cell.textContent).join(" · ");
    return button(`${explorer.dataset.nearest} ${words}`, "tool", () => { set(best.dataset); show(true); slider.focus(); });
  }
  function mark(wanted) {
    for (const one of selects) {
      for (const option of one.options) {
        // The choice itself is told of below.
        const known = option.selected || rows.some((row) => fits(row, { ...wanted, [one.name]: option.value }));
        option.textContent = option.dataset.label + (known ? "" : ` (${explorer.dataset.none})`);
      }
    }
  }
  function show(keep) {
    const wanted = state();
    explorer.querySelector("b").textContent = stops[slider.value].label;
    slider.setAttribute("aria-valuetext", stops[slider.value].label);
    mark(wanted);
    const found = rows.filter((row) => fits(row, wanted));
    if (found.length) chosen.replaceChildren(...found.map((row) => card(row, heads, keys.length)));
    else chosen.replaceChildren(element("p", explorer.dataset.missing), closest(wanted));
    if (keep) history.replaceState(null, "", `#explore:${new URLSearchParams(wanted)}`);
  }
  function restore() {
    const [place, wanted] = [location.hash.slice(1, 9), location.hash.slice(9)];
    if (place !== "explore:") return;
    set(Object.fromEntries(new URLSearchParams(wanted)));
    show();
    document.getElementById("explore").scrollIntoView();
  }
  explorer.addEventListener("input", (event) => { changed = event.target.name; show(true); });
  addEventListener("hashchange", restore);
  explorer.hidden = chosen.hidden = false;
  show();
  restore();
}
if (explorer) explore();
all("main > section .copied").filter((holder) => !holder.querySelector("button")).forEach(copying);
