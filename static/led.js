// The screen of a hall. What it shows was confirmed by the server a moment ago, or is taken away: out of the page and
// out of memory. Every failure, of whatever kind, counts as a server that is out of reach.
"use strict";
(() => {
  const at = (name) => document.getElementById(name);
  const given = at("led").dataset;
  const EVERY = Number(given.every); // between two looks
  const LONGEST = Number(given.longest); // that a slide may stand unconfirmed
  const TURN = Number(given.seconds) * 1000;
  const PATIENCE = 4000; // with one request
  const DOUBT = 2500; // that a slide may stand when the list is known to have changed
  const UNREACHED = "名单暂时无法更新";

  // A machine that slept, or whose clock was put right, has waited for as long as either of its clocks says.
  const stamp = () => ({ wall: Date.now(), run: performance.now() });
  const since = (then) => Math.max(Date.now() - then.wall, performance.now() - then.run);

  let slide = null; // what is on the screen: mark, page, lines, when it was asked for
  let confirmed = stamp(); // when the last request was sent whose answer said that the slide is right
  let doubted = null; // when it was found that the list is another
  let turned = stamp();
  let asked = null;
  let busy = false;
  let paused = false;
  let page = Number(given.first) || 1;

  const empty = (words) => {
    at("lines").replaceChildren();
    at("list").hidden = true;
    at("counts").textContent = "";
    at("state").textContent = words;
    at("card").hidden = false;
  };

  const forget = (words) => {
    slide = null;
    doubted = null;
    empty(words);
  };

  const element = (name, kind, role, ...parts) => {
    const made = document.createElement(name);
    if (kind) made.className = kind;
    if (role) made.setAttribute("role", role);
    made.append(...parts);
    return made;
  };

  const row = (line) => element(
    "div", "led-row", "row",
    element("span", `led-name size-${line.sizes[0]}`, "cell", line.name),
    element("span", "led-number", "cell", line.number),
    element(
      "span", `led-case size-${line.sizes[1]}`, "cell", element("b", "", "", line.case_number), " ", element("i", "", "", line.court),
    ),
    element("span", `led-conduct size-${line.sizes[2]}`, "cell", line.conduct),
  );

  const show = () => {
    if (!slide.lines.length) {
      empty(slide.state || "现在没有公示的信息");
      return;
    }
    at("lines").replaceChildren(...slide.lines.map(row));
    at("counts").textContent = `共 ${slide.total} 条　第 ${slide.page}／${slide.pages} 屏`;
    at("card").hidden = true;
    at("list").hidden = false;
  };

  const dropEnded = () => {
    const left = slide.lines.filter((line) => line.left === null || since(slide.sent) < line.left);
    if (left.length === slide.lines.length) return;
    slide.lines = left;
    slide.mark = ""; // the list is another: the slide is read anew at the next look
    show();
  };

  const isText = (value) => typeof value === "string";
  const isLine = (line) =>
    [line.name, line.number, line.case_number, line.conduct, line.court].every(isText) &&
    Array.isArray(line.sizes) && (line.left === null || Number.isFinite(line.left));
  const isSlide = (answer) =>
    isText(answer.mark) && isText(answer.today) && (answer.state === undefined || isText(answer.state)) && Array.isArray(answer.lines) && answer.lines.every(isLine) &&
    [answer.page, answer.pages, answer.total].every(Number.isInteger);

  const read = async (address, sent) => {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), PATIENCE);
    try {
      const answer = await fetch(address, {
        cache: "no-store", credentials: "omit", redirect: "error", signal: limit.signal,
      });
      const found = answer.status === 200 ? await answer.json() : null;
      // An answer that waited through a sleep of the machine is none.
      if (found === null || since(sent) >= PATIENCE) throw new Error("out of reach");
      return found;
    } finally {
      clearTimeout(timer);
    }
  };

  const readSlide = async () => {
    const sent = stamp();
    const address = new URL(given.slides, location.href);
    address.searchParams.set("page", page);
    const answer = await read(address, sent);
    if (!isSlide(answer)) throw new Error("not a slide");
    slide = { ...answer, sent };
    page = answer.page;
    confirmed = sent;
    doubted = null;
    at("today").textContent = answer.today;
    show();
    dropEnded();
  };

  const look = async () => {
    if (slide === null) return readSlide();
    if (!paused && since(turned) >= TURN) {
      page = slide.page + 1; // the server begins again where there is none
      turned = stamp();
      return readSlide();
    }
    const sent = stamp();
    const answer = await read(new URL(given.marks, location.href), sent);
    if (slide !== null && answer.mark === slide.mark) {
      confirmed = sent;
      return undefined;
    }
    doubted = doubted || sent;
    return readSlide();
  };

  const tick = async () => {
    const isOld = since(confirmed) >= LONGEST || (doubted !== null && since(doubted) >= DOUBT);
    if (slide !== null && isOld) forget(UNREACHED);
    else if (slide === null && since(confirmed) >= PATIENCE) empty(UNREACHED);
    if (slide !== null) dropEnded();
    if (busy || (asked !== null && since(asked) < EVERY)) return;
    busy = true;
    asked = stamp();
    try {
      await look();
    } catch {
      // Out of reach: what is shown grows old, and goes.
    } finally {
      busy = false;
    }
  };

  at("pause").addEventListener("click", (event) => {
    paused = !paused;
    turned = stamp();
    event.target.setAttribute("aria-pressed", String(paused));
  });
  // A page that is put aside, to be shown again later, keeps nobody's name.
  addEventListener("pagehide", () => forget("正在读取名单"));
  for (const name of ["pageshow", "online", "focus"]) addEventListener(name, tick);
  for (const name of ["visibilitychange", "resume"]) document.addEventListener(name, tick);
  setInterval(tick, 250);
})();
