// Appends the lines of a growing log, keeps the end in view only for a reader who is there, and
// marks ranges of lines (shift-click) in the address.
const BLOCK_LINES = 100;
const SHORT_LINES_MAX = 200;

const follow = (box) => {
  const [log, from] = (box.dataset.follow ?? "").split(" ");
  if (!from || box.dataset.following) return;
  box.dataset.following = "yes";
  const short = box.classList.contains("short");
  const source = new EventSource(`/logs/${log}/follow?from=${encodeURIComponent(from)}`);
  let block = box.lastElementChild ?? box.appendChild(document.createElement("pre"));
  let count = block.querySelectorAll(".n").length;
  const scroller = short ? box : document.scrollingElement;
  const atEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
  if (short) box.scrollTop = box.scrollHeight;
  source.addEventListener("lines", (event) => {
    if (!box.isConnected) return source.close();
    const stay = atEnd();
    const lines = event.data.split("\n");
    if (count + lines.length > BLOCK_LINES) {
      block = box.appendChild(document.createElement("pre"));
      count = 0;
    }
    count += lines.length;
    block.insertAdjacentHTML("beforeend", lines.join("\n") + "\n");
    if (short)
      while (box.children.length > SHORT_LINES_MAX / BLOCK_LINES) box.firstElementChild.remove();
    if (stay) scroller.scrollTop = scroller.scrollHeight;
  });
  source.addEventListener("end", () => { source.close(); window.windlassRefresh?.(); });
  document.addEventListener("windlass:parts", () => box.isConnected || source.close());
  addEventListener("pagehide", () => source.close());
};
const all = () => document.querySelectorAll("[data-follow]").forEach(follow);
all();
document.addEventListener("windlass:parts", all);

const mark = () => {
  const range = location.hash.match(/^#L(\d+)-L(\d+)$/);
  document.querySelectorAll(".n.mark").forEach((line) => line.classList.remove("mark"));
  if (!range) return;
  const [from, to] = [Number(range[1]), Math.min(Number(range[2]), Number(range[1]) + 2000)];
  for (let line = from; line <= to; line++) document.getElementById(`L${line}`)?.classList.add("mark");
  document.getElementById(`L${from}`)?.scrollIntoView({ block: "center" });
};
document.addEventListener("click", (event) => {
  const line = event.target.closest?.(".n");
  const before = location.hash.match(/^#L(\d+)/);
  if (!line || !event.shiftKey || !before) return;
  event.preventDefault();
  const ends = [Number(before[1]), Number(line.id.slice(1))].sort((a, b) => a - b);
  history.replaceState(null, "", `#L${ends[0]}-L${ends[1]}`);
  mark();
});
addEventListener("hashchange", mark);
mark();
