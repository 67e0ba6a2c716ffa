/* Another machine's summary beside this report's sizes. It may hold anything: all of it is shown as text. */
const compared = document.getElementById("compare");
const SCHEMA = "batchmark.site/1";
function beside(summary) {
  const { answer = {}, variants } = summary;
  const own = variants.filter((row) => row.machine === answer.machine && row.device === answer.device);
  const table = compared.querySelector("table");
  const rows = [...table.tBodies[0].rows];
  const theirs = (row) => own.find((one) => one.variant === row.cells[0].dataset.key);
  all(".theirs", table).forEach((cell) => cell.remove());
  const { missing, missed } = compared.dataset;
  function shown(row, name) {
    const value = row?.[name];
    if (Number.isFinite(value)) return String(Number(value.toPrecision(3)));
    return row && row.reached === 0 && name === "time_to_target" ? missed : missing;
  }
  for (const [place, name] of [[2, "seconds_per_epoch"], [1, "time_to_target"]]) {
    const head = table.tHead.rows[0].cells[place];
    head.after(element("th", compared.dataset.theirs, "theirs number"));
    head.nextElementSibling.scope = "col";
    for (const row of rows) row.cells[place].after(element("td", shown(theirs(row), name), "theirs number"));
  }
  const values = { machine: answer.machine, best: answer.best_batch_size, low: answer.best_batch_size_low, high: answer.best_batch_size_high };
  const said = compared.dataset.answer.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? "?"));
  const any = rows.some(theirs);
  compared.querySelector(":scope > div").hidden = !any;
  return any ? said : `${said} ${compared.dataset.none}`;
}
async function compareWith(file) {
  const status = compared.querySelector("[role=status]");
  compared.querySelector(":scope > div").hidden = true;
  try {
    const summary = JSON.parse(await file.text());
    if (summary.schema_version !== SCHEMA && /^batchmark\.site\//.test(summary.schema_version)) status.textContent = compared.dataset.other;
    else if (summary.schema_version !== SCHEMA) status.textContent = compared.dataset.bad;
    else status.textContent = beside(summary);
  } catch { status.textContent = compared.dataset.bad; }
}
if (compared) {
  compared.hidden = false;
  compared.querySelector("input").addEventListener("change", (event) => {
    if (event.target.files[0]) compareWith(event.target.files[0]);
    // So that the same file, made anew, can be chosen again.
    event.target.value = "";
  });
  compared.addEventListener("dragover", (event) => event.preventDefault());
  compared.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files[0]) compareWith(event.dataTransfer.files[0]);
  });
}
