/**
 * Somebody else's words as a part of ours: nothing in them that a terminal obeys (also what is written from right to left),
 * one line, and no more than `limit` characters, for they are kept in events and statuses.
 */
export function plainText(text: string, limit = 300): string {
  const plain = text
    .slice(0, 4 * limit)
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, " ")
    .trim();
  return plain.length > limit || text.length > 4 * limit ? `${plain.slice(0, limit)}…` : plain;
}
