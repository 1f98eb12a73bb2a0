// The page of `itarget graph --html`: the environment on the left, replay space on the right, and between them
// the cut, where every line is something that is logged.
"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const nodes = data.nodes, edges = data.edges, places = data.places;
const $ = id => document.getElementById(id);
const W = 178, H = 34, ROW = 46, GAP = 96;          // a node, and the distances between nodes
const FIRST = 44, FAN = 7, STEP = 14, MANY = 400;   // nodes at first, edges of one of them, of an expansion, before details go
const cost = e => e.bytes + 8 * e.events;
const plain = name => name.replaceAll("`", "");
// In a node: its shape says that it is memory, and below stands where it comes from.
const short = n => plain(n.name).replace(/^memory from (\S+) at .*/, "$1").replace(/^memory of the library \((.*)\)$/, "$1 (library)");
const logged = [];
const into = nodes.map(() => []), from = nodes.map(() => []);
edges.forEach((e, i) => {
  e.bytes ??= 0; e.events ??= 0; e.logged ??= false; e.more ??= 0; e.places ??= [];
  from[e.from].push(i); into[e.to].push(i);
  if (e.logged) logged.push(i);
});
const byCost = (a, b) => cost(edges[b]) - cost(edges[a]) || a - b;
for (const list of [logged, ...into, ...from]) list.sort(byCost);

const total = logged.reduce((sum, i) => sum + cost(edges[i]), 0);

const size = n => {
  const units = ["B", "KB", "MB", "GB", "TB", "PB"];
  let u = 0;
  while (n >= 999.5 && u < 5) { n /= 1000; u++; }
  return (u ? n.toFixed(1) : Math.round(n)) + " " + units[u];
};
const many = n => n < 1e4 ? n + "×" : size(n).replace(/ ?K?B$/, m => m.includes("K") ? "k" : "").replace(/ ([MGTP])B?$/, "$1").replace(" ", "") + "×";
const count = (n, one, many = one + "s") => n.toLocaleString("en") + " " + (n === 1 ? one : many);

// ---- what is shown, and where ----
let shown = new Set(), place = new Map(), cutX = 0, bounds = [0, 0, 1, 1], drawn = [];
let selected = null, hovered = null;               // {node: index} or {edge: index}
let scale = 1, tx = 0, ty = 0;

// The dearest logged edges with both ends, and where the bytes in the environment come from.
function theCut() {
  shown = new Set();
  const ends = new Map(), often = n => ends.get(n) ?? 0;
  for (const i of logged) {
    const e = edges[i];
    if (shown.size >= FIRST) break;
    if (often(e.from) >= FAN || often(e.to) >= FAN) continue;   // not the same thing over and over
    for (const n of [e.from, e.to]) { ends.set(n, often(n) + 1); shown.add(n); }
  }
  for (const n of [...shown]) {
    const side = nodes[n].environment ? into[n] : from[n];
    const next = side.find(i => edges[i].kind !== "call" && nodes[edges[i].from].environment === nodes[edges[i].to].environment);
    if (next !== undefined && nodes[n].kind === "memory") { shown.add(edges[next].from); shown.add(edges[next].to); }
  }
  if (!shown.size) nodes.slice(0, FIRST).forEach((_, n) => shown.add(n));
}

// More of what is next to a node: first what is logged, then the rest by bytes, calls last.
function expand(n) {
  const near = [...into[n], ...from[n]].sort((a, b) =>
    (edges[a].kind === "call") - (edges[b].kind === "call") || edges[b].logged - edges[a].logged || byCost(a, b));
  let added = 0;
  for (const i of near) {
    const other = edges[i].from === n ? edges[i].to : edges[i].from;
    if (shown.has(other)) continue;
    shown.add(other);
    if (++added >= STEP) break;
  }
  return added;
}

// Columns: library, functions and memory of the environment | memory, functions, and what is behind them.
function columns() {
  const column = new Map(), queue = [];
  for (const n of shown) {
    if (nodes[n].environment) column.set(n, { library: -3, function: -2, memory: -1 }[nodes[n].kind]);
    else if (into[n].some(i => edges[i].logged && shown.has(edges[i].from))) {
      column.set(n, nodes[n].kind === "memory" ? 1 : 2);
      queue.push(n);
    }
  }
  for (let at = 0; at < queue.length; at++) {
    const n = queue[at], c = column.get(n);
    for (const list of [from[n], into[n]]) for (const i of list) {
      const other = edges[i].from === n ? edges[i].to : edges[i].from;
      if (shown.has(other) && !column.has(other)) { column.set(other, Math.min(c + 1, 9)); queue.push(other); }
    }
  }
  const last = Math.max(2, ...column.values());
  for (const n of shown) if (!column.has(n)) column.set(n, Math.min(last + 1, 10));
  const groups = new Map();
  for (const [n, c] of column) { if (!groups.has(c)) groups.set(c, []); groups.get(c).push(n); }
  return [...groups].sort((a, b) => a[0] - b[0]);
}

function layout() {
  const groups = columns();
  const weight = n => [...into[n], ...from[n]].reduce((sum, i) => sum + (edges[i].logged ? cost(edges[i]) : 0), 0);
  const order = new Map();
  for (const [, list] of groups) {
    const heavy = new Map(list.map(n => [n, weight(n)]));
    list.sort((a, b) => heavy.get(b) - heavy.get(a) || a - b);
    list.forEach((n, r) => order.set(n, r / list.length));
  }
  // Neighbours side by side: each node goes to the middle of its neighbours, a few times back and forth.
  const middle = n => {
    let sum = 0, total = 0;
    for (const list of [into[n], from[n]]) for (const i of list) {
      const e = edges[i], other = e.from === n ? e.to : e.from;
      if (!shown.has(other) || e.kind === "call") continue;
      const w = (e.logged ? 3 : 1) * Math.log2(2 + e.bytes);
      sum += w * order.get(other); total += w;
    }
    return total ? sum / total : order.get(n);
  };
  const sweeps = shown.size > 3000 ? 2 : 6;
  for (let s = 0; s < sweeps; s++) {
    for (const [, list] of s % 2 ? [...groups].reverse() : groups) {
      const at = new Map(list.map(n => [n, middle(n)]));
      list.sort((a, b) => at.get(a) - at.get(b) || a - b);
      list.forEach((n, r) => order.set(n, (r + 0.5) / list.length));
    }
  }
  const rows = Math.max(22, Math.ceil(Math.sqrt(shown.size) * 1.9));
  const height = list => Math.ceil(list.length / Math.ceil(list.length / rows));
  const tallest = Math.max(...groups.map(g => height(g[1])));
  place = new Map();
  let x = 0, before = null;
  const spread = list => {
    const per = height(list), wide = Math.ceil(list.length / per);
    list.forEach((n, i) => {
      const sub = Math.floor(i / per), used = Math.min(per, list.length - sub * per);
      place.set(n, [x + sub * (W + 24), (tallest - used) * ROW / 2 + (i % per) * ROW]);
    });
    x += (wide - 1) * (W + 24) + W + GAP;
  };
  cutX = null;
  for (const [c, list] of groups) {
    if (c > 0 && cutX === null) { if (before === null) x += GAP; cutX = x - GAP / 2 + 30; x += 60; }
    spread(list);
    before = c;
  }
  if (cutX === null) { cutX = x - GAP / 2 + 30; x += W; }
  bounds = [0, -ROW, Math.max(x - GAP, cutX + W), tallest * ROW];
  drawn = edges.map((_, i) => i).filter(i => place.has(edges[i].from) && place.has(edges[i].to));
}

// ---- drawing ----
const canvas = $("canvas"), pen = canvas.getContext("2d");
const paint = {};
function colours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["ground", "ink", "soft", "line", "raised", "environment", "replay", "cut", "logged", "flow", "library",
    "library-fill", "function", "function-fill", "memory", "memory-fill", "select", "call"]) paint[name] = style.getPropertyValue("--" + name).trim();
}
let waiting = false;
const redraw = () => { if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; draw(); }); } };

const most = Math.log10(2 + logged.reduce((m, i) => Math.max(m, cost(edges[i])), 1));
const width = e => e.kind === "call" ? 1 : e.logged ? 1.3 + 9 * (Math.log10(1 + cost(e)) / most) ** 3 : 0.6 + 0.3 * Math.log10(1 + e.bytes);
function curve(e) {
  const [ax, ay] = place.get(e.from), [bx, by] = place.get(e.to);
  if (bx > ax + W / 2) {                             // to the right
    const x0 = ax + W, y0 = ay + H / 2, y1 = by + H / 2, d = Math.max(30, (bx - x0) * 0.45);
    return [x0, y0, x0 + d, y0, bx - d, y1, bx, y1];
  }
  if (ax > bx + W / 2) {                             // back to the left
    const y0 = ay + H / 2, y1 = by + H / 2, x1 = bx + W, d = Math.max(30, (ax - x1) * 0.45);
    return [ax, y0, ax - d, y0, x1 + d, y1, x1, y1];
  }
  const y0 = ay + H / 2, y1 = by + H / 2, x = ax + W, d = 24 + Math.min(70, Math.abs(y1 - y0) * 0.2);
  return [x, y0, x + d, y0, x + d, y1, bx + W, y1];  // in one column
}
const on = ([x0, y0, x1, y1, x2, y2, x3, y3], t) => {
  const u = 1 - t, a = u * u * u, b = 3 * u * u * t, c = 3 * u * t * t, d = t * t * t;
  return [a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3];
};
function touches(i) {
  const e = edges[i], s = selected ?? {};
  return s.edge === i || s.node === e.from || s.node === e.to || hovered?.edge === i;
}
function line(i, strong) {
  const e = edges[i], c = curve(e);
  pen.beginPath();
  pen.moveTo(c[0], c[1]);
  pen.bezierCurveTo(c[2], c[3], c[4], c[5], c[6], c[7]);
  pen.lineWidth = Math.max(width(e), 0.8 / scale);
  pen.strokeStyle = e.logged ? paint.logged : e.kind === "call" ? paint.call : paint.flow;
  pen.globalAlpha = strong ? 1 : selected && selected.node !== undefined ? (e.logged ? 0.22 : 0.12) : e.logged ? 0.62 : 0.5;
  pen.setLineDash(e.kind === "call" ? [4, 4] : []);
  pen.stroke();
  if (strong || e.logged && scale > 0.5) {           // the head
    const [hx, hy] = [c[6], c[7]], back = c[4] < c[6] ? -1 : 1, r = 4 + width(e) * 0.7;
    pen.beginPath(); pen.setLineDash([]);
    pen.moveTo(hx, hy); pen.lineTo(hx + back * r, hy - r * 0.6); pen.lineTo(hx + back * r, hy + r * 0.6); pen.closePath();
    pen.fillStyle = pen.strokeStyle; pen.fill();
  }
}
function fitted(text, room) {
  if (pen.measureText(text).width <= room) return text;
  let low = 0, high = text.length;
  while (low < high) { const m = (low + high + 1) >> 1; if (pen.measureText(text.slice(0, m) + "…").width <= room) low = m; else high = m - 1; }
  return text.slice(0, low) + "…";
}
function box(n) {
  const node = nodes[n], [x, y] = place.get(n), kind = node.kind;
  pen.beginPath();
  pen.roundRect(x, y, W, H, kind === "memory" ? H / 2 : kind === "function" ? 7 : 1);
  pen.fillStyle = paint.raised; pen.globalAlpha = 1; pen.fill();
  pen.fillStyle = paint[kind + "-fill"]; pen.fill();
  if (scale < 0.2) { pen.fillStyle = paint[kind]; pen.globalAlpha = 0.45; pen.fill(); pen.globalAlpha = 1; }
  const chosen = selected?.node === n;
  pen.lineWidth = chosen ? 3 : hovered?.node === n ? 2 : 1.2;
  pen.strokeStyle = chosen ? paint.select : paint[kind]; pen.setLineDash([]); pen.stroke();
  if (kind === "library") { pen.fillStyle = paint.library; pen.fillRect(x, y, 5, H); }
  if (scale < 0.34) return;
  pen.fillStyle = paint.ink; pen.textBaseline = "middle"; pen.textAlign = "left";
  const more = node.more ? " +" + node.more : "", sub = scale > 0.62 && node.at;
  pen.font = "13px system-ui, sans-serif";
  const room = W - 26 - (more ? pen.measureText(more).width : 0);
  const name = fitted(short(node), room);
  pen.fillText(name, x + 13, y + (sub ? 12 : H / 2));
  if (more) { pen.fillStyle = paint.soft; pen.fillText(more, x + 13 + pen.measureText(name).width, y + (sub ? 12 : H / 2)); }
  if (sub) { pen.fillStyle = paint.soft; pen.font = "10.5px system-ui, sans-serif"; pen.fillText(fitted(tail(node.at), W - 26), x + 13, y + 25); }
}
const tail = at => at.length > 30 ? at.slice(at.lastIndexOf("/") + 1) : at;
function draw() {
  const dpr = window.devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
  if (canvas.width !== Math.round(w * dpr) || canvas.height !== Math.round(h * dpr)) { canvas.width = Math.round(w * dpr); canvas.height = Math.round(h * dpr); }
  pen.setTransform(dpr, 0, 0, dpr, 0, 0);
  pen.globalAlpha = 1; pen.setLineDash([]);
  const cut = cutX * scale + tx;
  pen.fillStyle = paint.environment; pen.fillRect(0, 0, Math.max(0, Math.min(w, cut)), h);
  pen.fillStyle = paint.replay; pen.fillRect(Math.max(0, cut), 0, w - Math.max(0, cut), h);
  pen.setTransform(dpr * scale, 0, 0, dpr * scale, dpr * tx, dpr * ty);
  const left = -tx / scale, top = -ty / scale, right = left + w / scale, bottom = top + h / scale;
  const visible = i => {
    const [ax, ay] = place.get(edges[i].from), [bx, by] = place.get(edges[i].to);
    return Math.max(ax, bx) + W > left && Math.min(ax, bx) < right && Math.max(ay, by) + H > top && Math.min(ay, by) < bottom;
  };
  const calls = $("calls").checked, few = shown.size <= MANY, near = [];
  for (const i of drawn) {
    const e = edges[i];
    if (!visible(i)) continue;
    const strong = touches(i);
    if (strong) { if (e.kind !== "call" || calls || shown.size < 120) near.push(i); continue; }
    if (e.kind === "call" ? !calls || !few : !e.logged && !few && scale < 0.5) continue;
    line(i, false);
  }
  for (const i of near) line(i, true);
  pen.globalAlpha = 1; pen.setLineDash([]);
  for (const [n, [x, y]] of place) if (x + W > left && x < right && y + H > top && y < bottom) box(n);
  figures(left, right, top, bottom, near);
  pen.setTransform(dpr, 0, 0, dpr, 0, 0);
  theLine(cut, w, h);
}
// Bytes where the edges cross the cut.
function figures(left, right, top, bottom, near) {
  if (scale < 0.5) return;
  pen.font = "600 11px system-ui, sans-serif"; pen.textAlign = "center"; pen.textBaseline = "middle"; pen.globalAlpha = 1;
  const taken = [];
  for (const i of logged) {
    const e = edges[i];
    if (!place.has(e.from) || !place.has(e.to) || selected?.node !== undefined && !near.includes(i)) continue;
    const c = curve(e);
    let low = 0, high = 1;
    for (let k = 0; k < 18; k++) { const m = (low + high) / 2; if (on(c, m)[0] < cutX) low = m; else high = m; }
    const [x, y] = on(c, low);
    if (x < left || x > right || y < top || y > bottom || taken.some(t => Math.abs(t - y) < 15)) continue;
    taken.push(y);
    const text = size(e.bytes), w = pen.measureText(text).width + 10;
    pen.fillStyle = paint.raised; pen.strokeStyle = paint.logged; pen.lineWidth = 1;
    pen.beginPath(); pen.roundRect(x - w / 2, y - 8, w, 16, 8); pen.fill(); pen.stroke();
    pen.fillStyle = paint.logged; pen.fillText(text, x, y + 0.5);
    if (taken.length > 200) break;
  }
}
function theLine(cut, w, h) {
  pen.strokeStyle = paint.cut; pen.lineWidth = 2; pen.setLineDash([9, 6]); pen.globalAlpha = 0.9;
  if (cut > -2 && cut < w + 2) { pen.beginPath(); pen.moveTo(cut, 0); pen.lineTo(cut, h); pen.stroke(); }
  pen.setLineDash([]); pen.globalAlpha = 1; pen.textBaseline = "top"; pen.font = "600 12px system-ui, sans-serif";
  pen.fillStyle = paint.soft;
  pen.textAlign = "right"; if (cut > 130) pen.fillText("environment: not run at replay", Math.min(cut - 14, w - 14), 10);
  pen.textAlign = "left"; if (cut < w - 130) pen.fillText("replay space: runs again", Math.max(cut + 14, 14), 10);
}
function fit() {
  const w = canvas.clientWidth || 1, h = canvas.clientHeight || 1, [x0, y0, x1, y1] = bounds;
  scale = Math.max(0.02, Math.min(1.15, (w - 50) / (x1 - x0), (h - 96) / (y1 - y0)));
  tx = (w - (x1 + x0) * scale) / 2; ty = (h - (y1 + y0) * scale) / 2;
  redraw();
}
function zoom(factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
  const next = Math.max(0.02, Math.min(4, scale * factor));
  tx = x - (x - tx) * next / scale; ty = y - (y - ty) * next / scale; scale = next;
  redraw();
}
function centre(n) {
  const [x, y] = place.get(n);
  if (scale < 0.7) scale = 0.9;
  tx = canvas.clientWidth / 2 - (x + W / 2) * scale; ty = canvas.clientHeight / 2 - (y + H / 2) * scale;
  redraw();
}

// ---- the panel ----
const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value); else if (value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter(c => c !== null && c !== undefined && c !== ""));
  return element;
};
const KIND = { function: "function", library: "library function", memory: "memory" };
const VERB = { read: "is read by", write: "writes", result: "its result goes to", call: "calls" };
function row(i, self) {
  const e = edges[i], other = self === e.from ? e.to : e.from;
  const name = self === undefined ? plain(nodes[e.from].name) + " → " + plain(nodes[e.to].name) : plain(nodes[other].name);
  const go = () => choose({ edge: i });
  return make("li", { tabindex: 0, onclick: go, onkeydown: k => k.key === "Enter" && go(), "data-edge": i },
    make("span", { class: "what" }, name + (e.kind === "call" ? " (call)" : "")),
    make("span", { class: "size" + (e.logged ? " logged" : ""), title: count(e.events, "event") }, e.kind === "call" ? "" : size(e.bytes),
      e.events ? make("small", {}, " · " + many(e.events)) : ""));
}
function list(title, all, self) {
  if (!all.length) return [];
  const rows = make("ul", { class: "rows" }), MOST = 40;
  all.slice(0, MOST).forEach(i => rows.append(row(i, self)));
  if (all.length > MOST) rows.append(make("li", {}, "and " + (all.length - MOST) + " more"));
  return [make("h3", {}, title), rows];
}
const link = n => make("a", { tabindex: 0, onclick: () => show(n), onkeydown: k => k.key === "Enter" && show(n) }, plain(nodes[n].name));
function panel() {
  const p = $("panel"), s = selected ?? {};
  p.replaceChildren();
  if (s.node !== undefined) {
    const n = s.node, node = nodes[n], all = [...into[n], ...from[n]];
    const sum = all.filter(i => edges[i].logged).reduce((t, i) => t + edges[i].bytes, 0);
    const hidden = all.filter(i => !shown.has(edges[i].from) || !shown.has(edges[i].to)).length;
    p.append(make("span", { class: "badge" }, KIND[node.kind]), make("span", { class: "badge" }, node.environment ? "environment" : "replay space"),
      sum ? make("span", { class: "badge logged" }, size(sum) + " logged") : "",
      make("h2", {}, plain(node.name)),
      node.at ? make("p", {}, make("code", {}, node.at)) : "", node.why ? make("p", {}, plain(node.why) + ".") : "");
    if (node.more) p.append(make("p", {}, "Stands for " + count(node.more, "other") + " that the same code touches in the same ways: " +
      node.others.map(plain).join(", ") + (node.more > node.others.length ? ", ..." : "") + "."));
    p.append(make("div", { class: "bar" },
      hidden ? make("button", { id: "expand", onclick: () => grow(n) }, "Show neighbours (" + hidden + " hidden)") : "",
      make("button", { onclick: () => centre(n) }, "Centre"),
      make("button", { onclick: () => { shown.delete(n); selected = null; arrange(false); } }, "Hide")));
    const of = (l, f) => l.filter(i => f(edges[i]));
    const memory = node.kind === "memory";
    p.append(...list(memory ? "Written by" : "Reads, and results it uses", of(into[n], e => e.kind !== "call"), n),
      ...list(memory ? "Read by" : "Writes, and who uses its result", of(from[n], e => e.kind !== "call"), n),
      ...list("Called by", of(into[n], e => e.kind === "call"), n), ...list("Calls", of(from[n], e => e.kind === "call"), n));
    const seen = new Set(), spots = [];
    for (const i of all) if (edges[i].kind !== "call") for (const at of edges[i].places) if (!seen.has(at) && spots.length < 30) { seen.add(at); spots.push(at); }
    if (spots.length) p.append(make("h3", {}, "Source lines"), ...spots.map(spot));
  } else if (s.edge !== undefined) {
    const e = edges[s.edge];
    p.append(make("span", { class: "badge" + (e.logged ? " logged" : "") }, e.logged ? "in the log" : e.kind === "call" ? "call" : "not logged"),
      make("h2", {}, link(e.from), " " + VERB[e.kind] + " ", link(e.to)));
    if (e.kind !== "call") p.append(make("p", {}, "About " + size(e.bytes) + " in " + count(e.events, "event") + " of a run."));
    if (e.logged) p.append(make("p", {}, "It comes from the environment and is needed in replay space, so it is in the log."));
    p.append(make("h3", {}, "Source lines"), ...e.places.map(spot));
    if (e.more) p.append(make("p", {}, "and " + count(e.more, "other")));
  } else {
    const program = nodes.filter(n => n.kind === "function").length;
    p.append(make("h2", {}, "What is logged"),
      make("p", {}, "Every line that crosses the dashed one is in the log: " + count(logged.length, "flow") + ", about " + size(total) +
        " per estimated run (an event counts as eight bytes). Of " + count(program, "function") + ", " + count(nodes.length, "node") + " in all, " +
        shown.size + " are shown. Click on anything for its lines of source; double-click for its neighbours."),
      ...list("Dearest first", logged));
  }
}
function spot(index) {
  const at = places[index];
  return make("div", { class: "spot" }, make("code", {}, at.at), at.what ? make("small", {}, "  " + at.what) : "", at.text ? make("code", { class: "text" }, at.text) : "");
}

// ---- what the user does ----
function choose(what) { selected = what; panel(); redraw(); }
function arrange(refit = true) { layout(); panel(); if (refit) fit(); else redraw(); }
function show(n) {
  if (!shown.has(n)) { shown.add(n); expand(n); layout(); }
  selected = { node: n }; panel(); centre(n);
}
function grow(n) { expand(n); layout(); choose({ node: n }); centre(n); }
function hit(px, py) {
  const x = (px - tx) / scale, y = (py - ty) / scale;
  for (const [n, [nx, ny]] of place) if (x >= nx && x <= nx + W && y >= ny && y <= ny + H) return { node: n };
  const calls = $("calls").checked;
  let best = null, distance = 7 / scale;
  if (drawn.length < 6000) for (const i of drawn) {
    const e = edges[i];
    if (e.kind === "call" && !calls || !e.logged && shown.size > MANY) continue;
    const c = curve(e), low = Math.min(c[1], c[7]) - 20, high = Math.max(c[1], c[7]) + 20;
    if (y < low || y > high) continue;
    for (let t = 0; t <= 1; t += 0.04) {
      const [cx, cy] = on(c, t), d = Math.hypot(cx - x, cy - y) - width(e) / 2;
      if (d < distance) { distance = d; best = { edge: i }; }
    }
  }
  return best;
}
let drag = null;
canvas.addEventListener("pointerdown", e => { drag = { x: e.offsetX, y: e.offsetY, tx, ty, moved: false }; try { canvas.setPointerCapture(e.pointerId); } catch { /* not a real pointer */ } });
canvas.addEventListener("pointermove", e => {
  if (drag) {
    if (Math.hypot(e.offsetX - drag.x, e.offsetY - drag.y) > 4) drag.moved = true;
    if (drag.moved) { tx = drag.tx + e.offsetX - drag.x; ty = drag.ty + e.offsetY - drag.y; redraw(); }
    return;
  }
  const now = hit(e.offsetX, e.offsetY), tip = $("tip");
  if (now?.node !== hovered?.node || now?.edge !== hovered?.edge) { hovered = now; redraw(); }
  canvas.classList.toggle("over", !!now);
  tip.hidden = !now;
  if (now) {
    const edge = now.edge !== undefined && edges[now.edge];
    tip.textContent = edge ? plain(nodes[edge.from].name) + " → " + plain(nodes[edge.to].name) + ": " + (edge.kind === "call" ? "call" : size(edge.bytes) + (edge.logged ? ", logged" : ""))
      : plain(nodes[now.node].name) + (nodes[now.node].at ? "  " + nodes[now.node].at : "");
    tip.style.left = Math.min(e.offsetX + 14, canvas.clientWidth - 260) + "px"; tip.style.top = e.offsetY + 16 + "px";
  }
});
canvas.addEventListener("pointerup", e => { const d = drag; drag = null; if (d && !d.moved) choose(hit(e.offsetX, e.offsetY)); });
canvas.addEventListener("pointerleave", () => { hovered = null; $("tip").hidden = true; redraw(); });
canvas.addEventListener("dblclick", e => { const at = hit(e.offsetX, e.offsetY); if (at?.node !== undefined) grow(at.node); });
canvas.addEventListener("wheel", e => { e.preventDefault(); zoom(Math.exp(-e.deltaY * 0.0015), e.offsetX, e.offsetY); }, { passive: false });
canvas.addEventListener("keydown", e => {
  const step = 60, moves = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
  if (moves[e.key]) { tx += moves[e.key][0]; ty += moves[e.key][1]; redraw(); e.preventDefault(); }
  if (e.key === "+" || e.key === "-") zoom(e.key === "+" ? 1.25 : 0.8);
  if (e.key === "Enter" && selected?.node !== undefined) grow(selected.node);
});
document.addEventListener("keydown", e => {
  if (e.key === "/" && document.activeElement !== $("search")) { $("search").focus(); e.preventDefault(); }
  if (e.key === "Escape") { $("results").hidden = true; choose(null); }
});
$("show-cut").onclick = () => { theCut(); selected = null; arrange(); };
$("show-all").onclick = () => { shown = new Set(nodes.keys()); selected = null; arrange(); };
$("fit").onclick = fit;
$("closer").onclick = () => zoom(1.3);
$("farther").onclick = () => zoom(1 / 1.3);
$("calls").onchange = redraw;
window.addEventListener("resize", redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { colours(); redraw(); });

// ---- search ----
const names = nodes.map(n => plain(n.name).toLowerCase());
let found = [], active = 0;
function search(text) {
  const q = text.trim().toLowerCase();
  if (!q) return [];
  const rank = n => (names[n] === q ? 0 : names[n].startsWith(q) ? 1 : names[n].includes(q) ? 2 : 9);
  const all = [];
  for (const n of names.keys()) { const r = rank(n); if (r < 9) all.push([r, names[n].length, n]); }
  for (const n of names.keys()) if (nodes[n].others?.some(o => plain(o).toLowerCase().includes(q)) && !names[n].includes(q)) all.push([3, names[n].length, n]);
  return all.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]).slice(0, 14).map(x => x[2]);
}
function results() {
  const box = $("results");
  box.replaceChildren(...found.map((n, i) => make("li", { role: "option", class: i === active ? "on" : "", "aria-selected": i === active, onmousedown: e => { e.preventDefault(); pick(n); } },
    plain(nodes[n].name) + " ", make("small", {}, KIND[nodes[n].kind] + (nodes[n].environment ? ", environment" : "") + (nodes[n].at ? ", " + tail(nodes[n].at) : "")))));
  if (!found.length && $("search").value.trim()) box.append(make("li", {}, "nothing of that name"));
  box.hidden = !$("search").value.trim();
  $("search").setAttribute("aria-expanded", String(!box.hidden));
}
function pick(n) { $("results").hidden = true; $("search").blur(); show(n); }
$("search").addEventListener("input", () => { found = search($("search").value); active = 0; results(); });
$("search").addEventListener("keydown", e => {
  if (e.key === "ArrowDown" || e.key === "ArrowUp") { active = (active + (e.key === "ArrowDown" ? 1 : found.length - 1)) % (found.length || 1); results(); e.preventDefault(); }
  if (e.key === "Enter" && found.length) pick(found[active]);
});
$("search").addEventListener("blur", () => { $("results").hidden = true; });

const CUT = { min: "minimum cut", libc: "cut at the library", functions: "cut at calls", profile: "profile build" };
$("summary").textContent = (CUT[data.cut] ?? data.cut) + ": about " + size(total) + " per estimated run, " + count(logged.length, "logged flow");
colours(); theCut(); layout(); panel(); fit(); draw();
// For tests and the console.
window.itarget = {
  ready: performance.now(),
  state: () => ({ nodes: nodes.length, shown: shown.size, selected, scale, logged: logged.length, drawn: drawn.length }),
  at: n => { const [x, y] = place.get(n); return [(x + W / 2) * scale + tx, (y + H / 2) * scale + ty]; },
  find: name => nodes.findIndex(n => plain(n.name) === name),
};
})();
