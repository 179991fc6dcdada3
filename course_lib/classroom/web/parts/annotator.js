// Be the annotator: choose between two replies, then see what others, a reward model and gold say.
(() => {
  "use strict";
  const kit = window.courseKit;
  if (kit.kinds.annotator) return;
  const { node, number } = kit;
  const A = 0, TIE = 1, B = 2; // what you can say
  const plain = (said) => (typeof said === "string" ? said : said.map(([s]) => s).join(" "));
  const percent = (p) => `${Math.round(100 * p)} %`;

  kit.kinds.annotator = (box, data) => {
    let place = 0, mine = null; // the pair on the table, and what you said of it
    const counts = { answered: 0, ties: 0, decided: 0, you: 0, model: 0 };
    const pair = () => data.pairs[place % data.pairs.length];

    const ask = node("p", { class: "ck-ask" }), bubbles = node("div", { class: "ck-pair" });
    const where = node("p", { class: "ck-hint" });
    const others = node("div", {}), verdict = node("p", { role: "status" });
    const tally = node("p", {});
    const buttons = ["A is better", "About the same", "B is better"].map((words, k) =>
      kit.button(words, () => answer(k), { "aria-pressed": "false" }));
    const onward = kit.button("", forward);
    const legend = node("div", {}, kit.legend());

    function bubble(k) {
      const { said, gold } = pair();
      const known = mine !== null;
      const made = kit.reply(known ? said[k] : plain(said[k]), {
        chosen: known && mine === (k ? B : A),
        score: `${data.gold_name} ${known ? number(gold[k]) : "?"}`,
      });
      made.prepend(node("b", {}, "AB"[k]));
      return made;
    }

    // a bar cut where A ends: words at both ends, so that no colour is needed
    const split = (share, left, right) => node("div", { class: "ck-split" },
      node("span", { style: `flex:${share}` }, left), node("span", { style: `flex:${1 - share}` },
        right));

    function opinions() {
      const { votes, predicted } = pair(), all = data.annotators;
      return node("div", { class: "ck-others" },
        node("span", {}, `${all} annotators`), split(votes / all, `A ${votes}`, `${all - votes} B`),
        node("span", {}, data.reward),
        split(predicted, `A ${percent(predicted)}`, `${percent(1 - predicted)} B`));
    }

    function sentence() {
      const { votes, predicted, gold } = pair(), rest = data.annotators - votes;
      const side = votes > rest ? "A" : "B";
      const they = votes === rest ? "The annotators are split evenly"
        : `${Math.max(votes, rest)} of ${data.annotators} annotators say ${side}`;
      const model = predicted > 0.5 ? `A with ${percent(predicted)}`
        : `B with ${percent(1 - predicted)}`;
      const truth = gold[0] === gold[1] ? "gives both the same"
        : `prefers ${gold[0] > gold[1] ? "A" : "B"}, by ${number(Math.abs(gold[0] - gold[1]))}`;
      const you = mine === TIE ? "that they are about the same" : mine === A ? "A" : "B";
      return `You say ${you}. ${they}, ${data.reward} says ${model}, ${data.gold_name} ${truth}.`;
    }

    // where the annotators are split evenly nobody is right; your ties are counted apart
    function count() {
      const { votes, predicted } = pair(), forA = 2 * votes > data.annotators;
      counts.answered += 1;
      if (mine === TIE) counts.ties += 1;
      if (mine === TIE || 2 * votes === data.annotators) return;
      counts.decided += 1;
      counts.you += (mine === A) === forA;
      counts.model += predicted > 0.5 === forA;
    }

    function score() {
      const { answered, ties, decided, you, model } = counts;
      if (!answered) return "Your agreement with the majority will stand here.";
      const of = decided === 1 ? "In the 1 pair" : `In the ${decided} pairs`;
      const tied = ties ? ` You called ${ties} about the same; they are not counted.` : "";
      return `${answered} answered. ${of} with a majority you agreed with ${you}, ${data.reward} ` +
        `with ${model}.${tied}`;
    }

    function show() {
      const known = mine !== null;
      where.textContent = `Pair ${place % data.pairs.length + 1} of ${data.pairs.length}`;
      ask.textContent = pair().ask;
      bubbles.replaceChildren(bubble(0), bubble(1));
      others.replaceChildren(opinions());
      others.className = legend.className = known ? "" : "ck-hidden";
      if (!data.pairs.some((p) => typeof p.said[0] !== "string")) legend.className = "ck-hidden";
      buttons.forEach((b, k) => b.setAttribute("aria-pressed", String(k === mine)));
      onward.textContent = known ? "Next pair" : "Skip this pair";
      onward.classList.toggle("ck-main", known);
      verdict.textContent = known ? sentence() : "Which reply is better? Choose first.";
      tally.textContent = score();
    }

    function answer(k) {
      if (mine !== null) return; // the first answer counts; buttons keep the keyboard's focus
      mine = k;
      count();
      show();
    }

    function forward() {
      place += 1;
      mine = null;
      show();
      buttons[0].focus({ preventScroll: true });
    }

    box.append(where, ask, bubbles, node("div", { class: "ck-row" }, ...buttons, onward),
      kit.steady(verdict, node("p", {}, "You say that they are about the same. " +
        `${data.annotators} of ${data.annotators} annotators say A, ${data.reward} says A with ` +
        `100 %, ${data.gold_name} prefers A, by 0.00.`)),
      others, tally, legend);
    show();
  };
})();
