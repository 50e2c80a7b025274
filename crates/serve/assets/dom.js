// Elements without a framework.

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    // Of what is not so, ARIA wants to be told.
    if (value === undefined || value === null || (value === false && !name.startsWith("aria-"))) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else element.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : String(value));
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An HTML element. `style` is an object, `onclick` a function; text is text, never HTML. */
export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

/** The same for SVG. */
export const s = (tag, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

export const $ = (id) => document.getElementById(id);

// SVG elements have the attribute alone.
export const show = (element, visible) => { element.toggleAttribute("hidden", !visible); };

export const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;

/** A metric's value: shares in percent, anything else as it is. */
export function score(value) {
  if (value === undefined || value === null || Number.isNaN(value)) return "–";
  return value.toFixed(4);
}

export const seconds = (t) => `${Math.floor(t / 60)}:${(t % 60).toFixed(1).padStart(4, "0")}`;

/** Hands a file to the browser's downloads. */
export function download(name, content, type) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** Rows as CSV text (RFC 4180). A cell that a spreadsheet would take for a formula is text. */
export function csv(rows) {
  const cell = (value) => {
    let text = value === undefined || value === null ? "" : String(value);
    if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

/** Says what went wrong, above everything else; nothing clears it. */
export function alertUser(text) {
  const place = $("alert");
  place.textContent = text ?? "";
  show(place, Boolean(text));
}
