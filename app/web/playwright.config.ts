import { defineConfig } from '@playwright/test';
import { chromiumOptions } from './e2e/chromium.mjs';

export default defineConfig({
  testDir: 'e2e',
  globalSetup: './e2e/setup.ts',
  // One database and one account for all: the tests take turns.
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  outputDir: 'test-results',
  use: {
    browserName: 'chromium',
    launchOptions: chromiumOptions,
    viewport: { width: 1280, height: 800 },
    contextOptions: { reducedMotion: 'reduce' },
    screenshot: 'only-on-failure',
  },
});
