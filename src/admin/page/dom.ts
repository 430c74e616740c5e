/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

/** Returns an element that the page has from the start. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`Cannot find #${id}`);
  return element;
}

/** Makes an element. Text is never set as HTML, because names of clients and certificates come from the network. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Partial<HTMLElementTagNameMap[Tag]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Returns a colour of the style sheet as it is now, in light or dark mode. */
export function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
