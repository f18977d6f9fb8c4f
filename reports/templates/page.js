"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Paper: follow the system until the reader chooses. Storage may be refused to a local file.
  const remembered = { get() { try { return localStorage.getItem("paper"); } catch { return null; } },
                       set(value) { try { localStorage.setItem("paper", value); } catch { /* not kept */ } } };
  const isDark = () => (root.dataset.paper || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const toggle = document.querySelector("[data-paper]");
  const name = () => { toggle.textContent = isDark() ? "Light" : "Dark"; toggle.setAttribute("aria-label", `Switch to ${isDark() ? "light" : "dark"} paper`); };
  if (["light", "dark"].includes(remembered.get())) root.dataset.paper = remembered.get();
  toggle.hidden = false;
  name();
  toggle.addEventListener("click", () => { root.dataset.paper = isDark() ? "light" : "dark"; remembered.set(root.dataset.paper); name(); });

  // Ranges: one of several tables at a time.
  for (const part of all("[data-switch]")) {
    const choices = all(":scope > .choice", part);
    if (choices.length < 2) continue;
    const tabs = document.createElement("div");
    tabs.className = "tabs";
    tabs.setAttribute("role", "group");
    tabs.setAttribute("aria-label", part.dataset.switch);
    const choose = (wanted) => choices.forEach((choice, i) => {
      choice.classList.toggle("chosen", i === wanted);
      tabs.children[i].setAttribute("aria-pressed", String(i === wanted));
    });
    choices.forEach((choice, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = choice.dataset.choice;
      button.addEventListener("click", () => choose(i));
      tabs.append(button);
    });
    part.prepend(tabs);
    part.classList.add("live");
    choose(0);
  }

  // Sorting.
  for (const table of all("table.sortable")) {
    const heads = all("thead th", table);
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const isNumber = head.classList.contains("number");
        const down = head.getAttribute("aria-sort") ? head.getAttribute("aria-sort") === "ascending" : isNumber;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const key = (row) => { const cell = row.cells[column]; return cell.dataset.sort !== undefined ? Number(cell.dataset.sort) : cell.textContent.trim(); };
        const order = (x, y) => (typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y), undefined, { numeric: true }));
        const body = table.tBodies[0];
        body.append(...[...body.rows].sort((x, y) => (down ? -1 : 1) * order(key(x), key(y))));
      });
    });
  }

  // Hover values: the chart's own table of figures, read at the pointer. Arrow keys do the same.
  const tip = document.querySelector(".tip");
  for (const figure of all("figure.chart")) {
    const rows = all(".figures tbody tr[data-at]", figure);
    if (!rows.length) continue;
    const at = rows.map((row) => Number(row.dataset.at));
    const heads = all(".figures thead th", figure).map((head) => head.textContent);
    for (const svg of all("svg[data-box]", figure)) {
      const [left, top, right, bottom] = svg.dataset.box.split(" ").map(Number);
      const [from, to] = svg.dataset.range.split(" ").map(Number);
      let cross = null, shown = -1;
      const hide = () => { tip.hidden = true; if (cross) cross.remove(); cross = null; shown = -1; };
      const show = (index) => {
        shown = index;
        const x = left + (at[index] - from) / (to - from) * (right - left);
        if (!cross) { cross = document.createElementNS("http://www.w3.org/2000/svg", "line"); cross.setAttribute("class", "cross"); svg.append(cross); }
        for (const [key, value] of [["x1", x], ["x2", x], ["y1", top], ["y2", bottom]]) cross.setAttribute(key, value);
        const cells = [...rows[index].cells].map((cell) => cell.textContent);
        const title = document.createElement("b");
        title.textContent = cells[0];
        tip.replaceChildren(title, ...cells.slice(1).map((words, i) => {
          const line = document.createElement("div");
          for (const part of [heads[i + 1], words]) { const span = document.createElement("span"); span.textContent = part; line.append(span); }
          return line;
        }));
        tip.hidden = false;
        const place = svg.getBoundingClientRect(), scale = place.width / svg.viewBox.baseVal.width;
        const wanted = place.left + x * scale + 14;
        const beside = wanted + tip.offsetWidth > root.clientWidth - 8 ? place.left + x * scale - tip.offsetWidth - 14 : wanted;
        tip.style.left = `${Math.max(beside, 4) + scrollX}px`;
        tip.style.top = `${place.top + top * scale + scrollY + 6}px`;
      };
      const nearest = (event) => {
        const place = svg.getBoundingClientRect();
        const value = from + ((event.clientX - place.left) / place.width * svg.viewBox.baseVal.width - left) / (right - left) * (to - from);
        let best = 0;
        at.forEach((one, i) => { if (Math.abs(one - value) < Math.abs(at[best] - value)) best = i; });
        return best;
      };
      svg.setAttribute("tabindex", "0");
      svg.addEventListener("pointermove", (event) => show(nearest(event)));
      svg.addEventListener("pointerdown", (event) => show(nearest(event)));
      svg.addEventListener("pointerleave", hide);
      svg.addEventListener("blur", hide);
      svg.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10 }[event.key];
        if (step) { event.preventDefault(); show(Math.min(Math.max(shown + step, 0), at.length - 1)); }
        else if (event.key === "Escape") hide();
      });
    }
  }

  // Paper shows everything.
  addEventListener("beforeprint", () => all("details.more").forEach((one) => { one.open = true; }));
})();
