/* What if: the formula under the figure with the fitted coefficients, each times a power of two. */
function suppose(form) {
  const { eMin, bCrit, c, o, examples } = form.dataset;
  const factor = (name) => 2 ** Number(form.elements[name].value);
  const digits = (value, count) => Number(value.toPrecision(count)).toLocaleString(document.documentElement.lang);
  function show() {
    const [critical, overhead, images] = [bCrit * factor("critical"), o * factor("overhead"), examples * factor("data")];
    const seconds = (size) => images * (Number(c) + overhead / size) * eMin * (1 + size / critical);
    const best = Math.sqrt(critical * overhead / c);
    for (const input of all("input", form)) {
      input.previousElementSibling.textContent = `× ${digits(factor(input.name), 2)}`;
      input.setAttribute("aria-valuetext", input.previousElementSibling.textContent);
    }
    const values = { best: digits(Math.round(best), 6), seconds: digits(seconds(best), 2), small: digits(seconds(32) / seconds(best), 2), large: digits(seconds(1000) / seconds(best), 2) };
    form.nextElementSibling.textContent = form.dataset.result.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }
  form.parentElement.hidden = false;
  form.addEventListener("input", show);
  show();
}
all(".whatif fieldset").forEach(suppose);
