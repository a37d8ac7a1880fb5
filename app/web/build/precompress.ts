import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Plugin } from 'vite';

const brotli = promisify(brotliCompress);
const deflate = promisify(gzip);

/** Formats that are not compressed in themselves and that every visit loads. */
const compressible = /\.(css|html|js|md|svg)$/;

/** A compressed copy has to save this share of the file, or it is not worth its place. */
const worthwhile = 0.9;

/** Writes NAME.br and NAME.gz beside every file that gets smaller by it. */
export function precompress(): Plugin {
  return {
    name: 'precompress',
    apply: 'build',
    async writeBundle({ dir }) {
      if (dir === undefined) return;
      const entries = await readdir(dir, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile() && compressible.test(entry.name));
      for (const file of files) await compress(join(file.parentPath, file.name));
    },
  };
}

async function compress(path: string): Promise<void> {
  const bytes = await readFile(path);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  await writeIfSmaller(`${path}.br`, await brotli(bytes, { params }), bytes.length);
  await writeIfSmaller(
    `${path}.gz`,
    await deflate(bytes, { level: constants.Z_BEST_COMPRESSION }),
    bytes.length,
  );
}

async function writeIfSmaller(path: string, compressed: Buffer, before: number): Promise<void> {
  if (compressed.length < before * worthwhile) await writeFile(path, compressed);
}

/** Puts .gitkeep back, so that the server builds from a fresh checkout and the checkout stays clean. */
export function keepFolder(): Plugin {
  return {
    name: 'keep-folder',
    apply: 'build',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: '.gitkeep', source: '' });
    },
  };
}
