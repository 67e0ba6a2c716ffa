/* Claims: by verdict and by words. */
function claims(scores) {
  const every = all("#claims li[id]");
  const search = document.createElement("input");
  search.type = "search";
  search.className = "filter";
  search.placeholder = scores.dataset.filter;
  search.setAttribute("aria-label", scores.dataset.filter);
  const count = element("output", "", "count");
  const place = document.createElement("li");
  place.append(search, count);
  let verdict = "";

  function show() {
    const words = search.value.toLowerCase().split(/\s+/);
    for (const claim of every) {
      const text = claim.textContent.toLowerCase();
      claim.hidden = (verdict && !claim.classList.contains(verdict)) || !words.every((word) => text.includes(word));
    }
    for (const group of all("#claims .theme, #claims .untested")) group.hidden = !group.querySelector("li[id]:not([hidden])");
    const asked = verdict || search.value.trim();
    all("#claims .untested").forEach((one) => { one.open = Boolean(asked); });
    count.textContent = asked ? `${every.filter((one) => !one.hidden).length} / ${every.length}` : "";
  }
  for (const score of all("li", scores)) {
    const made = button("", "", () => {
      verdict = verdict === score.dataset.verdict ? "" : score.dataset.verdict;
      all("button", scores).forEach((one) => one.setAttribute("aria-pressed", String(one === made && verdict !== "")));
      show();
    });
    made.setAttribute("aria-pressed", "false");
    made.append(...score.childNodes);
    score.append(made);
  }
  scores.append(place);
  search.addEventListener("input", show);
  // A link to a claim finds it, whatever is chosen.
  addEventListener("hashchange", () => {
    if (!document.getElementById(location.hash.slice(1))?.matches("#claims li[hidden]")) return;
    search.value = "";
    all("[aria-pressed=true]", scores).forEach((one) => one.click());
    show();
    document.getElementById(location.hash.slice(1)).scrollIntoView();
  });
}
all(".scores").forEach(claims);

/* Glossary: the first time that a passage uses a term, it links to what it means. */
const terms = all(".glossary dt").map((one) => [one.textContent.trim().toLowerCase(), one])
  .sort((a, b) => b[0].length - a[0].length);
function link(passage) {
  const used = new Set();
  const walker = document.createTreeWalker(passage, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.parentElement.closest("a, button, summary, code, svg")) continue;
    const text = node.textContent.toLowerCase();
    const apart = (at, word) => !/[a-z]/.test(text[at - 1] ?? "") && !/[a-z]/.test(text[at + word.length] ?? "");
    const [found] = terms.filter(([word]) => !used.has(word) && text.includes(word) && apart(text.indexOf(word), word));
    if (!found) continue;
    const [word, term] = found;
    used.add(word);
    const rest = node.splitText(text.indexOf(word));
    rest.splitText(word.length);
    const made = element("a", rest.textContent, "term");
    made.href = `#${term.id}`;
    made.title = term.nextElementSibling.textContent;
    rest.replaceWith(made);
    walker.currentNode = made.lastChild;
  }
}
all(".limits, .verdicts details, .aside").forEach(link);
