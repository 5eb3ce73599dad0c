// Keys: `/` to the filter, `g` and a letter to a place, `j` and `k` through rows, `?` tells them and
// switches them off.
const places = { h: "/", d: "/", b: "/builders", l: "/builds", q: "/requests", c: "/changes", p: "/products", t: "/qa", a: "/agents", r: "/releases", e: "/retention", o: "/holds" };
const list = [["/", "to the filter"], ["j  k", "next and previous row"], ["g h", "home"], ["g b", "builders"],
  ["g l", "builds"], ["g q", "queue"], ["g c", "changes"], ["g p", "products"],
  ["g t", "QA desk"], ["g o", "holds"], ["g r", "releases"], ["g e", "retention"], ["g a", "agents"], ["?", "this list"]];
// On the desk `g` is a verdict, so places are led by `G` there.
const desk = document.querySelector("[data-desk]");
const lead = desk ? "G" : "g";
if (desk) {
  for (const entry of list) entry[0] = entry[0].replace("g ", "G ");
  list.push(["g b n", "verdict good, bad, needs work"], ["p", "keep"], ["d", "download"], ["x", "select"],
    ["o", "changes"], ["m", "mark all as seen"]);
}
const OFF = "windlass.keys.off";
let leader = 0;

const help = () => {
  const box = document.createElement("dialog");
  box.setAttribute("aria-label", "Keys");
  const facts = document.createElement("dl");
  facts.className = "facts";
  for (const [key, text] of list) {
    facts.append(Object.assign(document.createElement("dt"), { textContent: key }));
    facts.append(Object.assign(document.createElement("dd"), { textContent: text }));
  }
  const off = document.createElement("button");
  off.textContent = localStorage.getItem(OFF) ? "Switch keys on" : "Switch keys off";
  off.onclick = () => {
    if (localStorage.getItem(OFF)) localStorage.removeItem(OFF); else localStorage.setItem(OFF, "1");
    box.close();
  };
  box.append(facts, off);
  box.onclose = () => box.remove();
  document.body.append(box);
  box.showModal();
};

const step = (by) => {
  const rows = [...document.querySelectorAll("main .main-link")];
  const at = rows.indexOf(document.activeElement);
  rows[Math.min(rows.length - 1, Math.max(0, at + by))]?.focus();
};

document.addEventListener("keydown", (event) => {
  const field = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (field || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "?") return help();
  if (localStorage.getItem(OFF)) return;
  const led = Date.now() - leader < 1500;
  leader = event.key === lead ? Date.now() : 0;
  if (led && places[event.key]) { event.stopImmediatePropagation(); location.href = places[event.key]; }
  else if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "/") {
    const first = document.querySelector("main .filter input, main .filter select");
    if (first) { event.preventDefault(); first.focus(); }
  }
});
