// Steps to put in order: by buttons, by arrow keys on those, and by dragging (touch too).
(() => {
  "use strict";
  const kit = window.courseKit;
  if (kit.ordering) return;
  const { node } = kit;

  // texts: of the steps; order: their positions as they stand first; on(order): after each move.
  // It gives {box, order(), set(order), mark(words or null for each place)}.
  kit.ordering = ({ texts, order, on }) => {
    const list = node("ol", { class: "ckq-order" });
    const live = kit.announcer();
    const rows = texts.map((text, step) => row(text, step));
    const now = () => [...list.children].map((li) => Number(li.dataset.step));

    function row(text, step) {
      const move = (by) => () => shift(step, by, by < 0 ? "up" : "down");
      const up = kit.button("↑", move(-1), { "aria-label": `move step '${text}' up` });
      const down = kit.button("↓", move(1), { "aria-label": `move step '${text}' down` });
      const mark = node("span", { class: "ckq-mark" });
      const li = node("li", { "data-step": step },
        node("span", { class: "ckq-grip", "aria-hidden": "true", title: "drag" }, "⠿"),
        node("span", { class: "ckq-words" }, text, mark),
        node("span", { class: "ckq-moves" }, up, down));
      li.addEventListener("keydown", (e) => {
        const by = { ArrowUp: -1, ArrowDown: 1 }[e.key];
        if (!by || !kit.plain(e)) return;
        e.preventDefault();
        shift(step, by, document.activeElement === up ? "up" : "down");
      });
      li.addEventListener("pointerdown", (e) => take(e, li));
      return { li, up, down, mark };
    }

    // The step keeps the focus; at an end of the list the other button has it.
    function shift(step, by, hand) {
      const { li, up, down } = rows[step];
      const beside = by < 0 ? li.previousElementSibling : li.nextElementSibling;
      if (!beside) return;
      if (by < 0) beside.before(li); else beside.after(li);
      moved();
      const wanted = hand === "up" ? up : down;
      (wanted.disabled ? (hand === "up" ? down : up) : wanted).focus();
      const place = now().indexOf(step) + 1;
      live.say(`${texts[step]} Now in place ${place} of ${texts.length}.`);
    }

    function moved() {
      ends();
      mark([]);
      on(now());
    }

    function ends() {
      const all = now();
      rows.forEach(({ up, down }, step) => {
        up.disabled = all[0] === step;
        down.disabled = all.at(-1) === step;
      });
    }

    // Dragging: a finger takes the grip (elsewhere it scrolls the page), a mouse the whole row.
    function take(e, li) {
      if (e.button || e.target.closest("button")) return;
      if (e.pointerType !== "mouse" && !e.target.closest(".ckq-grip")) return;
      e.preventDefault();
      const before = now().join();
      li.classList.add("ckq-held");
      list.setPointerCapture(e.pointerId); // the list stays where it is while rows move
      const drag = (at) => {
        const over = [...list.children].find((other) => {
          const { top, bottom } = other.getBoundingClientRect();
          return other !== li && at.clientY >= top && at.clientY <= bottom;
        });
        if (!over) return;
        const { top, height } = over.getBoundingClientRect();
        const below = at.clientY > top + height / 2;
        const all = [...list.children];
        const follows = all.indexOf(over) > all.indexOf(li);
        if (follows && below) over.after(li);
        if (!follows && !below) over.before(li);
      };
      const drop = () => {
        list.removeEventListener("pointermove", drag);
        li.classList.remove("ckq-held");
        if (now().join() !== before) moved();
      };
      list.addEventListener("pointermove", drag);
      list.addEventListener("lostpointercapture", drop, { once: true });
    }

    // words[place]: null, or [good, words]
    function mark(words) {
      now().forEach((step, place) => {
        const [fine, text] = words[place] || [null, ""];
        rows[step].mark.textContent = text;
        rows[step].li.classList.toggle("ckq-good", fine === true);
        rows[step].li.classList.toggle("ckq-bad", fine === false);
      });
    }

    function set(wanted) {
      list.replaceChildren(...wanted.map((step) => rows[step].li));
      ends();
    }

    set(order);
    return { box: node("div", {}, list, live.box), order: now, set, mark };
  };
})();
