// Best-of-n over a pool: move n and see which of the first n is chosen, and what that gives.
(() => {
  "use strict";
  const kit = window.courseKit;
  if (kit.kinds["best-of-n"]) return;
  const { node, svg, text, number } = kit;

  kit.kinds["best-of-n"] = (box, data) => {
    const now = { ...data.start }; // positions: n, by, prompt, at (of the temperature)
    const pool = () => data.pools[now.at]; // {dots, chosen, curves, texts}
    const by = () => data.names[now.by];

    function facts() {
      const { at, score, gold, above } = pool().chosen[by()];
      const found = (rows) => rows[now.prompt][now.n];
      return {
        j: found(at), n: data.sizes[now.n], score: found(score), gold: found(gold),
        above: found(above), mean: pool().curves[by()][now.n].mean,
      };
    }

    // every candidate among the first n as a dot over its reward; dots stack, and shrink to fit
    function dots(g, area, found) {
      const { low: least, step, rows } = pool().dots[by()];
      const row = rows[now.prompt].map((v) => least + v * step);
      const low = Math.min(...row), high = Math.max(...row);
      const bottom = area.top + area.height, first = area.left + 8, span = area.width - 16;
      const at = (v) => first + ((v - low) / (high - low || 1)) * span;
      const stacked = (r) => {
        const levels = {};
        const found = row.slice(0, data.sizes[now.n]).map((v) => {
          const column = Math.round((at(v) - first) / (2 * r));
          levels[column] = (levels[column] || 0) + 1;
          return [first + column * 2 * r, levels[column]];
        });
        return { r, found, most: Math.max(...Object.values(levels)) };
      };
      const sizes = [5.5, 4.5, 3.5, 2.75, 2.25];
      const fits = (s) => s.most * 2 * s.r <= area.height;
      const { r, found: places, most } = sizes.map(stacked).find(fits) || stacked(2);
      const rise = Math.min(2 * r, area.height / most); // closer where nothing else fits
      text(g, area.left, area.top - 12, `${by()} of the first ${found.n}`, { class: "ck-label" });
      g.append(svg("line", {
        x1: area.left, x2: area.left + area.width, y1: bottom, y2: bottom, class: "ck-axis",
      }));
      for (const [v, word] of kit.ticks(low, high, 4))
        text(g, at(v), bottom + 16, word, { "text-anchor": "middle" });
      const y = (level) => bottom - 1 - r - (level - 1) * rise;
      places.forEach(([x, level], j) => {
        if (j !== found.j) kit.dot(g, x, y(level), "c0", r - 0.4, { opacity: 0.55 });
      });
      const [x, level] = places[found.j];
      kit.dot(g, x, y(level), "c1", r + 1.5);
      kit.ring(g, x, y(level), "c1", r + 4.5);
    }

    function averages(g, area, found) {
      const points = pool().curves[by()];
      const [low, high] = data.range, room = (high - low) * 0.12 || 1;
      const axes = kit.axes(
        g, area,
        { from: data.sizes[0], to: data.sizes.at(-1), scale: "log2", label: "n",
          ticks: data.sizes.map((n) => [n, n]) },
        { from: low - room, to: high + room,
          label: `${data.gold_name} of the best of n, all prompts`, zero: true },
      );
      kit.curve(g, axes, data.sizes, points, "c0");
      const x = axes.x(found.n);
      kit.ring(g, x, axes.y(found.mean), "c1");
      // clear of line, band and ring at the places under the words
      const near = data.sizes.map((n, k) => [Math.abs(axes.x(n) - x), points[k]])
        .filter(([away]) => away < 40).map(([, point]) => point);
      const top = Math.min(axes.y(found.mean) - 8, ...near.map((p) => axes.y(p.high)));
      const under = Math.max(axes.y(found.mean) + 8, ...near.map((p) => axes.y(p.low)));
      const above = top - 22 > area.top;
      text(g, Math.max(area.left + 16, Math.min(axes.right - 12, x)), above ? top - 8 : under + 18,
        number(found.mean), { "text-anchor": "middle", class: "ck-label" });
    }

    function draw(g, width) {
      const found = facts();
      const wide = width >= 560;
      const half = wide ? (width - 70) / 2 : width - 52;
      dots(g, { left: 4, top: 34, width: half - 4, height: 150 }, found);
      averages(g, {
        left: wide ? half + 60 : 34, top: wide ? 34 : 264, width: half - 8, height: 150,
      }, found);
      return { height: wide ? 226 : 456, label: sentence(found) };
    }

    const sentence = (found) =>
      `Best of ${found.n} by ${by()}: the chosen reply has ${by()} ${number(found.score)} and ` +
      `${data.gold_name} ${number(found.gold)}; over all prompts the mean ${data.gold_name} ` +
      `of the best of ${found.n} is ${number(found.mean)}.`;

    const picture = kit.figure(draw);
    const shown = node("div", {}), room = kit.steady(shown, sizer());
    const live = kit.announcer();

    function bubble(said, score, note, chosen = true) {
      return kit.reply(said, { chosen, score, note });
    }

    // the longest question and reply that can come: the picture below never moves
    function sizer() {
      const length = (said) => (typeof said === "string" ? said : said.map(([t]) => t).join(" "))
        .length;
      const longest = (all) => all.reduce((a, b) => (length(b) > length(a) ? b : a));
      const texts = data.pools.flatMap((p) => p.texts.flatMap((found) => Object.values(found)));
      return [node("p", { class: "ck-ask" }, longest(data.prompts)),
        bubble(longest(texts), `${longest(data.names)} −0.00`,
          `${data.gold_name} −0.00 · candidate 00 of 000 · 00 have a higher ` +
          data.gold_name, false)];
    }

    function redraw() {
      const found = facts();
      const of = found.n === 1 ? "the only candidate" : `candidate ${found.j} of ${found.n}`;
      shown.replaceChildren(
        node("p", { class: "ck-ask" }, data.prompts[now.prompt]),
        bubble(pool().texts[now.prompt][found.j], `${by()} ${number(found.score)}`,
          `${data.gold_name} ${number(found.gold)} · ${of} · ${found.above} ` +
          `${found.above === 1 ? "has" : "have"} a higher ${data.gold_name}`));
      picture.redraw();
      live.say(sentence(found));
    }

    const set = (name) => (k) => { now[name] = k; redraw(); };
    const controls = [
      kit.slider({ label: "n", values: data.sizes, at: now.n, on: set("n"),
        told: (n) => `${n} candidate${n > 1 ? "s" : ""}` }),
      data.temperatures.length > 1 && kit.slider({
        label: "temperature", values: data.temperatures, at: now.at, on: set("at") }),
      kit.slider({ label: "prompt", values: data.prompts.map((_, k) => k), at: now.prompt,
        on: set("prompt"), told: (k) => `${k + 1} of ${data.prompts.length}`,
        hint: data.prompts.length < data.count &&
          `The first ${data.prompts.length} of ${data.count} prompts; the curve is over all.` }),
      data.names.length > 1 && kit.choice({
        label: "chosen by", options: data.names, at: now.by, on: set("by") }),
    ].filter(Boolean);
    box.append(...controls.map((c) => c.box), room);
    if (data.marked) box.append(kit.legend());
    box.append(picture.box, live.box);
    redraw();
  };
})();
