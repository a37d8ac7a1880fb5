import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { pdfjsAssets } from './build/pdfjs-assets.ts';
import { keepFolder, precompress } from './build/precompress.ts';

export default defineConfig({
  plugins: [svelte(), pdfjsAssets(), keepFolder(), precompress()],
  build: {
    // Everything is a file of its own origin, cached by its hash; nothing is inlined as data.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: 'assets/licenses.md' },
    rolldownOptions: {
      output: {
        // Not every server knows that .mjs is JavaScript, and a worker of another type is refused.
        assetFileNames: ({ names }) =>
          names[0]?.endsWith('.mjs') ? 'assets/pdf.worker-[hash].js' : 'assets/[name]-[hash][extname]',
      },
    },
    reportCompressedSize: false,
    // pdf.js, in a chunk of its own that is loaded when a document is opened.
    chunkSizeWarningLimit: 600,
  },
  test: { include: ['src/**/*.test.ts'] },
});
