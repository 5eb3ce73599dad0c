// Follows /events while the page is in view and fetches the page's own parts again when something
// it shows has changed. Everything is there without it.
const kinds = (document.body.dataset.live ?? "").split(" ").filter(Boolean);
const sign = document.getElementById("live");
let source, seen, timer, last = 0;

const say = (text, on) => {
  sign.hidden = false;
  sign.classList.toggle("on", on);
  if (sign.textContent !== text) sign.textContent = text;
};

const busy = (part) =>
  part.contains(document.activeElement) && /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
const followed = (part) => part.querySelector("[data-follow]")?.dataset.follow.split(" ")[0];

const refresh = async () => {
  last = Date.now();
  timer = undefined;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const main = document.querySelector("main");
  const isNew = [...page.querySelectorAll("[data-part]")].some((part) => !document.getElementById(part.id));
  if (isNew && !busy(main)) {
    // A part that was not there has come up: its neighbours know where it belongs.
    const next = page.querySelector("main");
    window.windlassTimes(next);
    main.innerHTML = next.innerHTML;
  }
  for (const part of document.querySelectorAll("[data-part]")) {
    const next = page.getElementById(part.id);
    if (!next) { if (!busy(part)) part.replaceChildren(); continue; }
    const same = followed(next) && followed(next) === followed(part);
    if (busy(part) || same) continue;
    window.windlassTimes(next);
    part.className = next.className;
    if (next.innerHTML === part.innerHTML) continue;
    const focus = document.activeElement?.getAttribute?.("href");
    part.innerHTML = next.innerHTML;
    if (focus && document.activeElement === document.body)
      part.querySelector(`a[href="${CSS.escape(focus)}"]`)?.focus();
  }
  document.title = page.title;
  const icon = (doc) => doc.querySelector("link[rel=icon]");
  if (icon(page).href !== icon(document).href) icon(document).href = icon(page).href;
  document.dispatchEvent(new Event("windlass:parts"));
};
const soon = () => { timer ??= setTimeout(refresh, Math.max(400, 2000 - (Date.now() - last))); };
window.windlassRefresh = soon;

const open = () => {
  source = new EventSource(seen ? `/events?since=${seen}` : "/events");
  source.onopen = () => say("Live", true);
  source.onerror = () => say("Reconnecting", false);
  source.addEventListener("hello", (event) => { seen ??= event.data; });
  source.addEventListener("reload", (event) => { seen = event.data; soon(); });
  source.addEventListener("change", (event) => {
    seen = event.lastEventId;
    const { kind, build } = JSON.parse(event.data);
    const own = location.pathname.match(/^\/builds\/(\d+)$/);
    if (own && build !== Number(own[1])) return;
    if (kinds.includes(kind.split(".")[0])) soon();
  });
};
const close = () => { source?.close(); source = undefined; say("Paused", false); };

// Figures that no event tells of, such as free space, are fetched again after so many seconds.
const every = Number(document.querySelector("[data-every]")?.dataset.every);
if (every) setInterval(() => { if (!document.hidden) soon(); }, every * 1000);

if (kinds.length) {
  if (!document.hidden) open();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close(); else if (!source) { open(); soon(); }
  });
  addEventListener("pagehide", close);
}
