// Times relative to now, with the whole local time and its zone in the tool tip.
const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

window.windlassTimes = (root) => {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = Date.parse(time.dateTime);
    const seconds = (at - Date.now()) / 1000;
    const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
    time.title = whole.format(at);
    time.textContent = unit === "second" && Math.abs(seconds) < 45
      ? "just now"
      : relative.format(Math.round(seconds / size), unit);
  }
};
window.windlassTimes(document);
setInterval(() => document.hidden || window.windlassTimes(document), 30000);
