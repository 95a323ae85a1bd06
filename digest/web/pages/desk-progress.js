// Of the desk: how an issue goes out, told as it happens. Without a script the page says how it stood when it was loaded.

let place = null;
let events = null;

function number(value) {
  return Number(value).toLocaleString("en");
}

function time(seconds) {
  if (seconds < 90) return `about ${Math.max(1, Math.round(seconds))} seconds left`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} minutes left`;
  return `about ${Math.round(seconds / 3600)} hours left`;
}

function figure(name, many) {
  let value = place.querySelector(`[data-state="${name}"]`);
  if (!value && many) {
    const group = document.createElement("div");
    const term = document.createElement("dt");
    term.textContent = name;
    value = document.createElement("dd");
    value.dataset.state = name;
    group.append(term, value);
    place.querySelector("dl").append(group);
  }
  if (value) value.textContent = number(many);
}

function show(going) {
  for (const [name, many] of Object.entries(going.account)) figure(name, many);
  const bar = place.querySelector("progress");
  bar.max = Math.max(1, going.audience);
  bar.value = going.done;
  const words = [`${number(going.done)} of ${number(going.audience)}`];
  if (going.rate) words.push(`${number(going.rate)} a second`);
  if (going.left !== null && going.left > 0) words.push(time(going.left));
  place.querySelector("[data-words]").textContent = words.join(" · ");
}

// The page as it is now: after a change made in place it is another element, or there is nothing to listen to any more.
function watch() {
  events?.close();
  place = document.getElementById("progress");
  if (!place?.dataset.live) return;
  const mine = new EventSource(place.dataset.live);
  events = mine;
  const before = place.dataset.state;
  const reload = () => {
    mine.close();
    location.reload();
  };
  mine.addEventListener("message", (event) => {
    const going = JSON.parse(event.data);
    show(going);
    // Other buttons stand there now; what somebody is typing is not taken away from them.
    if (going.state !== before) {
      const typing = document.activeElement?.matches("input, textarea") && document.activeElement.value;
      if (!typing) reload();
      else place.querySelector("[data-changed]").hidden = false;
    }
  });
  mine.addEventListener("end", () => {
    mine.close();
    place.querySelector("[data-changed]").hidden = false;
  });
  mine.addEventListener("out", reload);
}

watch();
document.addEventListener("desk:fresh", watch);
