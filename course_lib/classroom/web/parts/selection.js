// Selection rules on a small pool: which candidates are kept, and what they are worth.
(() => {
  "use strict";
  const kit = window.courseKit;
  if (kit.kinds.selection) return;
  const { node, svg, text, number } = kit;

  const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const bits = (hex, N) => [...hex].map((c) => parseInt(c, 16).toString(2).padStart(4, "0"))
    .join("").padStart(N, "0").slice(-N);

  kit.kinds.selection = (box, data) => {
    const now = { ...data.start }; // positions: rule, k, strength, minimum
    const N = data.scores[0].length, P = data.scores.length;
    const there = (i, j) => data.scores[i][j] !== null;
    const every = data.scores.flatMap((row, i) => row.map((_, j) => [i, j]))
      .filter(([i, j]) => there(i, j));
    const score = ([i, j]) => data.scores[i][j], gold = ([i, j]) => data.golds[i][j];
    const [low, high] = [Math.min, Math.max].map((f) => f(...every.map(score)));
    // the prompt with the highest mean score stands at the top
    const rowMean = (i) => mean(data.scores[i].filter((v) => v !== null));
    const order = data.scores.map((_, i) => i).sort((a, b) => rowMean(b) - rowMean(a));
    const rule = () => data.rules[now.rule];

    function setting() {
      const place = rule().dials.reduce(
        (at, [dial]) => at * data.dials[dial].length + now[dial], 0);
      const [sentence, rows] = rule().kept[place];
      const masks = rows.split(" ").map((hex) => bits(hex, N));
      const kept = every.filter(([i, j]) => masks[i][j] === "1");
      const counts = masks.map((mask) => [...mask].filter((bit) => bit === "1").length);
      return { sentence, kept, masks, counts };
    }

    // ---- in words ----

    function facts({ kept, counts }) {
      const from = counts.filter(Boolean).length;
      const without = order.filter((i) => !counts[i]).map((i) => data.labels[i]);
      const both = (of) => `${number(mean(kept.map(of)))} (all: ${number(mean(every.map(of)))})`;
      if (!kept.length) return [["kept", `none of ${every.length}`]];
      return [
        ["kept", `${kept.length} of ${every.length} candidates`],
        ["from", `${from} of ${P} prompts`],
        [`mean ${data.by}`, both(score)],
        [`mean ${data.gold}`, both(gold)],
        ["rows without any", [...new Set(without)].join(", ") || "none"],
      ];
    }
    const spoken = (found) => `${rule().name}: ${found.sentence}. ` +
      facts(found).map(([name, value]) => `${name}: ${value}`).join("; ") + ".";

    // ---- the grid ----

    function cell(g, { x, y, w, h }, one) {
      const share = (score(one) - low) / (high - low || 1), [i, j] = one;
      g.append(svg("rect", {
        x: x + 1.5, y: y + 1.5, width: w - 3, height: h - 3, rx: 3, fill: kit.hue("c0"),
        "fill-opacity": 0.06 + 0.34 * share,
      }, svg("title", {}, `${data.labels[i]}, candidate ${j}: ${data.by} ` +
        `${number(score(one))}, ${data.gold} ${number(gold(one))}`)));
      if (w >= 34)
        text(g, x + w / 2, y + h / 2 + 4.5, number(score(one), 1), { "text-anchor": "middle" });
    }

    function frame(g, { x, y, w, h }) {
      g.append(svg("rect", { x: x + 1.5, y: y + 1.5, width: w - 3, height: h - 3, rx: 3,
        class: "ck-kept" }));
      if (w < 34) kit.dot(g, x + w / 2, y + h / 2, "c1", 3);
    }

    // where everything stands at this width; the cells themselves are drawn once
    let shape = {};
    function laidOut(width) {
      if (shape.width === width) return shape;
      const wide = width >= 560, h = P > 20 ? 18 : 24, row = wide ? h : h + 18, top = 26;
      const names = wide ? 10 + 8.2 * Math.max(...data.labels.map((l) => l.length)) : 0;
      const bars = wide ? 96 : 62, w = (width - names - bars - 12) / N;
      const y = Object.fromEntries(order.map((i, k) => [i, top + k * row + (wide ? 0 : 16)]));
      const place = ([i, j]) => ({ x: names + j * w, y: y[i], w, h }), cells = svg("g", {});
      every.forEach((one) => cell(cells, place(one), one));
      shape = { width, wide, h, names, bars, y, place, cells, right: names + N * w + 12,
        height: top + P * row + 6 };
      return shape;
    }

    // kept candidates of one prompt as a bar beside its row
    function bar(g, x, y, h, width, count, most) {
      if (count)
        g.append(svg("rect", { x, y: y + 4, width: Math.max(3, (width * count) / most),
          height: h - 8, rx: 2, fill: kit.hue("c1") }));
      text(g, x + (count ? (width * count) / most + 6 : 0), y + h / 2 + 4.5, count || "none", {
        class: count ? "" : "ck-none" });
    }

    function drawGrid(found, g, width) {
      const { wide, h, names, bars, y, place, cells, right, height } = laidOut(width);
      const most = Math.max(1, ...found.counts);
      g.append(cells);
      text(g, names, 14, `${data.by} of each candidate; framed: kept`, { class: "ck-label" });
      if (wide) text(g, right, 14, "kept", { class: "ck-label" });
      for (const i of order) {
        text(g, wide ? names - 8 : 0, wide ? y[i] + h / 2 + 4.5 : y[i] - 3, data.labels[i], {
          "text-anchor": wide ? "end" : "start", class: found.counts[i] ? "" : "ck-none" });
        bar(g, right, y[i], h, bars - 46, found.counts[i], most);
      }
      found.kept.forEach((one) => frame(g, place(one)));
      return { height, label: spoken(found) };
    }

    // ---- what they are worth: every candidate as a dot over its gold ----

    function drawGold(found, g, width) {
      const values = every.map(gold), from = Math.min(...values), to = Math.max(...values);
      const left = 12, size = width - 24, bottom = 122, r = every.length > 150 ? 3 : 4.5;
      const at = (v) => left + ((v - from) / (to - from || 1)) * size;
      const kept = new Set(found.kept.map(([i, j]) => i * N + j)), stacks = {};
      const isKept = ([i, j]) => kept.has(i * N + j);
      text(g, left, 14, `${data.gold} of every candidate; filled: kept`, { class: "ck-label" });
      g.append(svg("line", {
        x1: left, x2: left + size, y1: bottom, y2: bottom, class: "ck-axis" }));
      for (const [v, word] of kit.ticks(from, to, 5))
        text(g, at(v), bottom + 16, word, { "text-anchor": "middle" });
      for (const one of [...every].sort((a, b) => isKept(b) - isKept(a))) {
        const place = Math.round(at(gold(one)) / (2 * r)), chosen = isKept(one);
        const level = (stacks[place] = (stacks[place] || 0) + 1);
        const y = Math.max(50 + r, bottom - (2 * level - 1) * r - 1);
        kit.dot(g, place * 2 * r, y, chosen ? "c1" : "bg", r - 0.5, {
          stroke: kit.hue(chosen ? "c1" : "soft"), "stroke-width": 1 });
      }
      const means = [[every, "soft", 44, "all"], [found.kept, "c1", 29, "kept"]];
      for (const [of, name, y, words] of means) {
        if (!of.length) continue;
        const x = at(mean(of.map(gold))), end = x > width * 0.7;
        g.append(svg("line", { x1: x, x2: x, y1: y - 6, y2: bottom, stroke: kit.hue(name),
          "stroke-width": 2, "stroke-dasharray": words === "all" ? "4 3" : "" }));
        text(g, x + (end ? -6 : 6), y + 4, `${words}: ${number(mean(of.map(gold)))}`, {
          "text-anchor": end ? "end" : "start", class: "ck-halo" });
      }
      return { height: bottom + 24,
        label: `${data.gold} of every candidate, with the mean of those kept and of all.` };
    }

    // ---- together ----

    let found = setting();
    const grid = kit.figure((g, width) => drawGrid(found, g, width));
    const worth = kit.figure((g, width) => drawGold(found, g, width));
    const live = kit.announcer(), words = node("p", { class: "ck-rule" });
    const dials = node("div", { class: "ck-dials" }), said = node("dl", { class: "ck-facts" });
    const list = node("div", {});
    const fold = node("details", { ontoggle: () => fold.open && read() },
      node("summary", {}, "Read the replies that are kept"), list);

    function read() {
      list.replaceChildren(...order.filter((i) => found.counts[i]).flatMap((i) => [
        node("p", { class: "ck-ask" }, data.prompts[i]),
        ...found.kept.filter((one) => one[0] === i).map((one) =>
          kit.reply(data.texts[i][one[1]], {
            chosen: true, score: `${data.by} ${number(score(one))}`,
            note: `${data.gold} ${number(gold(one))} · candidate ${one[1]}` })),
      ]));
    }

    function redraw() {
      found = setting();
      words.replaceChildren(node("strong", {}, `${found.sentence}. `), rule().words);
      said.replaceChildren(...facts(found).map(([name, value]) =>
        node("div", {}, node("dt", {}, name), node("dd", {}, value))));
      if (fold.open) read();
      grid.redraw();
      worth.redraw();
      live.say(spoken(found));
    }

    // only the dials that the rule listens to
    function changeRule(k) {
      now.rule = k;
      dials.replaceChildren(...rule().dials.map(([dial, symbol]) => kit.slider({
        label: dial === "minimum" ? "at least" : symbol, values: data.dials[dial], at: now[dial],
        on: (at) => { now[dial] = at; redraw(); },
        told: (v) => dial === "k" ? `${v} of each prompt` :
          `${dial === "minimum" ? data.by : symbol} ${dial === "minimum" ? "≥" : "="} ${v}`,
      }).box));
      redraw();
    }

    const rules = kit.choice({ label: "rule", options: data.rules.map((r) => r.name),
      at: now.rule, on: changeRule });
    box.append(rules.box, dials, words, grid.box, said, worth.box, fold, live.box);
    changeRule(now.rule);
  };
})();
