// The map of ideas: what is due first, then every idea at the lesson that is the first to use it.
(() => {
  "use strict";
  const kit = window.courseKit;
  if (kit.kinds.progress) return;
  const { node, svg } = kit;
  const HUES = { "not yet": "soft", begun: "c0", "due again": "c1", mastered: "good" };

  // A shape for a state: empty, half full, a diamond, full with a tick.
  function shape(state, size = 18) {
    const hue = kit.hue(HUES[state]);
    const round = { cx: 10, cy: 10, r: 7.5, stroke: hue, "stroke-width": 2, fill: "none" };
    const parts = {
      "not yet": () => [svg("circle", round)],
      begun: () => [svg("circle", round),
        svg("path", { d: "M10 2.5a7.5 7.5 0 0 0 0 15z", fill: hue })],
      "due again": () => [svg("path", { d: "M10 1l9 9-9 9-9-9z", fill: hue })],
      mastered: () => [svg("circle", { ...round, fill: hue }),
        svg("path", { d: "M6 10.5l3 3 5.5-6.5", class: "ckp-tick" })],
    };
    return svg("svg", {
      viewBox: "0 0 20 20", width: size, height: size, class: "ckp-shape", "aria-hidden": "true",
    }, parts[state]());
  }

  kit.kinds.progress = (box, data, card) => {
    const rules = kit.answers(data.rules);
    const kept = kit.onSite() ? rules.stored().items : data.kept;
    const of = (id) => kept[id];
    const ideas = data.lessons.flatMap((lesson) => lesson.ideas);
    for (const idea of ideas) Object.assign(idea, count(idea));

    function count(idea) {
      const right = idea.items.filter((id) => rules.right(of(id))).length;
      const answered = idea.items.filter((id) => rules.last(of(id))).length;
      const due = idea.items.filter((id) => rules.due(of(id))).length;
      const all = right === idea.items.length && idea.points === idea.most && !due;
      const begun = answered || idea.points;
      return { right, state: all ? "mastered" : due ? "due again" : begun ? "begun" : "not yet" };
    }

    // The links stand in the fallback, where JupyterLab has wired each: they are moved, not copied.
    const anchors = card.fallback.flatMap((e) =>
      e.querySelectorAll ? [...e.querySelectorAll("a[data-place]")] : []);
    const used = {};
    function link(place) {
      const at = anchors.findIndex((a) => a.dataset.place === place);
      if (at >= 0) [used[place]] = anchors.splice(at, 1);
      else if (used[place]) used[place] = used[place].cloneNode(true);
      else return node("span", {}, place.replace("ex", ""));
      const a = used[place];
      a.setAttribute("aria-label", data.places[place]);
      if (kit.onSite()) a.setAttribute("href", a.getAttribute("href").replace(/\.ipynb$/, ".html"));
      return a;
    }

    function dueFirst() {
      const waiting = Object.keys(data.questions).filter((id) => rules.due(of(id)))
        .sort((a, b) => Date.parse(of(a).due) - Date.parse(of(b).due));
      if (!waiting.length) return node("p", {}, "Nothing is due again today.");
      const head = waiting.length === 1 ? "1 question is due again"
        : `${waiting.length} questions are due again`;
      const row = (id) => node("li", {}, shape("due again", 14), node("span", {},
        data.questions[id], " (", places({ places: [id.split("-")[0]] }), ")"));
      return node("div", {}, node("h3", {}, head),
        node("ul", { class: "ckp-due" }, waiting.map(row)));
    }

    function legend() {
      const points = (key) => ideas.reduce((sum, idea) => sum + idea[key], 0);
      return node("p", { class: "ckp-legend" },
        Object.keys(data.shapes).reverse().map((state) => node("span", {}, shape(state),
          ` ${ideas.filter((idea) => idea.state === state).length} ${state}`)),
        node("span", { class: "ck-note" },
          `${points("points")} of ${points("most")} points in exercises`));
    }

    function numbers(idea) {
      const parts = [];
      if (idea.items.length) parts.push(`${idea.right} of ${idea.items.length} questions`);
      if (idea.most) parts.push(`${idea.points} of ${idea.most} points`);
      return parts.join(", ");
    }

    // "lesson 00, 02 · exercise 02": each number a link that says its whole name
    function places(idea) {
      const part = (word, found) => (found.length
        ? [node("span", {}, word, found.flatMap((place, k) => [k ? ", " : " ", link(place)]))]
        : []);
      const lessons = part("lesson", idea.places.filter((place) => !place.startsWith("ex")));
      const work = part("exercise", idea.places.filter((place) => place.startsWith("ex")));
      return [...lessons, lessons.length && work.length ? " · " : "", ...work];
    }

    const draw = (idea) => node("li", {}, shape(idea.state), node("div", {},
      node("b", {}, idea.idea),
      node("div", { class: "ck-note" },
        node("span", { class: `ckp-state ckp-is-${idea.state.replace(" ", "-")}` }, idea.state),
        ": ", numbers(idea), node("br"), places(idea))));

    const due = dueFirst();
    const panels = data.lessons.map((lesson) =>
      node("section", { tabindex: -1, "aria-label": `lesson ${lesson.place}` },
        node("h3", {}, node("span", { class: "ckp-number" }, lesson.place), " ", lesson.name),
        node("ul", {}, lesson.ideas.map(draw))));

    // Every idea as its shape, above its lesson's number: press one to go there.
    function strip() {
      const told = (lesson) => Object.keys(data.shapes)
        .map((state) => [lesson.ideas.filter((idea) => idea.state === state).length, state])
        .filter(([n]) => n).map(([n, state]) => `${n} ${state}`).join(", ");
      return node("div", { class: "ckp-strip" }, data.lessons.map((lesson, k) =>
        node("button", {
          type: "button", "aria-label": `lesson ${lesson.place}: ${told(lesson)}`,
          onclick: () => {
            const behavior = kit.calm() ? "auto" : "smooth";
            panels[k].scrollIntoView({ block: "nearest", behavior });
            panels[k].focus({ preventScroll: true });
          },
        }, lesson.ideas.map((idea) => shape(idea.state)), node("span", {}, lesson.place))));
    }

    box.append(due, strip(), legend(), node("div", { class: "ckp-map" }, panels));
  };
})();
