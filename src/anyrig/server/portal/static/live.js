// Shows what is on a device's screen, picture after picture, in every image with `data-live`.
"use strict";

const FASTEST = 120; // milliseconds between two pictures
const AGAIN = 2000; // after trouble

function watch(image, said) {
  async function look() {
    const begun = performance.now();
    let pause = Number(image.dataset.pause) || FASTEST;
    if (!document.hidden) {
      try {
        const answer = await fetch(image.dataset.live, { signal: AbortSignal.timeout(12000) });
        if (!answer.ok) throw new Error((await answer.text()).trim());
        const old = image.src;
        image.src = URL.createObjectURL(await answer.blob());
        await image.decode();
        if (old.startsWith("blob:")) URL.revokeObjectURL(old);
        said("", performance.now() - begun);
      } catch (error) {
        said(error.message || "There is no picture.", 0);
        pause = AGAIN;
      }
    }
    if (image.isConnected) setTimeout(look, Math.max(0, pause - (performance.now() - begun)));
  }
  look();
}

for (const image of document.querySelectorAll("img[data-live]")) {
  const figure = image.closest("figure");
  const trouble = figure.querySelector(".trouble");
  const age = figure.querySelector(".age");
  watch(image, (text, took) => {
    trouble.textContent = text;
    trouble.hidden = !text;
    if (age) age.textContent = text ? "" : `live, ${Math.round(took)} ms a picture`;
  });
}
