"use strict";

/** A button for each sound of an item; its player is made, and the file asked for, when the button is pressed. */
function listenCell(item) {
  const buttons = Object.entries(item.sounds).map(([name, place]) => playButton(item, name, place));
  item.runs.forEach((cell, run) => {
    if (cell && cell.output !== null) {
      buttons.push(playButton(item, single ? "output" : `output · ${report.runs[run].name}`, cell.output));
    }
  });
  return buttons;
}

function playButton(item, name, place) {
  const address = report.sounds[place];
  if (!address) return element("button", { type: "button", disabled: true }, `${name}: no file`);
  const press = (event) => play(event.currentTarget, `${name} of ${item.id}`, address);
  return element("button", { type: "button", class: "play", "aria-label": `Play ${name} of ${item.id}`, onclick: press }, `▶ ${name}`);
}

function play(button, words, address) {
  const player = element("audio", { controls: true, preload: "none", src: address, "aria-label": words, tabindex: "0" });
  const box = element("div", { class: "player" }, element("span", { class: "soft" }, button.textContent.replace("▶ ", "")), player);
  player.addEventListener("error", () => {
    box.replaceWith(element("p", { class: "failure", role: "alert" }, `The ${words} cannot be played; is its file still there?`));
  });
  button.replaceWith(box);
  player.focus();
  player.play().catch(() => {}); // a browser that forbids it leaves the player to be pressed
}

document.addEventListener("play", (event) => {
  for (const other of document.querySelectorAll("audio")) if (other !== event.target) other.pause();
}, true);
