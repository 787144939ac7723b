// Walks a tape. All that the data say gets into the page as text (textContent), never as markup.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("tape").textContent);
  const { events, layers, program } = data;
  const $ = (id) => document.getElementById(id);
  const boxes = [...document.querySelectorAll(".layer")];
  const ops = [...document.querySelectorAll(".op.box")];
  const pictures = [...document.querySelectorAll(".ops")];  // of the ops, one a layer
  let now = 0;        // the index of the event that is shown
  let chosen = null;  // the layer that was clicked, whose steps alone are listed
  let shown = [];     // the indices of the events that the list shows, in order
  let rows = [];      // their elements
  const lines = [];   // the elements of the program's lines

  // -- making elements ------------------------------------------------------------------------------------------------

  function make(tag, className, ...children) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  }

  function link(text, act) {
    const button = make("button", "link", text);
    button.type = "button";
    button.addEventListener("click", act);
    return button;
  }

  const number = (x) => (typeof x === "number" ? String(Number(x.toPrecision(4))) : String(x));
  const shape = (value) => `(${value.shape.join(", ")}${value.shape.length === 1 ? "," : ""})`;
  const size = (value) => value.shape.reduce((a, b) => a * b, 1);
  const layerOf = (event) => layers[event.layer].title;

  const plain = (label) => (label.startsWith(data.head) ? label.slice(data.head.length) : label);  // without the model
  const called = (x) => (x.label ? plain(x.label) : x.name);

  // -- values ---------------------------------------------------------------------------------------------------------

  function figures(value) {
    const parts = [`${shape(value)} ${value.dtype}`];
    if (value.rows !== undefined) parts.push(`${value.rows} rows of ${value.shape[0]}`);
    if (size(value) > 1) parts.push(`norm ${number(value.norm)}`, `${number(value.low)} … ${number(value.high)}`, `mean ${number(value.mean)}`);
    else if (value.first.length) parts.push(number(value.first[0]));
    return parts.join("  ·  ");
  }

  function place(value, k) {
    const index = [];
    for (let axis = value.shape.length - 1; axis >= 0; axis--) {
      index.unshift(k % value.shape[axis]);
      k = Math.floor(k / value.shape[axis]);
    }
    return `[${index.join(", ")}]`;
  }

  function cells(value) {
    const many = value.first.length > 24;
    const last = value.shape.length ? value.shape[value.shape.length - 1] : 1;
    const columns = Math.max(1, Math.min(last > 1 ? last : value.first.length, many ? 32 : 12));
    const most = Math.max(...value.first.map((x) => (typeof x === "number" ? Math.abs(x) : 0)), 1e-300);
    const grid = make("div", many ? "cells small" : "cells");
    grid.style.gridTemplateColumns = `repeat(${columns}, auto)`;
    value.first.forEach((x, k) => {
      const cell = make("span", "", many ? "" : number(x));
      const strength = typeof x === "number" ? Math.abs(x) / most : 1;
      if (strength) cell.style.background = `rgba(var(--${x > 0 ? "plus" : "minus"}), ${(0.08 + 0.62 * strength).toFixed(3)})`;
      cell.dataset.tip = `${place(value, k)} = ${x}`;
      grid.append(cell);
    });
    return grid;
  }

  function card(what, value, from, title, bare) {
    const row = make("div", "value", make("span", "what", what));
    row.append(make("span", "figures", figures(value)));
    if (value.bad) row.append(make("span", "bad", `${value.bad} not finite`));
    if (from !== undefined) row.append(link(`${title || "made by"} ${from} ${events[from].op}`, () => go(from)));
    if (size(value) > 1 && !bare) {
      row.append(cells(value));
      const rest = size(value) - value.first.length;
      if (rest > 0) row.append(make("span", "figures", `and ${rest.toLocaleString("en")} more`));
    }
    return row;
  }

  // -- the list of steps ----------------------------------------------------------------------------------------------

  function words(event) {
    const full = event.phase === "backward" && event.partner !== undefined ? events[event.partner] : event;
    const names = [...(event.operands || []), ...(event.outgoing || [])].map(called);
    return [event.op, event.phase, layerOf(event), event.weight, full.line, full.code, ...names].join(" ").toLowerCase();
  }
  const haystack = events.map(words);

  function list() {
    const wanted = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const place = $("list");
    place.replaceChildren();
    shown = [];
    rows = [];
    if (chosen !== null) {
      place.append(make("div", "none", "Only ", make("b", "", layers[chosen].title), ".  ", link("Show all steps", () => choose(null))));
    }
    let phase = "";
    events.forEach((event, i) => {
      if (chosen !== null && event.layer !== chosen) return;
      if (!wanted.every((word) => haystack[i].includes(word))) return;
      if (event.phase !== phase) {
        phase = event.phase;
        place.append(make("div", `phase ${phase}`, phase));
      }
      const value = event.phase === "backward" ? event.incoming : event.value;
      const where = event.phase === "update" ? plain(event.weight) : layerOf(event);
      const row = make("button", `step ${phase}`,
        make("span", "number", String(i)), make("span", "op", event.op), make("span", "in", where),
        make("span", "shape mono", value ? shape(value) : ""));
      row.type = "button";
      row.dataset.event = i;
      if (value) row.dataset.tip = `${event.phase === "backward" ? "incoming gradient" : "value"}: ${figures(value)}`;
      row.addEventListener("click", () => go(i));
      shown.push(i);
      rows.push(row);
      place.append(row);
    });
    if (!shown.length) place.append(make("div", "none", "No step matches."));
    if (data.lost) place.append(make("div", "none", `${data.lost.toLocaleString("en")} more came after the tape's limit.`));
    mark();
  }

  // -- the step -------------------------------------------------------------------------------------------------------

  function detail() {
    const event = events[now];
    const place = $("detail");
    place.replaceChildren();
    if (!event) {
      place.append(make("p", "none", "The tape is empty: nothing was computed from Tensors while it ran."));
      return;
    }
    const back = event.phase === "backward" ? event : events[event.partner];
    const forth = event.phase === "backward" ? events[event.partner] : event;
    if (chosen !== null) place.append(about(chosen));
    place.append(make("div", "head", make("b", "", event.op), make("span", `badge ${event.phase}`, event.phase),
      link(event.phase === "update" ? plain(event.weight) : layerOf(event), () => choose(event.layer)),
      event.kind === event.op ? null : make("span", "at", event.kind)));
    if (forth && forth.line) {
      const code = make("code", "", forth.code);
      code.dataset.tip = forth.code;
      place.append(make("div", "at", `called from ${forth.line}  `, forth.code ? code : ""));
    }
    const attrs = Object.entries((forth && forth.attrs) || {});
    if (attrs.length) place.append(make("div", "at", attrs.map(([k, v]) => `${k}=${v}`).join(",  ")));
    const sections = event.phase === "backward" ? [backward, forward] : [forward, backward];
    for (const section of sections) section(place, section === forward ? forth : back, event);
    place.scrollTop = 0;
  }

  function forward(place, event, here) {
    if (!event) return;
    const title = event.op === "assign" ? "What was written" : "What it was given";
    place.append(heading(title, event, here));
    for (const x of event.operands || []) place.append(card(called(x), x.value, x.made));
    if (event.value && event.op !== "assign") {
      place.append(heading("What came out"), card("value", event.value));
    }
  }

  function backward(place, event, here) {
    if (!event || event.phase !== "backward") return;
    place.append(heading("The gradient that came in", event, here));
    if (event.incoming) place.append(card("g", event.incoming));
    for (const out of event.outgoing) {
      place.append(make("h3", "", `On to ${called(out)}, by the rule`));
      place.append(make("pre", "rule", out.rule));
      if (out.local) place.append(card("local derivative", out.local));
      place.append(card("gradient sent", out.gradient, out.made, "to what made it:"));
    }
  }

  function heading(text, event, here) {
    const title = make("h3", "", text);
    if (event && event !== here) {
      const i = events.indexOf(event);
      title.append("  (", link(`step ${i}, ${event.phase}`, () => go(i)), ")");
    }
    return title;
  }

  // -- a layer: its weights and their gradients -----------------------------------------------------------------------

  function about(layer) {
    const path = layers[layer].path;
    const found = new Map();
    events.forEach((event, i) => {
      for (const x of event.operands || []) {
        if (x.label && event.phase === "forward" && event.layer === layer && x.label.startsWith(`${path}/`)) {
          found.set(x.label, { ...found.get(x.label), value: x.value });
        }
      }
      for (const out of event.outgoing || []) {
        if (out.label && event.layer === layer && out.label.startsWith(`${path}/`)) {
          found.set(out.label, { ...found.get(out.label), gradient: out.gradient, by: i });
        }
      }
    });
    const box = make("div", "weights", make("h3", "", `Weights of ${layers[layer].title}, and their gradients`));
    for (const [label, { value, gradient, by }] of found) {
      const name = label.slice(path.length + 1);
      if (value) box.append(card(name, value, undefined, "", true));
      if (gradient) box.append(card(`gradient of ${name}`, gradient, by, "sent by", true));
    }
    if (!found.size) box.append(make("div", "none", "It has no weights that took part."));
    return box;
  }

  // Scrolls the box alone, never the page around it.
  function reveal(box, element, margin) {
    const [outer, inner] = [box.getBoundingClientRect(), element.getBoundingClientRect()];
    if (inner.top < outer.top + margin) box.scrollTop -= outer.top + margin - inner.top;
    else if (inner.bottom > outer.bottom - margin) box.scrollTop += inner.bottom - outer.bottom + margin;
  }

  // -- moving ---------------------------------------------------------------------------------------------------------

  function mark() {
    const event = events[now];
    rows.forEach((row, k) => {
      const own = shown[k] === now;
      row.classList.toggle("now", own);
      row.classList.toggle("linked", !!event && !own && shown[k] === event.partner);
      if (own) row.setAttribute("aria-current", "step");
      else row.removeAttribute("aria-current");
      if (own) reveal($("steps"), row, 40);
    });
    boxes.forEach((box, i) => {
      box.classList.toggle("chosen", i === chosen);
      box.classList.toggle("here", !!event && i === event.layer);
      box.setAttribute("aria-pressed", String(i === chosen));
    });
    const forth = event && event.phase === "backward" ? event.partner : now;
    ops.forEach((op) => op.classList.toggle("chosen", Number(op.dataset.key) === forth));
    const light = chosen !== null ? chosen : event && event.layer;
    pictures.forEach((picture, i) => { picture.hidden = i !== light; });
    $("ops").hidden = light === undefined || !pictures[light].firstChild;
    if (light !== undefined) document.querySelector("#ops h2").textContent = `Ops of ${layers[light].title}`;
    if (light !== undefined) reveal($("picture"), boxes[light], 10);
    lines.forEach((line, i) => line.classList.toggle("here", program[i].layer !== undefined && program[i].layer === light));
    const own = lines.filter((line, i) => program[i].layer === light && light !== undefined);
    const near = [own, lines].map((some) => some.find((line) => event && line.dataset.section === event.phase));
    const line = (event && event.phase === "update" && chosen === null ? near[1] : near[0]) || own[0];
    if (line) reveal($("program"), line, $("program").clientHeight * 0.35);
    const at = shown.indexOf(now);
    $("place").textContent = shown.length ? `${at < 0 ? "–" : at + 1} of ${shown.length}` : "none";
    $("first").disabled = $("back").disabled = !shown.length || now <= shown[0];
    $("last").disabled = $("on").disabled = !shown.length || now >= shown[shown.length - 1];
  }

  function go(i) {
    if (!events[i]) return;
    now = i;
    if (!shown.includes(i)) {
      chosen = null;
      $("search").value = "";
      list();
    }
    detail();
    mark();
    history.replaceState(null, "", `#${i}`);
  }

  function choose(layer) {
    chosen = layer === chosen ? null : layer;
    list();
    if (chosen !== null && shown.length && !shown.includes(now)) now = shown[0];
    if (events.length) go(now);
  }

  function move(by) {
    const next = by > 0 ? shown.find((i) => i > now) : shown.filter((i) => i < now).pop();
    if (next !== undefined) go(next);
  }

  const ends = { Home: () => go(shown[0]), End: () => go(shown[shown.length - 1]) };
  const keys = { ArrowRight: () => move(1), ArrowDown: () => move(1), ArrowLeft: () => move(-1), ArrowUp: () => move(-1), ...ends };

  document.addEventListener("keydown", (press) => {
    if (press.ctrlKey || press.metaKey || press.altKey) return;
    const searching = document.activeElement === $("search");
    if (press.key === "Escape") {
      $("search").value = "";
      $("search").blur();
      if (chosen !== null) choose(null);
      else list();
    } else if (press.key === "/" && !searching) {
      $("search").focus();
    } else if (searching && press.key === "Enter") {
      if (shown.length) go(shown.find((i) => i > now) ?? shown[0]);
    } else if ((press.key === "Enter" || press.key === " ") && document.activeElement.classList.contains("box")) {
      document.activeElement.dispatchEvent(new MouseEvent("click"));
    } else if (keys[press.key] && !(searching && !["ArrowDown", "ArrowUp"].includes(press.key))) {
      if (shown.length) keys[press.key]();
    } else {
      return;
    }
    press.preventDefault();
  });

  // -- hovering -------------------------------------------------------------------------------------------------------

  function tip(target, x, y) {
    const box = $("tip");
    const owner = target instanceof Element ? target.closest("[data-tip]") : null;
    box.hidden = !owner;
    if (!owner) return;
    box.textContent = owner.dataset.tip;
    box.style.left = `${Math.min(x + 14, innerWidth - box.offsetWidth - 8)}px`;
    box.style.top = `${y + 18 + box.offsetHeight > innerHeight ? y - box.offsetHeight - 10 : y + 18}px`;
  }
  document.addEventListener("mousemove", (over) => tip(over.target, over.clientX, over.clientY));
  document.addEventListener("mouseleave", () => tip(null, 0, 0));
  document.addEventListener("scroll", () => tip(null, 0, 0), true);

  // -- setting up -----------------------------------------------------------------------------------------------------

  boxes.forEach((box, i) => box.addEventListener("click", () => choose(i)));
  ops.forEach((op) => op.addEventListener("click", () => go(Number(op.dataset.key))));
  let section = "";
  program.forEach((line) => {
    const [, code, note] = /^(.*?)(\s\s#.*|^\s*#.*)?$/.exec(line.text);
    const element = make("div", "", code || "", note ? make("i", "", note) : "");
    section = (/^    # (forward|loss|backward|update)$/.exec(line.text) || [null, section])[1];
    element.dataset.section = section;
    lines.push(element);
    if (line.layer !== undefined) {
      element.className = "of";
      element.addEventListener("click", () => choose(line.layer));
    }
    $("lines").append(element);
  });
  $("program").hidden = !program.length;
  document.querySelector("main").classList.toggle("plain", !program.length);
  $("search").addEventListener("input", list);
  $("first").addEventListener("click", ends.Home);
  $("last").addEventListener("click", ends.End);
  $("back").addEventListener("click", () => move(-1));
  $("on").addEventListener("click", () => move(1));
  $("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  list();
  const asked = Number(location.hash.slice(1));
  if (events.length) go(Number.isInteger(asked) && events[asked] ? asked : 0);
  else detail();
})();
