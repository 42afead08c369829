/** Owns the meanings that output may colour. Colour never carries a meaning alone; without colour every paint is the text itself. */

/** Paints by meaning. */
export interface Palette {
  readonly good: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
}

/** Name of a paint. */
export type Paint = keyof Palette;

const same = (text: string): string => text;

/** The palette without colour. */
export const PLAIN: Palette = { good: same, warn: same, bad: same, strong: same, faint: same };

/** The palette of a stream; chalk is loaded only where there is colour. */
export async function paletteFor(colored: boolean): Promise<Palette> {
  if (!colored) return PLAIN;
  const { colorPalette } = await import('./color.ts');
  return colorPalette();
}
