"use strict";
// Fills in the time zone, and works for the form while somebody fills it in: without this script one waits instead.

const ROUNDS = [], START = [];
(() => {
  const part = (x) => ((x - Math.floor(x)) * 4294967296) | 0;
  for (let n = 2; ROUNDS.length < 64; n++) {
    if (Array.from({ length: Math.floor(Math.sqrt(n)) - 1 }, (_, i) => i + 2).some((d) => n % d === 0)) continue;
    if (START.length < 8) START.push(part(Math.sqrt(n)));
    ROUNDS.push(part(Math.cbrt(n)));
  }
})();

// The first word of SHA-256 (FIPS 180-4) of a text of at most 55 ASCII characters: one block.
function firstWord(text) {
  const w = new Int32Array(64);
  for (let i = 0; i < text.length; i++) w[i >> 2] |= text.charCodeAt(i) << (24 - 8 * (i & 3));
  w[text.length >> 2] |= 0x80 << (24 - 8 * (text.length & 3));
  w[15] = text.length * 8;
  const turn = (x, n) => (x >>> n) | (x << (32 - n));
  for (let i = 16; i < 64; i++) {
    const a = w[i - 15], b = w[i - 2];
    w[i] = (w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + w[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10))) | 0;
  }
  let [a, b, c, d, e, f, g, h] = START;
  for (let i = 0; i < 64; i++) {
    const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + ROUNDS[i] + w[i]) | 0;
    const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  return (START[0] + a) >>> 0;
}

function solve(challenge, bits, done) {
  let number = 0;
  const work = () => {
    for (let i = 0; i < 4000; i++, number++) {
      if (firstWord(challenge + "." + number) >>> (32 - bits) === 0) return done(String(number));
    }
    setTimeout(work, 0);
  };
  work();
}

const zone = document.querySelector("select[data-guess]");
const guess = zone && Intl.DateTimeFormat().resolvedOptions().timeZone;
if (guess) {
  if (![...zone.options].some((option) => option.value === guess)) zone.add(new Option(guess), 1);
  zone.value = guess;
}

const form = document.querySelector("form[data-challenge]");
if (form) {
  let wanted = false;
  const proof = form.querySelector("input[name=proof]");
  form.addEventListener("submit", (event) => {
    if (proof.value) return;
    event.preventDefault();
    wanted = true;
  });
  solve(form.dataset.challenge, Number(form.dataset.bits), (number) => {
    proof.value = number;
    if (wanted) form.requestSubmit();
  });
}
