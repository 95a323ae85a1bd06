// Of the desk: what a button of an issue changes is seen at once, in place. The page is asked for as it would be without a script, and
// what has changed of it is put in; what is being typed elsewhere stays, and the focus is kept. Without a script the page is loaded anew.

const REGIONS = ["head", "stands", "notices", "left", "looks", "frame", "checks", "deciding", "history"];
const FIELDS = "input:not([type=hidden]), textarea, select";
const LOST = "This did not get through. Look whether it was done: load the page anew.";
// What is changed is changed one after the other; of pages that are asked for, the last one counts.
let changing = Promise.resolve();
let asked = 0;
let shown = location.search;
// Which revision one of ours became by a change of ours: who presses a button before the page is there has seen that one.
const became = new Map();

const isHere = (address) => new URL(address, location.href).pathname === location.pathname;

function tell(words) {
  document.getElementById("told").hidden = false;
  document.getElementById("told-said").textContent = words;
}

// How the focused element is found again: by its id, or else as that of its row, or of its section, that is called the same.
function remember(element) {
  if (!element || element === document.body) return null;
  const around = element.closest("li[id], details[id], section[id], div[id]");
  const marked = element.matches("textarea, input:not([type]), input[type=search]") ? [element.selectionStart, element.selectionEnd] : null;
  return { id: element.id, around: around?.id, called: element.firstChild?.textContent, verb: element.value?.split?.(" ")[0], marked };
}

function focusAgain(what) {
  if (!what) return;
  const around = what.around && document.getElementById(what.around);
  const controls = around ? [...around.querySelectorAll("a[href], button, input:not([type=hidden]), textarea, select, summary")] : [];
  const alike = controls.find((one) => one.value?.split?.(" ")[0] === what.verb && one.firstChild?.textContent === what.called);
  const found = (what.id && document.getElementById(what.id)) || alike || controls.find((one) => one.matches("button")) || controls[0];
  found?.focus({ preventScroll: true });
  if (what.marked && found?.id === what.id) found.setSelectionRange(...what.marked);
  found?.scrollIntoView({ block: "nearest" });
}

// What is typed in `before` and not saved goes into `after`; where the page says something else there by now, it is told instead.
function carryOver(before, after, lost) {
  for (const field of before.querySelectorAll(FIELDS)) {
    const fresh = field.id && after.querySelector(`#${CSS.escape(field.id)}`);
    if (!fresh) continue;
    const was = field.matches("select") ? null : field.defaultValue;
    if (was === null || field.value === was || field.value === fresh.defaultValue) continue;
    if (fresh.defaultValue === was) fresh.value = field.value;
    else lost.push([document.querySelector(`label[for="${CSS.escape(field.id)}"]`)?.textContent ?? field.name, field.value]);
  }
  for (const one of before.querySelectorAll("details[open]")) {
    const fresh = one.id && after.querySelector(`#${CSS.escape(one.id)}`);
    if (fresh) fresh.open = true;
  }
}

const looksAt = (frame) => frame.dataset.at ?? frame.getAttribute("src");

// By `replace`, so that nothing is added to the way back.
function turn(frame, address) {
  frame.dataset.at = address;
  frame.contentWindow.location.replace(new URL(address, location.href).href);
}

// The frames stay where they are, and show what there is now: nothing moves. `fresh`: they have been turned to it already.
function lookAgain(before, after, fresh) {
  const [old, wanted] = [before, after].map((one) => [...one.querySelectorAll("iframe")]);
  if (old.length !== wanted.length || !old.length) return false;
  old.forEach((frame, place) => {
    const address = wanted[place].getAttribute("src");
    if (!fresh || looksAt(frame) !== address) turn(frame, address);
    frame.className = wanted[place].className;
    frame.title = wanted[place].title;
  });
  return true;
}

function swap(region, page, lost, fresh) {
  const before = document.getElementById(region);
  const after = page.getElementById(region);
  if (!before || !after) return;
  if (region === "frame" && lookAgain(before, after, fresh)) return;
  carryOver(before, after, lost);
  before.replaceWith(document.adoptNode(after));
}

function showLost(lost) {
  const notices = document.getElementById("notices");
  for (const [where, text] of lost) {
    const told = document.createElement("p");
    told.className = "notice bad";
    told.setAttribute("role", "alert");
    told.append(`You had written, and not saved, as “${where}”: `);
    const quoted = document.createElement("q");
    quoted.dir = "auto";
    quoted.textContent = text;
    told.append(quoted);
    notices.append(told);
  }
}

// With a script the notices stand before the page instead of moving it, and so they can be put away.
function offerClosing() {
  const notices = document.getElementById("notices");
  if (!notices.children.length) return;
  const close = document.createElement("button");
  close.className = "quiet";
  close.textContent = "Close";
  close.addEventListener("click", () => notices.replaceChildren());
  notices.append(close);
}

function put(html, fresh = false) {
  const page = new DOMParser().parseFromString(html, "text/html");
  if (!page.getElementById("left")) {
    const said = document.createElement("div");
    said.className = "notice bad";
    said.append(...(page.querySelector("main")?.childNodes ?? []));
    document.getElementById("notices").replaceChildren(said);
    offerClosing();
    return false;
  }
  const what = remember(document.activeElement);
  const lost = [];
  for (const region of REGIONS) swap(region, page, lost, fresh);
  showLost(lost);
  offerClosing();
  document.title = page.title;
  focusAgain(what);
  document.dispatchEvent(new Event("desk:fresh"));
  return true;
}

const isJson = (answer) => answer.headers.get("content-type")?.startsWith("application/json");

// The answer, when it was put in, or is to be read; null when it was of another page, or another one was asked for meanwhile.
async function ask(address, request = {}, fresh = false) {
  asked += 1;
  const mine = asked;
  document.documentElement.classList.add("busy");
  try {
    const answer = await fetch(address, { credentials: "same-origin", ...request });
    if (answer.redirected && !isHere(answer.url)) {
      location.assign(answer.url);
      return null;
    }
    if (isJson(answer)) return answer;
    const html = await answer.text();
    return (mine === asked || request.method) && put(html, fresh) ? answer : null; // what was posted is always told
  } catch {
    tell(LOST);
    return null;
  } finally {
    if (mine === asked) document.documentElement.classList.remove("busy");
  }
}

function nowAt(address, how = "pushState") {
  history[how](null, "", address);
  shown = location.search;
}

async function show(address) {
  const answer = await ask(address);
  if (answer) nowAt(address);
  return answer;
}

function goOnFrom(said, form) {
  let seen = said.get("revision");
  if (!form.action.includes("/change")) return; // what is decided is what was seen
  while (became.has(seen)) seen = became.get(seen);
  said.set("revision", seen);
}

// The preview first, which is there before the checks have been made.
async function post(form, said) {
  goOnFrom(said, form);
  const answer = await ask(form.action, { method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams(said) });
  if (!answer) return;
  if (!isJson(answer)) {
    if (answer.redirected) nowAt(answer.url);
    tell(answer.ok ? "Done." : "Nothing was changed.");
    return;
  }
  const { done, revision } = await answer.json();
  form.reset(); // what was said is done, and is not being typed any more
  if (said.get("revision") !== String(revision)) became.set(said.get("revision"), String(revision));
  for (const frame of document.querySelectorAll("#frame iframe")) turn(frame, looksAt(frame));
  const address = new URL(done, location.href);
  nowAt(address.pathname + address.search, "replaceState");
  refresh(address.href);
}

async function refresh(address) {
  if (await ask(address, {}, true)) tell(document.querySelector("#history-lines > li:first-child > [dir]")?.textContent.trim() ?? "Done.");
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.closest("main") || !new URL(form.action).pathname.startsWith(location.pathname)) return;
  event.preventDefault();
  const said = new FormData(form, event.submitter);
  if (form.method === "get") {
    const address = new URL(form.action);
    address.search = new URLSearchParams(said);
    show(address.href);
    return;
  }
  changing = changing.then(() => post(form, said)).catch(() => tell(LOST));
});

document.addEventListener("click", async (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const address = new URL(link.href);
  if (!link.closest("main") || !isHere(link.href) || address.search === location.search) return;
  event.preventDefault();
  const answer = await show(link.href);
  if (answer && link.classList.contains("verb")) {
    document.querySelector(`${address.hash} :is(input:not([type=hidden]), textarea)`)?.focus();
  }
});

const again = () => ask(location.href);
window.addEventListener("popstate", () => {
  if (location.search === shown) return; // to another place of this page
  shown = location.search;
  again();
});
document.addEventListener("desk:show", again);
document.documentElement.classList.add("scripted");
offerClosing();
