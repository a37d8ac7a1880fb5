export type Theme = 'system' | 'light' | 'dark';

const key = 'chatpdf.theme';
const order: Theme[] = ['system', 'light', 'dark'];

/** Light, dark, or as the system is. Remembered by the browser, if it remembers anything. */
class ThemeState {
  value = $state<Theme>(remembered());

  next(): void {
    this.value = order[(order.indexOf(this.value) + 1) % order.length] ?? 'system';
    this.apply();
    try {
      localStorage.setItem(key, this.value);
    } catch {
      // A browser that stores nothing still changes its colours until it is closed.
    }
  }

  apply(): void {
    if (this.value === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.value;
  }
}

function remembered(): Theme {
  try {
    return order.find((theme) => theme === localStorage.getItem(key)) ?? 'system';
  } catch {
    return 'system';
  }
}

export const theme = new ThemeState();
