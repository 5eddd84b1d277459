/** Text as a terminal lays it out: names come from vendors and users, in any script. */

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const NOTHING_TO_SEE = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
/** Unicode's East Asian Wide and Fullwidth, by blocks, and what is drawn as an emoji. */
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{1fa70}-\u{1faff}\u{20000}-\u{3fffd}]|^\p{Emoji_Presentation}|\ufe0f/u;

/** One column each, which is nearly all there ever is. */
const ORDINARY = /^[ -~\u00ae-\u02ff\u2010-\u2027\u2500-\u25ff✓✗]*$/;

/** How many columns the text takes. */
export function widthOf(text: string): number {
  if (ORDINARY.test(text)) return text.length;
  let width = 0;
  for (const { segment } of GRAPHEMES.segment(text)) width += graphemeWidth(segment);
  return width;
}

function graphemeWidth(grapheme: string): number {
  if (NOTHING_TO_SEE.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
}

/** On one line, and nothing in it that a terminal would obey or that turns the reading direction. */
export function plain(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, '');
}

/** At most `width` columns; what is cut ends in `…`. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let left = width - 1;
  for (const { segment } of GRAPHEMES.segment(text)) {
    left -= graphemeWidth(segment);
    if (left < 0) break;
    kept += segment;
  }
  return width < 1 ? '' : `${kept}…`;
}
