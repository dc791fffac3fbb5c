// Reads values off curve figures, by pointer and by keyboard, and hides arms and seeds. A figure requests it by
//
//   <svg data-axes="left right bottom top x0 x1 y0 y1" data-unit="%">
//                                      where its axes end, and at which values
//   <g data-arm="relu" data-shows="training error" data-seed="3"><path d="..."/></g>
//                                      a run's line; a mean has no seed. A part without data-shows is hidden
//                                      with its arm and its seed, and nothing is read from it
"use strict";
(() => {
  const all = (selector, within) => [...within.querySelectorAll(selector)];
  const made = (name, text = "", type = "") => {
    const found = document.createElement(name);
    found.textContent = text;
    if (type) found.className = type;
    return found;
  };
  const grouped = (rows, key) => {
    const found = new Map();
    for (const row of rows) found.set(row[key], [...found.get(row[key]) || [], row]);
    return [...found];
  };
  const nearest = (line, x) => line.reduce((best, point) => Math.abs(point.x - x) < Math.abs(best.x - x) ? point : best);

  function plot(svg) {
    const [left, right, bottom, top, x0, x1, y0, y1] = svg.dataset.axes.split(" ").map(Number);
    const points = path => (path.getAttribute("d").match(/-?[\d.]+(?:e-?\d+)?/g) || []).map(Number);
    const valued = at => at.flatMap((px, i) => i % 2 ? [] : [{
      px, py: at[i + 1], x: x0 + (px - left) / (right - left) * (x1 - x0),
      y: y0 + (bottom - at[i + 1]) / (bottom - top) * (y1 - y0),
    }]).filter(({ px, py }) => px > left - 1 && px < right + 1 && py > top - 1 && py < bottom + 1);  // others are unseen
    const parts = all("[data-arm]", svg);
    const traces = parts.filter(part => part.dataset.shows && part.querySelector(":scope > path")).map(part => {
      const path = part.querySelector(":scope > path"), line = valued(points(path));
      const gap = line.length > 1 ? (line.at(-1).x - line[0].x) / (line.length - 1) : x1 - x0;
      return { part, line, gap, colour: getComputedStyle(path).stroke, ...part.dataset };
    }).filter(trace => trace.line.length);
    if (traces.length) readout(svg, traces, { left, right, bottom, top, x0, x1, digits: y1 - y0 < 10 ? 3 : 1 });
    if (traces.length) toggles(svg, parts);
  }

  function readout(svg, traces, axes) {
    const space = "http://www.w3.org/2000/svg", cursor = document.createElementNS(space, "line");
    const frame = made("div", "", "plot"), box = made("output", "", "readout");
    svg.before(frame);
    frame.append(svg, box);
    svg.append(cursor);
    cursor.setAttribute("class", "cursor");
    frame.tabIndex = 0;
    frame.setAttribute("role", "group");
    frame.setAttribute("aria-label", `${svg.querySelector("title").textContent}: arrow keys read the values`);
    box.hidden = true;
    let at = null;
    const shown = () => traces.filter(trace => trace.part.style.display !== "none");
    const stops = () => [...new Set(shown().flatMap(trace => trace.line.map(point => +point.x.toFixed(4))))].sort((a, b) => a - b);
    const number = value => value.toFixed(axes.digits).replace("-", "−");

    function show(x) {
      const rows = shown().map(trace => ({ ...trace, point: nearest(trace.line, x) }))
        .filter(row => Math.abs(row.point.x - x) <= row.gap / 2 + 1e-6);
      if (!rows.length) return hide();
      at = x;
      box.replaceChildren(made("b", `epoch ${+x.toFixed(2)}`), ...grouped(rows, "arm").map(([arm, found]) => {
        const said = made("span", arm);
        said.style.setProperty("--line", found[0].colour);
        said.append(...grouped(found, "shows").map(([shows, lines]) => values(shows, lines)));
        return said;
      }));
      const px = axes.left + (x - axes.x0) / (axes.x1 - axes.x0) * (axes.right - axes.left);
      for (const [key, value] of Object.entries({ x1: px, x2: px, y1: axes.top, y2: axes.bottom })) cursor.setAttribute(key, value);
      const size = svg.viewBox.baseVal, rightwards = px < (axes.left + axes.right) / 2;
      box.style.left = rightwards ? `${100 * (px + 6) / size.width}%` : "";
      box.style.right = rightwards ? "" : `${100 * (1 - (px - 6) / size.width)}%`;
      box.hidden = false;
      cursor.style.display = "";
    }
    function values(shows, rows) {
      const found = made("span", `${shows} `), unit = svg.dataset.unit;
      const mean = rows.filter(row => !row.seed), seeds = rows.filter(row => row.seed);
      for (const row of mean) found.append(made("b", `${number(row.point.y)} ${unit} `));
      const named = seeds.map(row => `${row.seed}: ${number(row.point.y)}`).join(", ");
      if (seeds.length) found.append(made("small", `${seeds.length > 1 ? "seeds" : "seed"} ${named}`));
      return found;
    }
    function hide() {
      at = null;
      box.hidden = true;
      cursor.style.display = "none";
    }
    function step(by) {
      const known = stops();
      const to = at === null ? (by === 1 || by === -Infinity ? 0 : known.length - 1) : known.findIndex(x => x >= at - 1e-6) + by;
      if (known.length) show(known[Math.min(Math.max(to, 0), known.length - 1)]);
    }
    const moves = { ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10, End: Infinity, Home: -Infinity };
    frame.addEventListener("keydown", event => {
      if (event.key === "Escape") hide();
      if (!(event.key in moves)) return;
      event.preventDefault();
      step(event.shiftKey ? 10 * moves[event.key] : moves[event.key]);
    });
    frame.addEventListener("blur", hide);
    const follow = event => {
      const place = svg.getBoundingClientRect();
      const px = (event.clientX - place.left) / place.width * svg.viewBox.baseVal.width;
      const x = axes.x0 + (px - axes.left) / (axes.right - axes.left) * (axes.x1 - axes.x0), known = stops();
      if (px < axes.left - 4 || px > axes.right + 4 || !known.length) hide();
      else show(known.reduce((best, one) => Math.abs(one - x) < Math.abs(best - x) ? one : best));
    };
    for (const kind of ["pointermove", "pointerdown"]) svg.addEventListener(kind, follow);
    frame.addEventListener("pointerleave", hide);
    frame.addEventListener("toggled", () => { if (at !== null) show(at); });
    hide();
  }

  function toggles(svg, parts) {
    const group = made("div", "", "toggles"), off = new Set();
    const names = key => [...new Set(parts.map(part => part.dataset[key]).filter(Boolean))];
    const buttons = [...names("arm").map(arm => ["arm", arm, arm]), ...names("seed").map(seed => ["seed", seed, `seed ${seed}`])];
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "What is drawn");
    for (const [key, name, label] of buttons) {
      const button = made("button", label), mark = `${key} ${name}`;
      button.type = "button";
      button.dataset.toggle = mark;
      button.setAttribute("aria-pressed", "true");
      button.addEventListener("click", () => {
        if (!off.delete(mark)) off.add(mark);
        button.setAttribute("aria-pressed", String(!off.has(mark)));
        for (const part of parts) {
          const hidden = off.has(`arm ${part.dataset.arm}`) || off.has(`seed ${part.dataset.seed}`);
          part.style.display = hidden ? "none" : "";
        }
        svg.parentElement.dispatchEvent(new Event("toggled"));
      });
      group.append(button);
    }
    if (buttons.length > 1) svg.parentElement.after(group);
  }

  document.addEventListener("DOMContentLoaded", () => all("svg[data-axes]", document).forEach(plot));
})();
