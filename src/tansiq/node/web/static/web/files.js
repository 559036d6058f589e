// Files are brought piece by piece, so that a broken line costs one piece. Without this script the form brings small ones itself.
"use strict";

const PAUSES = [1, 2, 5, 10, 30];

for (const place of document.querySelectorAll(".uploads")) {
  const control = place.querySelector("input[type=file]");
  if (control) control.addEventListener("change", () => bringAll(place, control));
}

// A form whose files are still coming is not sent yet.
document.addEventListener("submit", (event) => {
  if (!event.target.querySelector(".upload-way progress")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  event.target.querySelector(".upload-way").scrollIntoView({ block: "center" });
}, true);

async function bringAll(place, control) {
  const chosen = [...control.files];
  control.value = "";
  for (const file of chosen) await bring(place, file);
  place.closest("form").dispatchEvent(new Event("change", { bubbles: true }));
}

async function bring(place, file) {
  const way = place.querySelector("template.uploads-way").content.firstElementChild.cloneNode(true);
  way.querySelector(".upload-name").textContent = file.name;
  place.querySelector(".uploads-list").append(way);
  const progress = way.querySelector("progress");
  const told = way.querySelector(".upload-told");
  const key = `upload/${file.name}/${file.size}/${file.lastModified}`;
  try {
    let standing = await begin(place, file, sessionStorage.getItem(key));
    sessionStorage.setItem(key, standing.upload);
    while (!standing.whole) {
      const piece = file.slice(standing.offset, standing.offset + standing.piece);
      standing = await goOn(place, standing.upload, standing.offset, piece, told);
      progress.value = file.size ? standing.offset / file.size : 1;
    }
    sessionStorage.removeItem(key);
    way.replaceWith(row(place, standing));
  } catch (problem) {
    progress.remove();
    told.textContent = problem.message;
    way.classList.add("field-error");
  }
}

// One that was broken off is gone on with where the node says.
async function begin(place, file, known) {
  const address = place.dataset.uploads;
  if (known) {
    const answer = await fetch(`${address}${known}/`, { headers: headers(place) });
    if (answer.ok) return answer.json();
  }
  const body = new URLSearchParams({ name: file.name, size: String(file.size), type: file.type });
  return read(await fetch(address, { method: "POST", body, headers: headers(place) }));
}

async function goOn(place, upload, offset, piece, told) {
  for (let tries = 0; ; tries += 1) {
    try {
      const address = `${place.dataset.uploads}${upload}/`;
      const body = await piece.arrayBuffer();
      const raw = { ...headers(place), "Content-Type": "application/octet-stream" };
      const answer = await fetch(`${address}?offset=${offset}`, { method: "POST", body, headers: raw });
      if (answer.status === 409) return await read(await fetch(address, { headers: headers(place) }));
      if (answer.status < 500 || (answer.headers.get("Content-Type") || "").includes("json")) {
        told.textContent = "";
        return await read(answer);
      }
    } catch (problem) {
      if (problem.isTold) throw problem;
    }
    told.textContent = place.dataset.failed;
    const pause = PAUSES[Math.min(tries, PAUSES.length - 1)];
    await new Promise((resolve) => setTimeout(resolve, pause * 1000));
  }
}

function headers(place) {
  return { "X-CSRFToken": place.closest("form").querySelector("[name=csrfmiddlewaretoken]").value };
}

async function read(answer) {
  const value = await answer.json();
  if (answer.ok) return value;
  const problem = new Error(value.sentence);
  problem.isTold = true;
  throw problem;
}

function row(place, standing) {
  const made = place.querySelector("template.uploads-row").content.firstElementChild.cloneNode(true);
  for (const control of made.querySelectorAll("[name]")) {
    control.name = control.name.replace("__id__", standing.upload);
    if (control.value === "__id__") control.value = standing.upload;
  }
  if (!standing.type.startsWith("image/")) for (const one of made.querySelectorAll("[data-picture]")) one.remove();
  made.querySelector(".upload-name").textContent = standing.name;
  const size = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
  made.querySelector(".upload-size bdi").textContent = `${size.format(standing.size / 1048576)} MB`;
  return made;
}
