// Brings the parts of a page that have `data-fresh` up to date, by their ids, as the server draws them.
"use strict";

const EVERY = 2000; // milliseconds
const AFTER_TROUBLE = 10000;
const drawn = new Map();

// What somebody reads, marks or is about to press stays as it is.
function isInUse(part) {
  const marked = getSelection();
  return part.contains(document.activeElement) || (!marked.isCollapsed && marked.containsNode(part, true));
}

function renew(part, now) {
  const text = now.innerHTML; // escaped by the server
  if (drawn.get(part.id) === text || isInUse(part)) return;
  drawn.set(part.id, text);
  part.className = now.className;
  part.innerHTML = text;
  localise(part);
}

async function look() {
  let pause = EVERY;
  if (!document.hidden) {
    try {
      const answer = await fetch(location.href, { signal: AbortSignal.timeout(12000) });
      if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-fresh]")) {
        const now = page.getElementById(part.id);
        if (now) renew(part, now);
      }
    } catch {
      pause = AFTER_TROUBLE;
    }
  }
  setTimeout(look, pause);
}

setTimeout(look, EVERY);
