/** Comma-separated values (RFC 4180) that a spreadsheet takes for text and numbers only. */

/** A row; what a spreadsheet would take for a formula is made text, since names, reasons and tags are other people's. */
export function csvRow(values: readonly (string | number)[]): string {
  return values.map((value) => (typeof value === "number" ? String(value) : quotedField(value))).join(",")
}

/** https://owasp.org/www-community/attacks/CSV_Injection */
function quotedField(text: string): string {
  const harmless = /^[=+@\t\r\n-]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
