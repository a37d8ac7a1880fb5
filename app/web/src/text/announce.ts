/** Milliseconds between two announcements: a screen reader needs time to speak the last one. */
const pause = 4000;

/**
 * What of a growing text to announce next: whole sentences since the last time, never half a word,
 * and not sooner than a reader can follow. Markers and Markdown signs are not spoken.
 */
export class Announcer {
  #spoken = 0;
  #last = Number.NEGATIVE_INFINITY;

  /** The words to announce now (milliseconds), or an empty string for none yet. */
  next(text: string, now: number, finished: boolean): string {
    if (!finished && now - this.#last < pause) return '';
    const end = finished ? text.length : endOfLastSentence(text);
    if (end <= this.#spoken) return '';
    const words = spoken(text.slice(this.#spoken, end));
    this.#spoken = end;
    if (words !== '') this.#last = now;
    return words;
  }
}

function endOfLastSentence(text: string): number {
  const ends = [...text.matchAll(/[.!?:](?:\s*\[\d+\])*\s|\n/g)];
  const last = ends.at(-1);
  return last ? last.index + last[0].length : 0;
}

function spoken(text: string): string {
  return text
    .replaceAll(/\[\d+(?:\s*,\s*\d+)*\]/g, '')
    .replaceAll(/^\s*(?:[-*+>]|#{1,6})\s/gm, '')
    .replaceAll(/[*_`]/g, '')
    .replaceAll(/\s+([.,;:!?])/g, '$1')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
