import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Plugin } from 'vite';

/** What pdf.js loads by name when a document needs it, and the files of it that this page can use. */
const wanted = {
  cmaps: /\.bcmap$|LICENSE/,
  standard_fonts: /\.(pfb|ttf)$|LICENSE/,
  // The page's security policy allows no WebAssembly: the JavaScript decoders take its place.
  wasm: /_nowasm_fallback\.js$|LICENSE_(OPENJPEG|JBIG2|PDFJS_OPENJPEG|PDFJS_JBIG2)$/,
};

/** Adds pdf.js' character maps, standard fonts and image decoders under a path with its version. */
export function pdfjsAssets(): Plugin {
  return {
    name: 'pdfjs-assets',
    apply: 'build',
    async generateBundle() {
      const manifest = createRequire(import.meta.url).resolve('pdfjs-dist/package.json');
      const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
      for (const [folder, pattern] of Object.entries(wanted)) {
        const from = join(dirname(manifest), folder);
        for (const name of (await readdir(from)).filter((file) => pattern.test(file))) {
          this.emitFile({
            type: 'asset',
            fileName: `assets/pdfjs-${version}/${folder}/${name}`,
            source: await readFile(join(from, name)),
          });
        }
      }
    },
  };
}
