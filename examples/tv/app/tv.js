"use strict";

/* A small television: pages, each a function that draws and a table of keys. */

const screen = document.getElementById("screen");
const LOADING = 700; // milliseconds, as a real box would take to tune

const CHANNELS = [
  { number: "1", name: "Harbour One", now: "Morning Tide", next: "Boats at Noon", later: "The Lighthouse" },
  { number: "2", name: "News 24", now: "Headlines", next: "World in Brief", later: "Late Edition" },
  { number: "3", name: "Sport Live", now: "Rowing Final", next: "Sailing Cup", later: "Highlights" },
  { number: "4", name: "Movie Box", now: "The Long Pier", next: "Salt and Stars", later: "Night Ferry" },
];
const ICONS = {
  "Live TV": '<rect x="4" y="12" width="56" height="38" rx="6"/><path d="M22 60h20M20 2l12 10L44 2"/>',
  Guide: '<rect x="6" y="8" width="52" height="50" rx="6"/><path d="M6 24h52M24 24v34M42 24v34M6 41h52"/>',
  Recordings: '<circle cx="32" cy="32" r="26"/><circle cx="32" cy="32" r="11" fill="currentColor"/>',
  Settings: '<path d="M8 16h48M8 32h48M8 48h48"/><circle cx="22" cy="16" r="7" fill="currentColor"/><circle cx="44" cy="32" r="7" fill="currentColor"/><circle cx="18" cy="48" r="7" fill="currentColor"/>',
};
const LANGUAGES = ["English", "Deutsch", "Norsk"];

const state = { page: "home", tile: 0, row: 0, channel: 0, cell: [0, 0], banner: 0, language: 0, subtitles: false, sound: true };

function icon(name) {
  return `<svg viewBox="0 0 64 64" fill="none" stroke="currentColor" stroke-width="5">${ICONS[name]}</svg>`;
}

function wrap(value, step, count) {
  return (value + step + count) % count;
}

const settings = [
  { label: "Language", value: () => LANGUAGES[state.language], change: () => (state.language = wrap(state.language, 1, 3)) },
  // The fault that a test is to find: what is shown changes, what is kept does not.
  { label: "Subtitles", value: () => (state.shown ?? state.subtitles ? "On" : "Off"), change: () => (state.shown = !(state.shown ?? state.subtitles)) },
  { label: "Sound", value: () => (state.sound ? "On" : "Off"), change: () => (state.sound = !state.sound) },
  { label: "Software", value: () => "Version 4.2.1", change: () => {} },
];

const draw = {
  home() {
    const tiles = Object.keys(ICONS).map((name, n) =>
      `<div class="tile ${n === state.tile ? "on" : ""}">${icon(name)}<span>${name}</span></div>`);
    return `<div class="brand">Harbour <b>TV</b></div><div class="tiles">${tiles.join("")}</div>
      <div class="hint">Use the arrows and press OK</div>`;
  },
  loading: () => '<div class="loading">Loading ...</div>',
  live() {
    const { number, name, now, next } = CHANNELS[state.channel];
    const banner = state.banner
      ? `<div class="number">${number}</div><div class="banner"><div class="name">${name}</div>
         <div class="now">Now: ${now}   Next: ${next}</div></div>` : "";
    return `<div class="picture"></div><div class="sun"></div>
      <svg class="boat" viewBox="0 0 180 120"><path d="M10 80h160l-24 36H40z" fill="#a33"/>
      <path d="M88 6v66h-62z" fill="#fff"/><path d="M98 20v52h46z" fill="#fff"/></svg>${banner}`;
  },
  guide() {
    const rows = CHANNELS.map((channel, r) => `<tr><th>${channel.number} ${channel.name}</th>` +
      ["now", "next", "later"].map((when, c) =>
        `<td class="${state.cell[0] === r && state.cell[1] === c ? "on" : ""}">${channel[when]}</td>`).join("") + "</tr>");
    return `<div class="title">Guide</div><table><tr><th></th><th>20:00</th><th>21:00</th><th>22:00</th></tr>${rows.join("")}</table>`;
  },
  recordings: () => `<div class="title">Recordings</div><div class="list"><div class="row">Nothing recorded yet</div></div>`,
  settings() {
    const rows = settings.map((one, n) =>
      `<div class="row ${n === state.row ? "on" : ""}"><span>${one.label}</span><span>${one.value()}</span></div>`);
    return `<div class="title">Settings</div><div class="list">${rows.join("")}</div>`;
  },
};

function show(page) {
  state.page = page;
  screen.innerHTML = draw[page]();
}

function load(page) {
  show("loading");
  setTimeout(() => state.page === "loading" && open(page), LOADING);
}

function open(page) {
  if (page === "live") return tune(0);
  if (page === "settings") Object.assign(state, { row: 0, shown: undefined });
  if (page === "guide") state.cell = [0, 0];
  show(page);
}

function tune(step) {
  state.channel = wrap(state.channel, step, CHANNELS.length);
  state.banner += 1;
  const mine = state.banner;
  if (state.page === "live") screen.querySelectorAll(".banner, .number").forEach((old) => old.remove());
  show("live");
  setTimeout(() => {
    if (state.page === "live" && state.banner === mine) {
      screen.querySelectorAll(".banner, .number").forEach((old) => old.remove());
    }
  }, 3000);
}

const OPENS = { "Live TV": "live", Guide: "guide", Recordings: "recordings", Settings: "settings" };
const keys = {
  home: {
    ArrowLeft: () => (state.tile = wrap(state.tile, -1, 4)),
    ArrowRight: () => (state.tile = wrap(state.tile, 1, 4)),
    Enter: () => load(OPENS[Object.keys(ICONS)[state.tile]]),
  },
  loading: {},
  live: {
    ArrowUp: () => tune(1), ArrowDown: () => tune(-1), Enter: () => tune(0),
    ...Object.fromEntries(CHANNELS.map((channel, n) => [channel.number, () => tune(n - state.channel)])),
  },
  guide: {
    ArrowUp: () => (state.cell[0] = wrap(state.cell[0], -1, 4)), ArrowDown: () => (state.cell[0] = wrap(state.cell[0], 1, 4)),
    ArrowLeft: () => (state.cell[1] = wrap(state.cell[1], -1, 3)), ArrowRight: () => (state.cell[1] = wrap(state.cell[1], 1, 3)),
    Enter: () => { state.channel = state.cell[0]; load("live"); },
  },
  recordings: {},
  settings: {
    ArrowUp: () => (state.row = wrap(state.row, -1, 4)), ArrowDown: () => (state.row = wrap(state.row, 1, 4)),
    Enter: () => settings[state.row].change(),
  },
};
const everywhere = {
  Escape: () => show("home"), Backspace: () => show("home"), BrowserBack: () => show("home"), GoBack: () => show("home"),
  Home: () => show("home"), BrowserHome: () => show("home"), GoHome: () => show("home"), F2: () => load("guide"),
};

document.addEventListener("keydown", (event) => {
  const before = state.page;
  const act = keys[before][event.key] ?? everywhere[event.key];
  if (!act) return;
  event.preventDefault();
  act();
  if (state.page === before && before !== "live") show(before);
});

show("home");
