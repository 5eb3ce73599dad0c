// The desk by keyboard: `g`, `b` and `n` open the verdict of the row in hand with that word chosen and
// go to the comment, Enter gives it; `p` keeps, `d` downloads, `x` selects, `o` shows the changes, `m`
// marks all as seen. Everything is there without it.
const desk = document.querySelector("[data-desk]");
const words = { g: "good", b: "bad", n: "needs-work" };
const row = () => document.activeElement?.closest?.("[data-row]") ?? desk.querySelector("[data-row]");

// The part opens, its like in the row closes, and the first field is ready.
const open = (at, deed) => {
  const part = at?.querySelector(`[data-deed=${deed}]`);
  if (part) part.open = true;
  return part;
};

const press = (key) => {
  const at = row();
  if (!at) return false;
  if (words[key]) {
    const part = open(at, "judge");
    const word = part?.querySelector(`input[name=verdict][value=${words[key]}]`);
    if (!word) return false;
    word.checked = true;
    part.querySelector("textarea").focus();
  } else if (key === "p") open(at, "keep")?.querySelector("input[name=reason]").focus();
  else if (key === "d") at.querySelector("[data-key=d]")?.click();
  else if (key === "x") {
    const box = at.querySelector("input[name=id]");
    if (!box) return false;
    box.click();
    at.querySelector(".main-link").focus();
  } else if (key === "o") {
    const since = at.querySelector(".since");
    if (since) since.open = !since.open;
  } else if (key === "m") document.querySelector("[data-key=m]")?.click();
  else return false;
  return true;
};

if (desk) {
  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    const inText = /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) && target.type !== "checkbox";
    if (key === "Escape" && inText) return target.closest("[data-row]")?.querySelector(".main-link").focus();
    if (key === "Enter" && target.tagName === "TEXTAREA" && !event.shiftKey && desk.contains(target)) {
      event.preventDefault();
      return target.form.requestSubmit();
    }
    if (inText || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]") || localStorage.getItem("windlass.keys.off")) return;
    if (press(key)) event.preventDefault();
  });
  // What was ticked stays ticked when the rows are fetched again.
  const ticked = new Set();
  desk.addEventListener("change", ({ target }) => {
    if (target.name === "id") ticked[target.checked ? "add" : "delete"](target.value);
  });
  document.addEventListener("windlass:parts", () => {
    for (const box of desk.querySelectorAll("input[name=id]")) box.checked = ticked.has(box.value);
  });
}
