// The log follows the recording, and the recording goes where the log is clicked.
"use strict";

const video = document.getElementById("video");
const lines = document.getElementById("lines");
const stamped = lines ? [...lines.querySelectorAll("li[data-at]")] : [];
const times = stamped.map((line) => Number(line.dataset.at));
let current = null;
let touched = 0;

// The last line that had been written by then.
function lineAt(seconds) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= seconds + 0.02) low = middle + 1;
    else high = middle;
  }
  return stamped[low - 1] ?? null;
}

function mark(line) {
  if (line === current) return;
  current?.classList.remove("now");
  line?.classList.add("now");
  current = line;
  if (!line || Date.now() - touched < 4000) return; // somebody reads elsewhere
  const top = line.offsetTop - lines.clientHeight / 2;
  lines.scrollTo({ top, behavior: video.paused ? "auto" : "smooth" });
}

function keepUp() {
  mark(lineAt(video.currentTime));
  document.getElementById("at").textContent = `${video.currentTime.toFixed(2)} s of ${(video.duration || 0).toFixed(2)} s`;
  if (!video.paused) requestAnimationFrame(keepUp);
}

if (video && lines) {
  for (const event of ["play", "seeked", "timeupdate"]) video.addEventListener(event, keepUp);
  for (const event of ["wheel", "touchmove", "keydown"]) {
    lines.addEventListener(event, () => { touched = Date.now(); }, { passive: true });
  }
  lines.addEventListener("click", (event) => {
    const line = event.target.closest("li[data-at]");
    if (!line || String(getSelection())) return;
    touched = Date.now();
    video.currentTime = Math.min(Number(line.dataset.at), video.duration || Infinity);
  });
}
