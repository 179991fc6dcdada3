// What is kept of answers: scores, levels and days, as course_lib/classroom/record.py keeps them.
// courseKit.answers(rules) gives the functions; rules come from Python with the card's data.
(() => {
  "use strict";
  const kit = window.courseKit;
  if (kit.answers) return;
  const LETTERS = "abcdefgh";
  const DAY = 86_400_000;
  const KEY = "progress";

  const stamp = (time) => new Date(time).toISOString().replace(/\.\d+Z$/, "+00:00");
  const last = (entry) => (entry && entry.answers && entry.answers.at(-1)) || null;
  const due = (entry) => Boolean(entry && entry.due && Date.parse(entry.due) <= Date.now());
  const day = (entry) => new Date(entry.due).toLocaleDateString("en-GB", {
    day: "numeric", month: "long",
  });

  // All that this browser keeps, in the shape of the progress file.
  const stored = () => {
    const kept = kit.store.read(KEY);
    return kept && kept.format === 1 ? kept : { format: 1, items: {}, tasks: {} };
  };

  // share of pairs of steps in the right order; 1, or at most `near`
  function shareOf(order, near) {
    let fine = 0, pairs = 0;
    order.forEach((step, a) => order.slice(a + 1).forEach((other) => {
      pairs += 1;
      fine += step < other;
    }));
    return fine === pairs ? 1 : Math.min(fine / pairs, near);
  }

  kit.answers = (rules) => {
    const enough = (share) => share >= rules.right; // of the points, to count as right
    const right = (entry) => Boolean(last(entry)) && enough(last(entry).score);

    // answered for good and not due yet: until then it is practice
    const waits = (entry) => {
      const at = last(entry);
      return Boolean(at && entry.due && !due(entry) && (right(entry) || at.try !== 1));
    };

    const score = (share, attempt) =>
      Number((share * (attempt === 1 ? 1 : rules.second)).toFixed(3));

    // the entry after one more answer
    function after(entry, answer, points, facts) {
      const before = entry || { level: 0, due: null, answers: [] };
      const level = enough(points) ? Math.min(before.level + 1, rules.days.length - 1) : 0;
      const now = Date.now();
      return {
        ...before, level, due: stamp(now + rules.days[level] * DAY),
        answers: [...before.answers, { at: stamp(now), answer, score: points, ...facts }],
      };
    }

    const scoreOfOrder = (order) => shareOf(order, rules.near);
    return { LETTERS, last, due, day, enough, right, waits, score, after, stored, scoreOfOrder };
  };

  function keepStored(id, entry) {
    const kept = stored();
    kept.items[id] = entry;
    return kit.store.write(KEY, kept);
  }

  // What a card of questions keeps, and where: told to the kernel, or written in this browser.
  // data: {rules, items, kept}; changed() after each change; note(text) says where it was kept.
  kit.openBook = (data, card, changed) => {
    const rules = kit.answers(data.rules);
    const site = kit.onSite();
    const kept = site ? stored().items : { ...data.kept };
    const fresh = () => ({ level: 0, due: null, answers: [] });
    const practice = (item) => `Practice: it counts again from ${day(kept[item.id])}.`;

    function tell(item, message, note) {
      if (site) {
        const fine = keepStored(item.id, kept[item.id]);
        note(fine ? "Kept in this browser." : "Not kept: this browser's store is closed.");
        return true;
      }
      note("");
      const sent = kit.send(card.link, { item: item.id, ...message }, (said) => {
        if (!said)
          return note("Not saved yet: Python does not answer. After a restart, run this cell.");
        if (said.error) return note(`Not saved: ${said.error}`);
        kept[item.id] = said.entry;
        note(said.practice ? practice(item) : `Kept in ${said.file}.`);
        return changed();
      });
      if (!sent) note("Not saved here; run the cell to save.");
      return sent;
    }

    function keep(item, answer, share, facts, note) {
      const before = kept[item.id];
      if (rules.waits(before)) return note(practice(item));
      kept[item.id] = rules.after(before, answer, rules.score(share, facts.try || 1), facts);
      if (!tell(item, { answer, ...facts }, note)) kept[item.id] = before;
      return changed();
    }

    function draft(item, text, note) {
      const before = kept[item.id] || fresh();
      if (before.draft === text) return;
      kept[item.id] = { ...before, draft: text };
      tell(item, { answer: text }, note);
    }

    return { rules, kept, keep, draft, of: (item) => kept[item.id] };
  };
})();
