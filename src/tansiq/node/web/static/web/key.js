// What a security key refused, or nobody touched, is told on the page and not only in the console.
"use strict";

document.addEventListener("allauth.error", (event) => {
  const said = document.getElementById("key-said");
  if (!said) return;
  event.preventDefault();
  said.textContent = said.dataset.said;
  said.hidden = false;
});
