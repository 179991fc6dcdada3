// Best-of-n over a pool: move n and see which of the first n is chosen, and what that gives.
(() => {
  "use strict";
  const kit = window.courseKit;
  if (kit.kinds["best-of-n"]) return;
  const { node, svg, text, number } = kit;

  kit.kinds["best-of-n"] = (box, data) => {
    const now = { ...data.start }; // positions: n, by, prompt, at (of the temperature)
    const pool = () => data.pools[now.at]; // {rewards: {name: (P, N)}, gold: (P, N), curves, texts}
    const by = () => data.names[now.by];

    // position of the best of the first n: the first of equals
    function chosen() {
      const row = pool().rewards[by()][now.prompt];
      let best = 0;
      for (let j = 1; j < data.sizes[now.n]; j++) if (row[j] > row[best]) best = j;
      return best;
    }

    function facts() {
      const j = chosen(), n = data.sizes[now.n];
      const gold = pool().gold[now.prompt];
      const above = gold.slice(0, n).filter((v) => v > gold[j]).length;
      return {
        j, n, gold: gold[j], score: pool().rewards[by()][now.prompt][j], above,
        mean: pool().curves[by()][now.n].mean,
      };
    }

    const shown = node("div", {});
    const live = kit.announcer();

    // every candidate among the first n as a dot over its reward; dots stack
    function dots(g, area, found) {
      const row = pool().rewards[by()][now.prompt];
      const low = Math.min(...row), high = Math.max(...row);
      const at = (v) => area.left + ((v - low) / (high - low || 1)) * area.width;
      const r = found.n > 64 ? 3.5 : 5;
      const stacks = {};
      const bottom = area.top + area.height;
      text(g, area.left, area.top - 10, `${by()} of the first ${found.n}`, { class: "ck-label" });
      g.append(svg("line", {
        x1: area.left, x2: area.left + area.width, y1: bottom, y2: bottom, class: "ck-axis",
      }));
      for (const [v, word] of kit.ticks(low, high, 4))
        text(g, at(v), bottom + 16, word, { "text-anchor": "middle" });
      for (let j = 0; j < found.n; j++) {
        const place = Math.round(at(row[j]) / (2 * r));
        const level = (stacks[place] = (stacks[place] || 0) + 1);
        const y = Math.max(area.top + r, bottom - (2 * level - 1) * r - 1);
        const best = j === found.j;
        kit.dot(g, place * 2 * r, y, best ? "c1" : "c0", best ? r + 2 : r - 0.5, {
          opacity: best ? 1 : 0.55,
        });
      }
    }

    function averages(g, area, found) {
      const points = pool().curves[by()];
      const [low, high] = data.range;
      const axes = kit.axes(
        g, area,
        { from: data.sizes[0], to: data.sizes.at(-1), scale: "log2", label: "n",
          ticks: data.sizes.map((n) => [n, n]) },
        { from: low, to: high, label: `${data.gold_name} of the best of n, all prompts`,
          zero: true },
      );
      kit.curve(g, axes, data.sizes, points, "c0");
      const x = axes.x(found.n), y = axes.y(found.mean);
      kit.ring(g, x, y, "c1");
      const left = x > area.left + area.width * 0.7;
      text(g, x + (left ? -12 : 12), y + (y < area.top + 20 ? 20 : -12), number(found.mean), {
        "text-anchor": left ? "end" : "start", class: "ck-label",
      });
    }

    function draw(g, width) {
      const found = facts();
      const wide = width >= 560;
      const half = wide ? (width - 70) / 2 : width - 52;
      dots(g, { left: 10, top: 30, width: half - 10, height: 150 }, found);
      averages(g, {
        left: wide ? half + 60 : 34, top: wide ? 30 : 260, width: half - 10,
        height: 150,
      }, found);
      return { height: wide ? 222 : 452, label: sentence(found) };
    }

    const sentence = (found) =>
      `Best of ${found.n} by ${by()}: the chosen reply has ${by()} ${number(found.score)} and ` +
      `${data.gold_name} ${number(found.gold)}; over all prompts the mean ${data.gold_name} of the ` +
      `best of ${found.n} is ${number(found.mean)}.`;

    const picture = kit.figure(draw);

    function redraw() {
      const found = facts();
      const of = found.n === 1 ? "the only candidate" : `candidate ${found.j} of ${found.n}`;
      shown.replaceChildren(
        node("p", { class: "ck-ask" }, data.prompts[now.prompt]),
        kit.reply(pool().texts[now.prompt][found.j] || "(empty)", {
          chosen: true, score: `${by()} ${number(found.score)}`,
          note: `${data.gold_name} ${number(found.gold)} · ${of} · ` +
            `${found.above} with a higher ${data.gold_name}`,
        }),
      );
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
        on: set("prompt"), told: (k) => `${k + 1} of ${data.prompts.length}` }),
      data.names.length > 1 && kit.choice({
        label: "chosen by", options: data.names, at: now.by, on: set("by") }),
    ].filter(Boolean);
    box.append(...controls.map((c) => c.box), shown, picture.box, live.box);
    redraw();
  };
})();
