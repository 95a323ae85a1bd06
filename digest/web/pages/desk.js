// Of the desk: an article can be dragged to another place among those of its topic. The buttons do the same without a script.

const form = document.getElementById("doing");
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

function drop(row, below) {
  const rows = rowsOf(row.parentElement).filter((one) => one !== dragged);
  const place = rows.indexOf(row) + (below ? 1 : 0);
  const field = document.createElement("input");
  field.type = "hidden";
  field.name = "do";
  field.value = `place ${dragged.dataset.article} ${place}`;
  form.append(field);
  form.submit();
}

for (const row of form ? document.querySelectorAll("[data-article]") : []) {
  row.draggable = true;
  row.addEventListener("dragstart", (event) => {
    dragged = row;
    row.classList.add("dragged");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", row.dataset.article);
  });
  row.addEventListener("dragend", () => {
    row.classList.remove("dragged");
    unmark();
    dragged = null;
  });
  row.addEventListener("dragover", (event) => {
    if (!dragged || dragged === row || dragged.parentElement !== row.parentElement) return;
    event.preventDefault();
    unmark();
    row.classList.add(isBelowTheMiddle(row, event) ? "beneath" : "above");
  });
  row.addEventListener("drop", (event) => {
    if (!dragged || dragged === row || dragged.parentElement !== row.parentElement) return;
    event.preventDefault();
    drop(row, isBelowTheMiddle(row, event));
  });
}
// In a field of a row text is marked, not dragged.
for (const field of document.querySelectorAll("[data-article] :is(input, textarea)")) {
  const row = field.closest("[data-article]");
  field.addEventListener("focus", () => (row.draggable = false));
  field.addEventListener("blur", () => (row.draggable = true));
}
