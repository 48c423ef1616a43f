// Sorts, chooses and draws. Every table is in the page already and stands without this script.
"use strict";
{
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById("data").textContent);
  const one = (id) => document.getElementById(id);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  root.classList.add("js");

  // What was chosen survives the reloads of a page whose run goes on.
  const kept = {
    get(key) { try { return sessionStorage.getItem(key); } catch { return null; } },
    set(key, value) { try { sessionStorage.setItem(key, value); } catch { /* not allowed: not kept */ } },
  };

  const make = (name, attributes = {}, ...content) => {
    const svg = ["svg", "g", "line", "path", "text", "rect", "circle"].includes(name);
    const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...content);
    return made;
  };

  // Sorting: a button in every heading.
  const sorted = (table, column, ascending) => {
    const body = table.tBodies[0];
    const value = (row) => {
      const cell = row.cells[column];
      const text = cell.dataset.sort ?? cell.textContent.trim();
      return text === "" ? null : Number.isNaN(Number(text)) ? text.toLowerCase() : Number(text);
    };
    const order = (a, b) => (typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1);
    const rows = [...body.rows].map((row) => [value(row), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null); // what is missing comes last
      return ascending ? order(a, b) : order(b, a);
    });
    body.append(...rows.map(([, row]) => row));
  };
  for (const table of all("table.sortable")) {
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      const drawing = heading.querySelector("svg");
      const button = make("button", { type: "button" }, ...[...heading.childNodes].filter((node) => node !== drawing));
      heading.prepend(button);
      button.addEventListener("click", () => {
        const first = table.tBodies[0].rows[0]?.cells[column];
        const before = heading.getAttribute("aria-sort");
        // Numbers are wanted from the top; names, ranks and p-values from the start.
        const down = first?.classList.contains("n") && !/^(rank|p\b)/.test(button.textContent.trim());
        const ascending = before ? before === "descending" : !down;
        for (const other of headings) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        sorted(table, column, ascending);
      });
    });
  }

  // Panels: one corpus and one metric at a time.
  const chosen = { pair: 0, metric: null };
  const choosers = ["pair", "metric"].map((key) => [key, one(`choose-${key}`)]).filter(([, select]) => select);
  const choose = () => {
    for (const [key, select] of choosers) {
      chosen[key] = key === "pair" ? Number(select.value) : select.value;
      kept.set(key, select.value);
    }
    for (const panel of all(".panel")) {
      const off = Number(panel.dataset.pair) !== chosen.pair || (chosen.metric !== null && panel.dataset.metric !== chosen.metric);
      panel.classList.toggle("off", off);
    }
  };
  for (const [key, select] of choosers) {
    const before = kept.get(key);
    if ([...select.options].some((option) => option.value === before)) select.value = before;
    select.addEventListener("change", () => { choose(); plot?.corpus(); });
  }

  // The matrix: one tab stop, arrow keys within, the pair in words below.
  for (const panel of all("#comparisons .panel")) {
    const sentences = data.comparisons?.[`${panel.dataset.pair}-${panel.dataset.metric}`] ?? {};
    const readout = panel.querySelector(".readout");
    const cells = all("[data-pair-of]", panel);
    if (!readout || !cells.length) continue;
    const tell = (cell) => {
      const [a, b] = cell.dataset.pairOf.split("-");
      readout.textContent = sentences[`${a}-${b}`] ?? sentences[`${b}-${a}`] ?? "These two are not compared.";
    };
    const at = new Map(cells.map((cell) => [cell.dataset.pairOf, cell]));
    cells.forEach((cell, place) => { cell.tabIndex = place ? -1 : 0; });
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
    for (const cell of cells) {
      cell.addEventListener("mouseenter", () => tell(cell));
      cell.addEventListener("focus", () => tell(cell));
      cell.addEventListener("keydown", (event) => {
        if (!step[event.key]) return;
        event.preventDefault();
        const [down, right] = step[event.key];
        let [a, b] = cell.dataset.pairOf.split("-").map(Number);
        do { a += down; b += right; } while (a === b); // nothing stands on the diagonal
        const next = at.get(`${a}-${b}`);
        if (!next) return;
        cell.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
      });
    }
  }

  // Learning curves. Lines differ in colour and in dashes; where several batch sizes are shown,
  // dashes tell these apart.
  const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#c2679a", "#8a6d00", "#3a98cf", "#8d63aa", "#808080"];
  const DASHES = ["", "7 4", "2 3", "10 3 2 3"];
  const look = (at, dash) => ({ stroke: COLOURS[at % COLOURS.length], "stroke-dasharray": DASHES[dash % DASHES.length] });
  const SPLITS = ["train", "dev", "test"];
  const drawn = () => {
    const cells = data.cells;
    const column = one("curve-column"), split = one("curve-split"), batch = one("curve-batch");
    const band = one("curve-band"), epoch = one("curve-epoch"), losses = one("curve-losses");
    const state = { checked: new Set(), longest: 1 };
    const here = () => cells.filter((cell) => cell.pair === chosen.pair);
    const metric = () => chosen.metric ?? Object.keys(data.columns)[0];
    const place = (cell) => cell.places[metric()] ?? 1e9; // among the losses, judged by the metric chosen
    const names = () => [...new Set(here().toSorted((a, b) => place(a) - place(b)).map((cell) => cell.name))];
    const colour = new Map();
    const fill = (select, options) => {
      const before = select.value;
      select.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
      if (options.some(([value]) => value === before)) select.value = before;
    };
    const style = (cell, several) => {
      const at = colour.get(cell.name);
      const batches = [...new Set(here().map((other) => other.batch))].toSorted((a, b) => a - b);
      return look(at, several ? batches.indexOf(cell.batch) : at + Math.floor(at / COLOURS.length));
    };
    const sample = (attributes) => make("svg", { width: 26, height: 10, "aria-hidden": "true" },
      make("line", { x1: 1, x2: 25, y1: 5, y2: 5, "stroke-width": 3, ...attributes }));

    const shown = () => here()
      .filter((cell) => state.checked.has(cell.name) && (batch.value === "all" || cell.batch === Number(batch.value)))
      .map((cell) => ({ cell, curve: cell.curves[split.value]?.[column.value] }))
      .filter(({ curve }) => curve);
    const scaled = (value) => (value === null || column.value === "loss" ? value : value / 100);
    const said = (value) => (value === null ? "not measured" : column.value === "loss" ? value.toPrecision(4) : (value / 100).toFixed(2));
    const title = (cell) => (batch.value === "all" && new Set(here().map((other) => other.batch)).size > 1 ? `${cell.name} b=${cell.batch}` : cell.name);

    const ticks = (low, high, most) => {
      const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
      const step = [1, 2, 5, 10].map((part) => part * power).find((found) => found >= rough);
      const found = [];
      for (let tick = Math.ceil(low / step) * step; tick <= high + step / 1e6; tick += step) found.push(Number(tick.toPrecision(10)));
      return found;
    };

    let move = () => {};
    const draw = () => {
      const lines = shown();
      const width = Math.max(one("chart").clientWidth, 280), height = width < 500 ? 280 : 400;
      const several = batch.value === "all";
      const longest = Math.max(1, ...lines.map(({ curve }) => curve[0].length));
      const values = lines.flatMap(({ curve }) => (band.checked ? curve : curve.slice(0, 1)).flat()).filter((value) => value !== null).map(scaled);
      const svg = make("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img",
        "aria-label": `${data.columns[column.value]} on ${split.value} by epoch, ${lines.length} curves; the table below has the numbers` });
      one("chart").replaceChildren(svg);
      epoch.max = longest;
      if (Number(epoch.value) > longest || state.longest !== longest) epoch.value = longest;
      state.longest = longest;
      if (!values.length) {
        svg.append(make("text", { x: 12, y: 24 }, lines.length ? "nothing was measured" : "no curve is chosen"));
        move = () => { one("curve-readout").textContent = "No curve is shown."; };
        table(lines, 0);
        move();
        return;
      }
      let low = Math.min(...values), high = Math.max(...values);
      if (high - low < 1e-6) { low -= 0.5; high += 0.5; }
      low -= 0.04 * (high - low); high += 0.04 * (high - low);
      const labelled = lines.length <= 8 && width >= 500;
      const left = 52, right = labelled ? 130 : 14, top = 12, bottom = 38;
      const x = (at) => left + (longest > 1 ? (at - 1) / (longest - 1) : 0.5) * (width - left - right);
      const y = (value) => top + (1 - (value - low) / (high - low)) * (height - top - bottom);
      for (const tick of ticks(low, high, 6)) {
        svg.append(make("line", { class: "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }),
          make("text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, String(tick)));
      }
      for (const tick of ticks(1, longest, width < 500 ? 6 : 12).filter((found) => Number.isInteger(found))) {
        svg.append(make("text", { x: x(tick), y: height - bottom + 18, "text-anchor": "middle" }, String(tick)));
      }
      svg.append(make("text", { x: (left + width - right) / 2, y: height - 4, "text-anchor": "middle" }, "epoch"));
      const path = (curve) => curve.map((value, at) => (value === null ? null : `${x(at + 1).toFixed(1)},${y(scaled(value)).toFixed(1)}`)).filter(Boolean);
      for (const { cell, curve } of lines) {
        const { stroke } = style(cell, several);
        if (band.checked && curve.length > 1) {
          svg.append(make("path", { class: "band", fill: stroke, d: `M${[...path(curve[1]), ...path(curve[2]).reverse()].join("L")}Z` }));
        }
      }
      for (const { cell, curve } of lines) svg.append(make("path", { class: "curve", ...style(cell, several), d: `M${path(curve[0]).join("L")}` }));
      if (labelled) {
        let above = -Infinity;
        const ends = lines.map(({ cell, curve }) => ({ cell, at: y(scaled(curve[0].at(-1) ?? curve[0][0])), curve })).toSorted((a, b) => a.at - b.at);
        for (const end of ends) {
          above = Math.max(end.at, above + 14);
          const text = title(end.cell);
          svg.append(make("text", { class: "end", x: x(end.curve[0].length) + 8, y: above + 4 }, text.length > 17 ? `${text.slice(0, 16)}…` : text));
        }
      }
      const cursor = make("line", { class: "cursor", y1: top, y2: height - bottom });
      svg.append(cursor);
      move = () => {
        const at = Number(epoch.value);
        for (const end of ["x1", "x2"]) cursor.setAttribute(end, x(at));
        one("curve-epoch-said").textContent = `${at} of ${longest}`;
        epoch.setAttribute("aria-valuetext", `epoch ${at} of ${longest}`);
        const found = lines.map(({ cell, curve }) => ({ cell, curve, value: curve[0][at - 1] ?? null }))
          .toSorted((a, b) => (a.value === null) - (b.value === null) || (column.value === "loss" ? a.value - b.value : b.value - a.value));
        one("curve-readout").replaceChildren(`Epoch ${at}, ${split.value}, ${data.columns[column.value]}; mean over seeds (lowest to highest):`,
          make("ol", {}, ...found.map(({ cell, curve, value }) => make("li", {}, sample(style(cell, several)), ` ${title(cell)}: `, make("b", {}, said(value)),
            curve.length > 1 && value !== null ? ` (${said(curve[1][at - 1])} to ${said(curve[2][at - 1])})` : cell.seeds === 1 ? " (one seed)" : ""))));
      };
      const point = (event) => {
        const at = Math.round(1 + ((event.clientX - svg.getBoundingClientRect().left - left) / (width - left - right)) * (longest - 1));
        const next = Math.min(Math.max(at, 1), longest);
        if (next !== Number(epoch.value)) { epoch.value = next; move(); }
      };
      svg.addEventListener("pointermove", point);
      svg.addEventListener("pointerdown", point);
      move();
      table(lines, longest);
    };

    const table = (lines, longest) => {
      const head = make("tr", {}, make("th", { scope: "col" }, "epoch"), ...lines.map(({ cell }) => make("th", { scope: "col" }, title(cell))));
      const rows = Array.from({ length: longest }, (_, at) => make("tr", {}, make("th", { scope: "row" }, String(at + 1)),
        ...lines.map(({ curve }) => make("td", { class: "n" }, said(curve[0][at] ?? null)))));
      const caption = `${data.columns[column.value]} on ${split.value}, mean over seeds`;
      one("curve-table").replaceChildren(make("table", {}, make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, ...rows)));
    };

    const legend = () => {
      losses.replaceChildren(...names().map((name) => {
        const box = make("input", { type: "checkbox" });
        box.checked = state.checked.has(name);
        box.addEventListener("change", () => { if (box.checked) state.checked.add(name); else state.checked.delete(name); draw(); });
        const at = colour.get(name);
        return make("label", {}, box, sample(look(at, batch.value === "all" ? 0 : at + Math.floor(at / COLOURS.length))), name);
      }));
    };

    const check = (wanted) => { state.checked = new Set(wanted); legend(); draw(); };
    const best = () => {
      const control = here().filter((cell) => cell.control).toSorted((a, b) => place(a) - place(b)).map((cell) => cell.name);
      return [...names().slice(0, 5), ...control.slice(0, 1)]; // with BCE to compare with
    };
    const splits = () => {
      const found = SPLITS.filter((name) => here().some((cell) => cell.curves[name]?.[column.value]));
      const before = split.value;
      fill(split, found.map((name) => [name, name]));
      if (!found.includes(before)) split.value = found.includes("dev") ? "dev" : found[0];
    };
    const corpus = () => {
      colour.clear();
      names().forEach((name, at) => colour.set(name, at));
      const there = Object.entries(data.columns).filter(([name]) => here().some((cell) => Object.values(cell.curves).some((curves) => curves[name])));
      fill(column, there);
      if (chosen.metric !== null) column.value = chosen.metric;
      const batches = [...new Set(here().map((cell) => cell.batch))].toSorted((a, b) => a - b);
      fill(batch, [...batches.map((found) => [String(found), String(found)]), ...(batches.length > 1 ? [["all", "all"]] : [])]);
      batch.closest("label").hidden = batches.length < 2;
      splits();
      check(best());
    };
    one("curve-best").addEventListener("click", () => check(best()));
    one("curve-all").addEventListener("click", () => check(names()));
    one("curve-none").addEventListener("click", () => check([]));
    column.addEventListener("change", () => { splits(); draw(); });
    split.addEventListener("change", draw);
    batch.addEventListener("change", () => { legend(); draw(); });
    band.addEventListener("change", draw);
    epoch.addEventListener("input", () => move());
    let width = 0;
    new ResizeObserver(() => { const now = one("chart").clientWidth; if (now && now !== width) { width = now; draw(); } }).observe(one("chart"));
    return { corpus };
  };

  let plot = null;
  choose();
  if (data.cells?.length) { plot = drawn(); plot.corpus(); } else one("plot").replaceChildren("There are no curves: no arm is ok, tries of a search aside.");

  // A print shows everything that is folded away.
  addEventListener("beforeprint", () => { for (const folded of all("details")) folded.open = true; });
}
