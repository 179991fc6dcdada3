// Methods at one budget: move a method's dials over fixed axes, with the other methods in sight.
(() => {
  "use strict";
  const kit = window.courseKit;
  if (kit.kinds.frontier) return;
  const { node, svg, text, number } = kit;
  const LADDER = "best-of-N";
  const letters = (words) => 7.6 * words.length; // about how wide they are drawn

  // Where each label goes so that it lies on no point and on no other label.
  function places(labels, obstacles, area) {
    const taken = [...obstacles], apart = (a, b) =>
      a.x + a.w < b.x || b.x + b.w < a.x || a.y + a.h < b.y || b.y + b.h < a.y;
    return labels.map(({ x, y, words }) => {
      const w = letters(words), h = 15;
      const tries = [[14, -7], [-14 - w, -7], [-w / 2, -29], [-w / 2, 14], [12, -26], [12, 12],
        [-12 - w, -26], [-12 - w, 12]];
      const found = tries.map(([dx, dy]) => ({ x: x + dx, y: y + dy, w, h })).find((one) =>
        one.x >= area.left && one.x + w <= area.left + area.width && one.y >= area.top &&
        one.y + h <= area.top + area.height && taken.every((other) => apart(one, other)));
      if (found) taken.push(found);
      return found;
    });
  }

  kit.kinds.frontier = (box, data) => {
    const { methods } = data;
    const now = { method: data.start, at: methods[data.start].chosen, best: 0 };
    const kept = new Set(); // methods that stay in the picture with all their dials
    const method = () => methods[now.method], point = () => method().points[now.at];
    const key = () => (now.best ? "best" : "at_1");
    const value = (one, name) => one[key()][name];

    const every = methods.flatMap((m) => m.points.flatMap((p) => [p.at_1, p.best]));
    const most = Math.max(...every.map((p) => p.kl[0]));
    const range = (name) => {
      const low = Math.min(...every.map((p) => p[name][1]), data.base.best[name][0]);
      const high = Math.max(...every.map((p) => p[name][2]));
      return { from: low - 0.1, to: high + 0.1 };
    };
    const ranges = { gold: range("gold"), proxy: range("proxy") };
    const when = () => (now.best ? "each at its best temperature" : "at temperature 1");

    function sentence() {
      const [gold, proxy, kl] = ["gold", "proxy", "kl"]
        .map((name) => number(value(point(), name)[0]));
      return `${method().name} with ${point().dials}, ${when()}: gold ${gold}, proxy ${proxy}, ` +
        `KL ${kl} nats.`;
    }

    // ---- one panel ----

    function mark(g, at, one, name, colour, attributes) {
      const [v, low, high] = value(one, name), x = at.x(value(one, "kl")[0]);
      g.append(svg("line", { x1: x, x2: x, y1: at.y(low), y2: at.y(high), stroke: kit.hue(colour),
        "stroke-width": 1.5, opacity: attributes.opacity }));
      kit.dot(g, x, at.y(v), colour, attributes.r, { opacity: attributes.opacity });
      return { x, y: at.y(v) };
    }

    // another method, with the dials chosen for it
    function small(g, at, m, name) {
      const one = m.points[m.chosen];
      const x = at.x(value(one, "kl")[0]), y = at.y(value(one, name)[0]);
      kit.dot(g, x, y, `c${m.colour}`, 3.5, { opacity: 0.5 });
      return { x, y };
    }

    function baseLine(g, area, at, name, which, words, below) {
      const y = at.y(data.base[which][name][0]);
      g.append(svg("line", { x1: area.left, x2: at.right, y1: y, y2: y, class: "ck-base",
        "stroke-dasharray": which === "best" ? "7 4" : "2 4" }));
      text(g, at.right, below ? y + 14 : y - 5, words, { "text-anchor": "end", class: "ck-halo" });
      const w = letters(words);
      return [{ x: area.left, y: y - 1, w: area.width, h: 2 },
        { x: at.right - w, y: below ? y + 2 : y - 17, w, h: 15 }];
    }

    function ladder(g, at, name) {
      const steps = methods.find((m) => m.name === LADDER);
      if (!steps) return;
      const points = steps.points.map((p) => [at.x(value(p, "kl")[0]), at.y(value(p, name)[0])]);
      g.append(svg("path", { d: kit.path(points), class: "ck-line ck-ladder" }));
    }

    function panel(g, area, name, last) {
      const roots = [0, 1, 2, 4, 9, 16, 25, 36, 64, 100, 200, 400].filter((v) => v <= most * 1.1);
      const at = kit.axes(g, area,
        { from: 0, to: most * 1.1, scale: "sqrt", ticks: roots.map((v) => [v, v]),
          label: last && "KL to the base policy (nats, square-root scale)" },
        { ...ranges[name], zero: true, label: `${name}, ${when()}` });
      const best = `base at its best, T = ${data.base_temperature}`;
      const lines = [...baseLine(g, area, at, name, "best", best, false),
        ...baseLine(g, area, at, name, "at_1", "base, T = 1", true)];
      ladder(g, at, name);
      const near = [];
      methods.forEach((m, k) => {
        if (k === now.method) return;
        if (kept.has(k)) m.points.forEach((p) =>
          near.push(mark(g, at, p, name, `c${m.colour}`, { r: 4.5, opacity: 0.65 })));
        else near.push(small(g, at, m, name));
      });
      const own = method().points.map((p) =>
        mark(g, at, p, name, `c${method().colour}`, { r: 6, opacity: p === point() ? 1 : 0.8 }));
      kit.ring(g, own[now.at].x, own[now.at].y, "ink", 11);
      named(g, area, at, name, [own, near, lines]);
      own.forEach((p, k) => g.append(svg("circle", { cx: p.x, cy: p.y, r: 14, class: "ck-touch",
        onclick: () => { now.at = k; dial.set(k); redraw(); } })));
    }

    // the dials of this method, and the names of the methods that were kept
    function named(g, area, at, name, [own, near, lines]) {
      const labels = own.map((p, k) => ({ ...p, words: method().points[k].dials, k }));
      labels.unshift(...labels.splice(now.at, 1)); // the one that is chosen gets its place first
      for (const k of kept) {
        const m = methods[k], one = m.points[m.chosen];
        if (k !== now.method)
          labels.push({
            x: at.x(value(one, "kl")[0]), y: at.y(value(one, name)[0]), words: m.name });
      }
      const box = (r) => (p) => ({ x: p.x - r, y: p.y - r, w: 2 * r, h: 2 * r });
      const rings = [...own.map(box(8)), ...near.map(box(4)), ...lines];
      places(labels, rings, area).forEach((place, k) => place &&
        text(g, place.x, place.y + 12, labels[k].words, {
          class: `ck-halo${labels[k].k === now.at ? " ck-label" : ""}` }));
    }

    function draw(g, width) {
      const area = { left: 40, top: 28, width: width - 54, height: width < 560 ? 190 : 220 };
      const below = { ...area, top: area.top + area.height + 60, height: 150 };
      panel(g, area, "gold", false);
      panel(g, below, "proxy", true);
      return { height: below.top + below.height + 42, label: sentence() };
    }

    // ---- together ----

    const picture = kit.figure(draw), live = kit.announcer();
    const place = node("div", { class: "ck-dial" }), facts = node("div", { class: "ck-told" });
    const keep = kit.button("", () => {
      kept.has(now.method) ? kept.delete(now.method) : kept.add(now.method);
      redraw();
    });
    let dial;

    function redraw() {
      const [first, ...more] = point().facts;
      facts.replaceChildren(node("p", {}, first), node("p", {}, more.join(" ")));
      keep.setAttribute("aria-pressed", kept.has(now.method));
      keep.textContent = `${kept.has(now.method) ? "✓ " : ""}Keep ${method().name} in the picture`;
      picture.redraw();
      live.say(sentence());
    }

    function choose(k) {
      now.method = k;
      now.at = methods[k].chosen;
      const chosen = methods[k].points[methods[k].chosen].dials;
      dial = kit.slider({ label: "dials", values: methods[k].points.map((p) => p.dials), at: now.at,
        on: (at) => { now.at = at; redraw(); },
        told: (dials) => dials + (dials === chosen ? " (chosen)" : "") });
      place.replaceChildren(dial.box);
      redraw();
    }

    const pills = kit.choice({ label: "method", options: methods.map((m) => m.name),
      at: now.method, on: choose });
    const kinds = [...pills.box.querySelectorAll("label span")];
    kinds.forEach((span, k) => span.before(node("i", { class: "ck-swatch", "aria-hidden": "true",
      style: `background:${kit.hue(`c${methods[k].colour}`)}` })));
    const times = kit.choice({ label: "served at", at: 0, on: (k) => { now.best = k; redraw(); },
      options: ["temperature 1", "the best temperature for each"] });
    box.append(pills.box, place, times.box, picture.box,
      node("p", { class: "ck-note" }, "Large: the dials that this method was tried with. " +
        "Small: the other methods with the dials chosen for them. Line: best of N, whose KL is a " +
        "bound. Bars: 95 % for other seeds and prompts."),
      keep, facts, live.box);
    choose(now.method);
  };
})();
