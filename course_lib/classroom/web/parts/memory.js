// What fits on a card: bars of memory by phase, while model, replies and ways of training change.
(() => {
  "use strict";
  const kit = window.courseKit;
  if (kit.kinds.memory) return;
  const { node, svg, text } = kit;
  const BEYOND = 1.45; // the axis ends that many cards to the right
  const LETTER = 6.6, LANE = 15, LEAST = 3; // pixels: a letter, a line of names, a part with a name
  const mix = (share) => `color-mix(in srgb, var(--ck-c0) ${share}%, var(--ck-bg))`;
  // what grows with the number of weights is blue, and lighter from part to part
  const SHADES = {
    weights: "var(--ck-c0)", gradients: mix(70), "Adam's moments": mix(45),
    "half-precision copy": mix(22), "keys and values": "var(--ck-c1)",
    activations: "var(--ck-c1)", logits: "var(--ck-c2)", "other models": "var(--ck-c3)",
  };
  const shade = (part) => SHADES[part] || "var(--ck-c4)";

  // Names below a bar in as few lines as they need, from right to left, so that no name hangs on a
  // line through another: lines of [name, where it begins, its part].
  function lanesOf(parts, right) {
    const lanes = [];
    for (const [name, x] of [...parts].reverse()) {
      const wide = LETTER * name.length, at = Math.max(0, Math.min(x, right - wide));
      const firsts = lanes.map((lane) => Math.min(...lane.at(-1).slice(1)));
      let k = lanes.findIndex((_, i) => at + wide + 4 <= Math.min(...firsts.slice(i)));
      if (k < 0) k = lanes.push([]) - 1;
      lanes[k].push([name, at, x]);
    }
    return lanes;
  }

  kit.kinds.memory = (box, data) => {
    const now = { ...data.start, lora: 0, recompute: 0, resting: 0 };
    const billions = () => data.sizes[now.size], limit = () => data.cards[now.card][1];
    const replies = () => now.replies + 1, tokens = () => data.tokens[now.tokens];

    // GB by phase, from the bytes that Python gives: fixed, a reply, a token of the replies
    function plan() {
      const rows = data.plans[now.size][2 * now.lora + now.recompute];
      return rows.map(([phase, ...parts]) => {
        const held = parts.filter(([part]) => part !== data.rests || now.resting).map(
          ([part, fixed, each, token]) =>
            [part, (fixed + (each + token * tokens()) * replies()) / 1e9]);
        return { phase, held, needed: held.reduce((sum, [, size]) => sum + size, 0) };
      });
    }

    function verdict(needed) {
      const left = limit() - needed;
      if (left < 0) return ["✗ does not fit", "bad"];
      if (left < data.tight * limit()) return ["too tight", "ink"];
      return ["✓ fits", "good"];
    }
    const sentence = () => `${billions()} billion parameters on ${data.cards[now.card][0]}: ` +
      plan().map(({ phase, needed }) =>
        `${phase} needs ${needed.toFixed(1)} GB, ${verdict(needed)[0].replace(/^. /, "")}`)
        .join("; ") + ".";

    // a bar and the names below it; returns where they end
    function bar(g, area, y, h, row) {
      const most = limit() * BEYOND, at = (size) => area.left + (size / most) * area.width;
      const end = area.left + area.width, named = [];
      let from = 0;
      for (const [part, size] of row.held) {
        const x = Math.min(end, at(from)), width = Math.min(end, at(from + size)) - x;
        from += size;
        if (width > 0)
          g.append(svg("rect", { x, y, width, height: h, fill: shade(part), class: "ck-held" },
            svg("title", {}, `${part}: ${size.toFixed(1)} GB`)));
        if (width > LEAST) named.push([data.short[part] || part, x]);
      }
      if (at(from) > end) // it goes on outside the picture
        g.append(svg("path", { fill: "var(--ck-bg)",
          d: `M${end - 9} ${y - 3}l9 ${h / 2 + 3}l-9 ${h / 2 + 3}h12v${-h - 6}z` }));
      const lanes = lanesOf(named, end);
      lanes.forEach((lane, k) => lane.forEach(([name, left, x]) => {
        const foot = y + h + LANE * (k + 1);
        g.append(svg("path", { class: "ck-hang", d: `M${x + 0.5} ${y + h}V${foot}` }));
        text(g, left < x ? x - 3 : left + 4, foot - 1, name,
          { "text-anchor": left < x ? "end" : "start", class: "ck-part-name ck-halo" });
      }));
      return y + h + LANE * lanes.length;
    }

    function draw(g, width) {
      const area = { left: 4, top: 30, width: width - 12 }, h = 24, rows = plan();
      const x = area.left + area.width / BEYOND, marks = svg("g"), heads = [];
      let y = area.top;
      for (const row of rows) {
        heads.push([row, y + 8]);
        y = bar(marks, area, y + 16, h, row) + 18;
      }
      const bottom = y;
      g.append(svg("line", { x1: x, x2: x, y1: 20, y2: bottom, class: "ck-limit" }), marks);
      for (const [row, at] of heads) { // where it is narrow these words interrupt the line
        const [words, colour] = verdict(row.needed);
        text(g, area.left, at, row.phase, { class: "ck-label ck-halo" });
        text(g, area.left + area.width, at, `${row.needed.toFixed(1)} GB, ${words}`, {
          "text-anchor": "end", class: `ck-label ck-halo ck-${colour}` });
      }
      text(g, x, 14, `${limit()} GB`, { "text-anchor": "middle", class: "ck-label" });
      for (const [v, word] of kit.ticks(0, limit() * BEYOND, width < 560 ? 4 : 7))
        text(g, area.left + (v / limit() / BEYOND) * area.width, bottom + 14,
          v ? word : `${word} GB`, { "text-anchor": v ? "middle" : "start" });
      return { height: bottom + 22, label: sentence() };
    }

    const picture = kit.figure(draw), live = kit.announcer();
    const numbers = node("div", { class: "ck-scroll", tabindex: 0 });

    function redraw() {
      const rows = plan();
      const parts = [...new Set(rows.flatMap((row) => row.held.map(([part]) => part)))];
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
      kit.choice({ label: "trained", options: ["all weights", "LoRA only"], on: set("lora") }),
      kit.choice({ label: "activations", options: ["kept", "computed again"],
        on: set("recompute") }),
      kit.choice({ label: "idle models", options: ["in main memory", "on the card"],
        on: set("resting") }),
    ];
    const drawn = kit.roomy(node("div", {}, picture.box));
    box.append(...controls.map((c) => c.box), drawn,
      node("p", { class: "ck-note" }, "Keys and values are held to 6.3 GB, whatever the model. " +
        `Each reply stands behind a prompt of ${data.prompt} tokens. LoRA: adapters of rank ` +
        `${data.rank} are trained beside the frozen weights. Computing activations again takes ` +
        "about a third more time. A GPU's libraries need some hundred MB more."),
      node("details", {}, node("summary", {}, "The numbers"), numbers), live.box);
    redraw();
  };
})();
