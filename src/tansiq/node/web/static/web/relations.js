// The relations of a subject, drawn from the table beside them. Without this script the table stands alone and says the same.
// Keys: arrows go from one to the next, Enter opens it, + and - make it larger and smaller, 0 shows all of it.
"use strict";

(() => {
  const box = document.getElementById("relations-graph");
  const told = document.getElementById("relations-told");
  if (!box || !told || !window.cytoscape) return;
  const figures = JSON.parse(told.textContent);
  const said = document.getElementById("relations-said");
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const font = getComputedStyle(document.body).fontFamily;
  // Cytoscape would write a style element, which the content security policy forbids; where one of that name stands, it does not.
  const mark = document.createElement("meta");
  mark.id = "__________cytoscape_stylesheet";
  document.head.append(mark);
  const graph = cytoscape({
    container: box,
    elements: [
      ...figures.nodes.map((data) => ({ data })),
      ...figures.links.map((data, place) => ({ data: { ...data, id: `link-${place}` } })),
    ],
    layout: { name: "concentric", animate: false, minNodeSpacing: 90, concentric: (one) => (one.data("kind") === "centre" ? 3 : one.data("kind") === "record" ? 2 : 1), levelWidth: () => 1 },
    style: [
      { selector: "node", style: { label: "data(label)", "font-family": font, "font-size": 13, color: colour("--ink"), "text-valign": "bottom", "text-margin-y": 5, "text-wrap": "wrap", "text-max-width": 130, "background-color": colour("--accent-fill"), width: 26, height: 26 } },
      { selector: "node[kind='centre']", style: { width: 40, height: 40, "font-weight": "bold", "background-color": colour("--ink") } },
      { selector: "node[kind='thing']", style: { shape: "round-rectangle", "background-color": colour("--brass") } },
      { selector: "node[kind='dossier']", style: { shape: "diamond" } },
      { selector: "edge", style: { label: "data(label)", "font-family": font, "font-size": 11, color: colour("--ink"), "text-background-color": "#fff", "text-background-opacity": 0.9, "text-background-padding": 2, width: 1.5, "line-color": "#8a979b", "curve-style": "bezier" } },
      { selector: "node:selected", style: { "border-width": 4, "border-color": colour("--ink") } },
    ],
    autoungrabify: false,
    userZoomingEnabled: false,
    minZoom: 0.2,
    maxZoom: 3,
    boxSelectionEnabled: false,
  });
  const open = (one) => {
    if (one.data("address")) window.location.assign(one.data("address"));
  };
  graph.on("tap", "node", (event) => open(event.target));
  let at = -1;
  const nodes = graph.nodes();
  const go = (step) => {
    nodes.unselect();
    at = (at + step + nodes.length) % nodes.length;
    nodes[at].select();
    const words = nodes[at].connectedEdges().map((one) => one.data("label"));
    said.textContent = [nodes[at].data("label"), ...new Set(words)].join(" · ");
  };
  // Two nodes must not fill the picture with letters as high as a hand.
  const all = () => {
    graph.fit(undefined, 24);
    if (graph.zoom() > 1) graph.zoom(1).center();
  };
  const centre = () => ({ x: box.clientWidth / 2, y: box.clientHeight / 2 });
  const zoom = (by) => graph.zoom({ level: graph.zoom() * by, renderedPosition: centre() });
  const keys = {
    ArrowRight: () => go(1),
    ArrowDown: () => go(1),
    ArrowLeft: () => go(-1),
    ArrowUp: () => go(-1),
    Enter: () => at >= 0 && open(nodes[at]),
    "+": () => zoom(1.25),
    "-": () => zoom(0.8),
    0: all,
  };
  box.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  window.addEventListener("resize", () => {
    graph.resize();
    all();
  });
  all();
  box.dataset.drawn = "yes";
})();
