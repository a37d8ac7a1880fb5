import type { Citation } from '../api/api';

/** Milliseconds for the pointer to travel from a marker to its tip without losing it. */
const grace = 160;

/** The quote that is shown beside a marker while it is pointed at or focused. */
class Tip {
  shown = $state.raw<{ citation: Citation; anchor: HTMLElement }>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  show(citation: Citation, anchor: HTMLElement): void {
    clearTimeout(this.#timer);
    this.shown = { citation, anchor };
  }

  keep(): void {
    clearTimeout(this.#timer);
  }

  leave(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.hide();
    }, grace);
  }

  hide(): void {
    clearTimeout(this.#timer);
    this.shown = undefined;
  }
}

export const tip = new Tip();
