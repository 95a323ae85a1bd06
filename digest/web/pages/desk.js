// Of the desk: an article can be dragged to another place among those of its topic. The buttons do the same without a script.

let dragged = null;

function rowsOf(list) {
  return [...list.querySelectorAll(":scope > [data-article]")];
}

function isBelowTheMiddle(row, event) {
  const box = row.getBoundingClientRect();
  return event.clientY > box.top + box.height / 2;
}

function unmark() {
  for (const row of document.querySelectorAll(".above, .beneath")) row.classList.remove("above", "beneath");
}

// The row that the dragged one would be dropped on: another of the same topic.
function target(event) {
  const row = event.target.closest?.("[data-article]");
  return dragged && row && row !== dragged && row.parentElement === dragged.parentElement ? row : null;
}

function drop(row, below) {
  const rows = rowsOf(row.parentElement).filter((one) => one !== dragged);
  const place = rows.indexOf(row) + (below ? 1 : 0);
  const form = document.getElementById("doing");
  const field = document.createElement("input");
  field.type = "hidden";
  field.name = "do";
  field.value = `place ${dragged.dataset.article} ${place}`;
  form.append(field);
  form.requestSubmit();
  field.remove();
}

function makeDraggable() {
  if (!document.getElementById("doing")) return;
  for (const row of document.querySelectorAll("[data-article]")) row.draggable = true;
}

document.addEventListener("dragstart", (event) => {
  const row = event.target.closest?.("[data-article]");
  if (!row) return;
  dragged = row;
  row.classList.add("dragged");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", row.dataset.article);
});
document.addEventListener("dragend", () => {
  dragged?.classList.remove("dragged");
  unmark();
  dragged = null;
});
document.addEventListener("dragover", (event) => {
  const row = target(event);
  if (!row) return;
  event.preventDefault();
  unmark();
  row.classList.add(isBelowTheMiddle(row, event) ? "beneath" : "above");
});
document.addEventListener("drop", (event) => {
  const row = target(event);
  if (!row) return;
  event.preventDefault();
  drop(row, isBelowTheMiddle(row, event));
});
// In a field of a row text is marked, not dragged.
for (const [happens, may] of [["focusin", false], ["focusout", true]]) {
  document.addEventListener(happens, (event) => {
    const row = event.target.matches("input, textarea, select") ? event.target.closest("[data-article]") : null;
    if (row) row.draggable = may;
  });
}
document.addEventListener("desk:fresh", makeDraggable);
makeDraggable();
