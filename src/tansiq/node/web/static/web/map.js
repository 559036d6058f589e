// A place is drawn on a map without any server of tiles; the lines of text beside the map are what is sent, and work without it.
"use strict";

const NEAR = 15;
const AT_ONCE = { animate: false };

const fetched = new Map();
for (const place of document.querySelectorAll(".map-field")) drawable(place);
for (const place of document.querySelectorAll(".map-shown")) shown(place);

// -- what is under the drawing -----------------------------------------------------------------------------------------

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--map-${name}`).trim();
}

function outlines(address) {
  if (!fetched.has(address)) {
    fetched.set(address, fetch(address).then((answer) => answer.json()).then((world) => topojson.feature(world, world.objects.countries)));
  }
  return fetched.get(address);
}

function begin(box) {
  const words = box.dataset;
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const map = L.map(box, {
    attributionControl: false, zoomControl: false, scrollWheelZoom: false, preferCanvas: true, minZoom: 1, maxZoom: 19,
    zoomAnimation: !isStill, inertia: !isStill,
  });
  if (isStill) map.panBy = (offset) => L.Map.prototype.panBy.call(map, offset, AT_ONCE);
  map.setView([30, 10], 2, AT_ONCE);
  L.control.zoom({ zoomInTitle: words.zoomIn, zoomOutTitle: words.zoomOut }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  map.createPane("ground").style.zIndex = 250;
  map.createPane("grid").style.zIndex = 260;
  grid(map);
  box.addEventListener("focus", () => map.scrollWheelZoom.enable());
  box.addEventListener("blur", () => map.scrollWheelZoom.disable());
  return map;
}

// The outlines of states, and the node's own in view until something is drawn.
async function ground(map, box, isDrawn) {
  const world = await outlines(box.dataset.world);
  const style = { pane: "ground", color: colour("border"), weight: 1, fillColor: colour("land"), fillOpacity: 1, interactive: false };
  L.geoJSON(world, { pane: "ground", style, interactive: false, renderer: L.canvas({ pane: "ground" }) }).addTo(map);
  const home = world.features.find((one) => one.id === box.dataset.home);
  if (home && !isDrawn()) map.fitBounds(mainland(home).getBounds(), AT_ONCE);
  box.dataset.ready = "yes";
}

function mainland(feature) {
  const rings = feature.geometry.type === "Polygon" ? [feature.geometry.coordinates] : feature.geometry.coordinates;
  const largest = rings.reduce((one, other) => (other[0].length > one[0].length ? other : one));
  return L.geoJSON({ type: "Polygon", coordinates: largest });
}

// Lines of latitude and longitude at a round distance: near a street there is nothing else to move by.
function grid(map) {
  const lines = L.layerGroup().addTo(map);
  const style = { pane: "grid", color: colour("grid"), weight: 1, interactive: false };
  const steps = [30, 10, 5, 1, 0.5, 0.1, 0.05, 0.01, 0.005, 0.001, 0.0005];
  const draw = () => {
    lines.clearLayers();
    const seen = map.getBounds();
    const step = steps.find((one) => (seen.getEast() - seen.getWest()) / one >= 4) || steps[steps.length - 1];
    const from = (value) => Math.ceil(value / step) * step;
    for (let x = from(seen.getWest()); x < seen.getEast(); x += step) {
      L.polyline([[seen.getSouth(), x], [seen.getNorth(), x]], style).addTo(lines);
    }
    for (let y = from(seen.getSouth()); y < seen.getNorth(); y += step) {
      L.polyline([[y, seen.getWest()], [y, seen.getEast()]], style).addTo(lines);
    }
  };
  map.on("moveend", draw);
  map.whenReady(draw);
}

// -- a place -----------------------------------------------------------------------------------------------------------

// Over the antimeridian the shortest way is drawn: 179, then 181.
function unwrapped(points) {
  const walked = [];
  for (const [lat, lon] of points) {
    const before = walked.length ? walked[walked.length - 1][1] : lon;
    walked.push([lat, lon + 360 * Math.round((before - lon) / 360)]);
  }
  return walked;
}

function metresPerPixel(map) {
  const centre = map.getCenter();
  const there = map.containerPointToLatLng(map.latLngToContainerPoint(centre).add([100, 0]));
  return map.distance(centre, there) / 100;
}

// The buffer is a broad line of the right width at this scale, or a circle about a point.
function draw(map, layer, place) {
  layer.clearLayers();
  const points = unwrapped(place.points);
  if (!points.length) return;
  const edge = { color: colour("shape"), weight: 3, fillColor: colour("shape"), fillOpacity: 0.18, interactive: false };
  const about = { color: colour("shape"), opacity: 0.22, interactive: false, lineJoin: "round", lineCap: "round" };
  if (place.shape === "point") {
    if (place.buffer) L.circle(points[0], { ...edge, weight: 1, radius: place.buffer }).addTo(layer);
    return;
  }
  const path = place.shape === "area" && points.length > 2 ? L.polygon : L.polyline;
  if (place.buffer) path(points, { ...about, fill: false, weight: Math.max(1, (2 * place.buffer) / metresPerPixel(map)) }).addTo(layer);
  path(points, { ...edge, fill: place.shape === "area" }).addTo(layer);
}

function bring(map, place) {
  const points = unwrapped(place.points);
  if (!points.length) return;
  const about = L.latLngBounds(points.flatMap((one) => {
    const around = L.latLng(one).toBounds(2 * Math.max(place.buffer, 150));
    return [around.getSouthWest(), around.getNorthEast()];
  }));
  map.fitBounds(about, { ...AT_ONCE, maxZoom: NEAR, padding: [20, 20] });
}

function read(told) {
  const held = JSON.parse(told);
  return { shape: held.shape, points: held.points, buffer: held.buffer };
}

function shown(place) {
  const box = place.querySelector(".map");
  const held = read(place.querySelector("[data-place]").dataset.place);
  box.hidden = false;
  const map = begin(box);
  const layer = L.layerGroup().addTo(map);
  if (held.shape === "point") L.circleMarker(unwrapped(held.points)[0], { radius: 6, color: colour("shape"), interactive: false }).addTo(map);
  ground(map, box, () => true);
  map.on("zoomend", () => draw(map, layer, held));
  bring(map, held);
  draw(map, layer, held);
}

// -- drawing -----------------------------------------------------------------------------------------------------------

function drawable(field) {
  const box = field.querySelector(".map");
  const text = field.querySelector("textarea");
  const told = field.querySelector(".map-told");
  const place = { shape: chosen(), points: [], buffer: 0 };
  let asked = text.value;
  box.hidden = false;
  field.querySelector(".map-acts").hidden = false;
  const map = begin(box);
  const layer = L.layerGroup().addTo(map);
  const handles = L.layerGroup().addTo(map);

  function chosen() {
    return field.querySelector("[name$=shape]:checked")?.value || "point";
  }
  function paint() {
    draw(map, layer, place);
    handles.clearLayers();
    unwrapped(place.points).forEach((at, index) => handle(at, index));
  }
  function handle(at, index) {
    const icon = L.divIcon({ className: "map-point", iconSize: [18, 18] });
    const mark = L.marker(at, { icon, draggable: true, keyboard: false }).addTo(handles);
    mark.on("dragend", () => change(place.points.map((one, which) => (which === index ? rounded(mark.getLatLng()) : one))));
  }
  // What was drawn becomes lines of text; whoever listens for a change of the text says it in words.
  function change(points) {
    place.points = points;
    text.value = points.map(([lat, lon]) => `${lat.toFixed(6)}, ${lon.toFixed(6)}`).join("\n");
    paint();
    text.dispatchEvent(new Event("change", { bubbles: true }));
  }
  function add(at) {
    change(place.shape === "point" ? [rounded(at)] : [...place.points, rounded(at)]);
  }
  const acts = {
    undo: () => change(place.points.slice(0, -1)),
    clear: () => change([]),
    bring: () => bring(map, place),
  };
  // An answer about an older text says nothing any more: the one about this text is on its way.
  function take() {
    if (asked !== text.value) return;
    const answer = told.querySelector("[data-place]");
    text.setAttribute("aria-invalid", String(!answer));
    if (!answer) return;
    const before = JSON.stringify(place.points);
    Object.assign(place, read(answer.dataset.place));
    paint();
    if (before !== JSON.stringify(place.points)) bring(map, place);
  }

  map.on("click", (event) => add(event.latlng));
  map.on("zoomend", paint);
  box.addEventListener("keydown", (event) => {
    if (event.target !== box) return;
    if (event.key === "Enter") add(map.getCenter());
    else if (event.key === "Backspace") acts.undo();
    else return;
    event.preventDefault();
  });
  field.querySelector(".map-acts").addEventListener("click", (event) => acts[event.target.closest("button")?.dataset.map]?.());
  field.addEventListener("change", () => {
    place.shape = chosen();
    paint();
  });
  told.addEventListener("htmx:configRequest", () => { asked = text.value; });
  told.addEventListener("htmx:afterSwap", take);
  ground(map, box, () => place.points.length > 0);
  if (text.value.trim()) take();
}

function rounded(at) {
  const there = L.latLng(at).wrap();
  return [Number(there.lat.toFixed(6)), Number(there.lng.toFixed(6))];
}
