import { styleText } from 'node:util';
import { cut, widthOf } from './text.js';

export type Style = Parameters<typeof styleText>[0];
export type Piece = { text: string; style?: Style };
/** A line of the screen: measured and cut as text, coloured last, so that escape codes are never counted or cut. */
export type Line = Piece[];

export function lineWidth(line: Line): number {
  return line.reduce((sum, { text }) => sum + widthOf(text), 0);
}

/** At most `width` columns. */
export function cutLine(line: Line, width: number): Line {
  let left = width;
  const kept: Line = [];
  for (const piece of line) {
    const text = cut(piece.text, left);
    if (text !== '') kept.push({ ...piece, text });
    left -= widthOf(text);
    if (text !== piece.text) break;
  }
  return kept;
}

/** Exactly `width` columns. */
export function fitLine(line: Line, width: number): Line {
  const kept = cutLine(line, width);
  const missing = width - lineWidth(kept);
  return missing > 0 ? [...kept, { text: ' '.repeat(missing) }] : kept;
}

export function toText(line: Line, colors: boolean): string {
  const paint = ({ text, style }: Piece) =>
    style && colors ? styleText(style, text, { validateStream: false }) : text;
  return line.map(paint).join('').trimEnd();
}
