import { start } from './serve.mjs';

/** Starts the application once for all tests; what it answers stops it again. */
export default async function setup(): Promise<() => Promise<void>> {
  const stack = await start();
  process.env.PAGE_GENERATED = stack.generated;
  process.env.PAGE_EXTRACTIVE = stack.extractive;
  process.env.PAGE_MODEL = stack.model;
  return stack.stop;
}
