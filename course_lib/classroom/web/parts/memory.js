// What fits on a card: bars of memory by phase, while model, replies and ways of training change.
(() => {
  "use strict";
  const kit = window.courseKit;
  if (kit.kinds.memory) return;
  const { node, svg, text } = kit;
  const BEYOND = 1.45; // the axis ends that many cards to the right
  // what grows with the number of weights is blue
  const SHADES = {
    "policy that sampled": "var(--ck-c0)",
    weights: "color-mix(in srgb, var(--ck-c0) 75%, var(--ck-bg))",
    gradients: "color-mix(in srgb, var(--ck-c0) 54%, var(--ck-bg))",
    "Adam's moments": "color-mix(in srgb, var(--ck-c0) 35%, var(--ck-bg))",
    "keys and values": "var(--ck-c1)",
    "reference and reward model": "var(--ck-c2)",
    logits: "var(--ck-c4)",
  };
  const shade = (part) => SHADES[part] || "var(--ck-c3)";

  kit.kinds.memory = (box, data) => {
    const now = { ...data.start, half: 0, lora: 0 };
    const billions = () => data.sizes[now.size], limit = () => data.cards[now.card][1];
    const replies = () => now.replies + 1, tokens = () => data.tokens[now.tokens];

    // GB by phase, from the bytes that Python gives: fixed, a billion parameters, a token
    function plan() {
      const rows = data.plans[2 * (1 - now.half) + now.lora];
      return rows.map(([phase, ...parts]) => {
        const held = parts.map(([part, fixed, each, token]) =>
          [part, (fixed + each * billions() + token * replies() * tokens()) / 1e9]);
        return { phase, held, needed: held.reduce((sum, [, size]) => sum + size, 0) };
      });
    }

    function verdict(needed) {
      const left = limit() - needed;
      if (left < 0) return ["✗ does not fit", "bad"];
      if (left < data.tight * limit()) return ["fits, but tight", "ink"];
      return ["✓ fits", "good"];
    }
    const sentence = () => `${billions()} billion parameters on ${data.cards[now.card][0]}: ` +
      plan().map(({ phase, needed }) =>
        `${phase} needs ${needed.toFixed(1)} GB, ${verdict(needed)[0].replace(/^. /, "")}`)
        .join("; ") + ".";

    function bar(g, area, y, h, row) {
      const most = limit() * BEYOND, at = (size) => area.left + (size / most) * area.width;
      const end = area.left + area.width;
      let from = 0;
      for (const [part, size] of row.held) {
        const x = Math.min(end, at(from)), width = Math.min(end, at(from + size)) - x;
        from += size;
        if (width > 0)
          g.append(svg("rect", { x, y, width, height: h, fill: shade(part), class: "ck-held" },
            svg("title", {}, `${part}: ${size.toFixed(1)} GB`)));
      }
      if (at(from) > end) // it goes on outside the picture
        g.append(svg("path", { fill: "var(--ck-bg)",
          d: `M${end - 9} ${y - 3}l9 ${h / 2 + 3}l-9 ${h / 2 + 3}h12v${-h - 6}z` }));
    }

    function draw(g, width) {
      const area = { left: 4, top: 30, width: width - 12 }, h = 26, step = 62, rows = plan();
      const x = area.left + area.width / BEYOND, bottom = area.top + step * rows.length;
      rows.forEach((row, k) => bar(g, area, area.top + k * step + 16, h, row));
      g.append(svg("line", { x1: x, x2: x, y1: 20, y2: bottom, class: "ck-limit" }));
      rows.forEach((row, k) => { // words last: where it is narrow they interrupt the line
        const y = area.top + k * step + 8, [words, colour] = verdict(row.needed);
        text(g, area.left, y, row.phase, { class: "ck-label ck-halo" });
        text(g, area.left + area.width, y, `${row.needed.toFixed(1)} GB, ${words}`, {
          "text-anchor": "end", class: `ck-label ck-halo ck-${colour}` });
      });
      text(g, x, 14, data.cards[now.card][0], { "text-anchor": "middle", class: "ck-label" });
      for (const [v, word] of kit.ticks(0, limit() * BEYOND, width < 560 ? 4 : 7))
        text(g, area.left + (v / limit() / BEYOND) * area.width, bottom + 14,
          v ? word : `${word} GB`, { "text-anchor": v ? "middle" : "start" });
      return { height: bottom + 22, label: sentence() };
    }

    const picture = kit.figure(draw), live = kit.announcer();
    const legend = node("p", { class: "ck-legend" });
    const numbers = node("div", { class: "ck-scroll", tabindex: 0 });

    function redraw() {
      const rows = plan();
      const parts = [...new Set(rows.flatMap((row) => row.held.map(([part]) => part)))];
      legend.replaceChildren(...parts.map((part) => node("span", {},
        node("i", { class: "ck-swatch", style: `background:${shade(part)}` }), part)));
      const cell = (row, part) => row.held.find(([name]) => name === part)?.[1].toFixed(2) ?? "–";
      numbers.replaceChildren(node("table", {},
        node("thead", {}, node("tr", {}, node("th", { scope: "col" }, "GB"),
          rows.map((row) => node("th", { scope: "col", class: "ck-num" }, row.phase)))),
        node("tbody", {}, parts.map((part) => node("tr", {}, node("th", { scope: "row" }, part),
          rows.map((row) => node("td", { class: "ck-num" }, cell(row, part))))),
          node("tr", {}, node("th", { scope: "row" }, "together"),
            rows.map((row) => node("td", { class: "ck-num" }, row.needed.toFixed(2)))))));
      picture.redraw();
      live.say(sentence());
    }

    const set = (name) => (k) => { now[name] = k; redraw(); };
    const controls = [
      kit.slider({ label: "parameters", values: data.sizes, at: now.size, on: set("size"),
        told: (v) => `${v} billion` }),
      kit.choice({ label: "card", options: data.cards.map(([name]) => name), at: now.card,
        on: set("card") }),
      kit.slider({ label: "replies in a part",
        values: Array.from({ length: data.most }, (_, k) => k + 1), at: now.replies,
        on: set("replies"), told: (n) => `${n} ${n > 1 ? "replies" : "reply"}` }),
      kit.slider({ label: "tokens of each", values: data.tokens, at: now.tokens, on: set("tokens"),
        told: (n) => `${n} tokens` }),
      kit.choice({ label: "trained", options: ["all weights", "LoRA only"], at: 0,
        on: set("lora") }),
      kit.choice({ label: "frozen models in", options: ["half precision", "float32"], at: 0,
        on: set("half") }),
    ];
    box.append(...controls.map((c) => c.box), picture.box, legend,
      node("p", { class: "ck-note" }, "Activations come on top. Keys and values are held to the " +
        `T4 job's limit, whatever the model. LoRA: ${100 * data.share} % of the weights are ` +
        "trained (in a large model fewer), beside the frozen ones."),
      node("details", {}, node("summary", {}, "The numbers"), numbers), live.box);
    redraw();
  };
})();
