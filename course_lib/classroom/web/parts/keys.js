// JupyterLab and Notebook take arrows and letters from whatever has the focus: "a" makes a cell.
// Both leave a key alone where the element in focus has this attribute. Keys that save, run a cell
// or leave stay theirs; Escape leads from a card to its cell.
(() => {
  "use strict";
  if (window.courseKeys) return;
  const plain = (e) =>
    !(e.ctrlKey || e.metaKey || e.altKey || e.key === "Escape" || (e.shiftKey && e.key === "Enter"));
  addEventListener(
    "keydown",
    (e) => {
      const inside = e.target.closest && e.target.closest(".ck, .ck-still, .ck-keys");
      if (!inside) return;
      e.target.toggleAttribute("data-lm-suppress-shortcuts", plain(e));
      const cell = e.key === "Escape" && e.target.closest(".jp-Cell");
      if (cell) cell.focus({ preventScroll: true });
    },
    true,
  );
  window.courseKeys = plain;
})();
