/** A stretch of a paragraph. There is no kind that carries markup, an image or a script. */
export type Inline =
  | { type: 'text'; text: string }
  | { type: 'strong'; children: Inline[] }
  | { type: 'emphasis'; children: Inline[] }
  | { type: 'code'; text: string }
  | { type: 'link'; href: string; host: string; text: string }
  /** A marker [n] that has a citation. */
  | { type: 'citation'; id: number }
  | { type: 'break' };

/** An open run of * or _ that a later run may close. */
interface Delimiter {
  type: 'delimiter';
  character: string;
  count: number;
  /** Its index among the pieces; nothing before an open run ever moves. */
  at: number;
}

type Piece = Inline | Delimiter;

const citationMarker = /^\[(\d{1,4}(?:\s*,\s*\d{1,4})*)\](?!\()/;
const image = /^!\[([^\]]{0,400})\]\([^)]{0,2000}\)/;
const link = /^\[([^\]]{1,400})\]\(\s*<?([^\s)>]{1,2000})>?(?:\s+["'(][^)]{0,500}["')])?\s*\)/;
const bareUrl = /^https?:\/\/[^\s<>"'`\]]{1,2000}/i;
const angledUrl = /^<(https?:\/\/[^\s<>]{1,2000})>/i;
const hardBreak = /^(?: {2,}|\\)\n/;

/**
 * Reads a paragraph's Markdown. isCitation says which numbers have a citation; a marker without one
 * stays the text that it is.
 */
export function parseInline(source: string, isCitation: (id: number) => boolean): Inline[] {
  return new InlineParser(source, isCitation).parse();
}

class InlineParser {
  readonly #source: string;
  readonly #isCitation: (id: number) => boolean;
  #at = 0;
  #text = '';
  readonly #pieces: Piece[] = [];
  readonly #open: Record<string, Delimiter[]> = { '*': [], _: [] };

  constructor(source: string, isCitation: (id: number) => boolean) {
    this.#source = source;
    this.#isCitation = isCitation;
  }

  parse(): Inline[] {
    while (this.#at < this.#source.length) this.#step();
    this.#flush();
    return merged(this.#pieces.map(asInline));
  }

  #step(): void {
    const character = this.#source.charAt(this.#at);
    switch (character) {
      case '\\':
        if (this.#match(hardBreak, () => ({ type: 'break' }))) return;
        if (/^[!-/:-@[-`{-~]/.test(this.#source.charAt(this.#at + 1))) this.#at++;
        this.#take();
        return;
      case ' ':
        if (this.#match(hardBreak, () => ({ type: 'break' }))) return;
        break;
      case '\n':
        this.#at++;
        this.#text = `${this.#text.trimEnd()} `;
        return;
      case '`':
        this.#code();
        return;
      case '!':
        if (this.#match(image, ([, alt = '']) => ({ type: 'text', text: alt }))) return;
        break;
      case '[':
        if (
          this.#citations() ||
          this.#match(link, ([, words = '', target = '']) => this.#link(target, words))
        )
          return;
        break;
      case '<':
        if (this.#match(angledUrl, ([, target = '']) => this.#link(target, ''))) return;
        break;
      case 'h':
      case 'H':
        if (!/\w$/.test(this.#text) && this.#bareUrl()) return;
        break;
      case '*':
      case '_':
        this.#emphasis(character);
        return;
    }
    this.#take();
  }

  #take(): void {
    this.#text += this.#source.charAt(this.#at++);
  }

  #flush(): void {
    if (this.#text !== '') this.#pieces.push({ type: 'text', text: this.#text });
    this.#text = '';
  }

  #push(piece: Piece): void {
    this.#flush();
    this.#pieces.push(piece);
  }

  #match(pattern: RegExp, make: (found: RegExpExecArray) => Inline | undefined): boolean {
    const found = pattern.exec(this.#source.slice(this.#at, this.#at + 3000));
    const inline = found ? make(found) : undefined;
    if (!found || !inline) return false;
    this.#push(inline);
    this.#at += found[0].length;
    return true;
  }

  #citations(): boolean {
    const found = citationMarker.exec(this.#source.slice(this.#at, this.#at + 60));
    const ids = found?.[1]?.split(',').map(Number) ?? [];
    if (!found || !ids.every(this.#isCitation)) return false;
    for (const id of ids) this.#push({ type: 'citation', id });
    this.#at += found[0].length;
    return true;
  }

  // Only what a reader can recognise is a link: absolute http(s), its host shown beside the words.
  #link(target: string, words: string): Inline | undefined {
    if (!URL.canParse(target)) return undefined;
    const { href, host, protocol } = new URL(target);
    return protocol === 'http:' || protocol === 'https:'
      ? { type: 'link', href, host, text: words || href }
      : undefined;
  }

  #bareUrl(): boolean {
    const found = bareUrl.exec(this.#source.slice(this.#at, this.#at + 2100));
    // The stop at the end of a sentence is not part of the address.
    const target = found?.[0].replace(/[.,;:!?)*_]+$/, '') ?? '';
    const inline = this.#link(target, '');
    if (!inline) return false;
    this.#push(inline);
    this.#at += target.length;
    return true;
  }

  // A run of backticks is closed by the next run of the same length; without one it is just text.
  #code(): void {
    const run = /^`+/.exec(this.#source.slice(this.#at))?.[0] ?? '`';
    let from = this.#at + run.length;
    for (;;) {
      const end = this.#source.indexOf(run, from);
      if (end < 0) {
        this.#text += run;
        this.#at += run.length;
        return;
      }
      let after = end + run.length;
      while (this.#source.charAt(after) === '`') after++;
      if (after === end + run.length && this.#source.charAt(end - 1) !== '`') {
        this.#push({ type: 'code', text: codeText(this.#source.slice(this.#at + run.length, end)) });
        this.#at = after;
        return;
      }
      from = after;
    }
  }

  #emphasis(character: string): void {
    let end = this.#at;
    while (this.#source.charAt(end) === character) end++;
    const before = this.#source.charAt(this.#at - 1);
    const after = this.#source.charAt(end);
    const leftFlanking = isFlank(after, before);
    const rightFlanking = isFlank(before, after);
    const insideWord = character === '_' && isWord(before) && isWord(after);
    this.#flush();
    const run: Delimiter = { type: 'delimiter', character, count: end - this.#at, at: this.#pieces.length };
    this.#at = end;
    if (rightFlanking && !insideWord) this.#close(run);
    if (run.count === 0) return;
    run.at = this.#pieces.length;
    this.#pieces.push(run);
    if (leftFlanking && !insideWord) this.#open[character]?.push(run);
  }

  #close(run: Delimiter): void {
    while (run.count > 0) {
      const opener = this.#open[run.character]?.at(-1);
      if (!opener) return;
      this.#forgetAfter(opener);
      const width = opener.count >= 2 && run.count >= 2 ? 2 : 1;
      const children = merged(this.#pieces.splice(opener.at + 1).map(asInline));
      opener.count -= width;
      run.count -= width;
      if (opener.count === 0) {
        this.#open[run.character]?.pop();
        this.#pieces.pop();
      }
      this.#pieces.push({ type: width === 2 ? 'strong' : 'emphasis', children });
    }
  }

  // What was opened in between stays text: emphasis never crosses emphasis.
  #forgetAfter(opener: Delimiter): void {
    for (const stack of Object.values(this.#open)) {
      while ((stack.at(-1)?.at ?? -1) > opener.at) stack.pop();
    }
  }
}

function asInline(piece: Piece): Inline {
  if (piece.type !== 'delimiter') return piece;
  return { type: 'text', text: piece.character.repeat(piece.count) };
}

function merged(inlines: Inline[]): Inline[] {
  const result: Inline[] = [];
  for (const inline of inlines) {
    const last = result.at(-1);
    if (inline.type === 'text' && last?.type === 'text') last.text += inline.text;
    else result.push(inline);
  }
  return result;
}

function codeText(text: string): string {
  const line = text.replaceAll('\n', ' ');
  return /^ .*[^ ].* $/.test(line) ? line.slice(1, -1) : line;
}

// A run leans on the side where it touches something that is neither space nor, unless the other
// side is loose too, punctuation (CommonMark, delimiter runs).
function isFlank(side: string, other: string): boolean {
  if (isSpace(side)) return false;
  return !isPunctuation(side) || isSpace(other) || isPunctuation(other);
}

function isSpace(character: string): boolean {
  return character === '' || /\s/.test(character);
}

function isPunctuation(character: string): boolean {
  return /[\p{P}\p{S}]/u.test(character);
}

function isWord(character: string): boolean {
  return character !== '' && !isSpace(character) && !isPunctuation(character);
}
