// What every card and explorer shares: mounting, keys, saving, controls, and drawing as SVG.
// Plain JavaScript, no build. Each output carries this file and the parts it needs; the first copy
// on a page defines window.courseKit, later ones only mount what is new.
(() => {
  "use strict";
  if (window.courseKit) return;
  const plain = window.courseKeys; // keys.js stands before this file
  const kinds = {}; // name → (box, data, card) => undefined, given by the other parts
  const timings = []; // milliseconds of the last redraws, read by the tests
  let count = 0;

  // ---- elements ----

  const fill = (e, attributes, children) => {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === undefined || value === null || value === false) continue;
      if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
      else e.setAttribute(name, value === true ? "" : value);
    }
    e.append(...children.flat().filter((c) => c !== undefined && c !== null && c !== false));
    return e;
  };
  const node = (tag, attributes, ...children) =>
    fill(document.createElement(tag), attributes, children);
  const svg = (tag, attributes, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
  const fresh = (name) => `ck-${name}-${Math.random().toString(36).slice(2, 8)}${count++}`;
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const minus = (v, digits) => Number(v.toFixed(digits)) < 0; // −0.00 is 0.00
  const signed = (v, digits = 2) => (minus(v, digits) ? "−" : "+") + Math.abs(v).toFixed(digits);
  const number = (v, digits = 2) => (minus(v, digits) ? "−" : "") + Math.abs(v).toFixed(digits);

  // ---- controls ----

  // A slider over `values`; `told` says a value in words. on(index) is called while it moves.
  function slider({ label, values, at = 0, told = String, on, hint }) {
    const id = fresh("range");
    const output = node("output", { for: id, class: "ck-value" });
    const input = node("input", {
      type: "range", id, min: 0, max: values.length - 1, step: 1, value: at,
      disabled: values.length < 2,
    });
    const say = () => {
      const text = told(values[input.value]);
      output.textContent = text;
      input.setAttribute("aria-valuetext", text);
    };
    input.addEventListener("input", () => { say(); on(Number(input.value)); });
    // the space bar does nothing to a slider, and would scroll the page
    input.addEventListener("keydown", (e) => e.key === " " && e.preventDefault());
    say();
    const box = node("div", { class: "ck-slider" },
      node("label", { for: id }, label), input, output,
      hint && node("span", { class: "ck-hint" }, hint));
    const set = (k) => { input.value = k; say(); };
    return { box, input, set, get at() { return Number(input.value); } };
  }

  // One of several, as pills: radio buttons with their labels. on(index) when it changes.
  function choice({ label, options, at = 0, on }) {
    const name = fresh("choice");
    const inputs = options.map((_, k) =>
      node("input", { type: "radio", name, value: k, checked: k === at, onchange: () => on(k) }));
    const box = node("fieldset", { class: "ck-pills" }, node("legend", {}, label),
      options.map((text, k) => node("label", {}, inputs[k], node("span", {}, text))));
    const set = (k) => { inputs[k].checked = true; };
    return { box, inputs, set, get at() { return inputs.findIndex((i) => i.checked); } };
  }

  const button = (text, on, attributes = {}) =>
    node("button", { type: "button", class: "ck-button", onclick: on, ...attributes }, text);

  // A sentence for screen readers, said when the hand rests.
  function announcer() {
    const box = node("div", { role: "status", class: "ck-quiet" });
    let waiting;
    const say = (text) => {
      clearTimeout(waiting);
      waiting = setTimeout(() => { box.textContent = text; }, 500);
    };
    return { box, say };
  }

  // ---- replies as bubbles ----

  // what the sentences of a reply do: kind → words, and the mark under it in still.css
  const partNames = {
    step: "step asked for", kind: "polite", filler: "filler or repetition",
    foreign: "step of another topic", unsafe: "unsafe or rude",
  };
  const legend = (kinds = Object.keys(partNames)) =>
    node("p", { class: "ck-legend" }, kinds.map((kind) =>
      node("span", { class: `ck-part ck-${kind}` }, partNames[kind])));

  // `shown` in a place that is always as high as the larger of it and `sizer`
  const steady = (shown, sizer) => node("div", { class: "ck-steady" }, shown,
    node("div", { class: "ck-sizer", "aria-hidden": "true" }, sizer));

  // `box` stays as high as it ever was at this width: what is below does not come and go
  function roomy(box) {
    let wide = 0;
    new ResizeObserver(() => {
      if (box.clientWidth !== wide) { wide = box.clientWidth; box.style.minHeight = ""; }
      box.style.minHeight = `${box.offsetHeight}px`;
    }).observe(box);
    return box;
  }

  // parts: [[sentence, kind], ...] or a text; score: what stands in the chip
  function reply(parts, { score, note, chosen = false } = {}) {
    const said = typeof parts === "string" ? [[parts, ""]] : parts;
    const text = node("p", {}, said.flatMap(([sentence, kind], k) => [
      k ? " " : "",
      kind ? node("mark", { class: `ck-part ck-${kind}`, title: partNames[kind] || kind }, sentence) : sentence,
    ]));
    return node("div", { class: chosen ? "ck-bubble ck-chosen" : "ck-bubble" }, text,
      (score || note) && node("div", { class: "ck-chips" },
        score && node("span", { class: "ck-chip" }, score),
        note && node("span", { class: "ck-note" }, note)));
  }

  // ---- drawing ----

  // An SVG as wide as its place. draw(g, width) draws into g and returns {height, label}.
  function figure(draw, { widest = 760, narrowest = 280 } = {}) {
    const picture = svg("svg", { role: "img", class: "ck-figure" });
    const box = node("div", {}, picture);
    let waiting = false;
    const now = () => {
      waiting = false;
      const began = performance.now();
      const width = Math.round(Math.max(narrowest, Math.min(widest, box.clientWidth || 640)));
      const g = svg("g", {});
      const { height, label } = draw(g, width);
      picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
      picture.setAttribute("aria-label", label);
      picture.replaceChildren(g);
      timings.push(performance.now() - began);
      if (timings.length > 500) timings.shift();
    };
    const redraw = () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(now);
    };
    let wide = 0;
    new ResizeObserver(() => {
      if (box.clientWidth !== wide) { wide = box.clientWidth; redraw(); }
    }).observe(box);
    now();
    return { box, redraw };
  }

  // About `most` round numbers between low and high.
  function ticks(low, high, most = 5) {
    const rough = (high - low || 1) / most;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough - 1e-12);
    const found = [];
    for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + step * 1e-6; v += step)
      found.push(Math.abs(v) < step * 1e-6 ? 0 : v);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    return found.map((v) => [v, number(v, digits)]);
  }

  const text = (g, x, y, words, attributes = {}) =>
    g.append(svg("text", { x, y, ...attributes }, String(words)));

  // Axes in the rectangle `area` = {left, top, width, height}.
  // x, y: {from, to, ticks: [[value, word], ...], label, scale: "log2" | "sqrt"}; y.zero marks 0.
  function axes(g, area, x, y) {
    const bend = (axis) => (v) =>
      axis.scale === "log2" ? Math.log2(v)
        : axis.scale === "sqrt" ? Math.sqrt(Math.max(v, 0)) : v;
    const along = (axis, at, size, back) => {
      const f = bend(axis), low = f(axis.from), span = f(axis.to) - low || 1;
      return (v) => at + (back ? size - ((f(v) - low) / span) * size : ((f(v) - low) / span) * size);
    };
    const X = along(x, area.left, area.width, false);
    const Y = along(y, area.top, area.height, true);
    const bottom = area.top + area.height, right = area.left + area.width;
    for (const [v, word] of y.ticks || ticks(y.from, y.to)) {
      g.append(svg("line", { x1: area.left, x2: right, y1: Y(v), y2: Y(v), class: "ck-grid" }));
      text(g, area.left - 6, Y(v) + 4, word, { "text-anchor": "end" });
    }
    if (y.zero && y.from < 0 && y.to > 0)
      g.append(svg("line", { x1: area.left, x2: right, y1: Y(0), y2: Y(0), class: "ck-zero" }));
    for (const [v, word] of x.ticks || ticks(x.from, x.to))
      text(g, X(v), bottom + 16, word, { "text-anchor": "middle" });
    g.append(svg("line", { x1: area.left, x2: right, y1: bottom, y2: bottom, class: "ck-axis" }));
    if (x.label)
      text(g, area.left + area.width / 2, bottom + 34, x.label, { "text-anchor": "middle" });
    if (y.label) text(g, area.left - 6, area.top - 10, y.label, { class: "ck-label" });
    return { x: X, y: Y, bottom, right };
  }

  // ends: [{y, ...}] of labels; moved apart, and kept above `bottom`
  function apart(ends, bottom, gap = 15) {
    ends.sort((a, b) => a.y - b.y);
    ends.forEach((e, k) => { if (k) e.y = Math.max(e.y, ends[k - 1].y + gap); });
    for (let k = ends.length - 1, most = bottom; k >= 0; k--, most = ends[k + 1].y - gap)
      ends[k].y = Math.min(ends[k].y, most);
    return ends;
  }

  const path = (points) =>
    points.map(([a, b], k) => `${k ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");

  // points: [{mean, low, high}] at xs; colour: a name such as "c0"
  function curve(g, at, xs, points, colour, attributes = {}) {
    const up = xs.map((v, k) => [at.x(v), at.y(points[k].high)]);
    const down = xs.map((v, k) => [at.x(v), at.y(points[k].low)]).reverse();
    g.append(svg("path", { d: `${path([...up, ...down])}Z`, class: "ck-band", fill: hue(colour) }));
    g.append(svg("path", {
      d: path(xs.map((v, k) => [at.x(v), at.y(points[k].mean)])),
      class: "ck-line", stroke: hue(colour), ...attributes,
    }));
  }

  const hue = (name) => `var(--ck-${name})`;
  const dot = (g, x, y, colour, r = 5, attributes = {}) =>
    g.append(svg("circle", { cx: x, cy: y, r, fill: hue(colour), ...attributes }));
  const ring = (g, x, y, colour, r = 8) =>
    g.append(svg("circle", {
      cx: x, cy: y, r, fill: "none", stroke: hue(colour), "stroke-width": 2.5,
    }));

  // ---- keeping answers: in the notebook's progress file, or in the browser's own store ----

  // A link to the kernel is a hidden text widget with the class `link`, or Colab's own callback.
  // told(what the kernel answered) comes later; told(null) while it does not answer.
  function send(link, message, told = () => {}) {
    const at = fresh("at");
    const text = JSON.stringify({ ...message, at });
    const fields = link ? document.querySelectorAll(`.${link} :is(input, textarea)`) : [];
    let late;
    for (const field of fields) { // one is alive; others are left from a kernel before
      late ||= setTimeout(told, 4000, null);
      hear(field, at, (said) => { clearTimeout(late); told(said); });
      field.value = text;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
    if (fields.length) return true;
    const colab = window.google && google.colab && google.colab.kernel;
    if (!colab || !link) return false;
    colab.invokeFunction(link, [text], {})
      .then((said) => told(said.data["application/json"] || null), () => told(null));
    return true;
  }

  // The kernel answers in the widget's placeholder.
  function hear(field, at, told) {
    const watch = new MutationObserver(() => {
      let said = null;
      try { said = JSON.parse(field.placeholder); } catch { return; }
      if (!said || said.at !== at) return;
      watch.disconnect();
      told(said);
    });
    watch.observe(field, { attributes: true, attributeFilter: ["placeholder"] });
  }

  const onSite = () => document.documentElement.hasAttribute("data-course-site");
  const store = {
    read(key) {
      try { return JSON.parse(localStorage.getItem(`course:${key}`)); } catch { return null; }
    },
    write(key, value) {
      try {
        localStorage.setItem(`course:${key}`, JSON.stringify(value));
        return true;
      } catch { return false; }
    },
  };

  // ---- mounting ----

  async function unpack(packed) {
    if (!packed.startsWith("gz:")) return JSON.parse(packed);
    const bytes = Uint8Array.from(atob(packed.slice(3)), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  async function mountOne(box) {
    box.dataset.on = "1";
    const card = { link: box.dataset.link || "", fallback: [...box.childNodes] };
    try {
      const data = await unpack(box.dataset.ck);
      box.addEventListener("keydown", (e) => plain(e) && e.stopPropagation());
      box.replaceChildren();
      kinds[box.dataset.kind](box, data, card);
    } catch (error) {
      box.replaceChildren(...card.fallback); // what is there without scripts
      console.error(`course: ${box.dataset.kind} could not be drawn.`, error);
    }
  }

  function mount() {
    for (const box of document.querySelectorAll("[data-ck]:not([data-on])"))
      if (kinds[box.dataset.kind]) mountOne(box);
  }

  window.courseKit = {
    kinds, timings, node, svg, fresh, calm, signed, number, plain, slider, choice, button,
    announcer, reply, partNames, legend, steady, roomy, figure, ticks, text, axes, apart, path,
    curve, hue, dot, ring, send, store, onSite, mount,
  };
})();
