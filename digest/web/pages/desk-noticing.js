// Of the desk: what others do to an issue is told while one looks at it, and shown when one wants to see it; and who else is here.

const EVERY = 4000;
const told = document.getElementById("told");
let asking = 0;

function line(one) {
  const said = document.createElement("span");
  const who = document.createElement("bdi");
  who.textContent = one.who;
  said.append(who, ` ${one.did}, ${one.at}. `);
  return said;
}

function tellOf(found) {
  const news = document.getElementById("told-news");
  const here = document.getElementById("told-here");
  if (found.lines.length && news.dataset.mark !== String(found.mark)) {
    news.dataset.mark = found.mark;
    const show = document.createElement("button");
    show.className = "plain";
    show.textContent = "Show";
    show.addEventListener("click", () => document.dispatchEvent(new Event("desk:show")));
    news.replaceChildren(line(found.lines[0]));
    if (found.lines.length > 1) news.append(`And ${found.lines.length - 1} more. `);
    news.append(show);
  }
  const others = found.here.length ? `Also here: ${found.here.join(", ")}` : "";
  if (here.textContent !== others) here.textContent = others;
  told.hidden = !told.textContent;
}

async function ask() {
  const head = document.getElementById("head");
  if (document.hidden || !head) return;
  asking += 1;
  const mine = asking;
  const mark = head.dataset.mark;
  try {
    const answer = await fetch(`${head.dataset.news}?since=${mark}`, { credentials: "same-origin", redirect: "manual" });
    if (answer.type === "opaqueredirect") {
      clearInterval(every);
      document.getElementById("told-news").textContent = "You are not signed in any more.";
      told.hidden = false;
    } else if (answer.ok && mine === asking) {
      const found = await answer.json();
      if (document.getElementById("head").dataset.mark === mark) tellOf(found);
    }
  } catch {
    // Not reached: asked again soon, and whoever presses a button is told.
  }
}

document.addEventListener("desk:fresh", () => {
  const news = document.getElementById("told-news");
  delete news.dataset.mark;
  news.replaceChildren();
});
document.addEventListener("visibilitychange", ask);
const every = told ? setInterval(ask, EVERY) : 0;
if (told) ask();
