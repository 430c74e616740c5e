/// <reference lib="dom" />
import { make } from "./dom.ts";

/** A column, with what it shows and what it sorts by. */
export interface Column<Row> {
  title: string;
  show: (row: Row) => string;
  /** Class names of the cell; `name` is left-aligned. */
  look?: (row: Row) => string;
  sort?: (row: Row) => number | string;
}

/** A table that can show other rows every second and keeps its order and scroll position. */
export interface Table<Row> {
  update(rows: Row[], note?: string): void;
}

/** Options of {@linkcode makeTable}. */
export interface TableOptions<Row> {
  title: string;
  columns: Column<Row>[];
  /** What is shown instead of no rows. */
  empty: string;
  wide?: boolean;
  /** Called when all rows are to be shown, or the first ones again. */
  onExpand?: (all: boolean) => void;
  /** Title of the column by which it is sorted at first, in descending order. */
  sortedBy?: string;
  /** Called when another column sorts. */
  onSort?: (title: string) => void;
}

/** How many rows are shown until somebody asks for all, so that one long table does not push the others away. */
export const SHOWN_AT_FIRST = 10;

/** Makes a table at the end of `parent`. */
export function makeTable<Row>(parent: HTMLElement, options: TableOptions<Row>): Table<Row> {
  const { columns } = options;
  let sorting = columns.find(({ title }) => title === options.sortedBy);
  let descending = true;
  let shown: Row[] = [];
  let all = false;
  const head = make("tr");
  const body = make("tbody");
  const names = columns.filter((column) => isName(column) || column.look === LABEL);
  const nameOf = (row: Row) => JSON.stringify(names.map(({ show }) => show(row)));
  /** The rows whose names are shown whole, on several lines. Where nothing hovers there is no other way to read them. */
  const whole = new Set<string>();
  body.addEventListener("click", ({ target }) => {
    const line = (target as Element).closest("tr");
    const row = line && rowsNow[line.sectionRowIndex];
    // Whoever selects text does not mean the row.
    if (!row || !getSelection()?.isCollapsed) return;
    const name = nameOf(row);
    if (!whole.delete(name) && [...line.cells].some(isCut)) whole.add(name);
    render();
  });
  let rowsNow: Row[] = [];
  const note = make("p", { className: "note", hidden: true });
  const empty = make("p", { className: "empty", textContent: options.empty });
  const more = make("button", { type: "button", className: "more", hidden: true });
  more.addEventListener("click", () => {
    all = !all;
    options.onExpand?.(all);
    render();
  });
  const { frame, measure } = makeScroller(options.title, make("table", {}, make("thead", {}, head), body));
  parent.append(
    make(
      "div",
      { className: options.wide ? "panel wide" : "panel" },
      make("h2", {}, options.title),
      frame,
      empty,
      more,
      note,
    ),
  );

  for (const column of columns) {
    const cell = make("th", {
      scope: "col",
      className: isName(column) ? "name" : column.look === LABEL ? "label" : "",
    });
    if (column.sort) {
      const button = make("button", { type: "button", textContent: column.title });
      button.addEventListener("click", () => {
        // Names begin with A, numbers with the largest.
        descending = sorting === column ? !descending : !isName(column);
        sorting = column;
        options.onSort?.(column.title);
        render();
      });
      cell.append(button);
    } else cell.textContent = column.title;
    head.append(cell);
  }

  function render(): void {
    const rows = [...shown];
    const by = sorting?.sort;
    if (by) rows.sort((a, b) => compare(by(a), by(b)) * (descending ? -1 : 1));
    columns.forEach((column, i) => {
      const cell = head.cells[i];
      if (column === sorting) cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    });
    more.hidden = rows.length <= SHOWN_AT_FIRST;
    more.textContent = all ? `Show the first ${SHOWN_AT_FIRST}` : `Show all ${rows.length}`;
    more.setAttribute("aria-expanded", String(all));
    if (!all) rows.splice(SHOWN_AT_FIRST);
    rowsNow = rows;
    while (body.rows.length > rows.length) body.deleteRow(-1);
    rows.forEach((row, i) => {
      const line = body.rows[i] ?? body.insertRow();
      line.classList.toggle("whole", whole.has(nameOf(row)));
      columns.forEach((column, j) => {
        const cell = line.cells[j] ?? line.insertCell();
        const text = column.show(row);
        // Unchanged cells are left alone, so that text in them can be selected.
        if (cell.textContent !== text) cell.textContent = text;
        const look = column.look?.(row) ?? "";
        if (cell.className !== look) cell.className = look;
        if (look !== "" && cell.title !== text) cell.title = text;
      });
    });
    frame.hidden = rows.length === 0;
    empty.hidden = rows.length > 0;
    measure();
  }

  return {
    update(rows, text = "") {
      shown = rows;
      note.textContent = text;
      note.hidden = text === "";
      render();
    },
  };
}

/** Whether the end of a cell's text does not fit into it. */
function isCut({ scrollWidth, clientWidth }: HTMLElement): boolean {
  return scrollWidth > clientWidth;
}

/**
 * Makes the frame in which a wide table scrolls. A shade at the edge tells that there are columns beyond it; the keyboard reaches
 * them when the frame has the focus.
 */
function makeScroller(title: string, table: HTMLTableElement): { frame: HTMLElement; measure: () => void } {
  const scroll = make("div", { className: "scroll" }, table);
  const frame = make("div", { className: "frame" }, scroll);
  const measure = () => {
    const hidden = scroll.scrollWidth - scroll.clientWidth;
    const isCut = hidden > 1;
    frame.classList.toggle("cut", isCut && scroll.scrollLeft < hidden - 1);
    // Only what scrolls is a stop of the Tab key.
    if (isCut === scroll.hasAttribute("tabindex")) return;
    for (const [name, value] of Object.entries({ tabindex: "0", role: "region", "aria-label": title })) {
      if (isCut) scroll.setAttribute(name, value);
      else scroll.removeAttribute(name);
    }
  };
  scroll.addEventListener("scroll", measure, { passive: true });
  new ResizeObserver(measure).observe(scroll);
  return { frame, measure };
}

/** The look of a column of names. */
export const NAME = () => "name";

/** The look of a name beside the first column. */
export const LABEL = () => "label";

function isName<Row>(column: Column<Row>): boolean {
  return column.look === NAME;
}

function compare(a: number | string, b: number | string): number {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}
