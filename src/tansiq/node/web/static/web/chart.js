// The figures of the table beside it, drawn. Without this script the table stands alone and says the same.
"use strict";

(() => {
  const box = document.getElementById("chart");
  const told = document.getElementById("chart-figures");
  if (!box || !told || !window.echarts) return;
  const figures = JSON.parse(told.textContent);
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const drawn = echarts.init(box, null, { renderer: "canvas" });
  const rtl = document.documentElement.dir === "rtl";
  drawn.setOption({
    animation: false,
    color: [colour("--accent-fill"), colour("--brass")],
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: colour("--ink") },
    grid: { top: 24, bottom: 8, left: 8, right: 8, containLabel: true },
    xAxis: { type: "category", data: figures.partners, inverse: rtl, axisLabel: { color: colour("--ink") } },
    yAxis: { type: "value", minInterval: 1, position: rtl ? "right" : "left", axisLabel: { color: colour("--ink") } },
    series: figures.series.map((one) => ({ ...one, type: "bar", barMaxWidth: 42, label: { show: true, position: "top", color: colour("--ink") } })),
  });
  window.addEventListener("resize", () => drawn.resize());
})();
