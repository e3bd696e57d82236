// What makes the pages lively. They work without it, except for links with a '#'.
"use strict";

const LOG_KEPT = 2_000_000; // characters of a log that a page keeps

// `#/results?filter=…`, `#/result/<id>`, `#/job/<n>` and the like are pages of the same name.
function goToFragment() {
  const [path, query] = location.hash.replace(/^#\/*/, "").split(/\?(.*)/s);
  const name = path.split("/")[0];
  const rest = path.slice(name.length).replace(/^\/+/, "");
  const known = ["results", "result", "jobs", "job", "builds", "build", "nodes", "node"].includes(name);
  const target = known ? `/app/${name}${rest && "/" + rest}` : "/app/results";
  location.replace(query && known ? `${target}?${query}` : target);
}

function localise(root) {
  for (const time of root.querySelectorAll("time")) {
    const moment = new Date(time.dateTime);
    const pad = (number) => String(number).padStart(2, "0");
    const day = `${moment.getFullYear()}-${pad(moment.getMonth() + 1)}-${pad(moment.getDate())}`;
    time.textContent = `${day} ${pad(moment.getHours())}:${pad(moment.getMinutes())}:${pad(moment.getSeconds())}`;
    time.title = time.dateTime;
  }
}

function follow(log) {
  const now = document.getElementById("now");
  const live = document.getElementById("following");
  const events = new EventSource(log.dataset.events);
  let kept = 0;
  events.addEventListener("open", () => { live.hidden = false; });
  events.addEventListener("log", (event) => {
    const text = JSON.parse(event.data);
    const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 30;
    log.append(text);
    for (kept += text.length; kept > LOG_KEPT && log.childNodes.length > 1;) {
      kept -= log.firstChild.length;
      log.firstChild.remove();
    }
    if (atEnd) log.scrollTop = log.scrollHeight;
  });
  events.addEventListener("page", (event) => {
    now.innerHTML = JSON.parse(event.data); // drawn by the server, which escapes all texts
    localise(now);
  });
  events.addEventListener("end", () => {
    events.close();
    live.hidden = true;
    document.getElementById("stop")?.remove();
    document.getElementById("screens")?.remove();
  });
  events.addEventListener("error", () => { live.hidden = true; });
}

if (document.getElementById("shell")) {
  goToFragment();
  addEventListener("hashchange", goToFragment);
}
localise(document);
for (const zone of document.querySelectorAll("[data-zone]")) {
  if (zone.value === "UTC") zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}
document.getElementById("selected")?.scrollIntoView({ block: "center" });
const log = document.getElementById("log");
if (log) follow(log);
