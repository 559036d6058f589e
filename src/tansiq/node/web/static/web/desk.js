// The desk renews itself when the node says that something changed; without this script the page is plain and still true.
"use strict";

(() => {
  const live = document.getElementById("tasks");
  if (!live || !window.EventSource) return;
  const title = document.title.replace(/^\(\d+\) /, "");
  const between = "BroadcastChannel" in window ? new BroadcastChannel("tansiq-desk") : null;
  let told = counted();

  function counted() {
    const said = document.getElementById("desk-said");
    return said ? said.dataset.count : "0";
  }

  function renew() {
    htmx.trigger(live, "desk-changed");
  }

  // One stream for all desks of this browser: a browser holds few connections to one node, and other pages need them.
  function listen() {
    const source = new EventSource(`${live.dataset.events}?since=${encodeURIComponent(live.dataset.since)}`);
    source.addEventListener("desk", () => {
      renew();
      if (between) between.postMessage("changed");
    });
    source.addEventListener("end", () => {
      source.close();
      window.location.reload();
    });
    return new Promise(() => {});
  }

  if (between) between.addEventListener("message", renew);
  if (navigator.locks) navigator.locks.request("tansiq-desk", listen);
  else listen();

  // What was chosen stays chosen when the list renews itself.
  let chosen = [];
  live.addEventListener("htmx:beforeSwap", () => {
    chosen = [...live.querySelectorAll("input[name=key]:checked")].map((one) => one.id);
  });
  live.addEventListener("htmx:afterSwap", () => {
    for (const id of chosen) {
      const box = document.getElementById(id);
      if (box) box.checked = true;
    }
  });

  // After the list was renewed: the count in the title, and what changed in words for whoever does not look at the list.
  live.addEventListener("htmx:afterSwap", () => {
    const now = counted();
    document.title = now === "0" ? title : `(${now}) ${title}`;
    if (now !== told) document.getElementById("announcements").textContent = document.getElementById("desk-said").textContent;
    told = now;
  });
})();
