/** What a view's templates say by themselves, between their ${values}. */

/**
 * The literal parts of every html`…` and svg`…` in a module, each joined by ${} where a value stands.
 * @param {string} source
 * @returns {string[]}
 */
export function templatesIn(source) {
  /** @type {string[]} */ const found = [];
  const start = /\b(?:html|svg)`/gu;
  for (let match = start.exec(source); match; match = start.exec(source)) {
    found.push(literal(source, match.index + match[0].length).text);
  }
  return found;
}

/** From behind a backquote to the one that closes it. @param {string} source @param {number} from */
function literal(source, from) {
  let text = "";
  let at = from;
  while (source[at] !== "`") {
    if (at >= source.length) throw new Error("a template without an end");
    if (source[at] === "\\") at += 1;
    if (source.startsWith("${", at)) {
      at = expression(source, at + 2);
      text += "${}";
    } else {
      text += source[at];
      at += 1;
    }
  }
  return { text, end: at + 1 };
}

/** Behind the brace that closes an expression; strings and templates inside are passed over. @param {string} source @param {number} from */
function expression(source, from) {
  let depth = 1;
  let at = from;
  while (depth > 0) {
    const sign = source[at];
    if (sign === undefined) throw new Error("an expression without an end");
    if (sign === "`") at = literal(source, at + 1).end;
    else if (sign === '"' || sign === "'") at = source.indexOf(sign, at + 1) + 1;
    else {
      depth += sign === "{" ? 1 : sign === "}" ? -1 : 0;
      at += 1;
    }
  }
  return at;
}

/** Text between tags, without the values. @param {string} template */
export const textOf = (template) => template.replaceAll(/<[^>]*>/gu, " ").replaceAll("${}", " ");

/** What attributes that are read aloud or shown say by themselves. @param {string} template */
export const spokenAttributesOf = (template) =>
  Array.from(template.matchAll(/\s(?:aria-label|aria-description|title|placeholder|alt)="([^"]*)"/gu), ([, value]) => (value ?? "").replaceAll("${}", " "));
