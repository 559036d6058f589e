// Small conveniences on top of pages that work without them.
"use strict";

// A menu closes when the reader goes elsewhere or presses Escape.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open], details.marking[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A part of the page that could not be fetched says so, instead of standing still.
document.addEventListener("htmx:sendError", (event) => {
  const words = document.body.dataset.offline;
  if (words) document.getElementById("announcements").textContent = words;
  event.target.classList.add("is-stale");
});
document.addEventListener("htmx:afterOnLoad", (event) => event.target.classList.remove("is-stale"));

// A form is sent once: a second press while the first is on its way does nothing.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// After a form came back with errors, the summary is what the reader hears first.
const summary = document.querySelector(".error-summary");
if (summary) summary.focus();

// A call rings until it is answered. A browser lets a page sound only after the reader has touched it; the band is seen always.
const band = document.getElementById("ringing");
if (band) {
  let sound = null;
  const ring = () => {
    const rings = band.querySelector("[data-ringing]") !== null;
    // The rest of the title is others' (the desk counts in it): only the bell comes and goes.
    const plain = document.title.replace(/^☎ /, "");
    document.title = rings && document.title === plain ? `☎ ${plain}` : plain;
    if (!rings || !navigator.userActivation || !navigator.userActivation.hasBeenActive) return;
    sound = sound || new AudioContext();
    for (const [start, pitch] of [[0, 880], [0.25, 660]]) {
      const tone = sound.createOscillator();
      const loudness = sound.createGain();
      tone.frequency.value = pitch;
      loudness.gain.value = 0.15;
      tone.connect(loudness).connect(sound.destination);
      tone.start(sound.currentTime + start);
      tone.stop(sound.currentTime + start + 0.2);
    }
  };
  window.setInterval(ring, 1500);
}

// A message is sent from the keyboard as well.
document.addEventListener("keydown", (event) => {
  const box = event.target.closest(".write-box");
  if (box && event.key === "Enter" && (event.ctrlKey || event.metaKey)) box.requestSubmit();
});
