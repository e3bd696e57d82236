// The keys of a device: of the keypad, of the keyboard, or by their names.
"use strict";

const stage = document.getElementById("stage");
const pressed = document.getElementById("pressed");

const KEYBOARD = {
  ArrowUp: "KEY_UP", ArrowDown: "KEY_DOWN", ArrowLeft: "KEY_LEFT", ArrowRight: "KEY_RIGHT",
  Enter: "KEY_OK", Backspace: "KEY_BACK", Escape: "KEY_BACK", Home: "KEY_HOME", " ": "KEY_PLAYPAUSE",
  m: "KEY_MENU", g: "KEY_EPG", PageUp: "KEY_CHANNELUP", PageDown: "KEY_CHANNELDOWN",
};

async function press(key) {
  pressed.textContent = key;
  try {
    const answer = await fetch(stage.dataset.press, { method: "POST", body: JSON.stringify({ key }) });
    if (!answer.ok) throw new Error((await answer.text()).trim());
  } catch (error) {
    pressed.textContent = error.message;
  }
}

if (stage?.dataset.press) {
  document.getElementById("keypad").addEventListener("click", (event) => {
    const button = event.target.closest("[data-key]");
    if (button) press(button.dataset.key);
  });
  document.getElementById("other").addEventListener("submit", (event) => {
    event.preventDefault();
    const key = event.target.elements.key.value.trim();
    if (key) press(key);
  });
  stage.addEventListener("keydown", (event) => {
    const key = KEYBOARD[event.key] ?? (/^[0-9]$/.test(event.key) ? `KEY_${event.key}` : null);
    if (!key || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    press(key);
  });
  stage.addEventListener("click", () => stage.focus());
}
