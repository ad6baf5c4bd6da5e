// The one place that says which characters are not what they seem. Each set includes the one before.

// C0, DEL, C1 and the line separators of Unicode: they steer terminals, and forge lines in logs. Spelled as code
// points, because such a pattern is faster than one by category.
const CONTROLS = String.raw`\u0000-\u001f\u007f-\u009f\u2028\u2029`;

// Besides those: everything without a glyph (zero-width characters, soft hyphens, marks that turn the direction of
// writing, tags, fillers, selectors), spaces that look like the usual one, halves of surrogate pairs.
const WITHOUT_GLYPH = String.raw`\p{Cf}\p{Default_Ignorable_Code_Point}`;
const LIKE_A_SPACE = String.raw`\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u2800`;

/** Characters that no id and no text of one line may have. */
export const CONTROL = new RegExp(`[${CONTROLS}]`);

/** Characters that a terminal does not show, or shows as something else. */
export const UNSEEN = new RegExp(String.raw`[${CONTROLS}${WITHOUT_GLYPH}${LIKE_A_SPACE}]|\p{Surrogate}`, 'gu');

/** True for a text of several lines with a character that steers a terminal, or that is not well-formed. */
export const hasControls = (text: string): boolean => CONTROL.test(text.replace(/[\t\n]/g, '')) || !text.isWellFormed();
