import { parseInline, type Inline } from './inline';

/** A block of an answer. */
export type Block =
  | { type: 'paragraph'; children: Inline[] }
  | { type: 'heading'; level: number; children: Inline[] }
  | { type: 'list'; ordered: boolean; start: number; items: Block[][] }
  | { type: 'code'; text: string }
  | { type: 'quote'; children: Block[] }
  | { type: 'rule' };

/** Quotes and lists nested deeper than this are read as text. */
const deepest = 8;

const fence = /^ {0,3}(`{3,}|~{3,})/;
const heading = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
const rule = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const quote = /^ {0,3}> ?/;
const bullet = /^( {0,3})([-*+]|\d{1,9}[.)])( +|$)/;
const blank = /^\s*$/;

/**
 * Reads the Markdown that answers are written in: paragraphs, headings, lists, quotes, code. The
 * text may end anywhere, because it is read again while it comes. HTML and images are just text.
 */
export function parseMarkdown(source: string, isCitation: (id: number) => boolean): Block[] {
  const lines = source.replaceAll(/\r\n?/g, '\n').replaceAll('\t', '    ').split('\n');
  return parseLines(lines, isCitation, 0);
}

function parseLines(lines: string[], isCitation: (id: number) => boolean, depth: number): Block[] {
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const opening = fence.exec(line)?.[1];
    const title = heading.exec(line);
    if (blank.test(line)) at++;
    else if (opening) at = takeCode(lines, at, opening, blocks);
    else if (title) {
      const children = parseInline(title[2] ?? '', isCitation);
      blocks.push({ type: 'heading', level: title[1]?.length ?? 1, children });
      at++;
    } else if (rule.test(line)) {
      blocks.push({ type: 'rule' });
      at++;
    } else if (quote.test(line) && depth < deepest) at = takeQuote(lines, at, isCitation, depth, blocks);
    else if (bullet.test(line) && depth < deepest) at = takeList(lines, at, isCitation, depth, blocks);
    else at = takeParagraph(lines, at, isCitation, depth, blocks);
  }
  return blocks;
}

function takeCode(lines: string[], at: number, opening: string, blocks: Block[]): number {
  const text: string[] = [];
  let end = at + 1;
  while (end < lines.length && !(lines[end] ?? '').trim().startsWith(opening)) {
    text.push(lines[end] ?? '');
    end++;
  }
  blocks.push({ type: 'code', text: text.join('\n') });
  return end + 1;
}

function takeQuote(
  lines: string[],
  at: number,
  isCitation: (id: number) => boolean,
  depth: number,
  blocks: Block[],
): number {
  const inside: string[] = [];
  let end = at;
  while (end < lines.length && quote.test(lines[end] ?? '')) {
    inside.push((lines[end] ?? '').replace(quote, ''));
    end++;
  }
  blocks.push({ type: 'quote', children: parseLines(inside, isCitation, depth + 1) });
  return end;
}

function takeList(
  lines: string[],
  at: number,
  isCitation: (id: number) => boolean,
  depth: number,
  blocks: Block[],
): number {
  const first = bullet.exec(lines[at] ?? '')?.[2] ?? '-';
  const items: Block[][] = [];
  let end = at;
  while (end < lines.length) {
    const found = bullet.exec(lines[end] ?? '');
    if (!found || kindOf(found[2] ?? '') !== kindOf(first) || rule.test(lines[end] ?? '')) break;
    const width = found[0].length + (found[3] === '' ? 1 : 0);
    const inside = [(lines[end] ?? '').slice(found[0].length)];
    end = takeItem(lines, end + 1, width, inside);
    items.push(parseLines(inside, isCitation, depth + 1));
  }
  const start = Number.parseInt(first, 10);
  blocks.push({ type: 'list', ordered: !Number.isNaN(start), start: start || 1, items });
  return end;
}

// An item goes on with what is indented under it, with a lazy line of its paragraph, and across one
// blank line if what follows is still under it or is the next item.
function takeItem(lines: string[], from: number, width: number, inside: string[]): number {
  let end = from;
  while (end < lines.length) {
    const line = lines[end] ?? '';
    if (blank.test(line)) {
      const next = lines[end + 1] ?? '';
      if (indentOf(next) >= Math.min(width, 2) && !blank.test(next)) inside.push('');
      else return bullet.test(next) ? end + 1 : end;
    } else if (indentOf(line) >= Math.min(width, 2)) inside.push(line.slice(Math.min(indentOf(line), width)));
    else if (startsBlock(line) || blank.test(inside.at(-1) ?? '')) return end;
    else inside.push(line);
    end++;
  }
  return end;
}

function takeParagraph(
  lines: string[],
  at: number,
  isCitation: (id: number) => boolean,
  depth: number,
  blocks: Block[],
): number {
  let end = at + 1;
  while (end < lines.length && !blank.test(lines[end] ?? '')) {
    if (depth < deepest && startsBlock(lines[end] ?? '')) break;
    end++;
  }
  const text = lines
    .slice(at, end)
    .map((line) => line.trimStart())
    .join('\n')
    .trimEnd();
  blocks.push({ type: 'paragraph', children: parseInline(text, isCitation) });
  return end;
}

function startsBlock(line: string): boolean {
  return [fence, heading, rule, quote, bullet].some((pattern) => pattern.test(line));
}

function kindOf(marker: string): string {
  return /\d/.test(marker) ? marker.slice(-1) : marker;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}
