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
