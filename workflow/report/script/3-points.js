/* Points: what the nearest one is, to the pointer, the finger and the arrow keys. */
const REACH = 24;
const tip = element("div", "", "tip");
tip.setAttribute("role", "status");
tip.hidden = true;
function center(mark) {
  const box = mark.getBoundingClientRect();
  return [box.left + box.width / 2, box.top + box.height / 2];
}
function tell(mark) {
  all(".told").forEach((one) => one.classList.remove("told"));
  tip.hidden = !mark;
  if (!mark) return;
  mark.classList.add("told");
  tip.textContent = mark.dataset.tip;
  // A dialog lies over all that is not inside it.
  (mark.closest("dialog") ?? document.getElementById("main")).append(tip);
  const [x, y] = center(mark);
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(8, Math.min(x - width / 2, innerWidth - width - 8))}px`;
  tip.style.top = `${y - height - 12 > 0 ? y - height - 12 : y + 14}px`;
}
function nearest(event) {
  const drawing = event.target.closest?.(".drawing svg, dialog svg");
  const far = (mark) => Math.hypot(center(mark)[0] - event.clientX, center(mark)[1] - event.clientY);
  const [best] = (drawing ? all("[data-tip]", drawing) : []).map((mark) => [far(mark), mark]).sort((a, b) => a[0] - b[0]);
  return best && best[0] <= REACH ? best[1] : null;
}
for (const kind of ["pointermove", "click"]) document.addEventListener(kind, (event) => tell(nearest(event)));
document.addEventListener("scroll", () => tell(null), { passive: true });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") tell(null); });
for (const drawing of all(".drawing:has([data-tip])")) {
  drawing.tabIndex = 0;
  drawing.setAttribute("role", "group");
  drawing.setAttribute("aria-label", drawing.dataset.points);
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  let place = -1;
  drawing.addEventListener("keydown", (event) => {
    if (!step[event.key]) return;
    const marks = all("[data-tip]", drawing);
    place = (place + step[event.key] + marks.length) % marks.length;
    tell(marks[place]);
    event.preventDefault();
  });
  drawing.addEventListener("blur", () => { place = -1; tell(null); });
}

/* A link to a place is copied, too. */
all(".permalink").forEach((link) => link.addEventListener("click", () => {
  navigator.clipboard?.writeText(link.href).catch(() => { /* it stands in the address */ });
}));
